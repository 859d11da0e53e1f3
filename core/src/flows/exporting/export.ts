import { installedWheels } from '../../dependencies/index.ts';
import { byReason, writers } from '../../exports/index.ts';
import {
	CellarError,
	fsPath,
	type Dependencies,
	type ExportFormat,
	type Exported,
	type IndexFile,
	type Listener,
} from '../../model/index.ts';
import { findRun, readRun } from '../../store/index.ts';
import { dependenciesOf, judgeAgain } from '../deps.ts';
import { version } from '../version.ts';
import { askIndexes } from './ask.ts';
import { readPipSettings } from './settings.ts';

/**
 * What a run needed, or a part of it, as the file of another tool: `cellar deps --format`.
 *
 * @param o.resolve whether the package index is asked for the archives; otherwise nothing leaves this machine
 * @throws CellarError CELLAR_USAGE where the format has no place for what the index would say; CELLAR_NO_INDEX; what
 *   `dependenciesOf` throws
 */
export async function exportDependencies(o: {
	readonly home: string;
	readonly run: string;
	readonly selector: string;
	readonly format: ExportFormat;
	readonly resolve: boolean;
	readonly env: Readonly<NodeJS.ProcessEnv>;
	readonly signal: AbortSignal;
	readonly listen: Listener;
}): Promise<{ readonly document: Dependencies; readonly exported: Exported }> {
	const { write, hashes } = writers[o.format];
	if (o.resolve && !hashes) {
		const others = Object.entries(writers).flatMap(([name, writer]) => (writer.hashes ? [name] : []));
		throw new CellarError('CELLAR_USAGE', `--resolve asks for hashes of archives, and ${o.format} has none of them`, {
			hint: `--resolve goes with --format ${others.join(', ')}`,
		});
	}
	const document = await dependenciesOf(o);
	const { directory } = await findRun(o.home, o.run);
	const { started } = await readRun(directory);
	const files = o.resolve ? await resolve(o, directory, document) : null;
	const exported = write({ document, started, cellar: version, files });
	for (const [reason, remarks] of byReason(exported.remarks)) {
		const names = remarks.map((one) => `${one.name} ${one.version ?? ''}`.trim());
		const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
		const how = remarks.every(({ held }) => held) ? 'holds in another way' : 'does not hold';
		const message = `${o.format} ${how} ${names.slice(0, mostNames).join(', ')}${more}: ${reason}`;
		o.listen({ type: 'warning', warning: { code: 'CELLAR_NOT_IN_FORMAT', message } });
	}
	return { document, exported };
}

/** How many names a warning has; the file's own comments, or `--json`, have them all. */
const mostNames = 6;

async function resolve(
	o: Pick<Parameters<typeof exportDependencies>[0], 'home' | 'env' | 'signal' | 'listen'>,
	directory: string,
	{ software }: Dependencies,
): Promise<ReadonlyMap<string, IndexFile>> {
	const { judgement } = await judgeAgain(o.home, directory, await readRun(directory));
	const { wheels, prefixes } = installedWheels(judgement);
	const listed = new Set(software.filter((item) => item.ecosystem === 'pypi').map((item) => `${item.name} ${item.version}`));
	const wanted = wheels.filter((wheel) => listed.has(`${wheel.name} ${wheel.version}`));
	const { indexes } = await readPipSettings(o.env, prefixes.map(fsPath).map(String));
	if (wanted.length > 0 && indexes.length === 0) {
		throw new CellarError('CELLAR_NO_INDEX', 'pip is told to use no package index (no-index)', {
			hint: 'PIP_NO_INDEX=0 for this command, or leave --resolve out',
		});
	}
	const told = (done: number) => o.listen({ type: 'step', what: 'asking the package index', done, of: wanted.length });
	return askIndexes({ indexes, wheels: wanted, signal: o.signal, told });
}
