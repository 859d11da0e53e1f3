import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { machine, type } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { findTracer } from '../../audit/index.ts';
import { openMachine } from '../../dependencies/index.ts';
import { CellarError, diskError } from '../../model/index.ts';
import { bundleFolder, findRun, readRun, ticketOf, type Ticket } from '../../store/index.ts';
import { tryStart } from '../../workers/index.ts';
import { version } from '../version.ts';
import { addCode } from './code.ts';
import { addScripts } from './alone.ts';
import { cellarsPart, codeParts, programParts, type BundlePart } from './parts.ts';
import { addProgram } from './programs.ts';
import { writeScript } from './script.ts';

/** What `cellar worker bundle` was asked. */
export interface BundleOptions {
	readonly home: string;
	/** The run for whose workers it is; null for any. */
	readonly run: string | null;
	/** Without Node and strace, for machines that have strace: the log is left for whoever has Cellar. */
	readonly withoutNode: boolean;
	/** Where to make it; null for where jobs of every run look for it, in `home`. */
	readonly out: string | null;
	/** The first file of the command line. */
	readonly main: string;
	readonly env: NodeJS.ProcessEnv;
}

/** What a bundle is: `manifest.json` in it. */
export interface BundleDocument {
	readonly format: 1;
	readonly cellar: string;
	/** The kind of machine on which it runs, as `uname -m` says it; null for any. */
	readonly architecture: string | null;
	/** Null where it has none; so with strace. */
	readonly node: string | null;
	readonly strace: string | null;
	/** The run for which it was made. */
	readonly run: string | null;
	readonly bytes: number;
	readonly parts: readonly BundlePart[];
	readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}

/**
 * Makes one folder with all that `cellar worker` needs on a machine that has nothing of it: Node, strace, Cellar's code and agent.
 * Node and strace are those of this machine, byte for byte, with their libraries and loader.
 *
 * @returns where it is, and what its manifest says
 * @throws CellarError CELLAR_USAGE where something is there already, CELLAR_NO_TRACER, CELLAR_NO_SUCH_RUN, CELLAR_NO_SUCH_FILE, …
 */
export async function makeBundle(o: BundleOptions): Promise<BundleDocument & { readonly path: string }> {
	if (o.out === null && (o.run !== null || o.withoutNode)) {
		throw new CellarError('CELLAR_USAGE', 'where a bundle for one run is to be made is not said', {
			hint: 'cellar worker bundle -o DIR --run RUN; without both it is for the batch jobs of all runs',
		});
	}
	const place = resolve(o.out ?? bundleFolder(o.home));
	if (o.out === null) makeHome(o.home);
	checkPlace(place, o.out ?? place);
	const ticket = o.run === null ? null : await ticketFor(o.home, o.run);
	if (!o.withoutNode) checkNode();
	const strace = o.withoutNode ? null : await foundTracer(o.env);
	if (strace === null && ticket === null) {
		throw new CellarError('CELLAR_USAGE', 'without Node a bundle is for one run, and none is named', {
			hint: 'cellar worker bundle -o DIR --without-node --run RUN',
		});
	}
	const hidden = join(dirname(place), `.${basename(place)}.${randomBytes(6).toString('hex')}.tmp`);
	try {
		mkdirSync(hidden);
		const document = fill(hidden, { ...o, ticket, strace });
		const failed = strace === null ? null : await tryStart(join(hidden, 'cellar-worker'), ['--help']);
		if (failed !== null) {
			throw new CellarError('CELLAR_INTERNAL', `the bundle was made and does not start: ${failed}`, {
				hint: 'run it again with --debug and report what it says, with the version of Node and where it is from',
			});
		}
		renameSync(hidden, place);
		return { path: place, ...document };
	} catch (cause) {
		rmSync(hidden, { recursive: true, force: true });
		throw diskError(cause, `make a bundle in ${place}`, { hint: 'look at the room and the rights there' });
	}
}

/** Debian's Node keeps some of its own JavaScript in files at fixed paths, and does not start where they are not. */
function checkNode(): void {
	const { defines } = v.parse(v.object({ defines: v.array(v.string()) }), process.config.target_defaults);
	const apart = defines.flatMap((one) => /^NODE_SHARED_BUILTIN_\w+_PATH=(.+)/.exec(one)?.[1] ?? []);
	if (apart.length === 0) return;
	throw new CellarError('CELLAR_USAGE', `this Node cannot be taken along: it does not start without ${apart[0]}`, {
		where: process.execPath,
		hint: 'run this command by a Node that has all in one file, as those of nodejs.org and NodeSource, or add --without-node',
	});
}

function makeHome(home: string): void {
	try {
		mkdirSync(home, { recursive: true, mode: 0o700 });
	} catch (cause) {
		throw diskError(cause, `make ${home}`, { hint: 'look at the rights there, or set CELLAR_HOME' });
	}
}

function checkPlace(place: string, asked: string): void {
	if (!(statSync(dirname(place), { throwIfNoEntry: false })?.isDirectory() ?? false)) {
		throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no folder ${dirname(place)} to put the bundle in`, { where: asked });
	}
	const there = lstatSync(place, { throwIfNoEntry: false });
	if (there === undefined || (there.isDirectory() && readdirSync(place).length === 0)) return;
	throw new CellarError('CELLAR_USAGE', `${asked} is there and is no empty folder, so it is not replaced`, {
		hint: 'give another name with -o, or remove it where no worker uses it',
	});
}

/** The strace to take along. */
interface Strace {
	readonly path: string;
	readonly version: string;
}

async function foundTracer(env: NodeJS.ProcessEnv): Promise<Strace> {
	const tracer = await findTracer(env);
	if (tracer.status !== 'ok') throw new CellarError('CELLAR_NO_TRACER', tracer.reason, { hint: tracer.mend });
	return { path: tracer.path, version: tracer.version };
}

async function ticketFor(home: string, word: string): Promise<Ticket> {
	const { directory } = await findRun(home, word);
	return ticketOf(await readRun(directory), directory);
}

function fill(
	folder: string,
	o: BundleOptions & { readonly ticket: Ticket | null; readonly strace: Strace | null },
): BundleDocument {
	const architecture = o.strace === null ? null : machine();
	const node = o.strace === null ? null : process.versions.node;
	const run = o.ticket?.run ?? null;
	const head = { format: 1 as const, cellar: version, architecture, node, strace: o.strace?.version ?? null, run };
	if (o.strace === null && o.ticket !== null) addScripts(folder, o.ticket);
	const parts = o.strace === null ? [cellarsPart(folder, o.main, ['.'])] : fillWhole(folder, { ...o, strace: o.strace });
	writeFileSync(join(folder, 'README'), readmeOf(head));
	const files = filesIn(folder).map((path) => {
		const bytes = readFileSync(join(folder, path));
		return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
	});
	const document = { ...head, bytes: files.reduce((sum, file) => sum + file.bytes, 0), parts, files };
	writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(document, null, '\t')}\n`);
	return document;
}

/** Node, strace and Cellar's code. */
function fillWhole(folder: string, o: BundleOptions & { readonly ticket: Ticket | null; readonly strace: Strace }): BundlePart[] {
	const node = addProgram(folder, 'node', process.execPath);
	const strace = addProgram(folder, 'strace', o.strace.path);
	const code = addCode(folder, { main: o.main, also: [fileURLToPath(new URL('../workers/audited.js', import.meta.url))] });
	const main = join('app', 'dist', basename(o.main));
	const words = { MACHINE: `${type()} ${machine()}`, FIRST: node.first, NODE: node.command, MAIN: main, VERSION: version };
	writeScript(join(folder, 'cellar-worker'), new URL('./cellar-worker.sh', import.meta.url), words);
	writeScript(join(folder, 'programs/strace.sh'), new URL('./strace.sh', import.meta.url), { STRACE: strace.command });
	const workers = join(folder, 'app/node_modules/@cellar/core/dist/workers');
	const bundled = { format: 1, tracer: relative(workers, join(folder, 'programs/strace.sh')), ticket: o.ticket };
	writeFileSync(join(workers, 'bundled.json'), `${JSON.stringify(bundled, null, '\t')}\n`);
	const cellars = cellarsPart(folder, o.main, [
		'cellar-worker',
		'programs/strace.sh',
		'app/dist',
		'app/node_modules/@cellar/core',
	]);
	return [
		cellars,
		...programParts(folder, openMachine(), [
			{ name: 'node', version: process.versions.node, path: process.execPath, program: node },
			{ name: 'strace', version: o.strace.version, path: o.strace.path, program: strace },
		]),
		...codeParts(folder, code, cellars),
	];
}

function filesIn(folder: string): string[] {
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((path) => statSync(join(folder, path)).isFile())
		.toSorted();
}

function readmeOf(o: Pick<BundleDocument, 'cellar' | 'architecture' | 'node' | 'strace' | 'run'>): string {
	const what =
		o.node === null ? 'for Linux that has strace 5.11 or later' : `with all that it needs, for Linux on ${o.architecture}`;
	const forRun = o.run === null ? 'any run: name its folder with --run' : `the run ${o.run}, which need not be named`;
	const words = `${o.run === null ? '--run DIR ' : ''}[--out FOLDER]`;
	const parts =
		o.node === null
			? `It needs a Linux that allows ptrace, strace and the usual programs of a shell. What is left is a log, in which command lines stand as they
were: only its owner can read it. Whoever adds it keeps of it what the worker used.`
			: `It needs a Linux that allows ptrace, /bin/sh and /usr/bin/env; Node ${o.node} and strace ${o.strace}
are in it with their own libraries and loader, of which COMMAND sees nothing. manifest.json lists what is here, where it came from and under which
licence; licenses/ has the words of each, and each package in app/node_modules its own. The programs and libraries are unchanged
copies; their sources are those of the packages and versions that the manifest names.`;
	return `Cellar ${o.cellar}: its worker, ${what}. For ${forRun}.

    ./cellar-worker ${words} -- COMMAND [ARGUMENT]...

starts COMMAND, a worker of Dask, TaskVine, Parsl or any other program, under strace, and reports what it used. Where the run's folder
cannot be reached, the report goes into a folder, by default cellar-report-RUN where the worker was started: bring it back, and there

    cellar worker add RUN FOLDER...

adds it to the run. This folder may lie anywhere. ${parts}
`;
}
