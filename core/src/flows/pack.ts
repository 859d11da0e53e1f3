import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { closure } from '../dependencies/index.ts';
import { writeImage } from '../images/index.ts';
import { CellarError, decodeName, encodeName, fsPath, type Listener, type Name, type Run } from '../model/index.ts';
import { openBlobs, readRun } from '../store/index.ts';
import { judgeAgain } from './deps.ts';
import { firstOf } from './run/paths.ts';
import { recordPaths } from './record.ts';
import { sourceSecrets } from './secrets/given.ts';
import { refuseSecrets, secretsNamed } from './secrets/refuse.ts';
import { givenNotebook } from './run/notebook.ts';
import { version } from './version.ts';
import { openRun } from './workers/open.ts';

/** What `cellar pack` was asked. */
export interface PackOptions {
	readonly home: string;
	readonly run: string;
	/** A folder, or a file that ends in `.oci.tar`; null for `NOTEBOOK.oci.tar` in `cwd`. */
	readonly target: string | null;
	readonly without: readonly string[];
	readonly with: readonly string[];
	/** Pack what holds secrets in its own text: the sources of cells and modules, and names of files. */
	readonly withSecrets: boolean;
	readonly allowMissing: boolean;
	readonly cwd: string;
}

/** The document of `cellar pack --json`. */
export interface Packed {
	readonly format: 1;
	readonly run: string;
	readonly for: string;
	readonly imageFormat: 'oci';
	readonly path: string;
	readonly digest: string;
	readonly bytes: number;
	readonly layers: readonly { readonly digest: string; readonly bytes: number; readonly holds: string }[];
	readonly leftOut: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Makes an image of just what a run needed: the whole of `cellar pack`. The same run gives the same image, byte for byte.
 *
 * @throws CellarError CELLAR_CHANGED_SINCE with the list; CELLAR_SECRET_IN_SOURCE, unless `withSecrets`; CELLAR_LOST where the
 *   first state of an input was not kept, unless `allowMissing`; CELLAR_DISK_FULL with nothing half left
 */
export async function packRun(o: PackOptions, listen: Listener): Promise<Packed> {
	const { id, directory } = await openRun(o.home, o.run);
	const run = await readRun(directory);
	if (run.status === 'running')
		throw new CellarError('CELLAR_RUN_IN_USE', `run ${id} is still running`, { hint: 'pack it when it has ended' });
	if (run.repeatOf !== null) {
		// Its files were those of its image, and are gone with its sandbox.
		throw new CellarError('CELLAR_USAGE', `run ${id} is a repeat: what it ran on is an image already`, {
			hint: `pack the run that it repeats, where it is kept: ${run.repeatOf}`,
		});
	}
	if (!o.withSecrets && run.notebook !== null) refuseSecrets(sourceSecrets(await givenNotebook(directory)), run);
	listen({ type: 'step', what: 'finding what belongs to what was used', done: null, of: null });
	const { judgement, files } = await judgeAgain(o.home, directory, run);
	const without = o.without.map(absolute(o.cwd));
	const needed = await closure(judgement, files, { without, with: o.with.map(absolute(o.cwd)) });
	refuseIdle(without, needed.leftOut);
	const packed = new Set(needed.paths.map(({ path }) => path));
	if (!o.withSecrets) refuseSecrets(secretsNamed(judgement, files, packed), run);
	const lost = needed.leftOut.filter((item) => item.lost);
	if (lost.length > 0 && !o.allowMissing) {
		throw new CellarError(
			'CELLAR_LOST',
			`the first state of ${lost.length} inputs was not kept: ${firstOf(lost.map((item) => item.path))}`,
			{
				hint: 'audit again with a larger --keep-inputs, or pack without them by --allow-missing',
			},
		);
	}
	const leftOut = needed.leftOut.map(({ path, reason }) => ({ path, reason }));
	const blobs = openBlobs(o.home);
	const record = await recordPaths(
		directory,
		blobs,
		{
			format: 1,
			without,
			leftOut: leftOut.map((item) => ({ ...item, secret: judgement.verdicts.get(item.path)?.verdict === 'secret' })),
		},
		judgement.world.machine.dpkg().only(needed.paths.map(({ path }) => path)),
	);
	const target = resolve(o.cwd, o.target ?? defaultTarget(run));
	const written = await writeImage({
		target,
		paths: [...needed.paths, ...record],
		labels: labelsOf(run),
		blobPath: (sha256) => blobs.path(sha256),
		onStep: (step) => listen({ type: 'step', ...step }),
	});
	const all = [...leftOut, ...written.leftOut].toSorted((a, b) => (a.path < b.path ? -1 : 1));
	return {
		format: 1,
		run: id,
		for: 'run',
		imageFormat: 'oci',
		path: target,
		digest: written.digest,
		bytes: written.bytes,
		layers: written.layers,
		leftOut: all,
	};
}

/** A `--without` that leaves nothing out is a slip of the pen, and the file that was meant would be in the image. */
function refuseIdle(without: readonly Name[], leftOut: readonly { readonly path: Name }[]): void {
	for (const path of without) {
		const real = encodeName(realOf(path));
		const isBelow = (item: { readonly path: Name }) =>
			[path, real].some((one) => item.path === one || item.path.startsWith(`${one}/`));
		if (leftOut.some(isBelow)) continue;
		throw new CellarError('CELLAR_USAGE', `the image would hold nothing at ${path}, so nothing can be left out there`, {
			hint: 'cellar explain PATH tells what the run did with a file',
			where: `--without ${path}`,
		});
	}
}

function realOf(path: Name): Buffer {
	try {
		return realpathSync(fsPath(path), { encoding: 'buffer' });
	} catch {
		return decodeName(path);
	}
}

/** What the image's configuration says of it; `org.cellar.format` is what a reader checks first. */
function labelsOf(run: Run): Record<string, string> {
	return {
		'org.cellar.format': '1',
		'org.cellar.run': run.run,
		'org.cellar.version': version,
		'org.cellar.started': run.started,
	};
}

function defaultTarget(run: Run): string {
	const stem = run.notebook === null ? run.run : (run.notebook.split('/').at(-1) ?? run.run).replace(/\.ipynb$/, '');
	return `${stem}.oci.tar`;
}

function absolute(cwd: string): (path: string) => Name {
	return (path) => encodeName(Buffer.from(resolve(cwd, path)));
}
