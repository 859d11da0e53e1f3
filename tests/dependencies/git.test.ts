import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cell, folder, record } from './facts.ts';

type Git = (...words: string[]) => string;

function gitIn(place: string): Git {
	const settings = ['-c', 'user.name=ada', '-c', 'user.email=ada@example.org', '-c', 'core.autocrlf=false'];
	return (...words) => execFileSync('git', ['-C', place, ...settings, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** A repository with a helper in a folder of its own, and files around it. */
function repository(o: { index?: string } = {}): { place: string; git: Git } {
	const place = folder();
	const git = gitIn(place);
	git('init', '-q', '-b', 'main');
	if (o.index !== undefined) git('config', 'index.version', o.index);
	mkdirSync(join(place, 'study/deep'), { recursive: true });
	for (const name of ['a.txt', 'study/helper.py', 'study/other.py', 'study/deep/naïve file.py', 'z.txt'])
		writeFileSync(join(place, name), `# ${name}\n`);
	git('add', '.');
	git('commit', '-qm', 'first');
	return { place, git };
}

/** What a run that imports `study/helper.py` is told of where it came from. */
async function originIn(place: string, file = 'study/helper.py') {
	const run = record({ folder: join(place, 'study') });
	run.use('missing', join(place, 'study/__pycache__/helper.cpython-311.pyc'), { cell: 1 });
	if (file !== 'study/helper.py') run.use('missing', join(place, 'study/__pycache__/fresh.cpython-311.pyc'), { cell: 1 });
	run.use('read', join(place, file), { cell: 1 });
	const { software } = (await run.judge([cell(1, { modules: ['helper'] })])).document();
	return software.find((one) => one.ecosystem === 'local')?.origin ?? null;
}

test.each(['2', '4'])('a module of your own has its commit, and is clean: an index of version %s', async (index) => {
	const { place, git } = repository({ index });
	expect(readFileSync(join(place, '.git/index')).readUInt32BE(4)).toBe(Number(index));
	expect(await originIn(place)).toEqual({ folder: join(place, 'study'), commit: git('rev-parse', 'HEAD'), clean: true });
});

test('it is not clean where it was changed, whether that was staged or not', async () => {
	const { place, git } = repository();
	writeFileSync(join(place, 'study/helper.py'), 'changed = 1\n');
	expect(await originIn(place)).toMatchObject({ clean: false });
	git('add', '.');
	expect(await originIn(place)).toMatchObject({ clean: false });
	git('commit', '-qm', 'second');
	expect(await originIn(place)).toMatchObject({ clean: true, commit: git('rev-parse', 'HEAD') });
	git('reset', '-q', '--soft', 'HEAD~1');
	expect(await originIn(place)).toMatchObject({ clean: false });
});

test('another file’s change does not make it unclean, staged or not', async () => {
	const { place, git } = repository();
	writeFileSync(join(place, 'study/other.py'), 'changed = 1\n');
	expect(await originIn(place)).toMatchObject({ clean: true });
	git('add', '.');
	expect(await originIn(place)).toMatchObject({ clean: true });
});

test('a file that was never added, or of which only the intent to add is known, is not clean', async () => {
	const { place, git } = repository();
	writeFileSync(join(place, 'study/fresh.py'), '');
	expect(await originIn(place, 'study/fresh.py')).toMatchObject({ clean: false });
	git('add', '-N', 'study/fresh.py');
	expect(await originIn(place, 'study/fresh.py')).toMatchObject({ clean: false });
});

test('a detached head, a worktree and a clone have their own commit and state', async () => {
	const { place, git } = repository();
	const first = git('rev-parse', 'HEAD');
	git('commit', '-qm', 'second', '--allow-empty');
	const beside = join(folder(), 'beside');
	git('worktree', 'add', '-q', '--detach', beside, first);
	expect(await originIn(beside)).toMatchObject({ commit: first, clean: true });
	writeFileSync(join(beside, 'study/helper.py'), 'changed = 1\n');
	expect(await originIn(beside)).toMatchObject({ clean: false });
	expect(await originIn(place)).toMatchObject({ commit: git('rev-parse', 'HEAD'), clean: true });
	const cloned = join(folder(), 'clone');
	git('clone', '-q', '--no-local', place, cloned);
	expect(await originIn(cloned)).toMatchObject({ commit: git('rev-parse', 'HEAD'), clean: true });
});

test('packed branches and objects are read too', async () => {
	const { place, git } = repository();
	git('gc', '-q', '--aggressive', '--prune=now');
	expect(await originIn(place)).toMatchObject({ commit: git('rev-parse', 'HEAD'), clean: true });
});

test('before the first commit there is none, and what is cut says nothing', async () => {
	const place = folder();
	mkdirSync(join(place, 'study'));
	writeFileSync(join(place, 'study/helper.py'), '');
	gitIn(place)('init', '-q');
	expect(await originIn(place)).toEqual({ folder: join(place, 'study') });
	const { place: other } = repository();
	writeFileSync(join(other, '.git/index'), readFileSync(join(other, '.git/index')).subarray(0, 100));
	expect(await originIn(other)).toMatchObject({ clean: null });
});
