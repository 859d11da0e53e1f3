import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import * as v from 'valibot';
import { CellarError } from '../../model/index.ts';
import { askInterpreter, onPath, runnable, type Interpreter } from './interpreters.ts';
import { kernelFolders, type KernelFolder } from './paths.ts';

/** How a kernel is started. */
export interface Kernelspec {
	/** In lower case, as Jupyter finds it. */
	readonly name: string;
	readonly displayName: string;
	readonly language: string;
	/** Complete but for `{connection_file}`; a bare `python` is the interpreter that the kernelspec belongs to. */
	readonly argv: readonly string[];
	/** What is set beside the caller's environment; `${NAME}` stands for a value of that. */
	readonly env: Readonly<Record<string, string>>;
	readonly interruptMode: 'signal' | 'message';
	/** Where its kernel.json lies, or would lie. */
	readonly directory: string;
	/** The interpreter, absolute, where it is a Python that is started. */
	readonly python: string | null;
	/** What the user should know of how it was chosen; null where nothing was guessed. */
	readonly note: string | null;
}

/** A folder that should hold a kernelspec, and why it does not. */
export interface BrokenKernelspec {
	readonly name: string;
	readonly directory: string;
	readonly reason: string;
}

/** All that was found, of which a kernel is chosen. */
export interface KernelSearch {
	/** By name; of one name the first that Jupyter would find. A broken one hides those behind it. */
	readonly specs: readonly (Kernelspec & { readonly from: KernelFolder['kind'] })[];
	readonly broken: readonly BrokenKernelspec[];
	/** The Pythons that were asked: the chosen one first, then that of the activated environment, then that on PATH. */
	readonly pythons: readonly Interpreter[];
}

const text = v.record(v.string(), v.string());
const kernelJson = v.object({
	argv: v.pipe(v.array(v.string()), v.minLength(1)),
	display_name: v.optional(v.string()),
	language: v.optional(v.string(), ''),
	env: v.optional(text, {}),
	interrupt_mode: v.optional(v.pipe(v.string(), v.toLowerCase(), v.picklist(['signal', 'message'])), 'signal'),
	metadata: v.optional(v.object({ kernel_provisioner: v.optional(v.object({ provisioner_name: v.string() })) }), {}),
});

/**
 * The kernelspecs that Jupyter would find: JUPYTER_PATH, the user's, those of the Pythons' prefixes, the system's; and
 * `python3` where none is installed but the first Python has ipykernel, as jupyter_client adds it.
 *
 * @param options.python a Python whose prefix is looked at first
 * @param options.onBroken hears of every kernelspec that cannot be read
 * @throws CellarError CELLAR_NO_KERNEL where `python` is no Python
 * @see https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs
 */
export async function findKernelspecs(options: {
	readonly env: Readonly<NodeJS.ProcessEnv>;
	readonly python?: string;
	readonly onBroken?: (broken: BrokenKernelspec) => void;
}): Promise<readonly Kernelspec[]> {
	const { specs, broken, pythons } = await searchKernels(options.env, options.python ?? null);
	for (const one of broken) options.onBroken?.(one);
	const [first] = pythons;
	const known = [...specs, ...broken].some(({ name }) => name === 'python3');
	const native =
		first?.ipykernel != null && !known ? [ipykernelOf(first, `no kernelspec: the ipykernel of ${first.executable}`)] : [];
	return [...specs.map(({ from: _, ...spec }) => spec), ...native].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The kernel of a Python that has ipykernel, with no kernelspec. */
export function ipykernelOf(python: Interpreter, note: string | null): Kernelspec {
	return {
		name: 'python3',
		displayName: 'Python 3 (ipykernel)',
		language: 'python',
		argv: [python.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
		env: {},
		interruptMode: 'signal',
		directory: join(python.ipykernel ?? python.prefix, 'resources'),
		python: python.executable,
		note,
	};
}

/** Looks everywhere, and asks the Pythons that may matter. */
export async function searchKernels(env: Readonly<NodeJS.ProcessEnv>, python: string | null): Promise<KernelSearch> {
	const pythons = await askPythons(env, python);
	const home = env['HOME'] ?? homedir();
	const specs = new Map<string, Kernelspec & { from: KernelFolder['kind'] }>();
	const broken = new Map<string, BrokenKernelspec>();
	for (const folder of await kernelFolders({ env, home, pythons, chosen: python !== null })) {
		for (const entry of await entriesOf(folder.path)) {
			const name = entry.toLowerCase();
			if (specs.has(name) || broken.has(name)) continue;
			const directory = join(folder.path, entry);
			const spec = await readSpec(name, directory, folder, { env, home, pythons });
			if (typeof spec === 'string') broken.set(name, { name, directory, reason: spec });
			else specs.set(name, { ...spec, from: folder.kind });
		}
	}
	const byName = <T extends { readonly name: string }>(all: Map<string, T>): T[] =>
		[...all.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
	return { specs: byName(specs), broken: byName(broken), pythons };
}

/** The chosen Python, that of the activated environment and the first on PATH, as far as they answer; each prefix once. */
async function askPythons(env: Readonly<NodeJS.ProcessEnv>, chosen: string | null): Promise<readonly Interpreter[]> {
	const venv = env['VIRTUAL_ENV'] ? join(env['VIRTUAL_ENV'], 'bin', 'python') : null;
	const first = (await onPath('python3', env)) ?? (await onPath('python', env));
	const activated = venv !== null && (await runnable(venv)) !== null ? venv : null;
	const paths = [chosen, activated, activated !== null && first !== null && dirname(first) === dirname(activated) ? null : first];
	const answers = await Promise.all([...new Set(paths)].map(async (path) => (path === null ? null : askInterpreter(path, env))));
	if (chosen !== null && typeof answers[0] === 'string') {
		throw new CellarError('CELLAR_NO_KERNEL', answers[0], {
			hint: '--python takes the path of a Python 3 interpreter',
			where: chosen,
		});
	}
	const pythons = answers.filter((answer) => answer !== null && typeof answer !== 'string');
	return pythons.filter(({ prefix }, index) => pythons.findIndex((other) => other.prefix === prefix) === index);
}

/** The folders in `path` that hold a kernel.json, by name. */
async function entriesOf(path: string): Promise<readonly string[]> {
	const names = await readdir(path).catch(() => []);
	const found = await Promise.all(names.map(async (name) => ((await isFile(join(path, name, 'kernel.json'))) ? name : null)));
	return found.filter((name) => name !== null).toSorted();
}

async function isFile(path: string): Promise<boolean> {
	return stat(path).then(
		(found) => found.isFile(),
		() => false,
	);
}

interface Surroundings {
	readonly env: Readonly<NodeJS.ProcessEnv>;
	readonly home: string;
	readonly pythons: readonly Interpreter[];
}

/** The kernelspec of a folder, or why there is none. */
async function readSpec(
	name: string,
	directory: string,
	folder: KernelFolder,
	around: Surroundings,
): Promise<Kernelspec | string> {
	let json: unknown;
	try {
		json = JSON.parse(await readFile(join(directory, 'kernel.json'), 'utf8'));
	} catch (error) {
		return `kernel.json cannot be read: ${error instanceof Error ? error.message : String(error)}`;
	}
	const read = v.safeParse(kernelJson, json);
	if (!read.success) {
		const [issue] = read.issues;
		return `kernel.json is not a kernelspec: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`;
	}
	const spec = read.output;
	const provisioner = spec.metadata.kernel_provisioner?.provisioner_name ?? 'local-provisioner';
	if (provisioner !== 'local-provisioner') return `it is started by ${provisioner}, not as a program on this machine`;
	const given: Readonly<Record<string, string | undefined>> = {
		resource_dir: directory,
		prefix: around.pythons[0]?.prefix,
	};
	const [program, ...rest] = spec.argv.map((word) =>
		word.replaceAll(/\{([A-Za-z0-9_]+)\}/g, (whole, key: string) => given[key] ?? whole).replace(/^~(?=\/|$)/, around.home),
	);
	const resolved = await programFor(program ?? '', folder, around);
	const isPython = /^(python|pypy)[\d.]*$/.test(basename(resolved));
	return {
		name,
		displayName: spec.display_name ?? name,
		language: spec.language,
		argv: [resolved, ...rest],
		env: spec.env,
		interruptMode: spec.interrupt_mode,
		directory,
		python: !isPython ? null : isAbsolute(resolved) ? resolved : await onPath(resolved, around.env),
		note: null,
	};
}

/**
 * jupyter_client starts a bare `python` with its own interpreter; ours is not a Python, so the one is taken that a Jupyter
 * which finds the kernelspec there would run on: that of the prefix, or else the first that was asked.
 */
async function programFor(word: string, folder: KernelFolder, { env, pythons }: Surroundings): Promise<string> {
	if (!/^python(3(\.\d+)?)?$/.test(word)) return word;
	const fits = ({ version }: Interpreter): boolean =>
		!word.includes('.') || version.startsWith(`${word.slice('python'.length)}.`);
	const owner = pythons.find((python) => python.prefix === folder.prefix && fits(python));
	if (owner) return owner.executable;
	// Debian's Python installs below /usr/local and lives in /usr.
	const prefixes = folder.prefix === null ? [] : folder.prefix === '/usr/local' ? ['/usr/local', '/usr'] : [folder.prefix];
	for (const prefix of prefixes) {
		const found = (await runnable(join(prefix, 'bin', word))) ?? (await runnable(join(prefix, 'bin', 'python3')));
		if (found !== null) return found;
	}
	return pythons.find(fits)?.executable ?? (await onPath(word, env)) ?? word;
}
