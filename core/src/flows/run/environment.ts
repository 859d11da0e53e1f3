import { hostname, userInfo } from 'node:os';
import { readFileSync } from 'node:fs';
import { findSecrets, isSecretVariable, type Circumstances } from '../../model/index.ts';

/** Whose values a run keeps (FORMATS, "Environment"), by what they decide; docs/run-format.md lists them. */
const kept: readonly RegExp[] = [
	// Where programs, packages and libraries are found, and who and where one is.
	/^(PATH|LD_LIBRARY_PATH|VIRTUAL_ENV|CONDA_PREFIX|HOME|USER|SHELL|NODE_PATH|R_(?:LIBS|HOME|PROFILE|ENVIRON|DEFAULT).*|JULIA_.+)$/,
	// How Python behaves; where its bytecode lies decides nothing, and no repeat has it there.
	/^PYTHON(?:(?!PYCACHEPREFIX$)[A-Z]+|_COLORS|_CPU_COUNT|_GIL|_JIT)$/,
	// In which language and at what time.
	/^(LANG|LANGUAGE|LC_.+|TZ)$/,
	// With how many threads and which devices; the engines' own.
	/^(OMP_.+|OPENBLAS_.+|MKL_.+|NUMBA_.+|CUDA_VISIBLE_DEVICES|DASK_.+|PARSL_.+|RAY_.+|VINE_.+|LOKY_.+|JOBLIB_.+)$/,
	// How results are shown: in colour or not, how wide, by which backend. Node even warns where two of them contradict each other.
	/^(NO_COLOR|FORCE_COLOR|CLICOLOR|CLICOLOR_FORCE|COLORTERM|TERM|COLUMNS|LINES|MPLBACKEND)$/,
	// Where libraries look for settings and for the data that they keep.
	/^(XDG_(?:CONFIG|DATA|CACHE)_HOME|MPLCONFIGDIR|IPYTHONDIR|HF_HOME|HF_(?:HUB|DATASETS)_(?:CACHE|OFFLINE)|TORCH_HOME|KERAS_HOME|NLTK_DATA|SCIKIT_LEARN_DATA|PROJ_(?:DATA|LIB)|GDAL_DATA)$/,
];

/**
 * The part of an environment that a run records. What looks like a secret by its name or its value is never kept, whoever asks for it.
 *
 * @param asked names that were set for this run, by `--env` or by the kernelspec: kept unless they look like a secret
 */
export function recordedEnvironment(
	environment: Readonly<Record<string, string>>,
	asked: ReadonlySet<string>,
): Pick<Circumstances, 'environment' | 'environmentNames'> {
	const names = Object.keys(environment).sort();
	const isKept = (name: string) =>
		(asked.has(name) || kept.some((pattern) => pattern.test(name))) &&
		!isSecretVariable(name) &&
		findSecrets(environment[name] ?? '').length === 0;
	return {
		environment: Object.fromEntries(names.filter(isKept).map((name) => [name, environment[name] ?? ''])),
		environmentNames: names.filter((name) => !isKept(name)),
	};
}

/** An environment without the variables that are not set. */
export function definedIn(env: Readonly<NodeJS.ProcessEnv>): Record<string, string> {
	return Object.fromEntries(
		Object.entries(env).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]])),
	);
}

/** Who runs it and where: what a repeat puts back. */
export function whoAndWhere(): Pick<Circumstances, 'user' | 'uid' | 'gid' | 'home' | 'hostname' | 'bootId'> {
	const user = userInfo();
	return {
		user: user.username,
		uid: user.uid,
		gid: user.gid,
		home: process.env['HOME'] ?? user.homedir,
		...whichHost(),
	};
}

/** The machine, as it is now: it may not know whose process this is. */
export function whichHost(): Pick<Circumstances, 'hostname' | 'bootId'> {
	return { hostname: hostname(), bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
}
