import type { Name } from '../../model/index.ts';
import { cleaned, joined, linkTextOf, lstatOf, namesIn, parentOf } from '../paths.ts';

/** A step on the way to a file: a folder, a link, or the file itself. */
export interface Step {
	/** Without a link in it but the last word. */
	readonly path: Name;
	readonly kind: 'file' | 'directory' | 'link' | 'other';
	/** A link's text. */
	readonly target: Name | null;
	readonly mode: number;
	readonly size: number;
	readonly mtime: number;
	readonly ctime: number;
	readonly born: number;
}

/** The way to a path, as a program goes it. */
export interface Way {
	/** Every folder and link on it, each once, in their order; where it ends stands last. */
	readonly steps: readonly Step[];
	/** Where it ends, links resolved; null where something is missing. */
	readonly end: Step | null;
}

/** Goes ways and remembers every step: a run's paths share nearly all of theirs. */
export interface Walker {
	walk(path: Name): Way;
	/** What lies at a path whose folders are no links. */
	look(path: Name): Step | null;
	/** The names in a folder, sorted. */
	names(folder: Name): readonly Name[];
}

const longestChain = 40;

export function createWalker(): Walker {
	const seen = new Map<Name, Step | null>();
	const look = (path: Name): Step | null => {
		let step = seen.get(path);
		if (step === undefined) seen.set(path, (step = stepAt(path)));
		return step;
	};
	const ways = new Map<Name, Way>();

	/** The way to a folder is kept: it is asked for each file in it. */
	function wayTo(path: Name, links: number): Way {
		if (path === '/') return { steps: [], end: look('/') };
		const known = ways.get(path);
		if (known !== undefined) return known;
		const way = findWay(path, links);
		if (way.end?.kind === 'directory') ways.set(path, way);
		return way;
	}

	function findWay(path: Name, links: number): Way {
		const above = wayTo(parentOf(path), links);
		if (above.end?.kind !== 'directory') return { steps: above.steps, end: null };
		const name = path.slice(path.lastIndexOf('/') + 1);
		if (name === '..') {
			const up = wayTo(parentOf(above.end.path), links);
			return { steps: [...above.steps, ...up.steps], end: up.end };
		}
		const here = look(joined(above.end.path, name));
		if (here === null) return { steps: above.steps, end: null };
		if (here.kind !== 'link') return { steps: [...above.steps, here], end: here };
		if (links >= longestChain || here.target === null) return { steps: [...above.steps, here], end: null };
		// Not cleaned as text: `..` behind a link goes up from where the link leads.
		const target = here.target.startsWith('/') ? here.target : `${above.end.path === '/' ? '' : above.end.path}/${here.target}`;
		const on = wayTo(withoutDots(target), links + 1);
		return { steps: [...above.steps, here, ...on.steps], end: on.end };
	}

	return {
		walk: (path) => wayTo(withoutDots(path), 0),
		look: (path) => look(cleaned(path)),
		names: (folder) => namesIn(folder) ?? [],
	};
}

/** Without `//`, `/./` and a slash at the end; `..` stays. */
function withoutDots(path: Name): Name {
	const clean = path.replaceAll(/\/(\.?\/)+/g, '/').replace(/\/\.?$/, '');
	return clean === '' ? '/' : clean;
}

function stepAt(path: Name): Step | null {
	const state = lstatOf(path);
	if (state === null) return null;
	const link = state.isSymbolicLink();
	return {
		path,
		kind: state.isFile() ? 'file' : state.isDirectory() ? 'directory' : link ? 'link' : 'other',
		target: link ? linkTextOf(path) : null,
		mode: state.mode & 0o7777,
		size: state.size,
		mtime: Math.floor(state.mtimeMs),
		ctime: Math.floor(state.ctimeMs),
		born: state.birthtimeMs > 0 ? Math.floor(state.birthtimeMs) : 0,
	};
}
