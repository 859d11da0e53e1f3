import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { markerHolds } from '../../core/src/dependencies/python/markers.ts';
import { environmentOf, parseRequirement, requiresClosure } from '../../core/src/dependencies/python/requires.ts';
import { installed, record } from './facts.ts';
import { ask, pythonOf } from './venv.ts';

/** What `packaging` says of many markers at once; null where it refuses one. */
function packagingSays(
	questions: readonly { marker: string; environment: Record<string, string>; extra: string }[],
): (boolean | null)[] {
	const code = `import json, sys
from packaging.markers import Marker, InvalidMarker, UndefinedComparison, UndefinedEnvironmentName
def ask(one):
    try: return Marker(one['marker']).evaluate({**one['environment'], 'extra': one['extra']})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName): return None
print(json.dumps([ask(one) for one in json.loads(sys.stdin.read())]))`;
	const said = execFileSync(pythonOf('kernel'), ['-I', '-c', code], { input: JSON.stringify(questions), encoding: 'utf8' });
	return JSON.parse(said) as (boolean | null)[]; // what the line above prints
}

const environment = (full: string): Record<string, string> => ({
	...environmentOf(null),
	python_full_version: full,
	implementation_version: full,
	python_version: /^\d+\.\d+/.exec(full)![0],
	platform_release: '6.1.0',
	platform_version: '#1 SMP',
	platform_machine: 'x86_64',
});

const quoted = (text: string) => fc.constantFrom(`"${text}"`, `'${text}'`);
const version = fc.constantFrom('3.8', '3.9', '3.10', '3.11', '3.11.7', '3.12.0rc1', '3.12', '3.14', '3', '2.7', '4.0');
const versionVariable = fc.constantFrom('python_version', 'python_full_version', 'implementation_version');
const order = fc.constantFrom('<', '<=', '>', '>=', '==', '!=');
const words = {
	sys_platform: ['linux', 'win32', 'darwin'],
	os_name: ['posix', 'nt'],
	platform_system: ['Linux', 'Windows', ''],
	platform_machine: ['x86_64', 'arm64'],
	implementation_name: ['cpython', 'pypy'],
	platform_python_implementation: ['CPython', 'PyPy'],
};
const wordVariable = fc.constantFrom(...(Object.keys(words) as (keyof typeof words)[])); // keys of the literal above

const comparison = fc.oneof(
	fc.tuple(versionVariable, order, version.chain(quoted)).map((parts) => parts.join(' ')),
	fc.tuple(version.chain(quoted), order, versionVariable).map((parts) => parts.join(' ')),
	fc
		.tuple(versionVariable, fc.constantFrom('==', '!='), fc.constantFrom('"3.*"', '"3.11.*"', '"2.*"'))
		.map((parts) => parts.join('')),
	fc.tuple(versionVariable, fc.constantFrom('~= "3.8"', '~= "3.11.0"', '~= "3.12.0rc1"')).map((parts) => parts.join(' ')),
	wordVariable
		.chain((name) =>
			fc.tuple(fc.constant(name), fc.constantFrom('==', '!=', 'in', 'not in'), fc.constantFrom(...words[name]).chain(quoted)),
		)
		.map((parts) => parts.join(' ')),
	wordVariable
		.chain((name) => fc.tuple(fc.constantFrom(...words[name]).chain(quoted), fc.constantFrom('==', '!='), fc.constant(name)))
		.map((parts) => parts.join(' ')),
	fc
		.tuple(fc.constant('extra'), fc.constantFrom('==', '!='), fc.constantFrom('dev', 'Test_All', 'test-all').chain(quoted))
		.map((parts) => parts.join(' ')),
);
const marker = fc.letrec<{ any: string }>((tie) => ({
	any: fc.oneof(
		{ depthSize: 'small', withCrossShrink: true },
		comparison,
		fc.tuple(tie('any'), fc.constantFrom(' and ', ' or '), tie('any')).map((parts) => parts.join('')),
		tie('any').map((one) => `(${one})`),
	),
})).any;

test('a marker holds where packaging says so, for any marker, Python and extra', () => {
	const question = fc.record({
		marker,
		environment: fc.constantFrom('3.11.7', '3.12.0rc1', '3.9.18', '3.14.0', '2.7.18').map(environment),
		extra: fc.constantFrom('', 'dev', 'test-all'),
	});
	const questions = fc.sample(question, 1500);
	const said = packagingSays(questions);
	const ours = questions.map((one) => markerHolds(one.marker, one.environment, new Set(one.extra === '' ? [] : [one.extra])));
	const differ = questions.flatMap((one, at) =>
		ours[at] === said[at]
			? []
			: [
					{
						marker: one.marker,
						python: one.environment['python_full_version'],
						extra: one.extra,
						ours: ours[at],
						said: said[at],
					},
				],
	);
	expect(said.filter((one) => one === true).length).toBeGreaterThan(200);
	expect(said.filter((one) => one === false).length).toBeGreaterThan(200);
	expect(differ).toEqual([]);
});

test('what is no marker is none', () => {
	for (const text of [
		'',
		'python_version',
		'python_version >',
		'"a" == "b"',
		'nothing == "x"',
		'(os_name == "posix"',
		'os_name == "posix" and',
	]) {
		expect(markerHolds(text, environment('3.11.7'), new Set()), text).toBeNull();
	}
});

test('the environment that markers ask is that of the interpreter', () => {
	const code = `import json
from packaging.markers import default_environment
print(json.dumps(default_environment()))`;
	const truth = ask<Record<string, string>>(pythonOf('kernel'), code);
	expect(environmentOf({ version: truth['python_full_version'] } as Parameters<typeof environmentOf>[0])).toEqual(truth); // only its version is asked
});

test('requirements are taken apart as packaging does: extras, versions, URLs, markers', () => {
	const texts = [
		'numpy',
		'NumPy>=1.2,<3',
		'a.b_c [x, y] (>=1) ; python_version < "3.8"',
		'd@ https://x.org/d;v=1.zip ; os_name == "nt"',
		'e [z]; extra == "all"',
	];
	expect(texts.map(parseRequirement)).toEqual([
		{ key: 'numpy', extras: [], marker: null },
		{ key: 'numpy', extras: [], marker: null },
		{ key: 'a-b-c', extras: ['x', 'y'], marker: 'python_version < "3.8"' },
		{ key: 'd', extras: [], marker: 'os_name == "nt"' },
		{ key: 'e', extras: ['z'], marker: 'extra == "all"' },
	]);
	expect(parseRequirement('!nothing')).toBeNull();
});

test('every Requires-Dist of a real environment is taken apart as packaging does it', () => {
	const truth = ask<[string, string, string[], string | null][]>(
		pythonOf('kernel'),
		`import importlib.metadata as m, json
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
def one(text):
    r = Requirement(text)
    return [text, canonicalize_name(r.name), sorted(r.extras), None if r.marker is None else str(r.marker)]
print(json.dumps([one(t) for d in m.distributions() for t in d.requires or []]))`,
	);
	expect(truth.length).toBeGreaterThan(50);
	for (const [text, key, extras, marker] of truth) {
		const ours = parseRequirement(text);
		expect([text, ours?.key, ours?.extras.toSorted()]).toEqual([text, key, extras]);
		expect(ours?.marker === null, text).toBe(marker === null);
	}
});

test('what a package requires comes with it, and what that requires, but no extra that nobody asked for', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	const put = (name: string, requires: string[]) => installed(site, name, '1', { [`${name}.py`]: '' }, { requires });
	put('top', ['middle[fast]>=1', 'never; sys_platform == "win32"', 'absent', 'docs; extra == "docs"']);
	put('middle', ['bottom', 'speed; extra == "fast"', 'slow; extra == "slow"', 'top']);
	for (const name of ['bottom', 'speed', 'slow', 'docs', 'never', 'stranger']) put(name, []);
	run.use('read', join(site, 'top.py'), { cell: 1 });
	const { world } = (await run.judge()).judgement;
	const given = world.environments.sites[0]!.distributions.filter((one) => one.name === 'top');
	const closed = requiresClosure(given, world.environments, () => environment('3.11.7'));
	expect(closed.required.map((one) => `${one.distribution.name} by ${one.by.name}`).toSorted()).toEqual([
		'bottom by middle',
		'middle by top',
		'speed by middle',
	]);
	expect(closed.absent.map((one) => `${one.key} by ${one.by.name}`)).toEqual(['absent by top']);
});
