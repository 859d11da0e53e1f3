import { execFile } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseKernel, type KernelWish, type Kernelspec } from '../../core/src/kernel/index.ts';
import { bareEnv, python, scratch, venv } from './live.ts';

const run = promisify(execFile);
let folder: ReturnType<typeof scratch>;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
	folder = scratch();
	// Nothing that this machine has for all users, and no Python on PATH.
	env = { ...bareEnv(folder.path), PATH: '/nowhere', JUPYTER_PLATFORM_DIRS: '1', XDG_DATA_DIRS: join(folder.path, 'all') };
});
afterEach(() => folder[Symbol.dispose]());

const choose = (
	wish: Partial<KernelWish> & { readonly says?: string | null; readonly language?: string | null },
): Promise<Kernelspec> =>
	chooseKernel({
		wanted: null,
		python: null,
		notebook: { name: wish.says ?? null, language: wish.language ?? null },
		env,
		...wish,
	});

/** A virtual environment with nothing in it; or one that borrows all packages of the tests' own, but has none of its kernelspecs. */
async function makeVenv(name: string, packages: 'none' | 'borrowed'): Promise<string> {
	const path = join(folder.path, name);
	await run(python, ['-m', 'venv', '--without-pip', path]);
	const site = ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'];
	const [own, theirs] = await Promise.all([run(join(path, 'bin', 'python'), site), run(python, site)]);
	if (packages === 'borrowed') writeFileSync(join(own.stdout.trim(), 'borrowed.pth'), theirs.stdout);
	return path;
}

/** A kernelspec of the user's. */
function put(name: string, spec: object | string): string {
	const path = join(folder.path, '.local/share/jupyter/kernels', name);
	mkdirSync(path, { recursive: true });
	writeFileSync(join(path, 'kernel.json'), typeof spec === 'string' ? spec : JSON.stringify(spec));
	return path;
}

const plain = (display_name: string, language = 'own', program = '/bin/own'): object => ({
	argv: [program, '{connection_file}'],
	display_name,
	language,
});

test('a notebook that says python3 runs in the activated environment that has ipykernel', async () => {
	env['VIRTUAL_ENV'] = venv;
	for (const says of ['python3', 'Python3', 'python'])
		expect(await choose({ says })).toMatchObject({ name: 'python3', python, note: null });
});

test('also where the environment has no kernelspec, or one of the user leads elsewhere: and then it is told', async () => {
	const borrowed = await makeVenv('borrowed', 'borrowed');
	env['VIRTUAL_ENV'] = borrowed;
	const own = join(borrowed, 'bin', 'python');
	expect(await choose({ says: 'python3' })).toMatchObject({ python: own, note: expect.stringContaining(own) });
	put('python3', plain('Elsewhere', 'python', '/opt/python3'));
	expect(await choose({ says: 'python3' })).toMatchObject({
		python: own,
		note: expect.stringMatching(/\/borrowed is used, and not \/opt\/python3/),
	});
	expect(await choose({ says: 'python3', wanted: 'python3' })).toMatchObject({ python: '/opt/python3', note: null });
});

test('where the activated environment has no ipykernel the kernelspec is used, and it is told that it leads out', async () => {
	env['VIRTUAL_ENV'] = await makeVenv('empty', 'none');
	put('python3', plain('Elsewhere', 'python', '/opt/python3'));
	expect(await choose({ says: 'python3' })).toMatchObject({
		python: '/opt/python3',
		note: expect.stringMatching(/empty has no ipykernel: the kernel runs on \/opt\/python3/),
	});
});

test('a Python on PATH with ipykernel is found too, with its own kernelspec or, told so, without', async () => {
	env['PATH'] = join(venv, 'bin');
	expect(await choose({ says: 'python3' })).toMatchObject({ python: `${python}3`, note: null });
	env['PATH'] = join(await makeVenv('borrowed', 'borrowed'), 'bin');
	expect(await choose({ says: 'python3' })).toMatchObject({
		python: join(env['PATH'], 'python3'),
		note: expect.stringContaining('no kernelspec'),
	});
});

test('--python takes the ipykernel of that interpreter, given by its path, its name or its folder', async () => {
	env['PATH'] = join(venv, 'bin');
	for (const given of [python, 'python', venv]) {
		const spec = await choose({ says: 'no-such-kernel', python: given });
		expect(spec).toMatchObject({ name: 'python3', language: 'python', interruptMode: 'signal', env: {}, note: null });
		expect(spec.argv.slice(1)).toEqual(['-m', 'ipykernel_launcher', '-f', '{connection_file}']);
		expect(realpathSync(spec.python!)).toBe(realpathSync(python));
		expect(spec.python!.startsWith(`${venv}/bin/python`)).toBe(true);
	}
});

test('--python without ipykernel is an error whose hint installs it', async () => {
	const bare = join(await makeVenv('empty', 'none'), 'bin', 'python');
	await expect(choose({ says: 'python3', python: bare })).rejects.toMatchObject({
		code: 'CELLAR_NO_IPYKERNEL',
		message: expect.stringContaining(bare),
		hint: expect.stringContaining(`${bare} -m pip install ipykernel`),
	});
});

test('--python that is no Python, or not there, is an error that says so', async () => {
	await expect(choose({ python: '/bin/true' })).rejects.toMatchObject({ code: 'CELLAR_NO_KERNEL', where: '/bin/true' });
	await expect(choose({ python: '/no/such' })).rejects.toMatchObject({ code: 'CELLAR_NO_KERNEL', where: '/no/such' });
});

test('--kernel takes any kernelspec by its name, whatever the notebook says and however it is written', async () => {
	put('Mine', plain('Mine'));
	expect(await choose({ wanted: 'mINE', says: 'python3' })).toMatchObject({ name: 'mine', displayName: 'Mine', note: null });
});

test('a kernel that is not installed is an error that lists those that are, and how to choose', async () => {
	env['VIRTUAL_ENV'] = venv;
	put('mine', plain('My kernel'));
	put('torn', '{');
	for (const wish of [{ says: 'conda-env-x' }, { wanted: 'conda-env-x', says: 'python3' }]) {
		await expect(choose(wish)).rejects.toMatchObject({
			code: 'CELLAR_NO_KERNEL',
			message: expect.stringMatching(/conda-env-x.*mine \(My kernel\), python3 \(Python 3 \(ipykernel\)\), torn \(broken: /),
			hint: expect.stringMatching(/--kernel.*--python/),
		});
	}
});

test('where there is no kernel at all the hint installs one', async () => {
	const bare = await makeVenv('empty', 'none');
	env['VIRTUAL_ENV'] = bare;
	await expect(choose({ says: 'python3' })).rejects.toMatchObject({
		code: 'CELLAR_NO_KERNEL',
		hint: expect.stringContaining(`${bare}/bin/python -m pip install ipykernel`),
	});
});

test('a broken kernel.json is an error only for whoever wants that kernel, with its place and reason', async () => {
	env['VIRTUAL_ENV'] = venv;
	const torn = put('torn', '{"argv": ');
	await expect(choose({ says: 'torn' })).rejects.toMatchObject({
		code: 'CELLAR_NO_KERNEL',
		message: expect.stringContaining('kernel.json cannot be read'),
		where: torn,
	});
	expect(await choose({ says: 'python3' })).toMatchObject({ name: 'python3' });
});

test('a notebook that names no kernel runs on python3, or on a kernel of its language: told in both cases', async () => {
	env['VIRTUAL_ENV'] = venv;
	put('ir', plain('R', 'R'));
	put('ir-old', plain('Old R', 'r'));
	expect(await choose({})).toMatchObject({ name: 'python3', note: expect.stringContaining('names no kernel') });
	expect(await choose({ language: 'python' })).toMatchObject({ name: 'python3' });
	expect(await choose({ language: 'R' })).toMatchObject({ name: 'ir', note: expect.stringMatching(/names no kernel.*ir-old/) });
	await expect(choose({ language: 'julia' })).rejects.toMatchObject({
		code: 'CELLAR_NO_KERNEL',
		message: expect.stringContaining('for julia'),
	});
});
