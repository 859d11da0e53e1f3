import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { cell, record, type Recorder } from './facts.ts';
import { packed } from './packed.ts';

const inR = { circumstances: { kernel: { name: 'ir', language: 'R', displayName: 'R', interruptMode: 'signal' as const } } };

/** A package of R as `install.packages` leaves it. */
function rPackage(run: Recorder, library: string, name: string, fields: string): string {
	run.given(`${library}/${name}/DESCRIPTION`, `Package: ${name}\nVersion: 1.2-3\nBuilt: R 4.2.2; ; 2026-01-01; unix\n${fields}`);
	run.given(`${library}/${name}/Meta/package.rds`);
	return run.given(`${library}/${name}/R/${name}.rdb`);
}

test('a package of R is known from any file of it, though DESCRIPTION is never read', async () => {
	const run = record();
	const [tidy, git] = [
		rPackage(run, 'R/library', 'tidy.x', 'Repository: CRAN\n'),
		rPackage(run, 'R/library', 'gitted', 'RemoteType: github\nRemoteRepo: gitted\nRemoteSha: 0123abc\n'),
	];
	run.use('read', tidy, { cell: 1 });
	run.use('read', git, { cell: 2 });
	run.use('read', run.given('mine/DESCRIPTION', 'Package: mine\nVersion: 0.1\n'));
	const found = await run.judge([cell(1, { modules: ['tidy.x'] }), cell(2, { modules: ['absent'] })], inR);
	expect(found.rule(tidy)).toBe('R package');
	expect(found.software()).toEqual(['gitted 1.2-3', 'tidy.x 1.2-3']);
	const [gitted, named] = found.document().software;
	expect(gitted).toMatchObject({ ecosystem: 'cran', direct: false, origin: { remote: 'github', commit: '0123abc' } });
	expect(named).toMatchObject({
		direct: true,
		cells: [1],
		origin: { repository: 'CRAN' },
		reason: expect.stringContaining('package tidy.x'),
	});
	// A package's source, which was not built, is not an installed package.
	expect(found.verdict('mine/DESCRIPTION')).toBe('input');
});

test('packages that come with R are R, and its settings are settings', async () => {
	const run = record();
	const base = rPackage(run, 'opt/R/library', 'base', 'Priority: base\n');
	const stats = rPackage(run, 'opt/R/library', 'stats', 'Priority: base\n');
	const extra = rPackage(run, 'opt/R/library', 'Matrix', 'Priority: recommended\n');
	const settings = run.given('opt/R/etc/Renviron');
	for (const path of [base, stats, extra, settings]) run.use('read', path);
	const found = await run.judge([cell(1, { modules: ['stats'] })], inR);
	expect(found.software()).toEqual(['Matrix 1.2-3', 'R 1.2-3']);
	expect(found.document().software[1]).toMatchObject({ ecosystem: 'interpreter', direct: true });
	expect([found.verdict(settings), found.rule(settings)]).toEqual(['configuration', 'R configuration']);
	const image = await packed(found);
	expect(image.at(join(run.folder, 'opt/R/library/Matrix/Meta/package.rds'))).toMatchObject({ layer: 'distributions' });
	expect(image.at(join(run.folder, 'opt/R/library/stats/DESCRIPTION'))).toMatchObject({ layer: 'userland' });
});

test('npm’s packages are the nearest with a name and a version, nested ones and scopes too', async () => {
	const run = record();
	const manifest = (name: string, version: string) => JSON.stringify({ name, version, type: 'module' });
	run.given('node_modules/outer/package.json', manifest('outer', '2.0.0'));
	run.given('node_modules/outer/esm/package.json', '{"type": "module"}');
	run.given('node_modules/outer/node_modules/inner/package.json', manifest('inner', '0.1.0'));
	run.given('node_modules/@lab/tool/package.json', manifest('@lab/tool', '3.1.4'));
	run.given('node_modules/broken/package.json', '{"name": ');
	run.given(
		'node_modules/.package-lock.json',
		JSON.stringify({
			packages: { 'node_modules/outer': { version: '2.0.0', resolved: 'https://r.example/outer.tgz', integrity: 'sha512-abc' } },
		}),
	);
	const files = ['outer/esm/index.js', 'outer/node_modules/inner/index.js', '@lab/tool/cli.js', 'broken/index.js'];
	for (const file of files) run.use('read', run.given(`node_modules/${file}`), { cell: 1 });
	const found = await run.judge();
	expect(found.software()).toEqual(['@lab/tool 3.1.4', 'inner 0.1.0', 'outer 2.0.0']);
	expect(found.document().software[2]).toMatchObject({
		ecosystem: 'npm',
		origin: { integrity: 'sha512-abc', url: 'https://r.example/outer.tgz' },
	});
	expect(found.verdict('node_modules/broken/index.js')).toBe('input');
	expect((await packed(found)).at(join(run.folder, 'node_modules/outer/package.json'))).toBeDefined();
});

test('pnpm’s links lead to the package, and its lock knows the hash', async () => {
	const run = record();
	const inside = 'node_modules/.pnpm/left@1.3.0/node_modules/left';
	run.given(`${inside}/package.json`, '{"name":"left","version":"1.3.0"}');
	run.given(`${inside}/index.js`);
	run.given(
		'node_modules/.pnpm/lock.yaml',
		"packages:\n\n  'left@1.3.0':\n    resolution: {integrity: sha512-Zm9v+/8=}\n    engines: {}\n",
	);
	symlinkSync('.pnpm/left@1.3.0/node_modules/left', join(run.folder, 'node_modules/left'));
	run.use('read', 'node_modules/left/index.js', { cell: 1 });
	const found = await run.judge();
	expect(found.software()).toEqual(['left 1.3.0']);
	expect(found.document().software[0]?.origin).toEqual({ integrity: 'sha512-Zm9v+/8=' });
});

test('Julia’s packages are known by the folders of a depot; what it compiled is a cache', async () => {
	const run = record();
	const depot = join(run.home, '.julia');
	run.given(
		`${depot}/packages/Example/aqsx3/Project.toml`,
		'name = "Example"\nuuid = "7876af07"\nversion = "0.5.3"\n\n[compat]\nversion = "9"\n',
	);
	const source = run.given(`${depot}/packages/Example/aqsx3/src/Example.jl`);
	const own = run.given(`${depot}/dev/Own/src/Own.jl`);
	const data = run.given(`${depot}/artifacts/${'ab'.repeat(20)}/lib/libx.so`);
	const cache = run.given(`${depot}/compiled/v1.10/Example/x.ji`);
	for (const path of [source, own, data, cache]) run.use('read', path);
	const found = await run.judge();
	expect(found.software()).toEqual(['artifact abababab -', 'Example 0.5.3', 'Own -']);
	expect(found.document().software[2]?.origin).toMatchObject({ folder: `${depot}/dev/Own` });
	expect(found.verdict(cache)).toBe('cache');
});

test('a program of Rust says which crates it was made of', async () => {
	const run = record();
	const list = {
		packages: [
			{ name: 'serde', version: '1.0.9' },
			{ name: 'sift', version: '0.4.2', root: true },
		],
	};
	writeFileSync(join(run.folder, 'list'), deflateSync(JSON.stringify(list)));
	writeFileSync(join(run.folder, 'noise'), 'no zlib');
	const add = (file: string, name: string) =>
		execFileSync('objcopy', ['--add-section', `.dep-v0=${join(run.folder, file)}`, '/bin/true', join(run.folder, name)]);
	add('list', 'sift');
	add('noise', 'other');
	run.exec('sift', ['./sift'], { cell: 1 });
	run.exec('other', ['./other'], { cell: 1 });
	const found = await run.judge([cell(1, { commands: ['./sift'] })]);
	expect(found.document().software.filter((one) => one.ecosystem === 'cargo')).toMatchObject([
		{ name: 'sift', version: '0.4.2', direct: true, origin: { crates: ['serde 1.0.9'] } },
	]);
	expect(found.rule('other')).toBe('own module');
});
