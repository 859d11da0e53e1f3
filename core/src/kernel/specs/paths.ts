import { realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Interpreter } from './interpreters.ts';

/** A folder in which kernelspecs are looked for. */
export interface KernelFolder {
	readonly path: string;
	/** Who put it on the list: JUPYTER_PATH, the user's own data, a Python's prefix, or the system. */
	readonly kind: 'given' | 'user' | 'environment' | 'system';
	/** The prefix whose Python a bare `python` means there; null where that is Jupyter's own. */
	readonly prefix: string | null;
}

/**
 * Where Jupyter looks for kernelspecs, first found first: jupyter_core's `jupyter_path('kernels')`, then IPython's folder.
 *
 * @param options.pythons the first is the one that Jupyter is taken to run on; the prefixes of others come after the user's
 * @param options.chosen the first was named by the user: its prefix then comes before the user's data, unless
 *   JUPYTER_PREFER_ENV_PATH says no
 */
export async function kernelFolders(options: {
	readonly env: Readonly<NodeJS.ProcessEnv>;
	readonly home: string;
	readonly pythons: readonly Interpreter[];
	readonly chosen: boolean;
}): Promise<readonly KernelFolder[]> {
	const { env, pythons } = options;
	const [first, ...others] = pythons;
	const systemData = flag(env['JUPYTER_PLATFORM_DIRS'])
		? (env['XDG_DATA_DIRS'] || '/usr/local/share:/usr/share').split(delimiter).map((path) => join(path, 'jupyter'))
		: ['/usr/local/share/jupyter', '/usr/share/jupyter'];
	const given = (env['JUPYTER_PATH'] ?? '').split(delimiter).filter((path) => path !== '');
	const home = await realpath(options.home).catch(() => options.home);
	const userData = env['JUPYTER_DATA_DIR'] || join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'jupyter');
	const user = [userData, ...(first?.userBase ? [join(first.userBase, 'share', 'jupyter')] : [])].map((path) =>
		folder(path, 'user', null),
	);
	const ofPythons = (all: readonly Interpreter[]): KernelFolder[] =>
		all
			.map(({ prefix }) => folder(dataOf(prefix), 'environment', prefix))
			.filter(({ path }) => !systemData.some((data) => path === join(data, 'kernels')));
	const own = ofPythons(first ? [first] : []);
	const ownFirst = await prefersEnvironment(env, first, options.chosen);
	const all = [
		...given.map((path) => folder(path, 'given', prefixOf(path))),
		...(ownFirst ? [...own, ...user] : [...user, ...own]),
		...ofPythons(others),
		...systemData.map((path) => folder(path, 'system', prefixOf(path))),
		{ path: join(env['IPYTHONDIR'] || join(home, '.ipython'), 'kernels'), kind: 'user', prefix: null } as const,
	];
	return all.filter(({ path }, index) => all.findIndex((other) => other.path === path) === index);
}

function folder(data: string, kind: KernelFolder['kind'], prefix: string | null): KernelFolder {
	return { path: join(data, 'kernels'), kind, prefix };
}

function dataOf(prefix: string): string {
	return join(prefix, 'share', 'jupyter');
}

/** The prefix whose data folder this is, by its name. */
function prefixOf(data: string): string | null {
	return /^(\/.*)\/share\/jupyter\/*$/.exec(data)?.[1] ?? null;
}

/** jupyter_core's `prefer_environment_over_user`: asked for, or a venv or conda environment that is the user's own. */
async function prefersEnvironment(
	env: Readonly<NodeJS.ProcessEnv>,
	python: Interpreter | undefined,
	chosen: boolean,
): Promise<boolean> {
	if (env['JUPYTER_PREFER_ENV_PATH'] !== undefined) return flag(env['JUPYTER_PREFER_ENV_PATH']);
	if (!python || chosen) return chosen;
	const conda = env['CONDA_PREFIX'];
	const isConda = conda !== undefined && python.prefix.startsWith(conda) && (env['CONDA_DEFAULT_ENV'] ?? 'base') !== 'base';
	if (python.prefix === python.basePrefix && !isConda) return false;
	return stat(python.prefix).then(
		(found) => found.uid === process.geteuid?.(),
		() => false,
	);
}

/** jupyter_core's `envset`: set to anything but these words. */
function flag(value: string | undefined): boolean {
	return value !== undefined && !['no', 'n', 'false', 'off', '0', '0.0'].includes(value.toLowerCase());
}
