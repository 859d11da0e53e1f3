import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { probeTracer, type TracerProbe } from '../audit/index.ts';
import { openMachine, openProject, readProjectRules } from '../dependencies/index.ts';
import { chooseKernel, createConnection, kernelCommand } from '../kernel/index.ts';
import {
	CellarError,
	createSecrets,
	encodeName,
	isTelling,
	secretValues,
	type Circumstances,
	type Listener,
	type LogId,
	type Run,
	type Secrets,
} from '../model/index.ts';
import { codeCells, parseNotebook, withParameters, type Notebook } from '../notebook/index.ts';
import { bundleFolder, createRun, openBlobs, type RunFolder } from '../store/index.ts';
import { agentFolder, engineNamed, engineNames, jobScript, jobScriptName, withAgent, type Engine } from '../workers/index.ts';
import { accountOfCells } from './run/cells.ts';
import type { Control } from './run/control.ts';
import { definedIn, recordedEnvironment, whoAndWhere } from './run/environment.ts';
import { finishRun } from './run/finish.ts';
import { keptArgv } from './secrets/argv.ts';
import { keptNotebook, keptParameters, sourceSecrets, sourceWarnings } from './secrets/given.ts';
import { guarded, learnFrom } from './secrets/guard.ts';
import { findProgram, isPython, wordsOf } from './run/program.ts';
import { recordCells } from './recording/cells.ts';
import { createInputKeeper, namedFiles, type InputKeeper } from './recording/inputs.ts';
import { recordProgram } from './recording/program.ts';
import { warn } from './recording/tracing.ts';
import { usesOf } from './run/uses.ts';
import { version } from './version.ts';
import { gatherWorkers } from './workers/gather.ts';

/** What every audit was asked. Sizes are bytes. */
interface Asked {
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
	/** `--env K=V`: added to the environment, and kept unless secret. */
	readonly setEnv: ReadonlyMap<string, string>;
	readonly checks: boolean;
	readonly keepInputs: number;
	readonly keepOutputs: number;
}

/** What `cellar audit -- COMMAND` was asked. */
export interface ProgramAuditOptions extends Asked {
	readonly argv: readonly string[];
	/** Absolute. */
	readonly cwd: string;
	/** Its stdout goes to our stderr. */
	readonly outputToStderr: boolean;
}

/** What `cellar audit NOTEBOOK` was asked. */
export interface AuditOptions extends Asked {
	readonly notebook: string;
	readonly kernel: string | null;
	readonly python: string | null;
	/** `--param K=V`: for the cell tagged `parameters`, as papermill does it. */
	readonly parameters: ReadonlyMap<string, string>;
	readonly allowErrors: boolean;
	readonly timeoutSeconds: number | null;
	/** Workers that are started, audited, for the manager of this engine that the notebook starts; null for none. */
	readonly workers: { readonly engine: string; readonly count: number } | null;
	/** Where a copy of the executed notebook goes; null for nowhere but the run. */
	readonly out: string | null;
	/** The words that start this Cellar, as full paths: batch jobs start the notebook's workers by them. Null: they are not started by it. */
	readonly cellar: readonly string[] | null;
}

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
	const asked = workersAsked(options);
	const given = await readNotebookFile(path, options.notebook);
	const parsed = parseNotebook(given, options.notebook);
	const notebook = withParameters(parsed, options.parameters);
	const parameters = keptParameters(options.parameters);
	const cells = codeCells(notebook);
	const who = whoAndWhere();
	const rules = readProjectRules(dirname(path), who.home);
	const { kernel: wanted, python, env } = options;
	const [tracer, spec] = await Promise.all([
		tracerOf(options),
		chooseKernel({ wanted, python, notebook: kernelOf(notebook), env }),
	]);
	const uses = await usesOf(cells, spec.language);

	using scratch = temporaryFolder();
	const { file: connectionFile, connection } = await createConnection({ transport: 'tcp', folder: scratch.path });
	const { argv, env: environment } = await kernelCommand(spec, {
		connectionFile,
		env: { ...options.env, ...Object.fromEntries(options.setEnv), JPY_PARENT_PID: String(process.pid) },
	});
	const secrets = createSecrets([...secretValues(environment), ...parameters.secret.filter(isTelling)]);
	const kept = keptNotebook(given, options.notebook, secrets);
	const nonce = randomBytes(12).toString('hex');
	const agent = withAgent(argv, nonce) === null ? null : encodeName(Buffer.from(agentFolder));
	const started = new Date();
	await using unguarded = await createRun(options.home, {
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
			argv: argv.map((word) => secrets.mask(word)),
			cwd: dirname(path),
			...who,
			...recordedEnvironment(environment, new Set([...options.setEnv.keys(), ...Object.keys(spec.env)])),
			kernel: { name: spec.name, language: spec.language, displayName: spec.displayName, interruptMode: spec.interruptMode },
			connectionFile,
			tracer: { name: 'strace', version: tracer.version },
			image: null,
			agent,
			checks: options.checks,
			rules,
			workers: options.workers === null ? null : { ...options.workers },
			parameters: { ...parameters.kept },
			nonce,
			cellar: version,
		},
	});
	const folder = guarded(unguarded, secrets, listen);
	const workers = { directory: folder.directory, nonce, known: new Set<LogId>(), secrets, wait: true };
	await folder.write('notebook.ipynb', kept.bytes);
	await folder.append({ event: 'limits', keepInputs: options.keepInputs, keepOutputs: options.keepOutputs });
	if (options.cellar !== null)
		await folder.write(jobScriptName, jobScript({ cellar: options.cellar, version, bundles: bundlesOf(options) }));
	const marked = withAgent(argv, nonce, options.cellar && folder.directory);
	listen({ type: 'run began', run: folder.id, directory: folder.directory, notebook: path, cells: cells.length });

	try {
		const told = [...parameters.warnings, ...sourceWarnings(sourceSecrets(parsed)), ...kept.warnings];
		for (const warning of told) await warn({ folder, listen }, warning);
		const prefixes = prefixesOf(spec.python ?? spec.argv[0]);
		const keeper = keeperOf(options, { ...{ folder, listen, started, prefixes, rules, secrets }, userHome: who.home });
		const mentioned = uses.flatMap((use) => [...use.names.paths, ...use.names.runs]);
		for (const file of namedFiles(mentioned, dirname(path), environment['HOME'] ?? '/')) keeper.named(file);
		await keeper.settled();
		const machine = openMachine();
		const recorded = await recordCells({
			...{ folder, spec, uses, cells, keeper, connection, environment, nonce, control, listen },
			...{ argv: marked ?? argv, agent, workers: asked },
			...{ timeoutSeconds: options.timeoutSeconds, allowErrors: options.allowErrors, checks: options.checks },
			...{ cwd: dirname(path), tracer: tracer.path, whileItEnds: () => machine.ahead() },
		});
		await folder.append({ event: 'end', status: recorded.status, at: new Date().toISOString() });
		await using gathered = await gatherWorkers({ ...workers, facts: recorded.facts, accesses: recorded.facts.accesses });
		const run = await finishRun({
			...{ folder, told: gathered.told, uses, listen, secrets, machine, ofWorkers: gathered.warnings },
			// What is secret in its metadata, or was put in, is not in the notebook that is kept.
			notebook: withParameters(parseNotebook(kept.bytes, options.notebook), new Map(Object.entries(parameters.kept))),
			...{ home: options.home, keepOutputs: options.keepOutputs, out: options.out, ended: null, inside: null },
		});
		return { run, directory: folder.directory };
	} catch (error) {
		throw keptWhat(error, folder.id);
	}
}

/**
 * Runs any program under audit and makes a run of it, which has no notebook and no cells: `cellar audit -- COMMAND`.
 *
 * @throws CellarError CELLAR_NO_TRACER, CELLAR_NO_SUCH_FILE, CELLAR_NO_PERMISSION before anything has run
 */
export async function auditProgram(
	options: ProgramAuditOptions,
	control: Control,
	listen: Listener,
): Promise<{ run: Run; directory: string }> {
	const { cwd } = options;
	const argv = [...options.argv];
	const environment = definedIn({ ...options.env, ...Object.fromEntries(options.setEnv) });
	const program = findProgram({ argv, cwd, path: environment['PATH'] ?? '' });
	const who = whoAndWhere();
	const rules = readProjectRules(cwd, who.home);
	const tracer = await tracerOf(options);
	const secrets = createSecrets(secretValues(environment));
	const kept = keptArgv(argv, secrets);
	secrets.learn(kept.secret.filter(isTelling));
	const nonce = randomBytes(12).toString('hex');
	const started = new Date();
	await using unguarded = await createRun(options.home, {
		format: 1,
		notebook: null,
		status: 'running',
		started: started.toISOString(),
		...{ seconds: null, cells: [], workers: [], warnings: [], repeatOf: null },
		circumstances: {
			argv: kept.argv,
			cwd,
			...who,
			...recordedEnvironment(environment, new Set(options.setEnv.keys())),
			...{ kernel: null, connectionFile: null, image: null, agent: null, rules, workers: null, parameters: {} },
			tracer: { name: 'strace', version: tracer.version },
			checks: options.checks,
			nonce,
			cellar: version,
		},
	});
	const folder = guarded(unguarded, secrets, listen);
	const workers = { directory: folder.directory, nonce, known: new Set<LogId>(), secrets, wait: true };
	await folder.append({ event: 'limits', keepInputs: options.keepInputs, keepOutputs: options.keepOutputs });
	listen({ type: 'run began', run: folder.id, directory: folder.directory, notebook: null, cells: 0 });
	try {
		// Where programs lie with their libraries; beside a script of the user's own lie data.
		const prefixes = basename(dirname(program)) === 'bin' ? prefixesOf(program) : [];
		const keeper = keeperOf(options, { ...{ folder, listen, started, prefixes, rules, secrets }, userHome: who.home });
		for (const file of namedFiles(wordsOf(argv), cwd, environment['HOME'] ?? '/')) keeper.named(file);
		await keeper.settled();
		const recorded = await recordProgram({
			...{ folder, keeper, argv, environment, nonce, control, listen, cwd, checks: options.checks, tracer: tracer.path },
			...{ outputToStderr: options.outputToStderr, findWorkers: isPython(program) },
		});
		await folder.append({ event: 'program end', program: recorded.program });
		await folder.append({ event: 'end', status: recorded.status, at: new Date().toISOString() });
		await using gathered = await gatherWorkers({ ...workers, facts: recorded.facts, accesses: recorded.facts.accesses });
		const run = await finishRun({
			...{ folder, told: gathered.told, ofWorkers: gathered.warnings, notebook: null, uses: [], listen, secrets },
			...{ home: options.home, keepOutputs: options.keepOutputs, out: null, ended: null, inside: null },
		});
		return { run, directory: folder.directory };
	} catch (error) {
		throw keptWhat(error, folder.id);
	}
}

/** Where the bundle may lie by which batch jobs start workers on nodes that have no Cellar: it need not be there, or be seen from here. */
function bundlesOf({ env, home }: Asked): string[] {
	const named = env['CELLAR_BUNDLE'];
	return [...(named ? [resolve(named)] : []), bundleFolder(home)];
}

/** @throws CellarError CELLAR_USAGE where there is no such engine */
function workersAsked({ workers }: AuditOptions): { readonly engine: Engine; readonly count: number } | null {
	if (workers === null) return null;
	const engine = engineNamed(workers.engine);
	if (engine !== null) return { engine, count: workers.count };
	throw new CellarError('CELLAR_USAGE', `workers of ${workers.engine} cannot be started: there is no such engine`, {
		hint: `--engine takes ${engineNames.join(', ')}; workers that you start yourself report by cellar worker`,
	});
}

/** @throws CellarError CELLAR_NO_TRACER */
async function tracerOf({ env }: Asked): Promise<TracerProbe & { readonly status: 'ok' }> {
	const tracer = await probeTracer(env);
	if (tracer.status !== 'ok') throw new CellarError('CELLAR_NO_TRACER', tracer.reason, { hint: tracer.mend });
	return tracer;
}

function keeperOf(
	options: Asked,
	o: {
		readonly folder: RunFolder;
		readonly listen: Listener;
		readonly started: Date;
		readonly prefixes: readonly string[];
		readonly rules: Circumstances['rules'];
		readonly userHome: string;
		readonly secrets: Secrets;
	},
): InputKeeper {
	return createInputKeeper({
		blobs: openBlobs(options.home),
		limit: options.keepInputs,
		started: o.started.getTime(),
		prefixes: o.prefixes,
		project: openProject(o.rules, encodeName(Buffer.from(o.userHome))),
		append: (entry) => o.folder.append(entry),
		onSecret: (secret) => learnFrom(secret, o.secrets),
		warn: (warning) => warn(o, warning),
	});
}

/** A folder of our own for the connection file and its key, gone when it is disposed of. */
function temporaryFolder(): Disposable & { readonly path: string } {
	const path = mkdtempSync(join(tmpdir(), 'cellar-'));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
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

/** Where a program's own software lies, by its name and with links resolved: nothing there is an input. */
function prefixesOf(program: string | undefined): string[] {
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
