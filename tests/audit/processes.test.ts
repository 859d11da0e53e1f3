import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Facts } from '../../core/src/model/index.ts';
import { audited, compiled, scratch, told } from './audited.ts';

/** Everything that was used below a folder, by the pids of process and thread. */
function whose(facts: Facts, below: string): readonly object[] {
	const pids = new Map(facts.processes.map(({ ordinal, pid }) => [ordinal, pid]));
	return facts.accesses
		.filter(({ path }) => path.startsWith(`${below}/`))
		.map(({ how, path, count, process, thread }) => ({ how, path, count, pid: pids.get(process), thread: pids.get(thread) }));
}

const lines = (list: readonly object[]) => list.map((item) => JSON.stringify(item)).sort();

test('eight threads make children at the same time, in every way: each file belongs to its child, and each child to its maker', async () => {
	const folder = scratch();
	const { facts, expected, run, log } = await told([compiled('births.c', folder)], { folder, findWorkers: false });
	expect(facts.doubts).toEqual([]);
	expect(lines(whose(facts, run))).toEqual(lines(expected.filter((line) => 'how' in line)));
	const pids = new Map(facts.processes.map(({ ordinal, pid }) => [ordinal, pid]));
	const births = facts.processes
		.filter(({ parent, kind }) => parent !== null && (kind === 'thread' || pids.get(parent) !== pids.get(1)))
		.map(({ pid, parent, kind }) => ({ born: pid, of: pids.get(parent ?? 0), kind }));
	expect(lines(births)).toEqual(lines(expected.filter((line) => 'born' in line)));
	// The case is really there: children that were logged before their maker's call returned, with others under way.
	const text = readFileSync(log, 'latin1');
	expect(text.match(/<\.\.\. (?:vfork|clone3?|fork) resumed>/g)?.length).toBeGreaterThan(10);
});

test.each(['plain', 'leader in a call', 'leader gone'])(
	'a thread that is not the first executes (%s): the program goes on under the pid of the first',
	async (how) => {
		const folder = scratch();
		const { facts, expected, run, log } = await told([compiled('thread-exec.c', folder), how], { folder });
		expect(readFileSync(log, 'latin1')).toContain('+++ superseded by execve in pid');
		const found = whose(facts, run);
		expect(lines(found.filter((use) => 'path' in use && use.path === join(run, 'after')))).toEqual(lines(expected));
		const process = facts.processes.find(({ ordinal }) => ordinal === 1)!;
		const executed = facts.execs.filter(({ path }) => path === join(folder, 'thread-exec'));
		expect(executed.map((exec) => exec.process)).toEqual([1, 1]);
		expect(process).toMatchObject({ exitCode: 0, signal: null });
		// The thread that called execve is over; what it did before it was its own.
		const before = facts.accesses.find(({ path }) => path === join(run, 'before'));
		expect(before).toMatchObject({ process: 1 });
		expect(before?.thread).not.toBe(1);
		expect(facts.processes.filter(({ ended }) => ended === null)).toEqual([]);
		expect(facts.doubts).toEqual([]);
	},
);

test('calls that never return count as what they asked for, and calls that signals interrupt count once', async () => {
	const folder = scratch();
	const { facts, expected, run } = await told([compiled('killed.c', folder)], { folder, findWorkers: false });
	const uses = expected.filter((line) => 'how' in line);
	const counts = new Map<string, number>();
	for (const { how } of uses) counts.set(how, (counts.get(how) ?? 0) + 1);
	const found = new Map<string, number>();
	for (const { how, count } of facts.accesses.filter(({ path }) => path === join(run, 'fifo'))) {
		found.set(how, (found.get(how) ?? 0) + count);
	}
	expect(Object.fromEntries(found)).toEqual(Object.fromEntries(counts));
	for (const line of expected) {
		if (!('ended' in line)) continue;
		const process = facts.processes.find(({ pid, kind }) => pid === line.ended && kind === 'process');
		expect(process).toMatchObject({ exitCode: line.code, signal: line.signal });
	}
	expect(facts.doubts).toEqual([]);
});

test('in a PID namespace a process has two pids, and its files are its own', async () => {
	const folder = scratch();
	const { facts, expected, run } = await told([compiled('namespaces.c', folder)], { folder, findWorkers: false });
	expect(facts.doubts).toEqual([]);
	const first = expected.find((line) => 'how' in line)!;
	expect(lines(whose(facts, run))).toContain(JSON.stringify(first));
	for (const line of expected) {
		if (!('inside' in line) || !('path' in line)) continue;
		const access = facts.accesses.find(({ path }) => path === line.path)!;
		const process = facts.processes.find(({ ordinal }) => ordinal === access.process)!;
		expect(process.pidInside).toBe(line.inside);
		expect(process.pid).not.toBe(process.pidInside);
		expect(process.parent).not.toBe(1);
	}
});

test.runIf(process.arch === 'x64')('a 32-bit program is read like any other', async () => {
	const folder = scratch();
	const program = compiled('mode32.c', folder, '-m32', '-nostdlib', '-static', '-fno-pic', '-no-pie', '-fno-stack-protector');
	const { facts, code } = await audited([program], { folder });
	expect(code).toBe(0);
	const run = join(folder, 'run');
	const used = facts.accesses
		.filter(({ path }) => path.startsWith(`${run}/`))
		.map(({ how, path }) => `${how} ${path.slice(run.length + 1)}`);
	expect(used).toEqual(['create small', 'create folder', 'stat folder']);
	expect(facts.changes.map(({ kind, to }) => `${kind} ${to}`)).toEqual([`remove ${run}/folder/../small`]);
	expect(facts.processes.length).toBe(2);
	expect(facts.doubts).toEqual([]);
});
