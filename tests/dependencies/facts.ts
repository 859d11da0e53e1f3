import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { describe, judge, openMachine, parseSelector, type Judgement, type Machine } from '../../core/src/dependencies/index.ts';
import {
	encodeName,
	type Access,
	type CellNames,
	type CellUse,
	type Change,
	type Dependencies,
	type ExecFact,
	type Facts,
	type FileFact,
	type How,
	type NetworkFact,
	type ProcessFact,
	type Run,
	type TaskFact,
	type WorkerFact,
} from '../../core/src/model/index.ts';
import { look, sha256Of } from '../../core/src/store/index.ts';

export const clone = resolve(import.meta.dirname, '../..');

/** A folder that goes away with its test. */
export function folder(): string {
	const path = realpathSync(mkdtempSync(join(tmpdir(), 'dependencies-')));
	onTestFinished(() => rmSync(path, { recursive: true, force: true }));
	return path;
}

/** Who did something; the manager's start-up where nothing is said. */
export interface By {
	readonly cell?: number;
	readonly worker?: string;
	readonly task?: string;
	readonly process?: number;
	/** The cell that was active, where it is not `cell`. */
	readonly during?: number;
	/** The manager's, unless it is said. */
	readonly log?: string;
}

/** Tells the facts of a run by hand, one call after another, as a log would. Paths are seen from the notebook's folder. */
export interface Recorder {
	readonly folder: string;
	readonly home: string;
	/** Puts a file there before the run; the absolute path. */
	given(path: string, content?: string): string;
	/** Puts a file there that the run made. */
	made(path: string, content?: string): string;
	use(how: How, path: string | Buffer, by?: By): void;
	change(kind: Change['kind'], from: string | null, to: string, by?: By): void;
	exec(path: string, argv?: readonly string[], by?: By): void;
	connect(address: string, port: number, by?: By, name?: string): void;
	bind(port: number): void;
	/** A worker by a fork of the manager; the number of its process. */
	fork(worker: string, by?: By): number;
	/** A task that a worker begins now, for a cell. */
	task(task: number, name: string, by: Required<Pick<By, 'cell' | 'worker' | 'process'>>): void;
	/** What a file's content was when the log first showed it. */
	saved(path: string, sha256: string): void;
	judge(cells?: readonly CellUse[], run?: Told): Promise<Judged>;
}

/** What a test says of a run beside its facts. */
type Told = Partial<Omit<Run, 'circumstances'>> & { readonly circumstances?: Partial<Run['circumstances']> };

export interface Judged {
	readonly judgement: Judgement;
	readonly files: ReadonlyMap<string, FileFact>;
	/** `verdict` and `rule` of a path, seen from the notebook's folder. */
	verdict(path: string): string | undefined;
	rule(path: string): string | undefined;
	document(selector?: string): Dependencies;
	/** The software of the document as `name version`, in its order. */
	software(selector?: string): string[];
}

const kernel = 1;

export function record(o: { folder?: string; machine?: Machine } = {}): Recorder {
	const place = o.folder ?? join(folder(), 'notebook');
	const home = join(folder(), 'home');
	mkdirSync(place, { recursive: true });
	mkdirSync(home, { recursive: true });
	const started = Date.now();
	let seq = 0;
	const accesses: Access[] = [];
	const changes: Change[] = [];
	const execs: ExecFact[] = [];
	const network: NetworkFact[] = [];
	const workers: WorkerFact[] = [];
	const tasks: TaskFact[] = [];
	const processes: ProcessFact[] = [processFact(kernel, null, 0)];
	const existed = new Map<string, boolean>();
	const saved = new Map<string, string>();
	const at = (path: string) => resolve(place, path);
	const put = (path: string, content: string, before: boolean) => {
		mkdirSync(dirname(at(path)), { recursive: true });
		writeFileSync(at(path), content);
		existed.set(at(path), before);
		return at(path);
	};
	const scope = (by: By) => ({ cell: by.cell ?? null, worker: by.worker ?? null, task: by.task ?? null });
	const where = (by: By) => ({ log: by.log ?? 'manager', process: by.process ?? kernel });
	return {
		folder: place,
		home,
		given: (path, content = 'given') => put(path, content, true),
		made: (path, content = 'made') => put(path, content, false),
		use(how, path, by = {}) {
			seq++;
			accesses.push({
				...where(by),
				thread: by.process ?? kernel,
				...scope(by),
				during: by.during ?? null,
				ambiguous: false,
				path: encodeName(typeof path === 'string' ? Buffer.from(at(path)) : path),
				how,
				first: seq,
				last: seq,
				count: 1,
			});
		},
		change(kind, from, to, by = {}) {
			seq++;
			changes.push({ ...where(by), thread: kernel, ...scope(by), seq, kind, from: from === null ? null : at(from), to: at(to) });
		},
		exec(path, argv = [path], by = {}) {
			seq++;
			execs.push({ ...where(by), ...scope(by), seq, path: at(path), argv });
			this.use('execute', path, by);
		},
		connect(address, port, by = {}, name) {
			network.push({ ...where(by), ...scope(by), seq: ++seq, address, port, name: name ?? null, how: 'connect' });
		},
		bind: (port) =>
			void network.push({ ...where({}), ...scope({}), seq: ++seq, address: '127.0.0.1', port, name: null, how: 'bind' }),
		fork(worker, by = {}) {
			const ordinal = processes.length + 1;
			processes.push({
				...processFact(ordinal, kernel, ++seq),
				...scope({ ...by, worker }),
				inheritsFrom: kernel,
				untilSeq: seq,
			});
			workers.push({ worker, process: ordinal, engine: 'fork', pid: 100 + ordinal, born: seq });
			return ordinal;
		},
		task(task, name, { cell, worker, process }) {
			const submitted = { log: 'manager', seq: ++seq, cell, worker: null, task: null };
			const ran = { log: 'manager', attempt: String(task), counted: true, process, thread: process, worker };
			const attempts = [{ ...ran, begun: ++seq, ended: null }];
			tasks.push({ task, engine: 'pool', engineId: `pool.7.${task}`, function: name, submitted, attempts });
		},
		saved: (path, sha256) => void saved.set(at(path), sha256),
		async judge(cells = [], run = {}) {
			const facts: Facts = { accesses, changes, execs, network, workers, processes, tasks, handed: [], names: [], doubts: [] };
			const files = new Map<string, FileFact>();
			const paths = [...accesses.map((access) => access.path), ...changes.flatMap((one) => [one.from ?? one.to, one.to])];
			for (const path of new Set(paths)) {
				const { born: _, target: __, ...seen } = look(path);
				const first = accesses.find((access) => access.path === path);
				files.set(path, {
					...seen,
					existedBefore: existed.get(path) ?? (first === undefined ? null : existedBy(first.how)),
					sha256Before: saved.get(path) ?? null,
					sha256After: null,
					blobBefore: null,
					blobAfter: null,
					whyNoBlob: null,
				});
			}
			const judgement = judge({
				run: runOf({ started, folder: place, home, workers, cells, accesses, run }),
				facts,
				files,
				cells,
				machine: o.machine ?? openMachine(),
			});
			for (const [path, file] of files) {
				const verdict = judgement.verdicts.get(path)?.verdict;
				if (file.kind === 'gone' || verdict === 'secret') continue;
				const sha256 = await sha256Of(path);
				files.set(path, { ...file, sha256Before: file.sha256Before ?? sha256, sha256After: sha256 });
			}
			const document = (selector = 'run') => describe(judgement, files, parseSelector(selector, judgement.run, tasks));
			return {
				judgement,
				files,
				verdict: (path) => judgement.verdicts.get(at(path))?.verdict,
				rule: (path) => judgement.verdicts.get(at(path))?.rule,
				document,
				software: (selector) => document(selector).software.map((one) => `${one.name} ${one.version ?? '-'}`),
			};
		},
	};
}

/** What a real follower tells of existence by the first use, where the test says nothing. */
function existedBy(how: How): boolean | null {
	if (how === 'missing' || how === 'create') return false;
	return how === 'read' || how === 'list' || how === 'execute' || how === 'stat' ? true : null;
}

function processFact(ordinal: number, parent: number | null, born: number): ProcessFact {
	return {
		ordinal,
		log: 'manager',
		kind: 'process',
		process: ordinal,
		parent,
		pid: 100 + ordinal,
		pidInside: null,
		host: 'here',
		bootId: 'boot',
		cell: null,
		worker: null,
		task: null,
		inheritsFrom: null,
		untilSeq: null,
		born,
		ended: null,
		exitCode: null,
		signal: null,
	};
}

/** A run with the cells that these facts name. */
export function runOf(o: {
	started: number;
	folder: string;
	home: string;
	workers: readonly WorkerFact[];
	cells: readonly CellUse[];
	accesses: readonly Pick<Access, 'cell'>[];
	run: Told;
}): Run {
	const highest = Math.max(0, ...o.cells.map((cell) => cell.number), ...o.accesses.map((access) => access.cell ?? 0));
	const numbers = Array.from({ length: highest }, (_, index) => index + 1);
	return {
		format: 1,
		run: '20260101-000000-test',
		notebook: join(o.folder, 'analysis.ipynb'),
		status: 'finished',
		started: new Date(o.started).toISOString(),
		seconds: 1,
		cells: numbers.map((number) => ({
			...{ number, id: null, status: 'finished', seconds: 0, executionCount: number, executions: [number], began: null },
		})),
		workers: o.workers.map(({ worker, engine, pid }) => ({ id: worker, engine, host: 'here', pid, tasks: null, seconds: null })),
		warnings: [],
		repeatOf: null,
		...o.run,
		circumstances: {
			argv: ['python', '-m', 'ipykernel_launcher'],
			cwd: o.folder,
			user: 'ada',
			uid: 1000,
			gid: 1000,
			home: o.home,
			hostname: 'engine',
			bootId: 'boot',
			environment: {},
			environmentNames: [],
			kernel: { name: 'python3', language: 'python', displayName: 'Python 3', interruptMode: 'signal' },
			connectionFile: null,
			tracer: { name: 'strace', version: '6.1' },
			image: null,
			checks: true,
			rules: null,
			nonce: 'nonce',
			cellar: '0.1.0',
			...o.run.circumstances,
		},
	} as Run; // the literals above are those of the schema
}

/** A cell's text, as far as a test says what it names. */
export function cell(
	number: number,
	named: Partial<CellNames> & { modules?: readonly string[]; earlier?: readonly string[] } = {},
): CellUse {
	const { modules = [], earlier = [], ...names } = named;
	return {
		number,
		names: {
			...{ imports: [], defines: [], uses: [], paths: [], commands: [], runs: [] },
			...{ startsCoroutine: false, lists: false, broken: false },
			...names,
		},
		modules: [
			...modules.map((module) => ({ module, bound: 'here' as const })),
			...earlier.map((module) => ({ module, bound: 'earlier' as const })),
		],
	};
}

/** Installs distributions as an installer would: files, metadata and a RECORD, unless that is given. */
export function installed(
	site: string,
	name: string,
	version: string,
	files: Readonly<Record<string, string>>,
	o: { record?: string | null; requires?: readonly string[]; extra?: Readonly<Record<string, string>> } = {},
): string {
	const info = `${name.replaceAll('-', '_')}-${version}.dist-info`;
	const requires = (o.requires ?? []).map((text) => `Requires-Dist: ${text}\n`).join('');
	const metadata = { [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${requires}\nText\n` };
	const extra = Object.fromEntries(Object.entries(o.extra ?? {}).map(([path, text]) => [`${info}/${path}`, text]));
	for (const [path, text] of Object.entries({ ...files, ...metadata, ...extra })) {
		mkdirSync(dirname(join(site, path)), { recursive: true });
		writeFileSync(join(site, path), text);
	}
	const rows = [...Object.keys(files), ...Object.keys(metadata)].map((path) => `${path},,`);
	const record = o.record === undefined ? `${rows.join('\n')}\n${info}/RECORD,,\n` : o.record;
	if (record !== null) writeFileSync(join(site, info, 'RECORD'), record);
	return join(site, info);
}
