import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { findOnPath, probeTracer } from '../audit/index.ts';
import { findKernelspecs, type Kernelspec } from '../kernel/index.ts';
import { probeBubblewrap, probeOverlay, probeUserNamespaces } from '../sandbox/index.ts';
import { cellarHome } from '../store/index.ts';
import { thisMachine } from '../workers/index.ts';

/** One thing that this machine can or cannot do, with the line that would mend it. */
export interface Check {
	readonly name: string;
	readonly status: 'ok' | 'missing' | 'refused';
	readonly found: string | null;
	readonly mend: string | null;
}

/** Everything that Cellar needs of a machine, tried for real: the whole of `cellar doctor`. */
export async function examine(env: NodeJS.ProcessEnv): Promise<readonly Check[]> {
	const tracer = await probeTracer(env);
	const specs = await findKernelspecs({ env });
	const sandbox = async (
		name: string,
		probe: Promise<{ status: Check['status']; found: string | null; reason: string | null; mend: string | null }>,
	) => {
		const { status, found, reason, mend } = await probe;
		return { name, status, found: status === 'ok' ? found : (reason ?? found), mend };
	};
	return [
		...tracerChecks(tracer),
		await sandbox('user namespaces', probeUserNamespaces(env)),
		await sandbox('overlay', probeOverlay(cellarHome(env), env)),
		await sandbox('bubblewrap', probeBubblewrap(env)),
		kernels(specs),
		await engines(specs, env),
	];
}

/** strace, and the kernel's leave to trace, are two things to mend. */
function tracerChecks(tracer: Awaited<ReturnType<typeof probeTracer>>): Check[] {
	if (tracer.status === 'ok') {
		return [
			{ name: 'strace', status: 'ok', found: `${tracer.version} at ${tracer.path}`, mend: null },
			{ name: 'ptrace', status: 'ok', found: 'a program was traced', mend: null },
		];
	}
	if (tracer.status === 'missing') {
		return [
			{ name: 'strace', status: 'missing', found: tracer.found, mend: tracer.mend },
			{ name: 'ptrace', status: 'missing', found: 'not tried: strace is missing', mend: tracer.mend },
		];
	}
	return [
		{ name: 'strace', status: 'ok', found: tracer.found, mend: null },
		{ name: 'ptrace', status: 'refused', found: tracer.reason, mend: tracer.mend },
	];
}

function kernels(specs: readonly Kernelspec[]): Check {
	if (specs.length === 0) {
		return {
			name: 'kernels',
			status: 'missing',
			found: null,
			mend: 'python3 -m pip install ipykernel, or name an interpreter that has it by --python PATH',
		};
	}
	return {
		name: 'kernels',
		status: 'ok',
		found: specs.map((spec) => `${spec.name} (${spec.displayName})`).join(', '),
		mend: null,
	};
}

/** The distributions of engines whose tasks are told apart, by the engines' names. */
const distributions: Readonly<Record<string, string>> = {
	dask: 'distributed',
	parsl: 'parsl',
	ipyparallel: 'ipyparallel',
	ray: 'ray',
	joblib: 'joblib',
};
const installed = `
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try: found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: pass
print(json.dumps(found))
`;

/** The engines that the kernels have. None is needed, so none is missing. */
async function engines(specs: readonly Kernelspec[], env: NodeJS.ProcessEnv): Promise<Check> {
	const found: string[] = [];
	for (const { name, python } of specs) {
		if (python === null) continue;
		const here = thisMachine({ program: python, cwd: '/', env });
		const said = v.safeParse(versions, await here.said([python, '-c', installed, ...Object.values(distributions)]));
		const has = Object.entries(distributions).flatMap(([engine, distribution]) => {
			const version = said.success ? said.output[distribution] : undefined;
			return version === undefined ? [] : [`${engine} ${version}`];
		});
		if (here.canRun(join(dirname(python), 'vine_worker'))) has.push('taskvine');
		if (has.length > 0) found.push(`${has.join(', ')} (${name})`);
	}
	const worker = await findOnPath('vine_worker', env);
	if (worker !== null) found.push(`taskvine (${worker})`);
	return { name: 'engines', status: 'ok', found: ['Python’s own pools', ...found].join('; '), mend: null };
}

const versions = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));
