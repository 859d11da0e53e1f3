import fc from 'fast-check';
import { nonce } from './audited.ts';

/** One step of a made-up run: who does what, and how many other steps stand between the halves of the call. */
interface Step {
	readonly what:
		| 'read'
		| 'write'
		| 'miss'
		| 'move'
		| 'fork'
		| 'vfork'
		| 'thread'
		| 'exec'
		| 'cell'
		| 'end'
		| 'go'
		| 'signal'
		| 'reach';
	readonly who: number;
	readonly name: number;
	/** 0: the call is one line. */
	readonly apart: number;
}

const step: fc.Arbitrary<Step> = fc.record({
	what: fc.constantFrom(
		...([
			'read',
			'read',
			'write',
			'miss',
			'move',
			'fork',
			'vfork',
			'thread',
			'exec',
			'cell',
			'end',
			'go',
			'signal',
			'reach',
		] as const),
	),
	who: fc.nat(20),
	name: fc.nat(6),
	apart: fc.constantFrom(0, 0, 0, 1, 2, 5),
});

const names = ['a', 'b c', '\\"d\\"', 'e) = 3', '<unfinished ...>', '\\377\\n', '../f'];
const shown = (name: string) => name.replaceAll('<', '\\74').replaceAll('>', '\\76');

/** A made-up log, and who made whom in it. */
export interface RandomLog {
	readonly text: string;
	readonly births: readonly { readonly pid: number; readonly maker: number; readonly kind: 'process' | 'thread' }[];
}

/** A log as strace might have written it: threads and processes that use files, with calls in halves and children before their makers. */
export const randomLog: fc.Arbitrary<RandomLog> = fc.array(step, { maxLength: 80, size: 'max' }).map(written);

function written(steps: readonly Step[]): RandomLog {
	const lines: string[] = [];
	const births: RandomLog['births'][number][] = [];
	/** Second halves, and after how many steps they come. */
	const later: { left: number; thread: Thread; text: string; after?: () => void }[] = [];
	interface Thread {
		readonly pid: number;
		readonly group: number;
		busy: boolean;
	}
	const root: Thread = { pid: 100, group: 100, busy: false };
	const alive: Thread[] = [root];
	let next = 200;
	let execution = 0;
	let active = false;

	const say = (pid: number, text: string) => lines.push(`${pid}  1700000000.${String(lines.length).padStart(6, '0')} ${text}`);
	const look = (pid: number, mark: string) =>
		say(pid, `access("/.cellar/${nonce}/${mark}", R_OK) = -1 ENOENT (No such file or directory)`);
	const call = (thread: Thread, apart: number, first: string, rest: string, after?: () => void) => {
		const name = first.slice(0, first.indexOf('('));
		if (apart === 0) {
			say(thread.pid, `${first}${rest}`);
			after?.();
			return;
		}
		say(thread.pid, `${first} <unfinished ...>`);
		thread.busy = true;
		later.push({ left: apart, thread, text: `<... ${name} resumed>${rest}`, ...(after === undefined ? {} : { after }) });
	};
	const pass = (all: boolean) => {
		for (const half of later.splice(0)) {
			half.left--;
			if (half.left > 0 && !all) later.push(half);
			else {
				half.thread.busy = false;
				say(half.thread.pid, half.text);
				half.after?.();
			}
		}
	};
	const birth = (maker: Thread, apart: number, first: string, rest: string, isThread: boolean) => {
		const pid = next++;
		const child: Thread = { pid, group: isThread ? maker.group : pid, busy: false };
		births.push({ pid, maker: maker.pid, kind: isThread ? 'thread' : 'process' });
		// With halves apart, the child is there before its maker knows.
		if (apart > 0) alive.push(child);
		call(maker, apart, first, `${rest}) = ${pid}`, () => {
			if (apart === 0) alive.push(child);
		});
	};

	say(100, `execve("/bin/sh", ["/bin/sh", "/launch.sh", "${nonce}", "program"], 0x7ffc /* 3 vars */) = 0`);
	say(100, 'openat(AT_FDCWD</run/100>, "/launch.sh", O_RDONLY) = 3</launch.sh>');
	look(100, 'begin/group/launcher');
	say(100, 'clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 101');
	look(101, 'begin/group/marker');
	look(100, 'end/group/launcher/0');
	say(100, 'execve("/bin/program", ["program"], 0x7ffc /* 3 vars */) = 0');

	for (const { what, who, name: index, apart } of steps) {
		pass(false);
		const free = alive.filter((thread) => !thread.busy);
		const thread = free[who % Math.max(free.length, 1)];
		const name = names[index % names.length] ?? '';
		if (what === 'cell') {
			if (active) look(101, `end/cell/${execution}`);
			else look(101, `begin/cell/${(execution += 1)}`);
			active = !active;
		}
		if (thread === undefined) continue;
		const at = `openat(AT_FDCWD</run/${thread.group}>, "${name}", `;
		if (what === 'read') call(thread, apart, `${at}O_RDONLY|O_CLOEXEC`, `) = 3</run/${thread.group}/${shown(name)}>`);
		else if (what === 'write')
			call(thread, apart, `${at}O_WRONLY|O_CREAT|O_TRUNC, 0666`, `) = 3</run/${thread.group}/${shown(name)}>`);
		else if (what === 'miss') call(thread, apart, `${at}O_RDONLY`, ') = -1 ENOENT (No such file or directory)');
		else if (what === 'move') call(thread, apart, `rename("${name}", "moved")`.slice(0, -1), ') = 0');
		else if (what === 'go') call(thread, apart, `chdir("${name}"`, ') = 0');
		else if (what === 'reach') call(thread, apart, `connect(3<socket:[7]>, {sa_family=AF_UNIX, sun_path="/s"}, 5`, ') = 0');
		else if (what === 'signal') say(thread.pid, '--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---');
		else if (what === 'fork')
			birth(thread, apart, 'clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD', ', child_tidptr=0x7f', false);
		else if (what === 'vfork') birth(thread, apart, 'vfork(', '', false);
		else if (what === 'thread')
			birth(thread, apart, 'clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, stack_size=0x8000}', ', 88', true);
		else if (what === 'exec') call(thread, apart, `execve("/bin/${index}", ["${index}", "secret"], 0x7ffc /* 3 vars */`, ') = 0');
		else if (what === 'end' && thread !== root) {
			say(thread.pid, index % 2 === 0 ? '+++ exited with 0 +++' : '+++ killed by SIGKILL +++');
			alive.splice(alive.indexOf(thread), 1);
		}
	}
	while (later.length > 0) pass(true);
	return { text: `${lines.join('\n')}\n`, births };
}
