import { hostname, userInfo } from 'node:os';
import { readFileSync } from 'node:fs';
import { findSecrets, isSecretVariable, type Circumstances } from '../../model/index.ts';

/** Whose values a run keeps (FORMATS, "Environment"): they decide what is found, in which language, and with how many threads. */
const kept =
	/^(PATH|PYTHONPATH|PYTHONHOME|PYTHONHASHSEED|LD_LIBRARY_PATH|VIRTUAL_ENV|CONDA_PREFIX|LANG|LC_.+|TZ|HOME|USER|SHELL|OMP_.+|OPENBLAS_.+|MKL_.+|NUMBA_.+|MPLBACKEND|R_LIBS.*|JULIA_.+|CUDA_VISIBLE_DEVICES|DASK_.+|PARSL_.+|RAY_.+|VINE_.+|LOKY_.+|JOBLIB_.+)$/;

/**
 * The part of an environment that a run records. What looks like a secret by its name or its value is never kept, whoever asks for it.
 *
 * @param asked names that the user gave by `--env`: kept unless they look like a secret
 */
export function recordedEnvironment(
	environment: Readonly<Record<string, string>>,
	asked: ReadonlySet<string>,
): Pick<Circumstances, 'environment' | 'environmentNames'> {
	const names = Object.keys(environment).sort();
	const isKept = (name: string) =>
		(kept.test(name) || asked.has(name)) && !isSecretVariable(name) && findSecrets(environment[name] ?? '').length === 0;
	return {
		environment: Object.fromEntries(names.filter(isKept).map((name) => [name, environment[name] ?? ''])),
		environmentNames: names.filter((name) => !isKept(name)),
	};
}

/** Who runs it and where: what a repeat puts back. */
export function whoAndWhere(): Pick<Circumstances, 'user' | 'uid' | 'gid' | 'home' | 'hostname' | 'bootId'> {
	const user = userInfo();
	return {
		user: user.username,
		uid: user.uid,
		gid: user.gid,
		home: process.env['HOME'] ?? user.homedir,
		hostname: hostname(),
		bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
	};
}
