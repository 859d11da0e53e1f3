import { probeTracer } from '../audit/index.ts';
import { findKernelspecs } from '../kernel/index.ts';
import { probeBubblewrap, probeOverlay, probeUserNamespaces } from '../sandbox/index.ts';
import { cellarHome } from '../store/index.ts';

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
		await kernels(env),
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

async function kernels(env: NodeJS.ProcessEnv): Promise<Check> {
	const specs = await findKernelspecs({ env });
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
