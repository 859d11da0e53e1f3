import { createFollower, feedLog, type FollowerOptions } from '../../core/src/audit/index.ts';
import type { Facts } from '../../core/src/model/index.ts';
import { identity, nonce } from './audited.ts';

/** No program of a made-up log exists. */
export const noFiles = { exists: () => false, setuid: () => false };

/** A line of strace's log for a line of a story: `1 open a`, `2 born-of 1`, `1 mark begin/task/7`; others as they are. */
function lineOf(story: string): string {
	// A space within a word is written as one that does not break.
	const [pid, word, ...rest] = story
		.trim()
		.split(' ')
		.map((part) => part.replaceAll('\u00a0', ' '));
	const what = rest.join(' ');
	const line = (text: string) => `${pid} 1700000000.000000 ${text}`;
	switch (word) {
		case 'start':
			return line(`execve("/bin/program", ["program"], 0x7ffc /* 3 vars */) = 0`);
		case 'exec':
			return line(`execve("${rest[0]}", ["${rest.join('", "')}"], 0x7ffc /* 3 vars */) = 0`);
		case 'open':
			return line(`openat(AT_FDCWD</run>, "${what}", O_RDONLY|O_CLOEXEC) = 3</run/${what}>`);
		case 'look':
			return line(`access("${what}", F_OK) = -1 ENOENT (No such file or directory)`);
		case 'mark':
			return line(`access("/.cellar/${nonce}/${what}", F_OK) = -1 ENOENT (No such file or directory)`);
		case 'born-of':
			return `${what} 1700000000.000000 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = ${pid}`;
		case 'thread-of':
			return `${what} 1700000000.000000 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, stack_size=0x7fff80} => {parent_tid=[${pid}]}, 88) = ${pid}`;
		case 'exits':
			return line(`+++ exited with 0 +++`);
		default:
			return line(`${word} ${what}`);
	}
}

/** The log that a story makes. */
export function logOf(story: string): string {
	const lines = story.split('\n').filter((line) => line.trim() !== '');
	return lines.map((line) => `${lineOf(line)}\n`).join('');
}

/** What is followed from the bytes of a log. */
export function factsOf(log: Buffer | string, options: Partial<FollowerOptions> = {}): Facts {
	const follower = createFollower({ ...identity, files: noFiles, ...options });
	const feed = feedLog(follower);
	feed.push(Buffer.from(log));
	feed.end();
	return follower.facts();
}

/** What is followed from a story, and the task of a file in it. */
export function follow(story: string, options: Partial<FollowerOptions> = {}) {
	const facts = factsOf(logOf(story), options);
	return { facts, task: (file: string) => facts.accesses.find(({ path }) => path === `/run/${file}`)?.task };
}
