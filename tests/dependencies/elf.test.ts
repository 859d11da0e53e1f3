import { execFileSync } from 'node:child_process';
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	readdirSync,
	realpathSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readElf, type Elf } from '../../core/src/dependencies/elf.ts';
import { createLoader, readCache } from '../../core/src/dependencies/closure/loader.ts';
import { folder } from './facts.ts';
import { pythonOf, siteOf } from './venv.ts';

function elfOf(path: string): Elf {
	const file = readElf(path);
	if (file.is !== 'elf') throw new Error(`${path} is ${file.is}`);
	return file.elf;
}

/** Libraries with extension modules of a real environment, and some of the system. */
function binaries(): string[] {
	const site = siteOf('kernel');
	const found = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => /\.so(\.[\d.]+)?$/.test(name));
	return [realpathSync(pythonOf('kernel')), '/bin/ls', '/bin/bash', ...found.slice(0, 40).map((name) => join(site, name))];
}

test('what an ELF file needs is what readelf says: libraries, search paths, its own name, its loader', () => {
	for (const path of binaries()) {
		const said = execFileSync('readelf', ['-dlW', path], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
		const all = (pattern: RegExp) => [...said.matchAll(pattern)].map((match) => match[1]!);
		const elf = elfOf(path);
		expect([path, elf.needed]).toEqual([path, all(/\(NEEDED\)\s+Shared library: \[([^\]]*)\]/g)]);
		expect([path, elf.soname]).toEqual([path, all(/\(SONAME\)\s+Library soname: \[([^\]]*)\]/g)[0] ?? null]);
		expect([path, elf.rpath.join(':')]).toEqual([path, all(/\(RPATH\)\s+Library rpath: \[([^\]]*)\]/g)[0] ?? '']);
		expect([path, elf.runpath.join(':')]).toEqual([path, all(/\(RUNPATH\)\s+Library runpath: \[([^\]]*)\]/g)[0] ?? '']);
		expect([path, elf.interpreter]).toEqual([path, all(/\[Requesting program interpreter: ([^\]]*)\]/g)[0] ?? null]);
	}
});

test('each library is where the loader itself finds it, from the search paths or its cache', () => {
	const loader = createLoader(null);
	for (const path of binaries()) {
		const said = execFileSync('ldd', [path], { encoding: 'utf8', env: { ...process.env, LD_LIBRARY_PATH: '' } });
		const truth = new Map([...said.matchAll(/^\s+(\S+) => (\/\S+) \(/gm)].map((match) => [match[1]!, realpathSync(match[2]!)]));
		// ldd follows everything that is needed; what is needed at once must be among it, at the same place.
		for (const need of loader.needs(path, elfOf(path), [])) {
			if (!truth.has(need.name)) continue;
			expect([path, need.name, need.path === null ? null : realpathSync(need.path)]).toEqual([
				path,
				need.name,
				truth.get(need.name),
			]);
		}
	}
});

test('a library beside the program is found by $ORIGIN, one of another machine is passed over', () => {
	const place = folder();
	mkdirSync(join(place, 'lib'));
	mkdirSync(join(place, 'wrong'));
	writeFileSync(join(place, 'inner.c'), 'int inner(void) { return 1; }\n');
	writeFileSync(join(place, 'main.c'), 'int inner(void); int main(void) { return inner() - 1; }\n');
	const gcc = (...words: string[]) => execFileSync('gcc', words, { cwd: place });
	gcc('-shared', '-fPIC', '-Wl,-soname,libinner.so.1', '-o', 'lib/libinner.so.1', 'inner.c');
	for (const [name, flag] of [
		['by-runpath', '--enable-new-dtags'],
		['by-rpath', '--disable-new-dtags'],
	] as const) {
		gcc('-o', name, 'main.c', 'lib/libinner.so.1', `-Wl,${flag},-rpath,$ORIGIN/wrong:$ORIGIN/lib`);
	}
	const foreign = readFileSync(join(place, 'lib/libinner.so.1'));
	foreign.writeUInt16LE(0xf3, 18); // RISC-V
	writeFileSync(join(place, 'wrong/libinner.so.1'), foreign);
	for (const name of ['by-runpath', 'by-rpath']) {
		const elf = elfOf(join(place, name));
		const inner = createLoader(null)
			.needs(join(place, name), elf, [])
			.find((need) => need.name === 'libinner.so.1');
		expect(inner?.path).toBe(join(place, 'lib/libinner.so.1'));
		expect(createLoader(null).handsOn(join(place, name), elf).length).toBe(name === 'by-rpath' ? 2 : 0);
	}
	const bare = elfOf(join(place, 'by-rpath'));
	const elsewhere = join(place, 'elsewhere');
	mkdirSync(elsewhere);
	copyFileSync(join(place, 'by-rpath'), join(elsewhere, 'program'));
	const found = (loader: ReturnType<typeof createLoader>) =>
		loader.needs(join(elsewhere, 'program'), bare, []).find((need) => need.name === 'libinner.so.1')?.path;
	expect(found(createLoader(null))).toBeNull();
	expect(found(createLoader(`/nowhere:${place}/lib`))).toBe(join(place, 'lib/libinner.so.1'));
});

test('ld.so.cache says what ldconfig prints of it', () => {
	const said = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
	const truth = [...said.matchAll(/^\s+(\S+) \(.*\) => (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
	const ours = [...readCache('/etc/ld.so.cache')].flatMap(([name, paths]) => paths.map((path) => `${name} ${path}`));
	expect(truth.length).toBeGreaterThan(10);
	expect(ours.toSorted()).toEqual(truth.toSorted());
	expect(readCache('/etc/passwd').size).toBe(0);
	expect(readCache('/nowhere').size).toBe(0);
});

test('a file cut or changed anywhere is read, broken or none, and never an exception', () => {
	const place = folder();
	const path = join(place, 'cut');
	const whole = readFileSync('/bin/ls');
	fc.assert(
		fc.property(fc.nat(whole.length), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }), (length, changes) => {
			const bytes = Buffer.from(whole.subarray(0, length));
			for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
			writeFileSync(path, bytes);
			expect(['elf', 'broken', 'other']).toContain(readElf(path).is);
		}),
		{ numRuns: 300 },
	);
	expect(readElf('/etc/passwd')).toEqual({ is: 'other' });
	expect(readElf(join(place, 'nothing'))).toEqual({ is: 'other' });
	symlinkSync('loop', join(place, 'loop'));
	expect(readElf(join(place, 'loop'))).toEqual({ is: 'other' });
	expect(existsSync(path)).toBe(true);
});
