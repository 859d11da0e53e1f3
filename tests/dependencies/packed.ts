import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { closure, type Closure } from '../../core/src/dependencies/index.ts';
import type { PackedPath } from '../../core/src/model/index.ts';
import { installed, type Judged, type Recorder } from './facts.ts';

export async function packed(
	judged: Judged,
	o: { without?: string[]; with?: string[] } = {},
): Promise<Closure & { at(path: string): PackedPath | undefined }> {
	const found = await closure(judged.judgement, judged.files, { without: o.without ?? [], with: o.with ?? [] });
	return { ...found, at: (path) => found.paths.find((one) => one.path === path) };
}

export const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** Every folder above a packed path must be one, or nobody can unpack it. */
export function checkPlain(paths: readonly PackedPath[]): void {
	const kinds = new Map(paths.map((one) => [one.path, one.kind]));
	expect(kinds.size).toBe(paths.length);
	for (const { path } of paths) {
		for (let above = dirname(path); above !== '/'; above = dirname(above))
			expect([path, kinds.get(above) ?? 'directory']).toEqual([path, 'directory']);
	}
}

/** Distributions of which one is used, two are required by it, one is scanned, and one is only looked for. */
export function environment(run: Recorder): string {
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(
		site,
		'used',
		'1',
		{ 'used/__init__.py': '', 'used/lazy.py': '', 'used/data.csv': 'a' },
		{ requires: ['helper-dist', 'absent'] },
	);
	installed(site, 'helper-dist', '2', { 'helper_dist.py': '' }, { requires: ['deep'] });
	installed(site, 'deep', '3', { 'deep.py': '' });
	installed(site, 'scanned', '4', { 'scanned.py': '' }, { extra: { 'entry_points.txt': '[x]' } });
	installed(site, 'untouched', '5', { 'untouched.py': '' });
	run.use('read', join(site, 'used/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'scanned-4.dist-info/entry_points.txt'), { cell: 1 });
	run.use('stat', join(site, 'untouched.py'), { cell: 1 });
	return site;
}
