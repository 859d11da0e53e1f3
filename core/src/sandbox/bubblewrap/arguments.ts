import { statSync, writeFileSync } from 'node:fs';
import { CellarError } from '../../model/index.ts';
import { fromName, fromText, placeIn, toName, type Path, type Place } from '../places.ts';
import type { SandboxOptions } from '../runner.ts';

/** Where the sandbox's own things lie in a root, links resolved. */
export interface Places {
	readonly proc: Place;
	readonly dev: Place;
	readonly sys: Place;
	readonly tmp: Place;
	readonly home: Place;
	readonly cwd: Place;
	readonly binds: readonly Place[];
	/** `/dev/shm` where the run worked there: then it belongs to the tree, so that what is written in it is not lost. */
	readonly shm: Path | null;
}

/**
 * Looks up every path that is to be mounted on or made.
 *
 * @throws CellarError CELLAR_IMAGE_BROKEN where the root has something else than a folder in its place; CELLAR_NO_SUCH_FILE for a bind that is not there
 */
export function placesOf(o: SandboxOptions): Places {
	const root = fromText(o.root);
	const folder = (path: Path): Place => {
		const place = placeIn(root, path);
		if (place.kind === null || place.kind === 'directory') return place;
		throw new CellarError('CELLAR_IMAGE_BROKEN', `${toName(path)} is not a folder in the image`, { where: toName(path) });
	};
	for (const { from } of o.binds) {
		if (statSync(from, { throwIfNoEntry: false }) === undefined) {
			throw new CellarError('CELLAR_NO_SUCH_FILE', `${from} does not exist and cannot be shown to the program`, { where: from });
		}
	}
	const [home, cwd, shm] = [folder(fromName(o.home)), folder(fromName(o.cwd)), folder('/dev/shm')];
	const worksThere = shm.kind !== null || [home, cwd].some((place) => `${place.path}/`.startsWith('/dev/shm/'));
	return {
		proc: folder('/proc'),
		dev: folder('/dev'),
		sys: folder('/sys'),
		tmp: folder('/tmp'),
		home,
		cwd,
		binds: o.binds.map(({ to }) => placeIn(root, fromName(to))),
		// Through a link it would be another folder, perhaps one of this machine.
		shm: worksThere && shm.path === '/dev/shm' ? shm.path : null,
	};
}

/**
 * bubblewrap's options, in the order in which it mounts, and the paths that they bring into being in the tree.
 *
 * @param merged the writable tree, a path of this machine
 * @returns words for `--args`, one character a byte
 * @see bwrap(1)
 */
export function bubblewrapOptions(
	o: SandboxOptions,
	merged: string,
	places: Places,
): { words: readonly Path[]; made: ReadonlySet<Path> } {
	const { proc, dev, sys, tmp, home, cwd, binds, shm } = places;
	const options: readonly (readonly Path[])[] = [
		// --unshare-all does without a user namespace where there is none to be had. The session keeps the program from the terminal.
		['--unshare-all', '--unshare-user', '--die-with-parent', '--new-session'],
		o.network ? ['--share-net'] : [],
		// bubblewrap is root of the outer namespace and would hand its capabilities on.
		['--cap-drop', 'ALL'],
		// The program was root: it may do with its own files what root may, and no more.
		o.uid === 0 ? ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER'].flatMap((name) => ['--cap-add', name]) : [],
		['--bind', fromText(merged), '/'],
		['--proc', proc.path, '--dev', dev.path, '--ro-bind', '/sys', sys.path],
		shm === null ? [] : ['--bind', `${fromText(merged)}${shm}`, shm],
		tmp.missing.length > 0 ? ['--perms', '1777', '--dir', tmp.path] : [],
		// Spelt out, because bubblewrap closes the folders that it makes above a file to all others.
		...[home, cwd, ...binds.map((place) => ({ missing: place.missing.slice(0, -1) }))].map(({ missing }) =>
			missing.flatMap((path) => ['--perms', '0755', '--dir', path]),
		),
		...o.binds.map(({ from, writable }, at) => {
			// One place a bind, in the same order.
			const { path } = binds[at]!;
			return [writable ? '--bind' : '--ro-bind', fromText(from), path];
		}),
		['--hostname', fromText(o.hostname), '--uid', String(o.uid), '--gid', String(o.gid)],
		['--clearenv', ...Object.entries(o.env).flatMap(([name, value]) => ['--setenv', fromText(name), fromText(value)])],
		['--chdir', fromName(o.cwd)],
	];
	const made = new Set([proc, dev, sys, tmp, home, cwd, ...binds].flatMap((place) => place.missing));
	if (shm !== null) made.add('/dev').add(shm);
	return { words: options.flat(), made };
}

/** Writes options where overlay.sh looks for them: in a file that only its owner can read, for the environment is among them. */
export function writeArguments(folder: string, words: readonly Path[]): void {
	writeFileSync(`${folder}/args`, Buffer.from(words.map((word) => `${word}\0`).join(''), 'latin1'), { mode: 0o600 });
}
