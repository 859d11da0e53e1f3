import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import {
	createFollower,
	launch,
	probeTracer,
	readLog,
	type Follower,
	type FollowerOptions,
	type Launched,
} from '../../core/src/audit/index.ts';
import type { Access, Facts, Mark } from '../../core/src/model/index.ts';

export const programs = fileURLToPath(new URL('../programs', import.meta.url));
export const nonce = 'n0nce';
export const identity = { log: 'manager', nonce, host: 'here', bootId: 'boot' };

/** A folder of its own for one test, gone with it; its path holds no links. */
export function scratch(): string {
	const folder = mkdtempSync(join(realpathSync(tmpdir()), 'cellar-audit-test-'));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** A program of tests/programs, compiled. */
export function compiled(source: string, folder: string, ...flags: string[]): string {
	const program = join(folder, basename(source, '.c'));
	execFileSync('gcc', ['-O1', '-Wall', '-pthread', ...flags, '-o', program, join(programs, source)], { stdio: 'pipe' });
	return program;
}

/** The interpreter of an environment that the set-up makes for the tests. */
export function pythonOf(environment: string): string {
	return fileURLToPath(new URL(`../../.cache/venv/${environment}/bin/python`, import.meta.url));
}

/** An environment in which a program does little of its own accord. */
export const plainEnv: NodeJS.ProcessEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: '/nonexistent' };

export async function strace(): Promise<string> {
	const probe = await probeTracer();
	if (probe.status !== 'ok') throw new Error(`${probe.reason}: ${probe.mend}`);
	return probe.path;
}

export interface Audited {
	readonly facts: Facts;
	readonly follower: Follower;
	readonly code: number | null;
	readonly signal: string | null;
	readonly words: string;
	/** What had to be ended after the program. */
	readonly left: readonly { readonly pid: number; readonly command: string }[];
	readonly log: string;
	readonly folder: string;
}

export interface AuditOptions extends Partial<FollowerOptions> {
	readonly folder?: string;
	readonly env?: NodeJS.ProcessEnv;
	readonly checks?: boolean;
	readonly shell?: string;
	readonly graceMs?: number;
	/** What is done while the program runs. */
	readonly meanwhile?: (launched: Launched) => Promise<void>;
}

/** Runs a program under the real strace, to its end, and reads the log. Its working folder is below `folder`: `run`. */
export async function audited(argv: readonly string[], options: AuditOptions = {}): Promise<Audited> {
	const folder = options.folder ?? scratch();
	const cwd = join(folder, 'run');
	mkdirSync(cwd, { recursive: true });
	const log = join(folder, 'log.strace');
	await using launched = await launch({
		argv,
		cwd,
		log,
		nonce,
		env: options.env ?? plainEnv,
		checks: options.checks ?? false,
		tracer: await strace(),
		...(options.shell === undefined ? {} : { shell: options.shell }),
	});
	await options.meanwhile?.(launched);
	const { code, signal } = await launched.ended;
	const left = await launched.finish(options.graceMs ?? 2000);
	const follower = createFollower({ ...identity, ...options });
	await readLog(log, follower);
	return { facts: follower.facts(), follower, code, signal, words: launched.lastWords(), left, log, folder };
}

/** A line that a program of tests/programs prints of what must be found. Paths are as they are recorded. */
export type Expected =
	| { readonly how: string; readonly path: string; readonly count?: number; readonly pid?: number; readonly thread?: number }
	| { readonly change: string; readonly from: string | null; readonly to: string; readonly pid?: number }
	| { readonly network: string; readonly address: string; readonly port: number | null }
	| { readonly exec: string; readonly pid: number }
	| { readonly ended: number; readonly code: number | null; readonly signal: string | null };

/** Runs a program that prints what must be found, and gives that beside what was found. */
export async function told(
	program: readonly string[],
	options: AuditOptions = {},
): Promise<Audited & { readonly expected: readonly Expected[]; readonly run: string }> {
	const folder = options.folder ?? scratch();
	const file = join(folder, 'expected.jsonl');
	const result = await audited(['/bin/sh', '-c', 'exec "$@" >"$0"', file, ...program], { ...options, folder });
	if (result.code !== 0) throw new Error(`${program.join(' ')} ended with ${result.code ?? result.signal}: ${result.words}`);
	const lines = readFileSync(file, 'utf8').trim().split('\n');
	return { ...result, expected: lines.map((line) => JSON.parse(line) as Expected), run: join(folder, 'run') };
}

/** What was found of the things that programs print, in the same form; of paths, only those below `below`. */
export function found(facts: Facts, below: string): Expected[] {
	const inside = (path: string | null) => path !== null && (path === below || path.startsWith(`${below}/`));
	return [
		...sums(facts.accesses.filter(({ path }) => inside(path))),
		...facts.changes
			.filter(({ from, to }) => inside(from) || inside(to))
			.map(({ kind, from, to }): Expected => ({ change: kind, from, to })),
		...facts.network.map(({ how, address, port }): Expected => ({ network: how, address, port })),
	];
}

/** How often each path was used in each way, by all threads together. */
function sums(accesses: readonly Access[]): Expected[] {
	const counts = new Map<string, Expected & { count: number }>();
	for (const { how, path, count } of accesses) {
		const key = `${how} ${path}`;
		counts.set(key, { how, path, count: (counts.get(key)?.count ?? 0) + count });
	}
	return [...counts.values()];
}

/** The same list in one order. */
export function sorted(list: readonly Expected[]): string[] {
	return list.map((item) => JSON.stringify(item, Object.keys(item).sort())).sort();
}

/** Mark of a cell's beginning or end. */
export function cell(verb: 'begin' | 'end', execution: number): Mark {
	return { verb, kind: 'cell', id: String(execution), attempt: null, name: null };
}
