import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { createFollower, launch, probeTracer, startTimeOf, tailLog, type Launched } from '../audit/index.ts';
import {
	chooseKernel,
	createConnection,
	kernelCommand,
	openSession,
	type Connection,
	type Kernelspec,
	type Session,
} from '../kernel/index.ts';
import {
	CellarError,
	encodeName,
	type CellUse,
	type Facts,
	type JournalEntry,
	type Listener,
	type Run,
	type RunStatus,
	type StartedProcess,
	type Warning,
} from '../model/index.ts';
import { codeCells, parseNotebook, withParameters, type CodeCell, type Notebook } from '../notebook/index.ts';
import { createRun, openBlobs, type RunFolder } from '../store/index.ts';
import { createAside, type Aside } from './aside.ts';
import { accountOfCells, executed, runCells, type CellLoop } from './cells.ts';
import { recordedEnvironment, whoAndWhere } from './environment.ts';
import { executionsThatStartCoroutines } from './coroutines.ts';
import { finishRun } from './finish.ts';
import { createInputKeeper, namedFiles, type InputKeeper } from './inputs.ts';
import { lostLog, watchMarks } from './marks.ts';
import { usesOf } from './uses.ts';
import { version } from './version.ts';

/** What `cellar audit NOTEBOOK` was asked. Sizes are bytes. */
export interface AuditOptions {
	readonly notebook: string;
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
	readonly kernel: string | null;
	readonly python: string | null;
	/** `--env K=V`: added to the kernel's environment, and kept unless secret. */
	readonly setEnv: ReadonlyMap<string, string>;
	/** `--param K=V`: for the cell tagged `parameters`, as papermill does it. */
	readonly parameters: ReadonlyMap<string, string>;
	readonly allowErrors: boolean;
	readonly timeoutSeconds: number | null;
	readonly checks: boolean;
	readonly keepInputs: number;
	readonly keepOutputs: number;
	/** Where a copy of the executed notebook goes; null for nowhere but the run. */
	readonly out: string | null;
}

/** How a user stops a flow: `stop` interrupts the running cell and saves the run, `kill` ends the kernel at once. */
export interface Control {
	readonly stop: AbortSignal;
	readonly kill: AbortSignal;
}

/** Between two looks at the growing log: short enough to save an input before it is overwritten by hand, long enough to cost nothing. */
const pollMs = 150;
/** How long what the kernel started may go on after it. */
const graceMs = 4000;

/**
 * Runs a notebook under audit and makes a run of it: the whole of `cellar audit`.
 *
 * @throws CellarError CELLAR_NO_TRACER, CELLAR_NO_KERNEL, CELLAR_NOT_A_NOTEBOOK, … before anything has run
 */
export async function auditNotebook(
	options: AuditOptions,
	control: Control,
	listen: Listener,
): Promise<{ run: Run; directory: string }> {
	const path = resolve(options.notebook);
	const given = await readNotebookFile(path, options.notebook);
	const notebook = withParameters(parseNotebook(given, options.notebook), options.parameters);
	const cells = codeCells(notebook);
	const tracer = await probeTracer(options.env);
	if (tracer.status !== 'ok') throw new CellarError('CELLAR_NO_TRACER', tracer.reason, { hint: tracer.mend });
	const spec = await chooseKernel({
		wanted: options.kernel,
		python: options.python,
		notebook: kernelOf(notebook),
		env: options.env,
	});
	const uses = await usesOf(cells, spec.language);

	const scratch = mkdtempSync(join(tmpdir(), 'cellar-'));
	const { file: connectionFile, connection } = await createConnection({ transport: 'tcp', folder: scratch });
	const { argv, env: environment } = await kernelCommand(spec, {
		connectionFile,
		env: { ...options.env, ...Object.fromEntries(options.setEnv), JPY_PARENT_PID: String(process.pid) },
	});
	const nonce = randomBytes(12).toString('hex');
	const started = new Date();
	await using folder = await createRun(options.home, {
		format: 1,
		notebook: encodeName(Buffer.from(path)),
		status: 'running',
		started: started.toISOString(),
		seconds: null,
		cells: accountOfCells(cells, []),
		workers: [],
		warnings: [],
		repeatOf: null,
		circumstances: {
			argv: [...argv],
			cwd: dirname(path),
			...whoAndWhere(),
			...recordedEnvironment(environment, new Set(options.setEnv.keys())),
			kernel: { name: spec.name, language: spec.language, displayName: spec.displayName, interruptMode: spec.interruptMode },
			connectionFile,
			tracer: { name: 'strace', version: tracer.version },
			image: null,
			checks: options.checks,
			parameters: Object.fromEntries(options.parameters),
			nonce,
			cellar: version,
		},
	});
	await folder.write('notebook.ipynb', given);
	await folder.append({ event: 'limits', keepInputs: options.keepInputs, keepOutputs: options.keepOutputs });
	listen({ type: 'run began', run: folder.id, directory: folder.directory, notebook: path, cells: cells.length });

	const keeper = createInputKeeper({
		blobs: openBlobs(options.home),
		limit: options.keepInputs,
		started: started.getTime(),
		prefixes: prefixesOf(spec),
		append: (entry) => folder.append(entry),
		warn: (warning) => warn({ folder, listen }, warning),
	});
	for (const file of namedFiles(
		uses.flatMap((use) => [...use.names.paths, ...use.names.runs]),
		dirname(path),
		environment['HOME'] ?? '/',
	)) {
		keeper.named(file);
	}
	await keeper.settled();

	try {
		const audited = await runAudited({
			options,
			control,
			listen,
			folder,
			spec,
			uses,
			cells,
			keeper,
			aside: createAside(),
			connection,
			argv,
			environment,
			nonce,
			cwd: dirname(path),
			tracer: tracer.path,
		});
		await folder.append({ event: 'end', status: audited.status, at: new Date().toISOString() });
		const run = await finishRun({
			folder,
			home: options.home,
			facts: audited.facts,
			notebook,
			cells,
			uses,
			ended: null,
			keepOutputs: options.keepOutputs,
			out: options.out,
			inside: null,
			listen,
		});
		return { run, directory: folder.directory };
	} catch (error) {
		throw keptWhat(error, folder.id);
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
}

/** Where the disk is full, what to do is the same at every place: what the run has by then is not lost. */
function keptWhat(error: unknown, run: string): unknown {
	if (!(error instanceof CellarError) || error.code !== 'CELLAR_DISK_FULL' || error.hint?.includes(run) === true) return error;
	return new CellarError(error.code, error.message, {
		where: run,
		hint: `run ${run} keeps the cells that ended, with their outputs; make room on this disk, and any command makes it whole`,
		cause: error,
	});
}

interface Audited {
	readonly options: AuditOptions;
	readonly control: Control;
	readonly listen: Listener;
	readonly folder: RunFolder;
	readonly spec: Kernelspec;
	readonly uses: readonly CellUse[];
	readonly cells: readonly CodeCell[];
	readonly keeper: InputKeeper;
	/** Warnings that are being journalled. */
	readonly aside: Aside;
	readonly connection: Connection;
	readonly argv: readonly string[];
	readonly environment: Readonly<Record<string, string>>;
	readonly nonce: string;
	readonly cwd: string;
	readonly tracer: string;
}

async function runAudited(o: Audited): Promise<{ facts: Facts; status: RunStatus }> {
	const log = o.folder.logPath('manager');
	const here = whoAndWhere();
	const follower = createFollower({
		log: 'manager',
		nonce: o.nonce,
		host: here.hostname,
		bootId: here.bootId,
		coroutineCells: executionsThatStartCoroutines(o.cells, o.uses),
		onFirstUse: (use) => o.keeper.sighted(use.path, use.how),
	});
	await using launched = await launch({
		argv: o.argv,
		cwd: o.cwd,
		env: o.environment,
		log,
		nonce: o.nonce,
		checks: o.options.checks,
		tracer: o.tracer,
	});
	const startTime = startTimeOf(launched.tracerPid);
	if (startTime !== null) await o.folder.append({ event: 'tracer', pid: launched.tracerPid, startTime });
	if (o.spec.note !== null) await warn(o, { code: 'CELLAR_KERNEL_CHOSEN', message: o.spec.note });
	const kill = () => void launched.kill();
	o.control.kill.addEventListener('abort', kill, { once: true });
	const marks = watchMarks(o.nonce);
	const tail = tailLog(log, (events) => {
		marks.take(events);
		follower.take(events);
	});
	const mark = async (verb: 'begin' | 'end', execution: number) => {
		await launched.mark({ verb, kind: 'cell', id: String(execution), attempt: null, name: null });
		await tail.poll();
		if (!marks.has(verb, execution)) throw lostLog(o.folder.directory, o.folder.id, executed(o.cells)[execution - 1]!.number);
	};
	let status: RunStatus;
	let leftRunning: Awaited<ReturnType<Launched['finish']>>;
	{
		await using _polling = pollEvery(pollMs, () => tail.poll());
		try {
			status = await runInKernel(o, launched, mark);
		} finally {
			o.control.kill.removeEventListener('abort', kill);
		}
		leftRunning = await launched.finish(graceMs);
	}
	for (const left of leftRunning) {
		await warn(o, {
			code: 'CELLAR_LEFT_RUNNING',
			message: `${left.command} (process ${left.pid}) was still running after the kernel had ended, and was ended with it`,
		});
	}
	await tail.end();
	await o.keeper.settled();
	await o.aside.settled();
	return { facts: follower.facts(), status };
}

async function runInKernel(o: Audited, launched: Launched, mark: CellLoop['mark']): Promise<RunStatus> {
	const clock = performance.now();
	await using session = await openKernel(o, launched);
	o.listen({ type: 'kernel ready', kernel: o.spec.displayName, seconds: (performance.now() - clock) / 1000 });
	const { status } = await runCells({
		session,
		cells: o.cells,
		allowErrors: o.options.allowErrors,
		timeoutSeconds: o.options.timeoutSeconds,
		mark,
		append: (entry) => o.folder.append(entry),
		stop: o.control.stop,
		listen: o.listen,
	});
	await session.shutdown(5000);
	return status;
}

function openKernel(o: Audited, process: StartedProcess): Promise<Session> {
	return openSession({
		connection: o.connection,
		process,
		spec: o.spec,
		startTimeoutMs: 120_000,
		onWarning: (warning) => o.aside.add(warn(o, warning)),
	});
}

async function warn(o: { folder: RunFolder; listen: Listener }, warning: Warning): Promise<void> {
	const entry: JournalEntry = { event: 'warning', warning };
	await o.folder.append(entry);
	o.listen({ type: 'warning', warning });
}

/** Calls `poll` again and again, one at a time, until it is disposed of. */
function pollEvery(ms: number, poll: () => Promise<void>): AsyncDisposable {
	let busy: Promise<void> = Promise.resolve();
	let failed: unknown = null;
	const timer = setInterval(() => {
		busy = busy.then(poll).catch((error: unknown) => {
			failed ??= error;
		});
	}, ms);
	return {
		async [Symbol.asyncDispose]() {
			clearInterval(timer);
			await busy;
			if (failed !== null) throw failed;
		},
	};
}

/** Where the kernel's own software lies, by its name and with links resolved: nothing there is an input. */
function prefixesOf(spec: Kernelspec): string[] {
	const program = spec.python ?? spec.argv[0];
	if (program === undefined || !isAbsolute(program)) return [];
	const real = existsSync(program) ? realpathSync(program) : program;
	return [...new Set([program, real])]
		.map((path) => dirname(dirname(path)))
		.filter((prefix) => prefix !== '/' && prefix !== '/usr')
		.flatMap((prefix) => ['lib', 'bin', 'share', 'pyvenv.cfg'].map((name) => join(prefix, name)));
}

function kernelOf(notebook: Notebook): { name: string | null; language: string | null } {
	const spec = notebook.metadata.kernelspec;
	return { name: spec?.name ?? null, language: spec?.language ?? notebook.metadata.language_info?.name ?? null };
}

async function readNotebookFile(path: string, asked: string): Promise<Buffer> {
	try {
		return await readFile(path);
	} catch (cause) {
		throw new CellarError(
			'CELLAR_NO_SUCH_FILE',
			`cannot read ${basename(asked)}: ${cause instanceof Error ? cause.message : String(cause)}`,
			{
				where: asked,
				hint: 'check the path of the notebook',
				cause,
			},
		);
	}
}
