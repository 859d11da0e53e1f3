import fc from 'fast-check';
import { readFileSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
	createFollower,
	createLogReader,
	feedLog,
	readLog,
	tailLog,
	type CallEvent,
	type FirstUse,
} from '../../core/src/audit/index.ts';
import { decodeName, encodeName, type Facts } from '../../core/src/model/index.ts';
import { audited, compiled, identity, scratch } from './audited.ts';
import { factsOf, logOf, noFiles } from './logs.ts';
import { randomLog } from './random-logs.ts';

function eventsOf(log: string | Buffer): readonly CallEvent[] {
	const reader = createLogReader();
	return [...reader.push(Buffer.from(log)), ...reader.end()];
}

/**
 * That `some` is what was known when only a beginning of the log was there: every fact of it is one of `all`, with at most its
 * end still unknown (an access's last time and count, a process's end) and its worker, which the future decides.
 */
function expectPrefix(some: Facts, all: Facts): void {
	const rows = new Map(all.accesses.map((row) => [accessKey(row), row]));
	expect(rows.size).toBe(all.accesses.length);
	for (const row of some.accesses) {
		const whole = rows.get(accessKey(row));
		expect(whole, accessKey(row)).toBeDefined();
		expect(whole!.count).toBeGreaterThanOrEqual(row.count);
		expect(whole!.last).toBeGreaterThanOrEqual(row.last);
	}
	const rest = ({ worker: _, ...fact }: { worker: unknown }) => JSON.stringify(fact);
	for (const list of ['changes', 'execs', 'network'] as const) {
		const known = new Set(all[list].map(rest));
		for (const fact of some[list]) expect(known).toContain(rest(fact));
	}
	for (const fact of some.processes) {
		const whole = all.processes.find(({ ordinal }) => ordinal === fact.ordinal);
		const { kind, process, parent, pid, born, cell } = fact;
		expect(whole).toMatchObject({ kind, process, parent, pid, born, cell });
		if (fact.ended !== null) expect(whole?.ended).toBe(fact.ended);
	}
}

function accessKey({ worker: _, last: __, count: ___, ...row }: Facts['accesses'][number]): string {
	return JSON.stringify(row);
}

test('a log that is cut anywhere gives a beginning of the facts', () => {
	fc.assert(
		fc.property(randomLog, fc.double({ min: 0, max: 1, noNaN: true }), ({ text }, where) => {
			const bytes = Buffer.from(text);
			const cut = bytes.subarray(0, Math.floor(bytes.length * where));
			const some = factsOf(cut);
			expectPrefix(some, factsOf(bytes));
			expect(some.doubts.some(({ code }) => code === 'CELLAR_LOG_CUT')).toBe(cut.length > 0 && cut.at(-1) !== 0x0a);
		}),
		{ numRuns: 300 },
	);
});

test('it does not matter in which pieces a log is read', () => {
	fc.assert(
		fc.property(randomLog, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 30 }), ({ text }, sizes) => {
			const bytes = Buffer.from(text);
			const reader = createLogReader();
			const events: CallEvent[] = [];
			let at = 0;
			for (const size of [...sizes, bytes.length]) {
				// The caller may use its buffer again.
				const chunk = Buffer.from(bytes.subarray(at, at + size));
				events.push(...reader.push(chunk));
				chunk.fill(0x2a);
				at += size;
			}
			expect([...events, ...reader.end()]).toEqual(eventsOf(bytes));
		}),
	);
});

test('what is said again is counted as if it had been read: the facts and first uses are the same, wherever the log is cut', () => {
	let again = 0;
	fc.assert(
		fc.property(randomLog, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 30 }), ({ text }, sizes) => {
			const told = (fast: boolean) => {
				const uses: FirstUse[] = [];
				const follower = createFollower({ ...identity, files: noFiles, onFirstUse: (use) => uses.push(use) });
				const count = (said: number, seq: number, pid: number) => {
					const isTaken = follower.again(said, seq, pid);
					if (isTaken) again++;
					return isTaken;
				};
				const take = (events: readonly CallEvent[]) => follower.take(events);
				const feed = feedLog(fast ? { take, again: count, expect: (said) => follower.expect(said) } : { take });
				// What a run opens, it opens again.
				const bytes = Buffer.from(text.replace(/^.*openat.*\n/gm, (line) => line.repeat(3)));
				let at = 0;
				for (const size of fast ? [...sizes, bytes.length] : [bytes.length]) {
					feed.push(bytes.subarray(at, at + size));
					at += size;
				}
				feed.end();
				return { facts: follower.facts(), uses };
			};
			expect(told(true)).toEqual(told(false));
		}),
		{ numRuns: 300 },
	);
	// Or nothing would have been compared.
	expect(again).toBeGreaterThan(1000);
});

test('the number of a descriptor says nothing, and nothing that only looks like one is taken for it', () => {
	const opened = (path: string, result: string) => `1 1.0 openat(AT_FDCWD</run>, "${path}", O_RDONLY) = ${result}\n`;
	const lines = [
		...[opened('a', '3</run/a>'), opened('a', '14</run/a>'), opened('a', '</run/a>'), opened('= 5<b', '3</run/= 5\\74b>')],
		...[opened('= 6<b', '3</run/= 6\\74b>'), opened('c', '-1 ENOENT (No such file)'), opened('c', '-1 EACCES (Denied)')],
	];
	const { accesses, doubts } = factsOf([...lines, ...lines].join(''));
	expect(accesses.map(({ path, how, count }) => [path, how, count])).toEqual([
		['/run/a', 'read', 4],
		['/run/= 5<b', 'read', 2],
		['/run/= 6<b', 'read', 2],
		['/run/c', 'missing', 2],
		['/run/c', 'stat', 2],
	]);
	expect(doubts.map(({ message }) => message)).toEqual(['2 lines of the log could not be read; the first is line 3']);
});

test('in a random log every thread has its maker, and every file the process that used it', () => {
	fc.assert(
		fc.property(randomLog, ({ text, births }) => {
			const facts = factsOf(text);
			const groups = new Map(facts.processes.map(({ ordinal, pid }) => [ordinal, pid]));
			expect(
				facts.processes.flatMap(({ pid, parent, kind }) => (parent === null ? [] : [{ pid, maker: groups.get(parent), kind }])),
			).toEqual(expect.arrayContaining([...births]));
			expect(facts.processes.length).toBe(births.length + 1);
			for (const { path, process } of facts.accesses) {
				// A process's folder is named by its pid, and nobody leaves it but by chdir.
				const folder = /^\/run\/(\d+)\/[^/]*$/.exec(path)?.[1];
				if (folder !== undefined && !text.includes('chdir')) expect(groups.get(process)).toBe(Number(folder));
			}
			expect(facts.doubts).toEqual([]);
		}),
		{ numRuns: 300 },
	);
});

test('no bytes make the reader throw, and lines that cannot be read are counted', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
			factsOf(Buffer.from(bytes));
		}),
	);
	fc.assert(
		fc.property(randomLog, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), ({ text }, where, noise) => {
			const bytes = Buffer.from(text);
			const at = where % bytes.length;
			factsOf(Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]));
			factsOf(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + noise.length)]));
		}),
		{ numRuns: 500 },
	);
	const { doubts } = factsOf('1 1.0 openat(AT_FDCWD</run>, "a\nnonsense\n1 1.0 openat(AT_FDCWD</run>, "b", O_RDONLY) = !\n');
	expect(doubts).toMatchObject([
		{ code: 'CELLAR_LINE_UNREAD', seq: 1, message: '3 lines of the log could not be read; the first is line 1' },
	]);
	// As strace writes it of a thread that is killed at the begin of a call.
	expect(factsOf('1 1.0 ???( <unfinished ...>\n1 1.1 +++ killed by SIGKILL +++\n').doubts).toEqual([]);
});

test('the bytes of a name come back from how strace writes them', () => {
	/** As strace's string_quote does it. */
	const quoted = (bytes: Uint8Array, brackets: boolean) =>
		[...bytes]
			.map((byte, at) => {
				const letter = String.fromCharCode(byte);
				const short = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\v': '\\v', '\f': '\\f', '"': '\\"', '\\': '\\\\' }[letter];
				if (short !== undefined) return short;
				if (byte >= 0x20 && byte < 0x7f && !(brackets && '<>'.includes(letter))) return letter;
				const following = bytes[at + 1];
				const digit = following !== undefined && following >= 0x30 && following <= 0x39;
				return `\\${byte.toString(8).padStart(digit ? 3 : 1, '0')}`;
			})
			.join('');
	const name = fc
		.uint8Array({ minLength: 1, maxLength: 40 })
		.map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x31 : byte)));
	fc.assert(
		fc.property(name, name, (folder, file) => {
			const line = `1 1.0 openat(AT_FDCWD</${quoted(folder, true)}>, "${quoted(file, false)}", O_RDONLY) = 3</${quoted(file, true)}>\n`;
			const [event] = eventsOf(line);
			expect(event).toMatchObject({ type: 'open', failure: null });
			if (event?.type !== 'open') return;
			expect([...decodeName(event.folder ?? '')]).toEqual([0x2f, ...folder]);
			expect([...decodeName(event.path ?? '')]).toEqual([...file]);
			expect(event.opened).toBe(encodeName(Buffer.from([0x2f, ...file])));
		}),
		{ numRuns: 1000 },
	);
});

test('a real log that is cut anywhere gives a beginning of the facts too', async () => {
	const folder = scratch();
	const { log } = await audited([compiled('births.c', folder)], { folder, findWorkers: false });
	const bytes = readFileSync(log);
	const all = factsOf(bytes);
	fc.assert(
		fc.property(fc.nat(bytes.length), (at) => expectPrefix(factsOf(bytes.subarray(0, at)), all)),
		{ numRuns: 60 },
	);
});

test('calls of the same thread id after its end are those of another thread', () => {
	const { processes, accesses } = factsOf(
		logOf(`
			1 start
			2 born-of 1
			2 open a
			2 exits
			2 born-of 1
			2 open b
		`),
	);
	expect(processes.map(({ ordinal, pid }) => [ordinal, pid])).toEqual([
		[1, 1],
		[2, 2],
		[3, 2],
	]);
	expect(accesses.filter(({ path }) => path !== '/bin/program').map(({ process, path }) => [process, path])).toEqual([
		[2, '/run/a'],
		[3, '/run/b'],
	]);
});

test('what makes the record incomplete is told: io_uring, mounts, untraced children, handles, setuid programs', () => {
	const { doubts, accesses } = factsOf(
		logOf(`
			1 start
			1 io_uring_setup(8, {flags=0, sq_thread_cpu=0}) = 3<anon_inode:[io_uring]>
			1 io_uring_setup(8, {flags=0, sq_thread_cpu=0}) = 4<anon_inode:[io_uring]>
			1 mount("none) = 0", "/", NULL, MS_REC|MS_PRIVATE, NULL) = 0
			1 clone(child_stack=NULL, flags=CLONE_UNTRACED|SIGCHLD) = 7
			1 open_by_handle_at(AT_FDCWD</run>, {handle_bytes=8, handle_type=1, f_handle=0x01}, O_RDONLY) = 3</data/by-handle>
			1 exec /usr/bin/sudo
			1 mount("x", "/y", NULL, MS_BIND, NULL) = -1 EPERM (Operation not permitted)
		`),
		{ files: { exists: () => false, setuid: (path) => path === '/usr/bin/sudo' } },
	);
	expect(doubts.map(({ code, seq }) => `${code} ${seq}`)).toEqual([
		'CELLAR_IO_URING 2',
		'CELLAR_NAMESPACE 4',
		'CELLAR_UNTRACED 5',
		'CELLAR_BY_HANDLE 6',
		'CELLAR_SETUID 7',
	]);
	expect(doubts[0]?.message).toBe('program set up io_uring: what it opened by that is not in the trace (2 times in the log)');
	expect(accesses.map(({ path }) => path)).toContain('/data/by-handle');
});

test('arguments are kept without what may be secret', () => {
	const log = `1 1.0 execve("/bin/p", ["p", "--token=abc", "-v", "/there", "word", "-psecret", "--", "long"..., ...], 0x7f /* 3 vars */) = 0\n`;
	const { execs } = factsOf(log, { files: { exists: (path) => path === '/there', setuid: () => false } });
	expect(execs[0]?.argv).toEqual(['p', '--token=…', '-v', '/there', '…', '-p…', '--', '…', '…']);
});

test('a log whose arguments were redacted still tells the launcher from the program, by its marks', () => {
	const { execs, accesses } = factsOf(
		logOf(`
			1 exec /bin/sh /launch.sh …
			1 open launch.sh
			1 mark begin/group/launcher
			1 mark end/group/launcher/1
			1 exec /usr/bin/env …
			1 open env-library
			1 exec /bin/program …
			1 open a
		`),
	);
	expect(execs.map(({ path }) => path)).toEqual(['/bin/program']);
	expect(accesses.map(({ path }) => path)).toEqual(['/bin/program', '/run/a']);
});

test('compressed or not, whole or cut, a log is read as far as it goes; one that is not there is an error', async () => {
	const folder = scratch();
	const log = logOf(`1 start\n${'1 open a\n'.repeat(5000)}1 exits`);
	const plain = join(folder, 'a.strace');
	const packed = join(folder, 'a.strace.gz');
	writeFileSync(plain, log);
	writeFileSync(packed, gzipSync(log));
	const read = async (path: string) => {
		const follower = createFollower({ ...identity, files: noFiles });
		await readLog(path, follower);
		return follower.facts();
	};
	expect(await read(plain)).toEqual(factsOf(log));
	expect(await read(packed)).toEqual(factsOf(log));
	const bytes = gzipSync(log);
	writeFileSync(packed, bytes.subarray(0, bytes.length - 20));
	const cut = await read(packed);
	expectPrefix(cut, factsOf(log));
	expect(cut.doubts.map(({ code }) => code)).toContain('CELLAR_LOG_CUT');
	await expect(read(join(folder, 'absent'))).rejects.toMatchObject({ code: 'CELLAR_LOG_UNREADABLE' });
	await expect(read(join(folder, 'absent.gz'))).rejects.toMatchObject({ code: 'CELLAR_LOG_UNREADABLE' });
	writeFileSync(packed, 'not compressed');
	expect((await read(packed)).doubts.map(({ code }) => code)).toEqual(['CELLAR_LOG_CUT']);
});

test('a log is followed while it grows, and each path is told once, when it is first used', async () => {
	const folder = scratch();
	const path = join(folder, 'a.strace');
	const uses: FirstUse[] = [];
	const follower = createFollower({ ...identity, files: noFiles, onFirstUse: (use) => uses.push(use) });
	const tail = tailLog(path, follower);
	await tail.poll();
	const log = logOf(`
		1 start
		9 born-of 1
		9 mark begin/cell/3
		1 open a
		9 open b
		1 open a
	`);
	writeFileSync(path, log.slice(0, -30));
	await Promise.all([tail.poll(), tail.poll()]);
	expect(uses.map((use) => use.path)).toEqual(['/bin/program', '/run/a', '/run/b']);
	await appendFile(path, log.slice(-30));
	await tail.end();
	expect(uses.length).toBe(3);
	expect(uses[1]).toMatchObject({ path: '/run/a', how: 'read', seq: 4 });
	expect(follower.facts()).toEqual(factsOf(log));
});
