import type { FileFact, Layer, Name, PackedPath } from '../../model/index.ts';
import { baseOf, isWithin, joined, parentOf } from '../paths.ts';
import { createWalker, type Step, type Walker } from './walk.ts';

/** Why a path goes in, and what is known of it. */
export interface Because {
	readonly layer: Layer;
	readonly reason: string;
	/** Where the bytes are, if not at the path itself. */
	readonly source?: PackedPath['source'];
	/** What it must still be; null where nothing is known. */
	readonly expected?: PackedPath['expected'];
}

/** What is not in the image though the run used it; `lost` where its first state could not be kept. */
export interface LeftOut {
	readonly path: Name;
	readonly reason: string;
	readonly lost: boolean;
}

/** The paths of an image as they are gathered. What was put in first stays: the surest reasons come first. */
export interface Packing {
	readonly walker: Walker;
	/**
	 * Puts in what a program finds when it asks for a path: every link on its way, and what lies at its end.
	 *
	 * @returns where the way ends; null where nothing is there
	 */
	ask(path: Name, because: Because): Step | null;
	/** The same for a file whose bytes are kept elsewhere, so that it need not be there any more. */
	askFor(path: Name, because: Because & { readonly source: PackedPath['source'] }, mode: number): void;
	/** A file that is not there any more, though the image needs it: whoever writes the image says so. */
	gone(path: Name, because: Because): void;
	/** A file that is made up here. */
	write(path: Name, bytes: Buffer, because: Because): void;
	/** A folder at the end of a path, made where it is not there. */
	folder(path: Name, because: Because): void;
	/** All files below a folder, links as links with what they lead to. */
	tree(folder: Name, because: (file: Step) => Because | null): void;
	has(path: Name): boolean;
	get(path: Name): PackedPath | undefined;
	all(): IterableIterator<PackedPath>;
	remove(path: Name): boolean;
	leave(path: Name, reason: string, lost?: boolean): void;
	readonly leftOut: readonly LeftOut[];
}

/** What no image holds: the sandbox brings its own. */
const never = ['/proc', '/sys', '/dev', '/run', '/var/run', '/.cellar'];
/** Below these there may be data of the user's. */
const kept = ['/dev/shm', '/run/media'];

export function createPacking(): Packing {
	const walker = createWalker();
	const packed = new Map<Name, PackedPath>();
	const leftOut = new Map<Name, LeftOut>();
	const put = (one: PackedPath) => {
		if (!isNever(one.path) && !packed.has(one.path)) packed.set(one.path, one);
	};
	const putStep = (step: Step, because: Because) => {
		const { path, mode, target } = step;
		const { layer, reason } = because;
		if (step.kind === 'file') {
			put({ ...fileAt(path, because), mode });
		} else if (step.kind === 'link')
			put({ path, layer, kind: 'link', target, source: { from: 'path' }, mode: 0o777, expected: null, reason });
		else if (step.kind === 'directory') put(folderAt(path, layer, reason));
	};
	/** Where a file would be: no link may stand above it in an image. */
	const placeOf = (path: Name) => {
		const above = walker.walk(parentOf(path)).end;
		return above === null ? path : joined(above.path, baseOf(path));
	};
	const self: Packing = {
		walker,
		ask(path, because) {
			const { steps, end } = walker.walk(path);
			for (const step of steps) if (step.kind === 'link') putStep(step, because);
			if (end !== null) putStep(end, because);
			return end;
		},
		askFor(path, because, mode) {
			if (self.ask(path, because) === null) put({ ...fileAt(placeOf(path), because), mode });
		},
		gone: (path, because) => put(fileAt(placeOf(path), because)),
		write(path, bytes, { layer, reason }) {
			packed.set(path, {
				path,
				layer,
				kind: 'file',
				target: null,
				source: { from: 'bytes', bytes },
				mode: 0o644,
				expected: null,
				reason,
			});
		},
		folder(path, because) {
			const end = self.ask(path, because);
			if (end === null) put(folderAt(path, because.layer, because.reason));
		},
		tree(folder, because) {
			for (const step of filesBelow(folder, walker)) {
				const why = because(step);
				if (why === null) continue;
				if (step.kind === 'link') self.ask(step.path, why);
				else putStep(step, why);
			}
		},
		has: (path) => packed.has(path),
		get: (path) => packed.get(path),
		all: () => packed.values(),
		remove: (path) => packed.delete(path),
		leave(path, reason, lost = false) {
			if (leftOut.get(path)?.lost !== true) leftOut.set(path, { path, reason, lost });
		},
		get leftOut() {
			return [...leftOut.values()];
		},
	};
	return self;
}

function fileAt(path: Name, { layer, reason, source, expected }: Because): PackedPath {
	return {
		path,
		layer,
		kind: 'file',
		target: null,
		source: source ?? { from: 'path' },
		mode: 0o644,
		expected: expected ?? null,
		reason,
	};
}

function folderAt(path: Name, layer: Layer, reason: string): PackedPath {
	return { path, layer, kind: 'directory', target: null, source: { from: 'path' }, mode: 0o755, expected: null, reason };
}

export function isNever(path: Name): boolean {
	return path === '/' || never.some((folder) => isWithin(path, folder) && !kept.some((one) => isWithin(path, one)));
}

/** Files and links below a folder, without bytecode, which goes in with its source alone; links are not followed. */
function* filesBelow(folder: Name, walker: Walker): Generator<Step> {
	for (const name of walker.names(folder)) {
		if (name === '__pycache__') continue;
		const step = walker.look(`${folder === '/' ? '' : folder}/${name}`);
		if (step === null || step.kind === 'other') continue;
		if (step.kind === 'directory') yield* filesBelow(step.path, walker);
		else if (!baseOf(step.path).endsWith('.pyc')) yield step;
	}
}

/** What a file must still be, as the run left it. */
export function expectedOf(fact: FileFact | undefined, end: Step | null): PackedPath['expected'] {
	if (fact === undefined || fact.kind === 'gone' || fact.kind === 'directory') return null;
	const sha256 = fact.sha256After ?? fact.sha256Before;
	// A link's own size and time say nothing of what it leads to.
	if (fact.kind === 'link') return sha256 === null || end === null ? null : { size: end.size, sha256, mtime: null };
	return fact.size === null ? null : { size: fact.size, sha256, mtime: fact.mtime };
}
