import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findKernelspecs, kernelCommand, type BrokenKernelspec } from '../../core/src/kernel/index.ts';
import { bareEnv, python, scratch, venv } from './live.ts';

const run = promisify(execFile);
let folder: ReturnType<typeof scratch>;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
	folder = scratch();
	// With these two, Jupyter takes what this machine has for all users to be elsewhere.
	const nothingOfTheSystem = { JUPYTER_PLATFORM_DIRS: '1', XDG_DATA_DIRS: join(folder.path, 'all') };
	env = { ...bareEnv(folder.path), VIRTUAL_ENV: venv, ...nothingOfTheSystem };
});
afterEach(() => folder[Symbol.dispose]());

/** Writes a kernel.json below the test's folder; the path is relative to it. */
function put(path: string, spec: unknown): void {
	mkdirSync(join(folder.path, path), { recursive: true });
	writeFileSync(join(folder.path, path, 'kernel.json'), typeof spec === 'string' ? spec : JSON.stringify(spec));
}

const plain = (displayName: string, more: object = {}): object => ({
	argv: ['/bin/own', '{connection_file}'],
	display_name: displayName,
	language: 'own',
	...more,
});

type Found = Readonly<
	Record<string, { readonly directory: string; readonly displayName: string; readonly argv: readonly string[] }>
>;

/**
 * We look beside another Python too, and the system's is one, with what its packages brought. Of the system Jupyter sees nothing where
 * its own settings place it elsewhere.
 */
function isOfTest({ directory }: { readonly directory: string | null }): boolean {
	return env['JUPYTER_PLATFORM_DIRS'] === undefined || directory?.startsWith('/usr/share/jupyter/') !== true;
}

/** What we find in the environment, in Jupyter's words. */
async function ours(): Promise<Found> {
	const found = (await findKernelspecs({ env })).filter(isOfTest);
	const byName = found.map(({ name, directory, displayName, language, interruptMode, argv }) => [
		name,
		{
			directory,
			displayName,
			language,
			interruptMode,
			argv: argv.map((word) => word.replace('{connection_file}', '/c/kernel.json')),
		},
	]);
	return Object.fromEntries(byName);
}

/** What Jupyter, on the Python of the activated environment, finds. */
async function theirs(): Promise<Found> {
	const { stdout } = await run(python, [fileURLToPath(new URL('jupyter-finds.py', import.meta.url))], { env });
	return JSON.parse(stdout);
}

test('where nothing is set, we find what Jupyter finds: the kernel of the environment, by its own Python', async () => {
	env = { ...bareEnv(folder.path), VIRTUAL_ENV: venv };
	expect(await ours()).toEqual(await theirs());
	expect(await ours()).toMatchObject({ python3: { argv: [python, '-m', 'ipykernel_launcher', '-f', '/c/kernel.json'] } });
});

const settings: readonly [string, () => NodeJS.ProcessEnv][] = [
	['JUPYTER_PATH before all', () => ({ JUPYTER_PATH: `${folder.path}/p1/:${folder.path}/p2::${folder.path}/none` })],
	["the user's data folder", () => ({})],
	['XDG_DATA_HOME', () => ({ XDG_DATA_HOME: join(folder.path, 'xdg') })],
	['JUPYTER_DATA_DIR', () => ({ JUPYTER_DATA_DIR: join(folder.path, 'p2'), XDG_DATA_HOME: join(folder.path, 'xdg') })],
	['JUPYTER_PREFER_ENV_PATH=0', () => ({ JUPYTER_PREFER_ENV_PATH: '0' })],
	['JUPYTER_PREFER_ENV_PATH=1', () => ({ JUPYTER_PREFER_ENV_PATH: '1' })],
	["IPython's folder", () => ({ IPYTHONDIR: join(folder.path, 'p1') })],
	['XDG_DATA_DIRS', () => ({ XDG_DATA_DIRS: `${folder.path}/xdg:${folder.path}/base/share` })],
	['PYTHONUSERBASE', () => ({ PYTHONUSERBASE: join(folder.path, 'base') })],
];

test.each(settings)('with %s, we find what Jupyter finds', async (_, set) => {
	for (const place of ['p1', 'p2', '.local/share/jupyter', 'xdg/jupyter', 'base/share/jupyter']) {
		put(`${place}/kernels/python3`, plain(`Python of ${place}`, { argv: ['python', '-m', 'own'] }));
		put(`${place}/kernels/Own-${place.length}`, plain(place));
		put(`${place}/kernels/same`, plain(`same of ${place}`, { interrupt_mode: 'Message' }));
	}
	env = { ...env, ...set() };
	expect(await ours()).toEqual(await theirs());
});

test('what may stand in an argv is put in as Jupyter puts it in', async () => {
	mkdirSync(join(folder.path, 'linked'));
	symlinkSync(join(folder.path, 'p'), join(folder.path, 'linked', 'p'));
	env = { ...env, JUPYTER_PATH: join(folder.path, 'linked', 'p') };
	const argv = ['python3', '{resource_dir}/start.sh', '{prefix}/x', '{unknown}', '{connection_file}'];
	put('p/kernels/words', plain('Words', { argv }));
	put('p/kernels/bare', plain('Bare', { argv: ['own-program', '{connection_file}'] }));
	put('p/kernels/poor', { argv: ['/bin/own'] });
	const wanted = await theirs();
	// Jupyter shows nothing where there is no name; a list of kernels should.
	expect(await ours()).toEqual({ ...wanted, poor: { ...wanted['poor'], displayName: 'poor' } });
});

test('a kernelspec that lies in the prefix of another Python is started with that Python', async () => {
	const other = join(folder.path, 'other');
	mkdirSync(join(other, 'bin'), { recursive: true });
	symlinkSync('/bin/true', join(other, 'bin', 'python3'));
	put('other/share/jupyter/kernels/theirs', plain('Theirs', { argv: ['python', '-m', 'x'] }));
	env = { ...env, JUPYTER_PATH: join(other, 'share', 'jupyter') };
	const spec = (await findKernelspecs({ env })).find(({ name }) => name === 'theirs');
	expect(spec).toMatchObject({ argv: [join(other, 'bin', 'python3'), '-m', 'x'], python: join(other, 'bin', 'python3') });
});

test('a broken kernelspec is reported with its reason, hides others of its name, and the rest is found', async () => {
	env = { ...env, JUPYTER_PATH: `${folder.path}/p:${folder.path}/q` };
	put('p/kernels/half', '{"argv": ["/bin/ow');
	put('q/kernels/half', plain('Hidden'));
	put('p/kernels/wrong', { argv: 'not a list' });
	put('p/kernels/empty', { argv: [] });
	put('p/kernels/far', plain('Far', { metadata: { kernel_provisioner: { provisioner_name: 'yarn' } } }));
	put('p/kernels/whole', plain('Whole'));
	mkdirSync(join(folder.path, 'p/kernels/no-kernel-json'));
	const broken: BrokenKernelspec[] = [];
	const found = await findKernelspecs({ env, onBroken: (one) => broken.push(one) });
	expect(found.filter(isOfTest).map(({ name }) => name)).toEqual(['python3', 'whole']);
	expect(broken.map(({ name, reason }) => [name, reason.split(':')[0]])).toEqual([
		['empty', 'kernel.json is not a kernelspec'],
		['far', 'it is started by yarn, not as a program on this machine'],
		['half', 'kernel.json cannot be read'],
		['wrong', 'kernel.json is not a kernelspec'],
	]);
	expect(broken.find(({ name }) => name === 'wrong')?.reason).toContain('argv');
});

test('the Python that is asked for is looked at first, and must be one', async () => {
	delete env['VIRTUAL_ENV'];
	put('.local/share/jupyter/kernels/python3', plain('Of the user'));
	const found = await findKernelspecs({ env, python });
	expect(found.find(({ name }) => name === 'python3')?.directory).toBe(join(venv, 'share/jupyter/kernels/python3'));
	for (const wrong of ['/no/such/python', '/bin/true']) {
		await expect(findKernelspecs({ env, python: wrong })).rejects.toMatchObject({ code: 'CELLAR_NO_KERNEL', where: wrong });
	}
});

test('a kernel gets the environment of the caller and what its kernelspec adds, with values put in', async () => {
	env = { ...env, JUPYTER_PATH: join(folder.path, 'p'), WHO: 'me', PYTHONEXECUTABLE: '/elsewhere' };
	const added = { GREETING: 'hello ${WHO}, $WHO, $NOBODY, $$5', PATH: '/own/bin:${PATH}' };
	put('p/kernels/own', plain('Own', { argv: ['sh', '{connection_file}'], env: added }));
	put('p/kernels/snake', plain('Snake', { argv: ['sh', '-m', 'ipykernel_launcher'], language: 'python' }));
	const specs = await findKernelspecs({ env });
	const commandOf = async (name: string) =>
		kernelCommand(
			specs.find((spec) => spec.name === name)!,
			{ connectionFile: '/c/it.json', env: { ...env, UNSET: undefined } },
		);

	const own = await commandOf('own');
	expect(own.argv).toEqual([expect.stringMatching(/^\/(usr\/)?bin\/sh$/), '/c/it.json']);
	expect(own.env).toMatchObject({
		GREETING: 'hello me, me, $NOBODY, $5',
		PATH: `/own/bin:${env['PATH']}`,
		PYTHONEXECUTABLE: '/elsewhere',
	});
	expect(Object.hasOwn(own.env, 'UNSET')).toBe(false);

	const snake = await commandOf('snake');
	expect(snake.env['PYTHONEXECUTABLE']).toBeUndefined();
	expect(snake.argv.slice(1)).toEqual(['-m', 'ipykernel_launcher', '--HistoryManager.hist_file=:memory:']);
});

test('a kernelspec whose program is not there is an error that names the program', async () => {
	env = { ...env, JUPYTER_PATH: join(folder.path, 'p') };
	put('p/kernels/gone', plain('Gone', { argv: ['/uninstalled/python', '-m', 'ipykernel_launcher'] }));
	const spec = (await findKernelspecs({ env })).find(({ name }) => name === 'gone')!;
	await expect(kernelCommand(spec, { connectionFile: '/c', env })).rejects.toMatchObject({
		code: 'CELLAR_NO_KERNEL',
		message: expect.stringContaining('/uninstalled/python'),
		where: join(folder.path, 'p/kernels/gone'),
	});
});
