import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { version } from '../../core/src/flows/version.ts';
import { projectFiles, read, root } from './clone.ts';

const versions = v.optional(v.record(v.string(), v.string()), {});
const manifestShape = v.object({
	version: v.string(),
	engines: v.object({ node: v.string() }),
	dependencies: versions,
	devDependencies: versions,
});
const lockShape = v.object({
	packages: v.record(v.string(), v.object({ resolved: v.optional(v.string()), optionalDependencies: versions })),
});

const manifests = ['package.json', 'core/package.json', 'cli/package.json'].map((path) => ({
	path,
	...v.parse(manifestShape, JSON.parse(read(path))),
}));
const lock = v.parse(lockShape, JSON.parse(read('package-lock.json'))).packages;

test('the lock names packages by version and hash, not by the registry that they came from', () => {
	const addresses = Object.values(lock).flatMap(({ resolved }) => resolved ?? []);
	expect(addresses).toEqual(['core', 'cli']);
});

test('the lock holds the packages for other platforms too, or `npm ci` would refuse it', () => {
	// npm leaves out, without a word, what the registry of the day does not have.
	const missing = Object.entries(lock).flatMap(([place, { optionalDependencies }]) =>
		Object.keys(optionalDependencies).filter(
			(name) => ![`${place}/node_modules/${name}`, `node_modules/${name}`].some((at) => at in lock),
		),
	);
	expect(missing).toEqual([]);
});

test('every dependency has one exact version', () => {
	const loose = manifests.flatMap(({ path, dependencies, devDependencies }) =>
		Object.entries({ ...dependencies, ...devDependencies })
			.filter(([, wanted]) => !/^\d+\.\d+\.\d+$/.test(wanted))
			.map(([name, wanted]) => `${path}: ${name} ${wanted}`),
	);
	expect(loose).toEqual([]);
});

test('the workspaces are of one version and ask for the same Node, and Cellar says that version of itself', () => {
	expect(new Set(manifests.map((manifest) => manifest.version))).toEqual(new Set([version]));
	expect(new Set(manifests.map((manifest) => manifest.engines.node))).toEqual(new Set(['>=20.19']));
	expect(manifests.find(({ path }) => path === 'cli/package.json')?.dependencies['@cellar/core']).toBe(version);
});

test('every Python environment is made of exact versions', () => {
	const lists = projectFiles().filter((path) => /^(tests\/requirements\/[^/]+|examples\/[^/]+\/requirements)\.txt$/.test(path));
	expect(lists).toContain('tests/requirements/kernel.txt');
	const loose = lists.flatMap((path) =>
		read(path)
			.split('\n')
			.filter((line) => !/^(#.*|[A-Za-z0-9._-]+==[0-9][\w.]*(\s+#.*)?)?$/.test(line))
			.map((line) => `${path}: ${line}`),
	);
	expect(loose).toEqual([]);
});

test('no file names this machine or a package registry', () => {
	// A clone in `/src`, or root's `/root`, could stand in a file without meaning this machine.
	const places = [root.replace(/\/$/, ''), homedir()].filter((path) => path.split('/').length > 2);
	const registries = ['registry.npmjs', 'files.pythonhosted', 'pypi', 'npmmirror'].flatMap((host) => [
		`${host}.org/`,
		`${host}.com/`,
	]);
	const forbidden = [...places, ...registries.map((host) => `//${host}`)];
	const told = projectFiles().flatMap((path) => {
		const text = read(path);
		return forbidden.filter((word) => text.includes(word)).map((word) => `${path} names ${word}`);
	});
	expect(told).toEqual([]);
});
