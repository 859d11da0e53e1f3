import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CellarError, diskError, errnoOf, type Run } from '../../model/index.ts';
import { makeFolders, writeWhole } from '../disk.ts';
import { names } from '../home.ts';

/** What a worker has to know of a run whose folder it may not reach; no secret is in it. */
const ticketSchema = v.object({
	format: v.literal(1),
	run: v.string(),
	/** The run's folder, as whoever made this saw it. */
	directory: v.string(),
	/** What the run's marks are told by. */
	nonce: v.pipe(v.string(), v.regex(/^\w+$/)),
	/** Existence checks are recorded. */
	checks: v.boolean(),
});
export type Ticket = v.InferOutput<typeof ticketSchema>;

/**
 * What workers have to know of a run.
 *
 * @throws CellarError CELLAR_USAGE where nobody would read what they report
 */
export function ticketOf({ run, circumstances: { tracer, nonce, checks } }: Run, directory: string): Ticket {
	if (tracer === null) {
		throw new CellarError('CELLAR_USAGE', `run ${run} is not traced: nobody would read what its workers used`, {
			hint: 'name the run of a cellar audit',
		});
	}
	return { format: 1, run, directory, nonce, checks };
}

/** @param where what it stands in, for the error. @throws CellarError CELLAR_REPORT_UNREADABLE */
export function parseTicket(value: unknown, where: string): Ticket {
	const read = v.safeParse(ticketSchema, value);
	if (read.success) return read.output;
	const message = `it does not say for which run it was made: ${v.summarize(read.issues).split('\n', 1)[0] ?? ''}`;
	throw new CellarError('CELLAR_REPORT_UNREADABLE', message, { where });
}

/** In a folder that takes reports in place of a run's: for which run. */
export const ticketFile = 'report.json';

/**
 * Opens a folder for the reports of workers that cannot reach their run: it is built as the run's own, with `workers/` and `logs/`.
 * Several workers of one run may share it.
 *
 * @returns the folder
 * @throws CellarError CELLAR_USAGE where it holds anything else; CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function openReports(folder: string, ticket: Ticket): Promise<string> {
	const path = join(folder, ticketFile);
	try {
		await makeFolders(folder);
		const text = await readFile(path, 'utf8').catch((error: unknown) => {
			if (errnoOf(error) === 'ENOENT') return null;
			throw error;
		});
		const mine = `${JSON.stringify(ticket, null, '\t')}\n`;
		if (text === null && (await readdir(folder)).some((name) => !name.startsWith('.'))) throw notOurs(folder, 'something else');
		if (text !== null && text !== mine) throw notOurs(folder, 'reports of another run');
		if (text === null) await writeWhole(path, mine);
		await makeFolders(join(folder, names.logs));
		return folder;
	} catch (cause) {
		throw diskError(cause, `make a folder for reports at ${folder}`, { hint: 'name another by --out' });
	}
}

function notOurs(folder: string, what: string): CellarError {
	return new CellarError('CELLAR_USAGE', `the folder for the report holds ${what}`, {
		where: folder,
		hint: 'name another by --out: one that is empty, or not there',
	});
}
