import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { TracerProbe } from '../audit/index.ts';
import { openImage, type Image } from '../images/index.ts';
import { createConnection } from '../kernel/index.ts';
import {
	CellarError,
	createSecrets,
	encodeName,
	secretValues,
	type CellUse,
	type Comparison,
	type Listener,
	type Run,
	type RunStatus,
	type Secrets,
	type Warning,
	noFacts,
} from '../model/index.ts';
import { formatNotebook, withResults, type CodeCell, type Notebook } from '../notebook/index.ts';
import type { Runner, SandboxOptions } from '../sandbox/index.ts';
import {
	createRun,
	findRun,
	hasTables,
	keepOutputs,
	openBlobs,
	readJournal,
	readTables,
	runOf,
	writeTables,
	type RunFolder,
} from '../store/index.ts';
import { compareOutcomes } from '../verify/index.ts';
import type { Control } from './run/control.ts';
import { accountOfCells } from './run/cells.ts';
import { hintsOfCode } from './run/coroutines.ts';
import { whoAndWhere } from './run/environment.ts';
import { finishRun } from './run/finish.ts';
import { guarded, learnFrom } from './secrets/guard.ts';
import { resultsOf } from './run/journal.ts';
import { textOf } from './run/notebook.ts';
import { firstOf } from './run/paths.ts';
import { packRun } from './pack.ts';
import { imageOfRun, readImageRecord, recordRoot, type ImageRecord } from './record.ts';
import { runInside } from './replay/cells.ts';
import { refuseHidden, runProgramInside } from './replay/program.ts';
import { replacedInputs } from './replay/inputs.ts';
import { absentText, leftOutOf, missedBy, type Absent } from './replay/absent.ts';
import { keepFirstStates, keepWritten } from './replay/results.ts';
import { unpack, type Unpacked } from './replay/root.ts';
import { chooseRunner, findTracer } from './replay/tools.ts';
import { traceInside } from './replay/traced.ts';
import { viewOf, viewOfRoot } from './replay/view.ts';
import { startInside, startWorkersInside, workersToStart, type WorkersToStart } from './replay/workers.ts';
import { openWorkplace, type Workplace } from './replay/workplace.ts';
import { outcomeOf, type Strictness } from './verify.ts';
import { version } from './version.ts';
import { gatherWorkers } from './workers/gather.ts';

/** What `cellar repeat` was asked. */
export interface RepeatOptions extends Strictness {
	/** A path to an OCI layout or an archive of one, or a run. */
	readonly image: string;
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
	readonly sandbox: string;
	readonly network: boolean;
	/** Another file in place of an input: recorded path to file. */
	readonly inputs: ReadonlyMap<string, string>;
	readonly timeoutSeconds: number | null;
	/** How many workers are started beside the manager; null for as many as the recorded run had. */
	readonly workers: number | null;
	/** Trace the repeat too: its run then says what it needed, as that of an audit does. */
	readonly audit: boolean;
}

export interface Repeated {
	readonly comparison: Comparison;
	readonly run: Run;
	readonly directory: string;
	/** What the recorded run had used and the image does not hold: what was left out of it, and what the repeat missed. */
	readonly absent: readonly Absent[];
}

const socketsInside = '/run/cellar';

/**
 * Runs an image again in a sandbox and compares: the whole of `cellar repeat`. The outcome is a run of its own.
 *
 * @throws CellarError CELLAR_IMAGE_BROKEN, CELLAR_IMAGE_HOSTILE, CELLAR_NO_SANDBOX, CELLAR_NO_TRACER, CELLAR_USAGE for an
 *   input that the run never read; before anything has run
 */
export async function repeatImage(o: RepeatOptions, control: Control, listen: Listener): Promise<Repeated> {
	const runner = await chooseRunner(o.sandbox, o.env);
	const tracer = o.audit ? await findTracer(o.env) : null;
	const image = await openImage(await imagePath(o, listen));
	using workplace = await openWorkplace(o.home);
	const unpacked = await unpack({ image, home: o.home, work: workplace.folder, listen });
	const recorded = join(unpacked.record, 'run');
	const { told, first } = await readImageRecord(unpacked.record);
	const workers = await workersToStart(recorded, first, o.workers);
	return await repeatIn({
		...{ ...o, workers, image, runner, tracer, workplace, unpacked, told, recorded, first, control, listen },
		binds: await replacedInputs(o.inputs, recorded, first),
	});
}

interface Repeating extends Omit<RepeatOptions, 'image' | 'workers'> {
	readonly workers: WorkersToStart | null;
	readonly image: Image;
	readonly runner: Runner;
	/** Null for a repeat that is not traced. */
	readonly tracer: (TracerProbe & { status: 'ok' }) | null;
	readonly workplace: Workplace;
	readonly unpacked: Unpacked;
	readonly told: ImageRecord;
	/** The run folder in the image's record, and its run. */
	readonly recorded: string;
	readonly first: Run;
	/** What stands in place of inputs. */
	readonly binds: SandboxOptions['binds'];
	readonly control: Control;
	readonly listen: Listener;
}

async function repeatIn(o: Repeating): Promise<Repeated> {
	const { first, recorded, listen } = o;
	if (first.notebook === null) refuseHidden(first);
	const { notebook, cells, uses } = await textOf(recorded, first);
	const connected = notebook === null ? null : await createConnection(socketsOf(o.workplace));
	const begun = beginning(o, connected?.insideFile ?? null, cells);
	await using unguarded = await createRun(o.home, begun);
	const secrets = await secretsOf(o);
	const folder = guarded(unguarded, secrets, listen);
	if (notebook !== null) await folder.write('notebook.ipynb', await readFile(join(recorded, 'notebook.ipynb')));
	listen({ type: 'run began', run: folder.id, directory: folder.directory, notebook: first.notebook, cells: cells.length });
	const warn = async (warning: Warning) => {
		listen({ type: 'warning', warning });
		await folder.append({ event: 'warning', warning });
	};
	// Said before anything runs: without the file the kernel may not even start.
	const leftOut = await leftOutOf(o.told, recorded, first);
	for (const one of leftOut) await warn({ code: 'CELLAR_ABSENT', message: absentText(one) });

	const { run, missed } = await runAndFinish(o, {
		...{ begun, folder, notebook, cells, uses, warn, leftOut, secrets },
		connection: connected?.connection ?? null,
	}).catch((error: unknown) => {
		throw withAbsent(error, leftOut);
	});
	const a = await outcomeOf(recorded, openBlobs(o.unpacked.record));
	const b = await outcomeOf(folder.directory, openBlobs(o.home));
	const comparison = await compareOutcomes(a, b, o);
	return {
		comparison: {
			...comparison,
			sandbox: {
				...{ name: o.runner.name, network: o.network },
				workers: o.workers === null ? null : { engine: o.workers.engine.name, count: o.workers.count },
			},
		},
		run,
		directory: folder.directory,
		absent: [...leftOut, ...missed],
	};
}

/** What is known to be secret: the recorded run's credentials, where the user had them packed, and what is so in this environment. */
async function secretsOf(o: Repeating): Promise<Secrets> {
	const secrets = createSecrets(secretValues(o.env));
	const view = viewOfRoot(o.unpacked.root, o.binds);
	const { files } = (await hasTables(o.recorded)) ? await readTables(o.recorded) : { files: [] };
	for (const file of files) {
		const place = file.whyNoBlob === 'secret' ? view.place(file.path, true) : null;
		if (place !== null) learnFrom(place, secrets);
	}
	return secrets;
}

/** Where the kernel inside listens. */
function socketsOf(workplace: Workplace): Parameters<typeof createConnection>[0] {
	return { transport: 'ipc', folder: workplace.sockets, ipcPrefix: `${socketsInside}/k` };
}

/** The repeat as it begins. */
function beginning(o: Repeating, connectionFile: string | null, cells: readonly CodeCell[]): Omit<Run, 'run'> {
	const { first } = o;
	const { circumstances } = first;
	return {
		...first,
		status: 'running',
		started: new Date().toISOString(),
		seconds: null,
		cells: accountOfCells(cells, []),
		workers: [],
		warnings: [],
		program: undefined,
		repeatOf: first.run,
		circumstances: {
			...circumstances,
			argv: circumstances.argv.map((word) => (word === circumstances.connectionFile ? (connectionFile ?? word) : word)),
			connectionFile,
			bootId: whoAndWhere().bootId,
			tracer: o.tracer === null ? null : { name: 'strace', version: o.tracer.version },
			image: o.image.digest,
			// What is compared are outputs: a repeat needs no marks of tasks.
			agent: null,
			nonce: randomBytes(12).toString('hex'),
			cellar: version,
		},
	};
}

interface Begun {
	readonly begun: Omit<Run, 'run'>;
	readonly folder: RunFolder;
	/** Null for a program, which has no notebook either. */
	readonly connection: Parameters<typeof runInside>[0]['connection'] | null;
	readonly notebook: Notebook | null;
	readonly cells: readonly CodeCell[];
	readonly uses: readonly CellUse[];
	readonly warn: (warning: Warning) => Promise<void>;
	readonly leftOut: readonly Absent[];
	readonly secrets: Secrets;
}

/** A program that cannot even be started may want what was left out: whoever reads the error has to know. */
function withAbsent(error: unknown, leftOut: readonly Absent[]): unknown {
	if (!(error instanceof CellarError) || leftOut.length === 0) return error;
	const why = firstOf(leftOut.map(absentText));
	return new CellarError(error.code, error.message, {
		hint: error.hint === null ? why : `${why}; ${error.hint}`,
		...(error.where === null ? {} : { where: error.where }),
		cause: error,
	});
}

/** Runs the cells in the sandbox and makes the run of what they left; traced or not. */
async function runAndFinish(o: Repeating, repeat: Begun): Promise<{ readonly run: Run; readonly missed: readonly Absent[] }> {
	const { begun, folder, connection, notebook, cells, uses } = repeat;
	const said: string[] = [];
	const warn = (warning: Warning) => {
		said.push(warning.message);
		return repeat.warn(warning);
	};
	const { circumstances } = begun;
	const binds = [...o.binds, { from: o.workplace.sockets, to: socketsInside, writable: true }];
	const view = viewOfRoot(o.unpacked.root, binds);
	const tracing = o.tracer === null ? null : { folder, run: begun, tracer: o.tracer.path, view };
	const { argv } = circumstances;
	const hints = hintsOfCode(cells, uses);
	await using traced =
		tracing === null ? null : traceInside({ ...tracing, log: 'manager', logPath: folder.logPath('manager'), argv, hints });
	await using sandbox = await o.runner.start({
		...{ root: o.unpacked.root, work: o.workplace.folder, network: o.network, binds },
		...{ argv, env: circumstances.environment, hostname: circumstances.hostname },
		...{ uid: circumstances.uid, gid: circumstances.gid, user: circumstances.user },
		cwd: encodeName(Buffer.from(circumstances.cwd)),
		home: encodeName(Buffer.from(circumstances.home)),
		...(traced === null ? {} : { launch: traced.launch }),
	});
	const before = resultsOf(await readJournal(o.recorded));
	const givenUp = new AbortController();
	const control = { ...o.control, stop: AbortSignal.any([o.control.stop, givenUp.signal]) };
	const { secrets } = repeat;
	await using workers =
		o.workers === null
			? null
			: startWorkersInside({
					...{ wanted: o.workers, sandbox, view, first: o.first, control, warn, listen: o.listen },
					start: (command) => startInside(sandbox, command, tracing === null ? null : { ...tracing, secrets }),
					giveUp: () => givenUp.abort(),
				});
	const inSandbox = { sandbox, folder, warn, first: o.first, timeoutSeconds: o.timeoutSeconds, control };
	const status =
		connection === null
			? await runProgramInside(inSandbox)
			: await runInside({
					...{ ...inSandbox, connection, cells, runner: o.runner.name, recorded: before },
					mark: traced?.mark ?? (() => Promise.resolve()),
					listen: o.listen,
				});
	await workers?.end();
	await folder.append({ event: 'end', status, at: new Date().toISOString() });
	// What it wrote is told when nothing of it runs any more.
	const own = (await traced?.facts()) ?? null;
	const { directory } = folder;
	const { nonce } = circumstances;
	await using gathered =
		own === null
			? null
			: await gatherWorkers({ directory, nonce, secrets, facts: own, accesses: own.accesses, known: new Set(), wait: false });
	const facts = gathered?.told.facts ?? null;
	const written = await sandbox.written();
	const known = new Set(repeat.leftOut.map((one) => one.path));
	const results = resultsOf(await readJournal(folder.directory));
	const missed = (await missedBy({ first: o.first, recorded: o.recorded, view, before, results, said, facts })).filter(
		({ path }) => ![...known].some((one) => path === one || path.startsWith(`${one}/`)),
	);
	for (const one of missed) {
		await warn({ code: 'CELLAR_ABSENT', message: `${absentText(one)}. cellar pack --with ${one.path} packs it` });
	}
	if (gathered === null) return { run: await finishUntraced(o, { folder, notebook, cells, status, written }), missed };
	const inside = viewOf({
		root: o.unpacked.root,
		binds: [...binds, { from: o.unpacked.record, to: recordRoot }],
		written,
	});
	await keepFirstStates(written, inside, openBlobs(o.home), (entry) => folder.append(entry));
	const run = await finishRun({
		...{ folder, home: o.home, told: gathered.told, notebook, uses, inside, secrets, listen: o.listen },
		...{ ended: null, keepOutputs: Infinity, out: null, ofWorkers: gathered.warnings },
	});
	return { run, missed };
}

/** An untraced repeat has no facts but its outputs. */
async function finishUntraced(
	o: Repeating,
	done: Pick<Begun, 'folder' | 'notebook' | 'cells'> & {
		readonly status: RunStatus;
		readonly written: Parameters<typeof keepWritten>[0]['written'];
	},
): Promise<Run> {
	const { folder, cells } = done;
	const blobs = openBlobs(o.home);
	const journal = await readJournal(folder.directory);
	const results = resultsOf(journal);
	const files = await keepWritten({ written: done.written, recorded: o.recorded, first: o.first, blobs });
	if (done.notebook !== null) {
		const executed = formatNotebook(withResults(done.notebook, results, o.first.circumstances.kernel));
		await folder.write('executed.ipynb', executed);
	}
	await writeTables(folder.directory, { facts: noFacts, files, outputs: await keepOutputs(results, blobs, Infinity) });
	const run: Run = { ...runOf(journal), cells: accountOfCells(cells, results) };
	await folder.finish(run);
	o.listen({ type: 'run ended', run: run.run, status: run.status, seconds: run.seconds ?? 0 });
	return run;
}

/** An image's path as given; a run's image is made first, and kept for the next time. */
async function imagePath(o: RepeatOptions, listen: Listener): Promise<string> {
	if (o.image.includes('/') || extname(o.image) !== '' || existsSync(o.image)) return resolve(o.image);
	const { id } = await findRun(o.home, o.image);
	const target = imageOfRun(o.home, id);
	if (!existsSync(target)) {
		await mkdir(join(o.home, 'images'), { recursive: true, mode: 0o700 });
		await packRun(
			{ home: o.home, run: id, target, without: [], with: [], withSecrets: false, allowMissing: false, cwd: process.cwd() },
			listen,
		);
	}
	return target;
}
