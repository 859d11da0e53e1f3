import { resolve } from 'node:path';
import { closure } from '../dependencies/index.ts';
import { writeImage } from '../images/index.ts';
import { CellarError, encodeName, type Listener, type Name, type Run } from '../model/index.ts';
import { findRun, openBlobs, readRun } from '../store/index.ts';
import { judgeAgain } from './deps.ts';
import { firstOf } from './run/paths.ts';
import { recordPaths } from './record.ts';
import { version } from './version.ts';

/** What `cellar pack` was asked. */
export interface PackOptions {
	readonly home: string;
	readonly run: string;
	/** A folder, or a file that ends in `.oci.tar`; null for `NOTEBOOK.oci.tar` in `cwd`. */
	readonly target: string | null;
	readonly without: readonly string[];
	readonly with: readonly string[];
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
 * @throws CellarError CELLAR_CHANGED_SINCE with the list; CELLAR_LOST where the first state of an input was not kept, unless
 *   `allowMissing`; CELLAR_DISK_FULL with nothing half left
 */
export async function packRun(o: PackOptions, listen: Listener): Promise<Packed> {
	const { id, directory } = await findRun(o.home, o.run);
	const run = await readRun(directory);
	if (run.status === 'running')
		throw new CellarError('CELLAR_RUN_IN_USE', `run ${id} is still running`, { hint: 'pack it when it has ended' });
	if (run.repeatOf !== null) {
		// Its files were those of its image, and are gone with its sandbox.
		throw new CellarError('CELLAR_USAGE', `run ${id} is a repeat: what it ran on is an image already`, {
			hint: `pack the run that it repeats, where it is kept: ${run.repeatOf}`,
		});
	}
	listen({ type: 'step', what: 'finding what belongs to what was used', done: null, of: null });
	const { judgement, files } = await judgeAgain(o.home, directory, run);
	const needed = await closure(judgement, files, { without: o.without.map(absolute(o.cwd)), with: o.with.map(absolute(o.cwd)) });
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
	const asked = new Set(o.without.map(absolute(o.cwd)));
	const blobs = openBlobs(o.home);
	const record = await recordPaths(
		directory,
		blobs,
		{ format: 1, leftOut: leftOut.map((item) => ({ ...item, asked: asked.has(item.path) })) },
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
