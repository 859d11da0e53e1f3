import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProjectRules } from '../../core/src/dependencies/index.ts';
import { CellarError, type ProjectRules } from '../../core/src/model/index.ts';
import { folder, record, type Recorder } from './facts.ts';

/** The rules of a text, as the notebook in the same folder has them. */
function rulesOf(text: string, place = folder()): ProjectRules | null {
	mkdirSync(place, { recursive: true });
	writeFileSync(join(place, 'cellar.toml'), text);
	return readProjectRules(place, place);
}

function judgedBy(run: Recorder, text: string) {
	return run.judge([], { circumstances: { rules: rulesOf(text, run.folder) } });
}

function refusal(text: string | Buffer): { code: string; message: string; where: string; hint: string } {
	const place = folder();
	writeFileSync(join(place, 'cellar.toml'), text);
	try {
		readProjectRules(place, place);
	} catch (error) {
		if (!(error instanceof CellarError)) throw error;
		return {
			code: error.code,
			message: error.message,
			where: (error.where ?? '').replace(`${place}/`, ''),
			hint: error.hint ?? '',
		};
	}
	throw new Error('nothing was refused');
}

test('the first rule that fits says what a file is, and is named with its reason', async () => {
	const run = record();
	for (const name of ['scratch/keep/a.csv', 'scratch/deep/b.csv', 'c.csv']) run.use('read', run.given(name));
	const judged = await judgedBy(
		run,
		`
[[rule]]
path = "scratch/keep/*"
as = "input"
[[rule]]
path = "scratch/**"
as = "temporary"
reason = "made again by step 1"`,
	);
	expect(['scratch/keep/a.csv', 'scratch/deep/b.csv', 'c.csv'].map((name) => [judged.verdict(name), judged.rule(name)])).toEqual([
		['input', 'cellar.toml'],
		['temporary', 'cellar.toml'],
		['input', 'data: input'],
	]);
	expect(judged.judgement.verdicts.get(join(run.folder, 'scratch/deep/b.csv'))?.reason).toBe(
		'cellar.toml: scratch/**: made again by step 1',
	);
});

test('a glob is seen from the folder of the file, from the root, from HOME, or is a file’s name below that folder', async () => {
	const run = record();
	const away = join(folder(), 'away.dat');
	writeFileSync(away, '');
	for (const path of [run.given('deep/er/x.dat'), run.given(join(run.home, 'lab/y.csv')), away]) run.use('read', path);
	const judged = await judgedBy(
		run,
		`rule = [{ path = "*.dat", as = "cache" }, { path = "~/lab/*.csv", as = "output" }, { path = "${away}", as = "configuration" }]`,
	);
	expect(['deep/er/x.dat', join(run.home, 'lab/y.csv'), away].map((path) => judged.verdict(path))).toEqual([
		'cache',
		'output',
		'configuration',
	]);
});

test('a project names more secrets, wherever they lie, and no rule makes a secret anything else', async () => {
	const run = record();
	for (const name of ['sub/lab.key', 'open.key', '.netrc', 'token']) run.use('read', run.given(name));
	const judged = await judgedBy(
		run,
		`secrets = ["*.key"]
rule = [{ path = "open.key", as = "input" }, { path = ".netrc", as = "input" }, { path = "token", as = "secret" }]`,
	);
	expect(['sub/lab.key', 'open.key', '.netrc', 'token'].map((name) => [judged.verdict(name), judged.rule(name)])).toEqual([
		['secret', 'cellar.toml'],
		['secret', 'cellar.toml'],
		['secret', 'secret by name'],
		['secret', 'cellar.toml'],
	]);
});

test('a rule says nothing of what was only looked at or was not there, nor of what a package owns', async () => {
	const run = record();
	run.given('seen.csv');
	run.use('stat', 'seen.csv');
	run.use('missing', 'gone.csv');
	run.use('read', '/usr/bin/env');
	const judged = await judgedBy(run, 'rule = [{ path = "**", as = "input" }, { path = "/usr/**", as = "input" }]');
	expect(['seen.csv', 'gone.csv', '/usr/bin/env'].map((path) => judged.verdict(path))).toEqual([
		'looked at',
		'missing',
		'software',
	]);
});

test('the nearest file counts, up to the home folder and not above it', () => {
	const top = folder();
	const home = join(top, 'home');
	const notebooks = join(home, 'study/notebooks');
	mkdirSync(notebooks, { recursive: true });
	const named = () => readProjectRules(notebooks, home)?.secrets ?? null;
	writeFileSync(join(top, 'cellar.toml'), 'secrets = ["top"]');
	expect(named()).toBeNull();
	writeFileSync(join(home, 'cellar.toml'), 'secrets = ["home"]');
	expect(named()).toEqual(['home']);
	writeFileSync(join(home, 'study/cellar.toml'), 'secrets = ["study"]');
	expect(named()).toEqual(['study']);
	expect(readProjectRules(join(home, 'study'), '/nowhere')?.folder).toBe(join(home, 'study'));
});

test('what cannot be read or means nothing is refused by its line or its key, with what is allowed', () => {
	expect(refusal('rule = [\n\n{ path = }]')).toMatchObject({
		code: 'CELLAR_RULES_BROKEN',
		where: 'cellar.toml line 3',
		message: expect.stringContaining('it is not TOML'),
	});
	expect(refusal('rules = []')).toMatchObject({
		message: 'cellar.toml: there is no key rules',
		where: 'cellar.toml, rules',
		hint: 'the keys are rule and secrets',
	});
	expect(refusal('[[rule]]\npath = "a"\nas = "cache"\n[[rule]]\npath = "b"\nas = "junk"')).toMatchObject({
		message: 'cellar.toml: as may not be "junk"',
		where: 'cellar.toml, rule 2 as',
		hint: 'as is one of input, output, intermediate, configuration, cache, temporary, tool folder, secret',
	});
	expect(refusal('[[rule]]\nas = "cache"')).toMatchObject({ message: 'cellar.toml: the key path is missing' });
	expect(refusal('[[rule]]\npath = "a"\nas = "cache"\nwhy = "x"')).toMatchObject({
		message: 'cellar.toml: there is no key why',
		where: 'cellar.toml, rule 1 why',
		hint: 'rules are written as [[rule]], with the keys path, as and reason',
	});
	expect(refusal('secrets = "*.key"')).toMatchObject({ hint: 'secrets is a list of globs, such as ["*.key"]' });
	expect(refusal('secrets = ["../*.key"]')).toMatchObject({ message: 'cellar.toml: the glob ../*.key cannot be matched' });
	expect(refusal(Buffer.from([0xff, 0xfe]))).toMatchObject({ message: 'cellar.toml: it is not UTF-8' });
});
