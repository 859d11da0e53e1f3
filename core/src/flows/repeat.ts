import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { extractImage, openImage, readRecord, type Image } from '../images/index.ts';
import { createConnection, openSession } from '../kernel/index.ts';
import {
	CellarError,
	decodeName,
	encodeName,
	fsPath,
	type Comparison,
	type FileFact,
	type Listener,
	type Name,
	type Run,
	type RunStatus,
} from '../model/index.ts';
import { codeCells, formatNotebook, withResults } from '../notebook/index.ts';
import { runners, type Runner, type Sandboxed, type Written } from '../sandbox/index.ts';
import {
	createRun,
	findRun,
	keepOutputs,
	openBlobs,
	readJournal,
	readRun,
	readTables,
	writeTables,
	type Blobs,
} from '../store/index.ts';
import { compareOutcomes } from '../verify/index.ts';
import type { Control } from './audit.ts';
import { accountOfCells, runCells } from './cells.ts';
import { whoAndWhere } from './environment.ts';
import { resultsOf } from './journal.ts';
import { notebookOf } from './notebook.ts';
import { imageOfRun, packRun } from './pack.ts';
import { recordRoot, type ImageRecord } from './record.ts';
import { outcomeOf, type Strictness } from './verify.ts';
import { version } from './version.ts';

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
}

export interface Repeated {
	readonly comparison: Comparison;
	readonly run: Run;
	readonly directory: string;
	/** What the image was made without, with the first cell of the recorded run that used it. */
	readonly absent: readonly { readonly path: Name; readonly cell: number | null }[];
}

/** How long the kernel may take to end when it is asked; then its sandbox ends it. */
const shutdownMs = 5000;
const socketsInside = '/run/cellar';

/**
 * Runs an image again in a sandbox and compares: the whole of `cellar repeat`. The outcome is a run of its own.
 *
 * @throws CellarError CELLAR_IMAGE_BROKEN, CELLAR_IMAGE_HOSTILE, CELLAR_NO_SANDBOX, CELLAR_KERNEL_DIED, CELLAR_USAGE for an
 *   input that the run never read
 */
export async function repeatImage(o: RepeatOptions, control: Control, listen: Listener): Promise<Repeated> {
	const image = await openImage(await imagePath(o, listen));
	const unpacked = join(o.home, 'roots', image.digest.replace('sha256:', ''));
	listen({ type: 'step', what: 'unpacking the image', done: null, of: null });
	await mkdir(unpacked, { recursive: true, mode: 0o755 });
	// The record is for us, not for the program: the root that it sees is without.
	const program = { ...image, layers: image.layers.filter((layer) => layer.holds !== 'record') };
	if (!existsSync(join(unpacked, 'root'))) {
		await extractImage(program, join(unpacked, 'root'), { onStep: (step) => listen({ type: 'step', ...step }) });
	}
	if (!existsSync(join(unpacked, 'record'))) await readRecord(image, join(unpacked, 'record'));
	const record = join(unpacked, 'record', recordRoot);
	const recorded = join(record, 'run');
	const first = await readRun(recorded);
	const blobs = openBlobs(o.home);
	const runner = await chooseRunner(o);
	const binds = await replacedInputs(o, recorded, first);

	const scratch = mkdtempSync(join(tmpdir(), 'cellar-'));
	try {
		return await repeatIn({
			...o,
			image,
			record,
			recorded,
			first,
			runner,
			binds,
			scratch,
			root: join(unpacked, 'root'),
			blobs,
			control,
			listen,
		});
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
}

interface Repeating extends Omit<RepeatOptions, 'image' | 'inputs'> {
	readonly image: Image;
	/** The folder of the image's record; `recorded` is the run folder in it. */
	readonly record: string;
	readonly recorded: string;
	readonly first: Run;
	readonly runner: Runner;
	readonly binds: readonly { readonly from: string; readonly to: Name; readonly writable: boolean }[];
	readonly scratch: string;
	readonly root: string;
	readonly blobs: Blobs;
	readonly control: Control;
	readonly listen: Listener;
}

async function repeatIn(o: Repeating): Promise<Repeated> {
	const { first } = o;
	const notebook = await notebookOf(o.recorded, first);
	const cells = codeCells(notebook);
	const sockets = join(o.scratch, 's');
	const { insideFile, connection } = await createConnection({
		transport: 'ipc',
		folder: sockets,
		ipcPrefix: `${socketsInside}/k`,
	});
	const argv = first.circumstances.argv.map((word) => (word === first.circumstances.connectionFile ? insideFile : word));
	// Said before anything runs: without the file the kernel may not even start.
	const absent = await absentFrom(o);
	const warnings = absent.map(({ path, cell }) => ({
		code: 'CELLAR_ABSENT',
		message: `${path} was left out of the image; ${cell === null ? 'start-up' : `cell ${cell}`} used it first`,
	}));
	for (const warning of warnings) o.listen({ type: 'warning', warning });
	const started = new Date();
	await using folder = await createRun(o.home, {
		...first,
		status: 'running',
		started: started.toISOString(),
		seconds: null,
		cells: accountOfCells(cells, []),
		workers: [],
		warnings: [],
		repeatOf: first.run,
		circumstances: {
			...first.circumstances,
			argv,
			connectionFile: insideFile,
			bootId: whoAndWhere().bootId,
			tracer: null,
			image: o.image.digest,
			cellar: version,
		},
	});
	await folder.write('notebook.ipynb', await readFile(join(o.recorded, 'notebook.ipynb')));
	o.listen({ type: 'run began', run: folder.id, directory: folder.directory, notebook: first.notebook, cells: cells.length });

	const work = join(o.home, 'work');
	await mkdir(work, { recursive: true, mode: 0o700 });
	await using sandbox = await o.runner.start({
		root: o.root,
		work,
		argv,
		env: first.circumstances.environment,
		cwd: encodeName(Buffer.from(first.circumstances.cwd)),
		home: encodeName(Buffer.from(first.circumstances.home)),
		uid: first.circumstances.uid,
		gid: first.circumstances.gid,
		user: first.circumstances.user,
		hostname: first.circumstances.hostname,
		network: o.network,
		binds: [...o.binds, { from: sockets, to: socketsInside, writable: true }],
	});
	const kill = () => void sandbox.kill();
	o.control.kill.addEventListener('abort', kill, { once: true });
	let status: RunStatus;
	try {
		status = await runCellsIn(sandbox, o, connection, cells, (entry) => folder.append(entry));
	} finally {
		o.control.kill.removeEventListener('abort', kill);
	}
	await folder.append({ event: 'end', status, at: new Date().toISOString() });
	const files = await keepWritten(sandbox, o);
	const results = resultsOf(await readJournal(folder.directory));
	await folder.write('executed.ipynb', formatNotebook(withResults(notebook, results, first.circumstances.kernel)));
	await writeTables(folder.directory, { facts: noFacts, files, outputs: await keepOutputs(results, o.blobs, Infinity) });
	const run: Run = {
		...(await readRun(folder.directory)),
		status,
		seconds: (Date.now() - started.getTime()) / 1000,
		cells: accountOfCells(cells, results),
		warnings,
	};
	await folder.finish(run);
	o.listen({ type: 'run ended', run: run.run, status, seconds: run.seconds ?? 0 });

	const recordedBlobs = openBlobs(o.record);
	const a = await outcomeOf(o.recorded, recordedBlobs);
	const b = await outcomeOf(folder.directory, o.blobs);
	const comparison = await compareOutcomes(a, b, o);
	return {
		comparison: { ...comparison, sandbox: { name: o.runner.name, network: o.network } },
		run,
		directory: folder.directory,
		absent,
	};
}

async function runCellsIn(
	sandbox: Sandboxed,
	o: Repeating,
	connection: Parameters<typeof openSession>[0]['connection'],
	cells: ReturnType<typeof codeCells>,
	append: Parameters<typeof runCells>[0]['append'],
): Promise<RunStatus> {
	const clock = performance.now();
	const { kernel } = o.first.circumstances;
	await using session = await openSession({
		connection,
		process: sandbox,
		spec: { interruptMode: kernel?.interruptMode ?? 'signal' },
		startTimeoutMs: 120_000,
		onWarning: (warning) => o.listen({ type: 'warning', warning }),
	});
	o.listen({
		type: 'kernel ready',
		kernel: `${kernel?.displayName ?? 'kernel'} in ${o.runner.name}`,
		seconds: (performance.now() - clock) / 1000,
	});
	const { status } = await runCells({
		session,
		cells,
		// The recorded run ended at its error, or went on after it: so does the repeat, and the verdict compares the error.
		allowErrors: o.first.cells.some((cell) => cell.status === 'raised') && o.first.status === 'finished',
		timeoutSeconds: o.timeoutSeconds,
		mark: () => Promise.resolve(),
		append,
		stop: o.control.stop,
		listen: o.listen,
	});
	await session.shutdown(shutdownMs);
	return status;
}

/** An untraced repeat has no facts of its own but its outputs. */
const noFacts = { accesses: [], changes: [], processes: [], execs: [], network: [], workers: [], doubts: [] };

/**
 * Keeps what the repeat wrote where the recorded run had an output, and what it wrote beside: below the working folder, unless
 * the record set such a path aside.
 */
async function keepWritten(sandbox: Sandboxed, o: Repeating): Promise<FileFact[]> {
	const written = await sandbox.written();
	const recorded = new Set((await outcomeOf(o.recorded, o.blobs)).files.map((file) => file.path));
	const known = new Set((await readTables(o.recorded)).files.map((file) => file.path));
	const cwd = encodeName(Buffer.from(o.first.circumstances.cwd));
	const isResult = (item: Written) =>
		recorded.has(item.path) ||
		(item.path.startsWith(`${cwd}/`) && !known.has(item.path) && !/\/(__pycache__|\.ipynb_checkpoints)\//.test(item.path));
	const files: FileFact[] = [];
	for (const item of written) {
		if (item.kind !== 'file' || item.hostPath === null || !isResult(item)) continue;
		const kept = await o.blobs.putFile(item.hostPath, Infinity);
		const state = lstatSync(fsPath(item.hostPath));
		files.push({
			path: item.path,
			realPath: item.path,
			kind: 'file',
			size: state.size,
			mode: state.mode & 0o7777,
			mtime: Math.floor(state.mtimeMs),
			existedBefore: item.existed,
			sha256Before: null,
			sha256After: kept?.sha256 ?? null,
			blobBefore: null,
			blobAfter: kept?.sha256 ?? null,
			whyNoBlob: kept === null ? 'unreadable' : null,
		});
	}
	return files;
}

/** What the user left out by `--without`, with the first cell of the recorded run that used it or something below it. */
async function absentFrom(o: Repeating): Promise<{ path: Name; cell: number | null }[]> {
	const told = JSON.parse(readFileSync(join(o.record, 'image.json'), 'utf8')) as ImageRecord; // digest-checked with its image
	const asked = told.leftOut.filter((item) => item.asked);
	if (asked.length === 0) return [];
	const { facts } = await readTables(o.recorded);
	const numbers = new Map(o.first.cells.flatMap((cell) => cell.executions.map((execution) => [execution, cell.number] as const)));
	return asked.map(({ path }) => {
		const uses = facts.accesses.filter((access) => access.path === path || access.path.startsWith(`${path}/`));
		const earliest = uses.toSorted((x, y) => x.first - y.first)[0];
		return { path, cell: earliest?.cell == null ? null : (numbers.get(earliest.cell) ?? null) };
	});
}

/** An image's path as given; a run's image is made first, and kept for the next time. */
async function imagePath(o: RepeatOptions, listen: Listener): Promise<string> {
	if (o.image.includes('/') || extname(o.image) !== '' || existsSync(o.image)) return resolve(o.image);
	const { id } = await findRun(o.home, o.image);
	const target = imageOfRun(o.home, id);
	if (!existsSync(target)) {
		await mkdir(join(o.home, 'images'), { recursive: true, mode: 0o700 });
		await packRun({ home: o.home, run: id, target, without: [], with: [], allowMissing: false, cwd: process.cwd() }, listen);
	}
	return target;
}

async function chooseRunner(o: RepeatOptions): Promise<Runner> {
	const asked = o.sandbox === 'auto' ? runners : runners.filter((runner) => runner.name === o.sandbox);
	const refusals: { reason: string; mend: string | null }[] = [];
	for (const runner of asked) {
		const probe = await runner.probe(o.env);
		if (probe.status === 'ok') return runner;
		refusals.push({ reason: `${runner.name}: ${probe.reason ?? probe.status}`, mend: probe.mend });
	}
	throw new CellarError(
		'CELLAR_NO_SANDBOX',
		`no sandbox can be used here: ${refusals.map((refusal) => refusal.reason).join('; ')}`,
		{
			hint: refusals[0]?.mend ?? 'cellar doctor tells what this machine allows',
		},
	);
}

/** The binds that put other files in place of inputs; a path that the run never read is refused. */
async function replacedInputs(
	o: RepeatOptions,
	recorded: string,
	first: Run,
): Promise<{ from: string; to: Name; writable: boolean }[]> {
	if (o.inputs.size === 0) return [];
	const { files } = await readTables(recorded);
	const { cwd } = first.circumstances;
	return [...o.inputs].map(([old, replacement]) => {
		const to = encodeName(decodeName(isAbsolute(old) ? old : resolve(cwd, old)));
		if (!files.some((file) => file.path === to && file.kind === 'file' && file.sha256Before !== null)) {
			throw new CellarError('CELLAR_USAGE', `the run never read ${old}, so nothing can stand in its place`, {
				hint: 'cellar deps names the inputs of a run',
				where: old,
			});
		}
		if (!existsSync(replacement))
			throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no file ${replacement}`, { where: `--input ${old}=${replacement}` });
		return { from: resolve(replacement), to, writable: false };
	});
}
