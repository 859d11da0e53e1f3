import { isAbsolute } from 'node:path';
import { CellarError } from '../../model/index.ts';
import { onPath, runnable, type Interpreter } from './interpreters.ts';
import { ipykernelOf, searchKernels, type KernelSearch, type Kernelspec } from './kernelspecs.ts';

export interface KernelWish {
	/** `--kernel`: the name of a kernelspec. */
	readonly wanted: string | null;
	/** `--python`: the ipykernel of this interpreter, with no kernelspec; beside `wanted`, the Python that it is looked for by. */
	readonly python: string | null;
	/** What the notebook's metadata say: the kernelspec's name, and the language. */
	readonly notebook: { readonly name: string | null; readonly language: string | null };
	readonly env: Readonly<NodeJS.ProcessEnv>;
}

/**
 * The kernel to run a notebook with: what the user names, otherwise what the notebook names. `python3` means the Python that
 * is at hand: the activated environment, where it has ipykernel, comes before a kernelspec that would lead out of it. What
 * was not said by the user or the notebook is told in the `note`.
 *
 * @throws CellarError CELLAR_NO_IPYKERNEL where `python` has none; CELLAR_NO_KERNEL where no such kernel is installed (with
 *   those that are), where its kernel.json is broken, or where `python` is no Python
 */
export async function chooseKernel(wish: KernelWish): Promise<Kernelspec> {
	const search = await searchKernels(wish.env, wish.python);
	const [first] = search.pythons;
	if (wish.wanted !== null) return named(search, wish.wanted) ?? noKernel(search, wish.wanted);
	if (wish.python !== null && first) return ownKernel(first);
	const { name, language } = wish.notebook;
	const isPython = language === null || /^i?python\d?$/i.test(language);
	if (name === null && !isPython) return ofLanguage(search, language);
	if (name !== null && !/^python3?$/i.test(name)) return named(search, name) ?? noKernel(search, name);
	const guessed = name === null ? 'the notebook names no kernel: python3 is used' : null;
	const spec = python3(search, wish.env['VIRTUAL_ENV'] ?? null) ?? noKernel(search, 'python3');
	return spec.note !== null || guessed === null ? spec : { ...spec, note: guessed };
}

/**
 * The command and the environment that start a kernel: as jupyter_client's `format_kernel_cmd` and `pre_launch`. An ipykernel
 * keeps its history in memory, as nbclient has it, so that a run neither reads nor changes the user's.
 *
 * @param options.connectionFile as the kernel sees it
 * @param options.env the environment that the kernelspec's own is added to
 * @returns a program that is absolute, but for one given by a relative path
 * @throws CellarError CELLAR_NO_KERNEL where the program is not there
 */
export async function kernelCommand(
	spec: Kernelspec,
	options: { readonly connectionFile: string; readonly env: Readonly<NodeJS.ProcessEnv> },
): Promise<{ readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> }> {
	const env: Record<string, string> = {};
	for (const [name, value] of Object.entries(options.env)) if (value !== undefined) env[name] = value;
	const own = Object.entries(spec.env).map(([name, value]): [string, string] => [name, fill(value, env)]);
	Object.assign(env, Object.fromEntries(own));
	// It would make another Python of the kernel's.
	if (spec.language.toLowerCase().startsWith('python')) delete env['PYTHONEXECUTABLE'];
	const [program = '', ...rest] = spec.argv.map((word) => word.replaceAll('{connection_file}', options.connectionFile));
	const found = program.includes('/') ? (isAbsolute(program) ? await runnable(program) : program) : await onPath(program, env);
	if (found === null) {
		throw new CellarError('CELLAR_NO_KERNEL', `the kernel ${spec.name} cannot be started: there is no program ${program}`, {
			hint: 'install it again, or choose another by --kernel NAME or --python PATH',
			where: spec.directory,
		});
	}
	const module = rest[rest.indexOf('-m') + 1];
	const isIpykernel = rest.includes('-m') && (module === 'ipykernel_launcher' || module === 'ipykernel');
	const history = isIpykernel && !rest.some((word) => word.startsWith('--HistoryManager.'));
	return { argv: [found, ...rest, ...(history ? ['--HistoryManager.hist_file=:memory:'] : [])], env };
}

/** Python's `string.Template.safe_substitute`. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
	return template.replaceAll(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (whole, dollar?: string, bare?: string, braced?: string) =>
		dollar ? '$' : (values[bare ?? braced ?? ''] ?? whole),
	);
}

/** The kernelspec of this name; jupyter_client knows `python` as another word for `python3`. */
function named({ specs, broken, pythons }: KernelSearch, name: string): Kernelspec | null {
	const key = name.toLowerCase() === 'python' ? 'python3' : name.toLowerCase();
	const spec = specs.find((one) => one.name === key);
	if (spec) return plain(spec);
	const bad = broken.find((one) => one.name === key);
	if (bad) {
		throw new CellarError('CELLAR_NO_KERNEL', `the kernel ${name} cannot be used: ${bad.reason}`, {
			where: bad.directory,
			hint: 'mend or remove its kernel.json, or choose another by --kernel NAME or --python PATH',
		});
	}
	const native = key === 'python3' ? pythons.find(({ ipykernel }) => ipykernel !== null) : undefined;
	return native ? ipykernelOf(native, `no kernelspec python3 is installed: the ipykernel of ${native.executable} is used`) : null;
}

function python3(search: KernelSearch, activated: string | null): Kernelspec | null {
	const spec = named(search, 'python3');
	const from = search.specs.find(({ name }) => name === 'python3')?.from ?? null;
	const venv =
		activated === null ? undefined : search.pythons.find(({ executable, prefix }) => inside(activated, executable, prefix));
	if (!venv || spec?.python?.startsWith(`${venv.prefix}/`)) return spec;
	if (venv.ipykernel === null) {
		const where = spec?.python ?? spec?.argv[0];
		return spec && { ...spec, note: `the activated environment ${activated} has no ipykernel: the kernel runs on ${where}` };
	}
	if (from === 'given') return spec;
	return ipykernelOf(
		venv,
		`the activated environment ${activated} is used, and not ${spec?.python ?? spec?.argv[0] ?? 'a kernelspec'} (--kernel python3)`,
	);
}

function inside(folder: string, executable: string, prefix: string): boolean {
	const plainFolder = folder.replace(/\/+$/, '');
	return prefix === plainFolder || executable.startsWith(`${plainFolder}/`);
}

function ownKernel(python: Interpreter): Kernelspec {
	if (python.ipykernel !== null) return ipykernelOf(python, null);
	const install = `${python.executable} -m pip install ipykernel`;
	const otherwise = python.managed
		? '; where the system forbids that: python3 -m venv .venv && .venv/bin/pip install ipykernel, then --python .venv/bin/python'
		: python.pip
			? ''
			: `; without pip: uv pip install --python ${python.executable} ipykernel`;
	throw new CellarError('CELLAR_NO_IPYKERNEL', `${python.executable} (Python ${python.version}) has no ipykernel`, {
		hint: `${install}${otherwise}`,
	});
}

function ofLanguage(search: KernelSearch, language: string): Kernelspec {
	const fitting = search.specs.filter((spec) => spec.language.toLowerCase() === language.toLowerCase());
	const [spec, ...others] = fitting;
	if (!spec) return noKernel(search, `for ${language}`);
	const rest = others.length === 0 ? '' : ` (there are also ${others.map(({ name }) => name).join(', ')}: --kernel NAME)`;
	return { ...plain(spec), note: `the notebook names no kernel, but ${language}: ${spec.name} is used${rest}` };
}

function plain({ from: _, ...spec }: KernelSearch['specs'][number]): Kernelspec {
	return spec;
}

function noKernel({ specs, broken, pythons }: KernelSearch, name: string): never {
	const there = [
		...specs.map((spec) => `${spec.name} (${spec.displayName})`),
		...broken.map((spec) => `${spec.name} (broken: ${spec.directory})`),
		...(specs.some((spec) => spec.name === 'python3') ? [] : pythons.filter(({ ipykernel }) => ipykernel !== null)).map(
			({ executable }) => `python3 (the ipykernel of ${executable})`,
		),
	];
	const install = `${pythons[0]?.executable ?? 'python3'} -m pip install ipykernel`;
	throw new CellarError(
		'CELLAR_NO_KERNEL',
		`no kernel ${name} is installed; ${there.length === 0 ? 'there is none at all' : `there are: ${there.join(', ')}`}`,
		{
			hint:
				there.length > 0
					? 'choose one by --kernel NAME, or any Python that has ipykernel by --python PATH'
					: `${install}, or choose any Python that has it by --python PATH, or a kernel by --kernel NAME`,
		},
	);
}
