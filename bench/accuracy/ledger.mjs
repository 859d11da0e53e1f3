/**
 * What a plan says of files, written down while the code that does it is written.
 *
 * @typedef {'read' | 'write' | 'change' | 'append' | 'list'} Deed `write` begins anew, `change` writes into what is there
 * @typedef {'text' | 'table' | 'numbers' | 'array' | 'raw' | 'object' | 'packed' | 'zip' | 'arrays' | 'database' | 'pickle'} Content
 * @typedef {{ path: string, content: Content }} Given a file that is there before the run
 * @typedef {{ path: string, role: 'input' | 'output' | 'intermediate' | 'updated', kind: 'file' | 'listing', cells: number[] }} TrueData
 */

/** A ledger of one notebook's files, by their paths from the notebook's folder. */
export function openLedger() {
	/** @type {Map<string, Content>} */
	const given = new Map();
	/** @type {Map<string, string>} */
	const links = new Map();
	/** @type {Map<string, { deed: Deed, cell: number }[]>} */
	const deeds = new Map();
	return {
		/** A file that is there before the run. */
		give: (path, content) => void given.set(path, content),
		/** A link that is there before the run; `target` is seen from the notebook's folder. */
		link: (path, target) => void links.set(path, target),
		/** A cell does something to a file. */
		note(path, deed, cell) {
			const known = deeds.get(path);
			if (known === undefined) deeds.set(path, [{ deed, cell }]);
			else known.push({ deed, cell });
		},
		/** What was done under one name counts for another from now on. */
		rename(from, to) {
			deeds.set(to, [...(deeds.get(to) ?? []), ...(deeds.get(from) ?? [])]);
			deeds.delete(from);
		},
		/** Files of a content that an earlier cell made. */
		made: (content, cell, contents) =>
			[...contents].flatMap(([path, one]) =>
				one === content && !given.has(path) && (deeds.get(path) ?? []).some((each) => each.cell < cell) ? [path] : [],
			),
		given: () => [...given].map(([path, content]) => ({ path, content })),
		links: () => [...links].map(([path, target]) => ({ path, target })),
		/** @returns {TrueData[]} what `cellar deps` should say */
		truth: () =>
			[...deeds].map(([path, all]) => ({
				path,
				role: roleOf(
					given.has(path),
					all.map((one) => one.deed),
				),
				kind: all[0].deed === 'list' ? 'listing' : 'file',
				cells: [...new Set(all.map((one) => one.cell))].sort((a, b) => a - b),
			})),
	};
}

/** The words of docs/dependencies.md, from the order of the deeds alone. */
function roleOf(wasThere, deeds) {
	const writes = deeds.findIndex((deed) => deed !== 'read' && deed !== 'list');
	if (writes < 0) return 'input';
	const readBefore = deeds.slice(0, writes).includes('read');
	const readLater = deeds.slice(writes + 1).includes('read');
	if (wasThere && (readBefore || deeds[writes] !== 'write')) return 'updated';
	return readLater ? 'intermediate' : 'output';
}
