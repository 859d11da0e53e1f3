import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type * as Audit from '../../core/src/audit/index.ts';
import { identity, scratch } from './audited.ts';
import { factsOf, noFiles } from './logs.ts';

// A thread starts from what was built; `npm run check`, which comes before the tests, builds it.
const built: typeof Audit = await import(new URL('../../core/dist/audit/index.js', import.meta.url).href);

/** Long enough to be read beside: names that hardly shrink, each opened by two threads, one of them interrupted by the other. */
function longLog(): string {
	const lines: string[] = ['1 1.0 execve("/bin/program", ["program"], 0x7ffc /* 3 vars */) = 0'];
	lines.push(
		'1 1.0 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, stack_size=0x7fff80} => {parent_tid=[2]}, 88) = 2',
	);
	for (let n = 0; n < 90_000; n++) {
		const name = randomBytes(50).toString('hex');
		const call = `openat(AT_FDCWD</run>, "${name}", O_RDONLY|O_CLOEXEC`;
		lines.push(
			`2 1.1 ${call} <unfinished ...>`,
			`1 1.1 ${call}) = 3</run/${name}>`,
			`2 1.2 <... openat resumed>) = 4</run/${name}>`,
		);
	}
	return `${lines.join('\n')}\n1 1.3 +++ exited with 0 +++\n`;
}

const log = longLog();
const packed = gzipSync(log, { level: 1 });

function follower(options: Partial<Audit.FollowerOptions> = {}) {
	return built.createFollower({ ...identity, files: noFiles, ...options });
}

test('a long log is scanned on another thread: the facts are those of one that is read here, and other work is done meanwhile', async () => {
	expect(packed.length).toBeGreaterThan(5e6);
	const path = join(scratch(), 'long.strace.gz');
	writeFileSync(path, packed);
	const sighted: string[] = [];
	let asked = 0;
	const one = follower({ onFirstUse: (use) => sighted.push(use.path) });
	await built.readLog(path, one, () => ++asked % 5 > 0);
	const facts = factsOf(log);
	expect(one.facts()).toEqual(facts);
	expect(facts.accesses.length).toBeGreaterThan(100_000);
	expect(new Set(sighted)).toEqual(new Set(facts.accesses.map((access) => access.path)));
	// Only where another thread scans is there anything to wait for.
	expect(asked).toBeGreaterThan(0);
});

test('a long log that is cut is read as far as it goes, one that may not be read is an error, and what its reader throws is thrown', async () => {
	const folder = scratch();
	const path = join(folder, 'long.strace.gz');
	writeFileSync(path, packed.subarray(0, -3e5));
	const cut = follower();
	await built.readLog(path, cut);
	const facts = cut.facts();
	expect(facts.doubts.map(({ code }) => code)).toContain('CELLAR_LOG_CUT');
	expect(facts.accesses.length).toBeGreaterThan(80_000);

	const folderOfLogs = join(folder, 'folder.strace.gz');
	mkdirSync(folderOfLogs);
	await expect(built.readLog(folderOfLogs, follower())).rejects.toMatchObject({ code: 'CELLAR_LOG_UNREADABLE' });

	writeFileSync(path, packed);
	const failing = { take: () => expect.fail('the reader is at its end') };
	await expect(built.readLog(path, failing)).rejects.toThrow('the reader is at its end');
});

test('lines and halves of any length: what has no room is counted as not read, and nothing else is lost', () => {
	const opens = (pid: number, name: string) => `${pid} 1.0 openat(AT_FDCWD</run>, "${name}", O_RDONLY) = 3</run/${name}>\n`;
	const long = 'x'.repeat(1_200_000);
	const half = 'y'.repeat(600_000);
	const text = [
		'1 1.0 execve("/bin/program", ["program"], 0x7ffc /* 3 vars */) = 0\n',
		opens(1, 'before'),
		`1 1.0 write(1, "${long}") = 7\n`,
		opens(1, 'between'),
		`1 1.0 openat(AT_FDCWD</run>, "${half}", O_RDONLY <unfinished ...>\n`,
		`1 1.0 <... openat resumed>) = 3</run/y>\n`,
		opens(1, 'after'),
	].join('');
	const { accesses, doubts } = factsOf(text);
	expect(accesses.map((access) => access.path)).toEqual(['/bin/program', '/run/before', '/run/between', '/run/after']);
	expect(accesses.at(-1)!.first).toBe(7);
	expect(doubts.map(({ code, message }) => [code, message])).toEqual([
		['CELLAR_LINE_UNREAD', '2 lines of the log could not be read; the first is line 3'],
	]);
});
