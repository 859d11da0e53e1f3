import { CellarError, type Name } from '../model/index.ts';

/** What is left out of a comparison, by pattern; each gives the pattern that says so, or null. */
export interface Ignored {
	cell(number: number): string | null;
	/** @param path absolute; `relative` where it lies below the run's folder */
	file(path: Name, relative: Name | null): string | null;
}

/**
 * Reads `--ignore`: `cell:N` is a cell, anything else a glob on files. `*` and `?` stay within a folder, `**` goes through any;
 * a pattern without a slash is held against a file's own name, one with a slash against its path, relative or absolute, and
 * with a slash at its end it is everything below.
 *
 * @throws CellarError CELLAR_USAGE for a cell that is no number
 */
export function readIgnored(patterns: readonly string[]): Ignored {
	const cells = new Map<number, string>();
	const globs: { readonly pattern: string; readonly test: RegExp; readonly ofName: boolean }[] = [];
	for (const pattern of patterns) {
		const cell = /^cell:(.*)$/.exec(pattern);
		if (cell === null) globs.push({ pattern, test: globToRegExp(pattern), ofName: !pattern.includes('/') });
		else if (/^[1-9]\d*$/.test(cell[1] ?? '')) cells.set(Number(cell[1]), pattern);
		else throw new CellarError('CELLAR_USAGE', `${pattern} names no cell`, { hint: 'cells are counted from 1: --ignore cell:3' });
	}
	return {
		cell: (number) => cells.get(number) ?? null,
		file: (path, relative) => {
			const name = path.slice(path.lastIndexOf('/') + 1);
			const found = globs.find(({ test, ofName }) =>
				ofName ? test.test(name) : test.test(path) || (relative !== null && test.test(relative)),
			);
			return found?.pattern ?? null;
		},
	};
}

function globToRegExp(pattern: string): RegExp {
	const whole = pattern.replace(/^\.\//, '').replace(/\/$/, '/**');
	const source = whole.replace(/\*\*\/|\*\*|\*|\?|[^*?]+/gu, (part) => {
		if (part === '**/') return '(?:.*/)?';
		if (part === '**') return '.*';
		if (part === '*') return '[^/]*';
		if (part === '?') return '[^/]';
		return part.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
	});
	return new RegExp(`^${source}$`, 'su');
}
