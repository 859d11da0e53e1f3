// Makes the one package that is published: the command line, with the core inside it, built. `npm publish` takes the file it prints.
//
// The core is a workspace and no package of its own, so it travels as a bundled dependency. npm bundles what lies in the package's own
// node_modules, which a workspace does not have; so the package is put together in a folder of its own. Its package.json is made from
// those of the two workspaces: what a user installs is listed nowhere twice.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from './setup/packages.mjs';
import { must, root, StepFailed } from './setup/run.mjs';

const core = '@cellar/core';
const inPackage = (source) => !/(\.d\.ts|\.map|\.tsbuildinfo)$/.test(source);

const manifest = (workspace) => JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
const write = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, '\t')}\n`);

/** The dependencies of both; one that both ask for must be the same version. */
function joined(a, b) {
	for (const name of Object.keys(a)) {
		if (name in b && a[name] !== b[name]) throw new StepFailed(`cli asks for ${name} ${a[name]}, core for ${b[name]}`);
	}
	const all = { ...a, ...b };
	return Object.fromEntries(
		Object.keys(all)
			.sort()
			.map((name) => [name, all[name]]),
	);
}

/** Lays the package out in `stage`, as it will be installed. */
function layOut(stage) {
	const { private: _, ...cli } = manifest('cli');
	const { private: __, dependencies, exports, ...rest } = manifest('core');
	const inside = join(stage, 'node_modules', core);
	rmSync(stage, { recursive: true, force: true });
	mkdirSync(inside, { recursive: true });
	write(join(stage, 'package.json'), {
		...cli,
		dependencies: joined(cli.dependencies, dependencies),
		bundleDependencies: [core],
	});
	// npm installs nothing for a bundled package: what the core imports is found one folder up, among the dependencies above.
	write(join(inside, 'package.json'), { ...rest, exports: { '.': exports['.'].default } });
	cpSync(join(root, 'cli/bin'), join(stage, 'bin'), { recursive: true });
	cpSync(join(root, 'cli/dist'), join(stage, 'dist'), { recursive: true, filter: inPackage });
	cpSync(join(root, 'core/dist'), join(inside, 'dist'), { recursive: true, filter: inPackage });
	for (const file of ['LICENSE', 'README.md']) cpSync(join(root, file), join(stage, file));
}

const target = resolve(process.argv[2] ?? root);
// By the process: two that package at a time (a test, a person) do not share a stage.
const stage = join(root, '.cache/package', String(process.pid));
try {
	await build();
	layOut(stage);
	mkdirSync(target, { recursive: true });
	const pack = ['npm', 'pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', target];
	const said = await must(pack, { cwd: stage });
	const [{ filename }] = JSON.parse(said.slice(said.indexOf('[')));
	process.stdout.write(`${join(target, filename)}\n`);
} finally {
	rmSync(stage, { recursive: true, force: true });
}
