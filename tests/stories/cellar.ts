import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/** The clone that is tested. */
export const clone = resolve(import.meta.dirname, '../..');

/** The Node that runs Cellar: this one, or the one that the full tests name. */
const node = process.env['CELLAR_TEST_NODE'] ?? process.execPath;

/** The tests that are too long for every commit run too. */
export const isFull = process.env['CELLAR_TEST_FULL'] === '1';

/** What a command left. */
export interface Said {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
	/** The document on stdout. Throws where it is none, with what was said instead. */
	json<T = AuditDocument>(): T;
}

/** `cellar audit --json`. */
export interface AuditDocument {
	readonly run: string;
	readonly directory: string;
	readonly status: string;
	readonly cells: readonly { readonly number: number; readonly status: string }[];
	readonly workers: readonly {
		readonly id: string;
		readonly engine: string;
		readonly log: string;
		readonly tasks: number | null;
	}[];
	readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** `cellar runs --json`. */
export interface RunsDocument {
	readonly runs: readonly {
		readonly run: string;
		readonly status: string;
		readonly repeatOf: string | null;
		readonly cells: { readonly total: number; readonly finished: number };
	}[];
}

/** What `--json` prints of an error. */
export interface ErrorDocument {
	readonly error: {
		readonly code: string;
		readonly message: string;
		readonly hint: string | null;
		readonly where: string | null;
	};
}

/** A place of its own for a test: a CELLAR_HOME, and notebooks copied so that what they write goes away with it. */
export interface Place extends Disposable {
	readonly folder: string;
	readonly home: string;
	/** Runs `cellar` to its end. */
	cellar(words: readonly string[], options?: { readonly env?: Record<string, string>; readonly cwd?: string }): Promise<Said>;
	/** Starts `cellar`, for who wants to interrupt it. */
	start(words: readonly string[], options?: { readonly env?: Record<string, string>; readonly cwd?: string }): Started;
	/** Copies a notebook's folder, or one notebook, here; the path of the notebook. */
	copy(notebook: string): string;
}

export interface Started {
	readonly pid: number;
	readonly ended: Promise<Said>;
	/** Resolves when stderr has said so. */
	said(words: string): Promise<void>;
}

export type Environment =
	| 'stories'
	| 'image-convolution'
	| 'climate-trend'
	| 'dimuon-spectrum'
	| 'taskvine-convolution'
	| 'kernel'
	| 'bash-kernel'
	| 'engines'
	| 'engines-parsl'
	| 'engines-ipyparallel'
	| 'engines-ray'
	| 'engines-jobqueue'
	| 'engines-oldest'
	| 'engines-older';

/** The interpreter of one of the tests' environments. */
export function pythonOf(environment: Environment): string {
	const path = join(clone, '.cache', 'venv', environment, 'bin', 'python');
	if (!existsSync(path)) throw new Error(`the environment ${environment} is missing: node scripts/setup.mjs --tests makes it`);
	return path;
}

export function makePlace(): Place {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-story-'));
	const home = join(folder, 'home');
	const start: Place['start'] = (words, options = {}) => {
		const child = spawn(node, [join(clone, 'cli', 'bin', 'cellar.js'), ...words], {
			cwd: options.cwd ?? folder,
			env: { ...ownEnvironment(), CELLAR_HOME: home, NO_COLOR: '1', ...options.env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let [stdout, stderr] = ['', ''];
		child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
		child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
		const ended = new Promise<Said>((done) =>
			child.on('close', (code) => done({ code, stdout, stderr, json: () => parsed(words, stdout, stderr) })),
		);
		return {
			pid: child.pid!,
			ended,
			said: (what) =>
				new Promise((heard, fail) => {
					const look = () => stderr.includes(what) && heard();
					child.stderr.on('data', look);
					child.on('close', () => fail(new Error(`cellar ended without saying “${what}”:\n${stderr}`)));
					look();
				}),
		};
	};
	return {
		folder,
		home,
		start,
		cellar: (words, options) => start(words, options).ended,
		copy(notebook) {
			const from = resolve(import.meta.dirname, notebook);
			if (basename(resolve(from, '..')) !== basename(from, '.ipynb')) {
				cpSync(from, join(folder, basename(from)));
				return join(folder, basename(from));
			}
			const target = join(folder, basename(from, '.ipynb'));
			cpSync(resolve(from, '..'), target, { recursive: true });
			return join(target, basename(from));
		},
		[Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
	};
}

/** TaskVine looks for a free port from TCP_LOW_PORT on: each file's from another, so that no story's worker finds the manager of one beside it. */
const lowPort = String(2000 + (process.pid % 1000) * 20);

/** The environment without Python's own variables: where bytecode is not written, a run is another than the one that was written down. */
function ownEnvironment(): NodeJS.ProcessEnv {
	const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PYTHON'));
	return { ...Object.fromEntries(own), TCP_LOW_PORT: lowPort };
}

function parsed<T>(words: readonly string[], stdout: string, stderr: string): T {
	try {
		return JSON.parse(stdout) as T; // what it holds is what the test is about
	} catch {
		throw new Error(`cellar ${words.join(' ')} printed no document but “${stdout}” and said:\n${stderr}`);
	}
}
