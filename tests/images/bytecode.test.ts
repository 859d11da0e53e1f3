import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import type { PackedPath } from '../../core/src/model/index.ts';
import { extractImage, openImage } from '../../core/src/images/index.ts';
import { folder } from '../store/some.ts';
import { packed, sha256, write } from './some.ts';

const source = { from: 'path' } as const;

/** A folder with a module `greet` that Python has compiled. */
function compiled(how = 'TIMESTAMP'): { place: string; cached: string } {
	const place = folder();
	writeFileSync(join(place, 'greet.py'), 'word = "hello"\n');
	utimesSync(join(place, 'greet.py'), 1_600_000_000.75, 1_600_000_000.75);
	execFileSync('python3', ['-m', 'compileall', '-q', '--invalidation-mode', how.toLowerCase().replaceAll('_', '-'), place]);
	return { place, cached: join('__pycache__', readdirSync(join(place, '__pycache__'))[0]!) };
}

/** Packs these files of a folder, unpacks them elsewhere, and tells what was left out. */
async function moved(
	place: string,
	names: readonly string[],
	change: Partial<PackedPath> = {},
): Promise<{ root: string; leftOut: Record<string, string> }> {
	const elsewhere = folder();
	const paths = names.map((name) => packed(join(place, name), { source, ...change }));
	const written = await write(join(elsewhere, 'x'), paths);
	await extractImage(await openImage(join(elsewhere, 'x')), join(elsewhere, 'root'));
	return {
		root: join(elsewhere, 'root', place),
		leftOut: Object.fromEntries(written.leftOut.map(({ path, reason }) => [path.slice(place.length + 1), reason])),
	};
}

/** Imports `greet` from a folder: what it says, and where Python took its code from. */
function imported(from: string): { word: string; code: 'compiled before' | 'compiled now' | 'no source' } {
	const program = 'import sys; sys.path.insert(0, sys.argv[1]); import greet; print("word", greet.word)';
	const told = execFileSync('sh', ['-c', 'exec python3 -v -B -I -c "$0" "$1" 2>&1', program, from], { encoding: 'utf8' });
	const now = /^# code object from .*greet\.py'?$/m.test(told);
	const before = /^# .*greet\..*pyc matches .*greet\.py$/m.test(told);
	return { word: /^word (.*)$/m.exec(told)?.[1] ?? '', code: before ? 'compiled before' : now ? 'compiled now' : 'no source' };
}

test('a module that Python had compiled is not compiled again in the image', async () => {
	const { place, cached } = compiled();
	expect(imported(place)).toEqual({ word: 'hello', code: 'compiled before' });
	const { root, leftOut } = await moved(place, ['greet.py', cached]);
	expect(statSync(join(root, 'greet.py')).mtimeMs).not.toBe(statSync(join(place, 'greet.py')).mtimeMs);
	expect(imported(root)).toEqual({ word: 'hello', code: 'compiled before' });
	expect(leftOut).toEqual({});
});

test('bytecode that was stale stays so: it is left out, and the source that there is now runs', async () => {
	const { place, cached } = compiled();
	// As long as before, so that only the time tells.
	writeFileSync(join(place, 'greet.py'), 'word = "HELLO"\n');
	const newer = await moved(place, ['greet.py', cached]);
	expect(imported(newer.root)).toEqual({ word: 'HELLO', code: 'compiled now' });
	expect(newer.leftOut).toEqual({ [cached]: 'stale: compiled from another state of its source' });
	appendFileSync(join(place, 'greet.py'), '# longer\n');
	utimesSync(join(place, 'greet.py'), 1_600_000_000.75, 1_600_000_000.75);
	expect((await moved(place, ['greet.py', cached])).leftOut).toEqual({
		[cached]: 'stale: compiled from another state of its source',
	});
});

test('bytecode without its source is of use only where Python runs it: beside the source’s place, not in __pycache__', async () => {
	const { place, cached } = compiled();
	expect((await moved(place, [cached])).leftOut).toEqual({ [cached]: 'its source is not in the image' });
	const alone = folder();
	execFileSync('cp', ['-p', join(place, cached), join(alone, 'greet.pyc')]);
	const { root, leftOut } = await moved(alone, ['greet.pyc']);
	expect(leftOut).toEqual({});
	expect(imported(root)).toEqual({ word: 'hello', code: 'no source' });
});

test('bytecode that is checked by its source’s hash, or not at all, is packed as it is', async () => {
	for (const how of ['CHECKED_HASH', 'UNCHECKED_HASH']) {
		const { place, cached } = compiled(how);
		const { root, leftOut } = await moved(place, ['greet.py', cached]);
		expect(leftOut).toEqual({});
		expect(execFileSync('cmp', [join(place, cached), join(root, cached)], { encoding: 'utf8' })).toBe('');
		expect(imported(root)).toEqual({ word: 'hello', code: 'compiled before' });
	}
});

test('the source may come from the blob store: its recorded time decides', async () => {
	const { place, cached } = compiled();
	const shaOf = (name: string) => sha256(readFileSync(join(place, name))).slice(7);
	const pack = async (mtime: number | null) => {
		const elsewhere = folder();
		const written = await write(
			join(elsewhere, 'x'),
			[
				packed('/w/greet.py', {
					source: { from: 'blob', sha256: shaOf('greet.py') },
					expected: { size: 15, sha256: null, mtime },
				}),
				packed(`/w/${cached}`, { source: { from: 'blob', sha256: shaOf(cached) } }),
			],
			{ blobPath: (sha) => join(place, sha === shaOf('greet.py') ? 'greet.py' : cached) },
		);
		await extractImage(await openImage(join(elsewhere, 'x')), join(elsewhere, 'root'));
		return { code: imported(join(elsewhere, 'root/w')).code, leftOut: written.leftOut.map(({ reason }) => reason) };
	};
	expect(await pack(1_600_000_000_750)).toEqual({ code: 'compiled before', leftOut: [] });
	expect(await pack(1_600_000_001_750)).toEqual({
		code: 'compiled now',
		leftOut: ['stale: compiled from another state of its source'],
	});
	expect(await pack(null)).toEqual({ code: 'compiled now', leftOut: ['whether it fits its source cannot be told'] });
});

test('a .pyc that is no bytecode is left out with the reason', async () => {
	const place = folder();
	mkdirSync(join(place, '__pycache__'));
	writeFileSync(join(place, 'a.py'), '');
	writeFileSync(join(place, '__pycache__/a.cpython-311.pyc'), 'short');
	const { root, leftOut } = await moved(place, ['a.py', '__pycache__/a.cpython-311.pyc']);
	expect(leftOut).toEqual({ '__pycache__/a.cpython-311.pyc': 'not a whole .pyc file' });
	expect(existsSync(join(root, 'a.py'))).toBe(true);
	expect(basename(root)).toBe(basename(place));
});
