import * as v from 'valibot';
import type { CellExecution, Doubt, LogId, WorkerId } from './facts.ts';
import type { Name } from './names.ts';

export const runStatuses = ['running', 'finished', 'raised', 'interrupted', 'died'] as const;
export type RunStatus = (typeof runStatuses)[number];
export const cellStatuses = ['finished', 'raised', 'timed out', 'interrupted', 'died', 'not run'] as const;
export type CellStatus = (typeof cellStatuses)[number];

const warning = v.object({ code: v.string(), message: v.string() });
/** A thing that the user should know and that stops nothing. */
export type Warning = v.InferOutput<typeof warning>;

const cell = v.object({
	/** The N-th code cell from the top, from 1. */
	number: v.number(),
	/** nbformat's id. */
	id: v.nullable(v.string()),
	status: v.picklist(cellStatuses),
	seconds: v.nullable(v.number()),
	executionCount: v.nullable(v.number()),
	/** Which executions of the run were this cell's; facts name these. */
	executions: v.array(v.number()),
	/** When the last of them began; null where none did. */
	began: v.optional(v.nullable(v.string()), null),
});
export type RunCell = v.InferOutput<typeof cell>;

const worker = v.object({
	id: v.string(),
	engine: v.string(),
	host: v.string(),
	pid: v.number(),
	/** How many tasks it ran; null where tasks were not marked. */
	tasks: v.nullable(v.number()),
	seconds: v.nullable(v.number()),
	/** The log that tells of it: the manager's, or its own. */
	log: v.optional(v.string(), 'manager'),
});
export type RunWorker = v.InferOutput<typeof worker>;

export const ruledKinds = [
	'input',
	'output',
	'intermediate',
	'configuration',
	'cache',
	'temporary',
	'tool folder',
	'secret',
] as const;

/** What `cellar.toml` said when the run began. */
export const projectRulesSchema = v.object({
	/** The file, and the folder that its globs are seen from: absolute, encoded. */
	file: v.string(),
	folder: v.string(),
	rules: v.array(v.object({ path: v.string(), as: v.picklist(ruledKinds), reason: v.nullable(v.string()) })),
	/** Globs of what holds credentials. */
	secrets: v.array(v.string()),
});
export type ProjectRules = v.InferOutput<typeof projectRulesSchema>;

/** What a repeat needs to put the world back as it was. */
const circumstances = v.object({
	/** The program and its arguments as started: the kernel's, or the command of `audit --`. */
	argv: v.array(v.string()),
	/** The working folder. */
	cwd: v.string(),
	user: v.string(),
	uid: v.number(),
	gid: v.number(),
	home: v.string(),
	hostname: v.string(),
	bootId: v.string(),
	/** Names and values of the allow-list (FORMATS). */
	environment: v.record(v.string(), v.string()),
	/** The names of all others: no value of theirs is kept. */
	environmentNames: v.array(v.string()),
	/** The kernelspec's name and language; null for a program. */
	kernel: v.nullable(
		v.object({
			name: v.string(),
			language: v.string(),
			displayName: v.string(),
			interruptMode: v.picklist(['signal', 'message']),
		}),
	),
	/** The connection file, so that it can be told from data. */
	connectionFile: v.nullable(v.string()),
	tracer: v.nullable(v.object({ name: v.string(), version: v.string() })),
	/** The digest of the image in whose files a repeat ran; null for a run on this machine's own. */
	image: v.optional(v.nullable(v.string()), null),
	/** The folder of the agent that ran in the kernel; null where none did. */
	agent: v.optional(v.nullable(v.string()), null),
	checks: v.boolean(),
	/** The project's own rules; null where there were none. */
	rules: v.optional(v.nullable(projectRulesSchema), null),
	/** `--engine`, `--workers`: those that were to be started for each manager; null for none. */
	workers: v.optional(v.nullable(v.object({ engine: v.string(), count: v.number() })), null),
	/** `--param`: what was put into the notebook before it ran. */
	parameters: v.record(v.string(), v.string()),
	nonce: v.string(),
	cellar: v.string(),
});
export type Circumstances = v.InferOutput<typeof circumstances>;

/** How a program ended: by an exit code, or by a signal; the other is null. */
export const programEnd = v.object({ exitCode: v.nullable(v.number()), signal: v.nullable(v.string()) });
export type ProgramEnd = v.InferOutput<typeof programEnd>;

/** `run.json`: the document of `cellar audit --json`, and what a repeat needs. */
export const runSchema = v.object({
	format: v.literal(1),
	run: v.string(),
	/** Absolute, as the run saw it; null for a program. */
	notebook: v.nullable(v.string()),
	status: v.picklist(runStatuses),
	started: v.string(),
	seconds: v.nullable(v.number()),
	cells: v.array(cell),
	workers: v.array(worker),
	warnings: v.array(warning),
	repeatOf: v.nullable(v.string()),
	/** How a program without a notebook ended; left out of the run of a notebook, and where that is not known. */
	program: v.optional(programEnd),
	circumstances,
});
export type Run = v.InferOutput<typeof runSchema>;

/** nbformat 4.5's outputs, as they came over the wire; validated where they are read. */
export type CellOutput =
	| { readonly output_type: 'stream'; readonly name: string; readonly text: string }
	| { readonly output_type: 'display_data'; readonly data: MimeBundle; readonly metadata: JsonObject }
	| {
			readonly output_type: 'execute_result';
			readonly data: MimeBundle;
			readonly metadata: JsonObject;
			readonly execution_count: number | null;
	  }
	| { readonly output_type: 'error'; readonly ename: string; readonly evalue: string; readonly traceback: readonly string[] };
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
	readonly [key: string]: Json;
}
/** Media type to content: text as one string, JSON as itself, pictures as base64. */
export type MimeBundle = Readonly<Record<string, Json>>;

/** What became of one execution of a cell. */
export interface CellResult {
	readonly execution: CellExecution;
	readonly number: number;
	readonly status: CellStatus;
	readonly started: string;
	readonly seconds: number;
	readonly executionCount: number | null;
	readonly outputs: readonly CellOutput[];
}

/** A line of `journal.jsonl`: append only, synced to disk at each cell's end. The first is `begin`. */
export type JournalEntry =
	| { readonly event: 'begin'; readonly format: 1; readonly run: Run }
	| { readonly event: 'cell begin'; readonly execution: CellExecution; readonly number: number; readonly at: string }
	| { readonly event: 'cell end'; readonly result: CellResult }
	/** `startTime` in clock ticks since the boot: a pid comes again, a pid with its start does not. */
	| { readonly event: 'tracer'; readonly pid: number; readonly startTime: number }
	/** What the user lets the store keep, in bytes; it holds for whoever makes the run whole after its death, too. */
	| { readonly event: 'limits'; readonly keepInputs: number; readonly keepOutputs: number }
	| {
			readonly event: 'input';
			readonly path: Name;
			readonly sha256: string;
			readonly kept: boolean;
			readonly existedBefore: boolean;
	  }
	| { readonly event: 'warning'; readonly warning: Warning }
	/** Of a program without a notebook, before its `end`. */
	| { readonly event: 'program end'; readonly program: ProgramEnd }
	| { readonly event: 'end'; readonly status: RunStatus; readonly at: string };

/** A program that Cellar started: a kernel, natively, traced or in a sandbox. Who started it decides what `kill` reaches. */
export interface StartedProcess {
	readonly pid: number;
	/** Settles once, when the program itself has ended. */
	readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
	/** Sends SIGINT to the program itself. */
	interrupt(): void;
	/** Ends the program and what it started, as far as its runner can reach. */
	kill(): Promise<void>;
	/** The last lines that it wrote to its own stdout and stderr (never left unread), newest last. */
	lastWords(): string;
}

/** What one log told, and from where. */
export interface LogSource {
	readonly log: LogId;
	readonly worker: WorkerId | null;
	readonly path: string;
	readonly doubts: readonly Doubt[];
}
