import type { Access, Ecosystem, FileFact, How, Layer, Name, PathVerdict } from '../../model/index.ts';
import { namesBefore } from '../data/listings.ts';
import { whySecret } from '../data/secrets.ts';
import { isMade, type Story } from '../data/story.ts';
import type { Judgement } from '../judge.ts';
import { isSystems, titleOf, type Package } from '../packages.ts';
import { isWithin, joined, parentOf } from '../paths.ts';
import type { World } from '../world.ts';
import { isWrittenAfresh } from './afresh.ts';
import { expectedOf, type Because, type Packing } from './packing.ts';
import type { Step } from './walk.ts';

/** What the paths that a run used bring into an image. */
export interface Asking {
	readonly j: Judgement;
	readonly files: ReadonlyMap<Name, FileFact>;
	readonly packing: Packing;
	/** Packages that go in whole. */
	readonly whole: ReadonlySet<Package>;
	readonly selected: (accesses: readonly Access[]) => boolean;
}

interface Asked extends Asking {
	readonly verdict: PathVerdict;
	readonly path: Name;
	readonly story: Story;
	/** It was opened, not only looked at. */
	readonly opened: boolean;
	readonly fact: FileFact | undefined;
	readonly folder: boolean;
	/** Files that nothing opened: they go in together, if there are not too many. */
	readonly unopened: Map<Name, Step[]>;
}

const opening: ReadonlySet<How> = new Set(['read', 'readwrite', 'execute', 'append', 'list']);

const packers: Readonly<Record<PathVerdict['verdict'], ((one: Asked) => void) | null>> = {
	software: packSoftware,
	input: packData,
	updated: packData,
	configuration: packSettings,
	system: packSystem,
	'tool folder': packSettings,
	unknown: packSettings,
	cache: packCache,
	'looked at': packLookedAt,
	secret: ({ packing, path, opened, verdict }) => (opened ? packing.leave(path, `a secret: ${verdict.reason}`) : undefined),
	output: packFolderOf,
	intermediate: packFolderOf,
	temporary: packFolderOf,
	runtime: null,
	missing: null,
};

/** Puts in what the run read, each with the links on its way; of the rest, what may matter is named as left out. */
export function packAsked(o: Asking): void {
	const { world, verdicts } = o.j;
	const unopened = new Map<Name, Step[]>();
	for (const verdict of [...verdicts.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
		const { path } = verdict;
		const pack = packers[verdict.verdict];
		const accesses = world.uses.of(path);
		if (pack === null || !o.selected(accesses)) continue;
		pack({
			...o,
			verdict,
			path,
			story: world.story(path),
			opened: accesses.some((access) => opening.has(access.how)),
			fact: o.files.get(path),
			folder: world.kind(path) === 'directory',
			unopened,
		});
	}
	packUnopened(o.packing, unopened, world);
}

/** What a language's installer brings. */
const packaged: ReadonlySet<Ecosystem> = new Set(['pypi', 'conda', 'cran', 'npm', 'julia']);

export function layerOf(one: Package | null): Layer {
	if (one === null || isSystems(one) || one.ecosystem === 'interpreter') return 'userland';
	return packaged.has(one.ecosystem) ? 'distributions' : 'code and data';
}

function packSoftware(one: Asked): void {
	const { j, path, opened, packing, fact, verdict, folder, whole } = one;
	if (folder || isBytecode(path)) return;
	const owner = j.packages.get(path) ?? null;
	const metadata = verdict.rule === 'python metadata';
	// A distribution of which only the metadata was read, or whose code was only looked for, is not packed for it.
	const byPackage = owner?.ecosystem === 'pypi' || owner?.ecosystem === 'conda';
	if (byPackage && !whole.has(owner) && !(metadata && opened)) return;
	if (owner === null && !opened) return;
	const reason = owner === null ? verdict.reason : titleOf(owner);
	const because = { layer: layerOf(owner), reason: metadata ? `metadata of ${reason}` : reason };
	if (owner?.ecosystem === 'local' && packBlob(one, because)) return;
	keep(one, packing.ask(path, { ...because, expected: expectedOf(fact, packing.walker.walk(path).end) }), because);
}

/** What the run used and is gone now is named in the image's plan, so that packing says so. */
function keep({ packing, path, fact, opened }: Asked, end: Step | null, because: Because): void {
	if (end !== null || !opened || fact === undefined || fact.kind === 'gone') return;
	packing.gone(path, { ...because, expected: expectedOf(fact, null) });
}

/** What the run made and a repeat cannot: a download, and what the project says is an input. */
const neededThoughMade: ReadonlySet<string> = new Set(['downloaded data', 'cellar.toml']);

function packData(one: Asked): void {
	const { packing, path, fact, folder, verdict, story } = one;
	if (folder) return packListing(one);
	const because = { layer: 'code and data', reason: verdict.verdict } as const;
	if (packBlob(one, because)) return;
	if (verdict.verdict === 'updated' || story.removed || (isMade(story) && !neededThoughMade.has(verdict.rule))) {
		packing.leave(path, `its first state was not kept: ${fact?.whyNoBlob ?? 'it changed before it could be saved'}`, true);
		return;
	}
	keep(one, packing.ask(path, { ...because, expected: expectedOf(fact, packing.walker.walk(path).end) }), because);
}

/** By the first state that the store kept, so that what happened to the file since does not matter; false where it kept none. */
function packBlob({ packing, path, fact, story }: Asked, because: Because): boolean {
	const blob = fact?.blobBefore ?? null;
	if (fact === undefined || blob === null) return false;
	// The size at the end of the run is the first one where the run did not write.
	const size = story.written === null && fact.kind === 'file' ? fact.size : null;
	const expected = size === null ? null : { size, sha256: blob, mtime: fact.mtime };
	packing.askFor(
		path,
		{ ...because, source: { from: 'blob', sha256: blob }, expected },
		fact.kind === 'file' ? (fact.mode ?? 0o644) : 0o644,
	);
	return true;
}

/** A folder whose names were read brings the files in it. */
function packListing({ packing, path, j, unopened }: Asked): void {
	packing.folder(path, { layer: 'code and data', reason: 'its names were read' });
	for (const name of namesBefore(path, j.world)) {
		const entry = joined(path, name);
		if (j.verdicts.has(entry) && j.verdicts.get(entry)?.verdict !== 'looked at') continue;
		const { end } = packing.walker.walk(entry);
		if (end?.kind === 'directory') packing.folder(entry, { layer: 'code and data', reason: `a name in ${path}` });
		else if (end?.kind === 'file') remember(unopened, path, { ...end, path: entry });
	}
}

/** Settings, what lies unrecorded among packages, and what tools keep: as they are now, where the run did not make them. */
function packSettings(one: Asked): void {
	const { path, opened, story, folder, packing, fact, verdict, j } = one;
	if (isMade(story) || (!opened && !folder)) return;
	const isSystems = isWithin(path, '/etc');
	const layer = isSystems ? 'userland' : verdict.verdict === 'unknown' ? 'distributions' : 'code and data';
	const owner = j.packages.get(path);
	const because = { layer, reason: owner === undefined ? verdict.verdict : `${verdict.verdict} of ${titleOf(owner)}` } as const;
	if (folder) return void packing.ask(path, because);
	if (isBytecode(path)) return;
	if (packBlob(one, because)) return;
	keep(one, packing.ask(path, { ...because, expected: expectedOf(fact, packing.walker.walk(path).end) }), because);
}

/** A larger cache is made again. */
const largestCache = 16 << 20;
const pointless = /^\/var\/cache\/fontconfig(\/|$)/;

function packSystem(one: Asked): void {
	const { path, packing, verdict, opened, folder } = one;
	if (verdict.rule !== 'made by the system' || isWrittenAfresh(path) || pointless.test(path)) return;
	if (/^\/etc\/machine-id$/.test(path)) return opened ? packing.leave(path, 'it names this machine') : undefined;
	if (/^\/etc\/(g?shadow|resolv\.conf)$/.test(path)) return;
	packing.ask(path, { layer: 'userland', reason: folder ? 'a folder of the system' : 'made by the system' });
}

/** A cache that was there and was read made the run what it was: without a list of fonts, matplotlib says that it builds one. */
function packCache(one: Asked): void {
	const { path, packing, story, opened, fact, folder, verdict } = one;
	if (folder || !opened || isMade(story) || isBytecode(path) || /\.(nbi|nbc)$/.test(path)) return;
	const { end } = packing.walker.walk(path);
	if (story.read === null || end === null) return;
	if (story.written !== null) return packing.leave(path, 'a cache that the run changed: it is made again');
	if (end.size > largestCache) return packing.leave(path, `a cache of ${megabytes(end.size)}: it is made again`);
	if (fact?.mtime !== undefined && fact.kind === 'file' && (fact.mtime !== end.mtime || fact.size !== end.size)) {
		return packing.leave(path, 'a cache that changed since the run: it is made again');
	}
	packing.ask(path, { layer: 'code and data', reason: `cache: ${verdict.reason}` });
}

function packLookedAt({ path, packing, folder, story, j, unopened, fact }: Asked): void {
	if (isMade(story)) return;
	const because = { layer: 'code and data', reason: 'it was there' } as const;
	if (folder) return void packing.ask(path, because);
	const near = isWithin(path, j.world.folder) || isWithin(path, j.world.home);
	const { end } = packing.walker.walk(path);
	if (near && end?.kind === 'file' && fact?.kind !== 'gone') remember(unopened, parentOf(path), { ...end, path });
}

/** What the run writes is not packed, but the folder that it writes into is, where it was there before. */
function packFolderOf({ path, j, packing }: Asked): void {
	const folder = parentOf(path);
	if (isMade(j.world.story(folder))) return;
	const { end } = packing.walker.walk(folder);
	if (end?.kind !== 'directory' || end.born >= j.world.started) return;
	packing.ask(folder, { layer: 'code and data', reason: 'the run wrote into it' });
}

/** Above these, files that nothing opened are named and not packed. */
const mostBytes = 64 << 20;
const mostFiles = 5000;

function remember(unopened: Map<Name, Step[]>, folder: Name, file: Step): void {
	const known = unopened.get(folder);
	if (known === undefined) unopened.set(folder, [file]);
	else known.push(file);
}

/** Files whose names were read and that nothing opened: with their content where it is small, for a name alone would be a lie. */
function packUnopened(packing: Packing, unopened: ReadonlyMap<Name, readonly Step[]>, { project }: World): void {
	let [bytes, count] = [0, 0];
	for (const [folder, files] of unopened) {
		const size = files.reduce((sum, file) => sum + file.size, 0);
		if (bytes + size > mostBytes || count + files.length > mostFiles) {
			packing.leave(
				folder,
				`${files.length} files in it (${megabytes(size)}) were named and not opened: a repeat does not see their names`,
			);
			continue;
		}
		bytes += size;
		count += files.length;
		for (const file of files) {
			const secret = whySecret(file.path)?.reason ?? project.whySecret([file.path]);
			if (secret !== null) packing.leave(file.path, `a secret: ${secret}`);
			else packing.ask(file.path, { layer: 'code and data', reason: 'looked at, not opened' });
		}
	}
}

export function isBytecode(path: Name): boolean {
	return /\.pyc(\.\d+)?$/.test(path);
}

function megabytes(bytes: number): string {
	return bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KB` : `${Math.round(bytes / (1 << 20))} MB`;
}
