import { expect, test } from 'vitest';
import { nonce } from './audited.ts';
import { follow } from './logs.ts';

/** A launcher, a sandbox that it becomes, its first process inside, and the program that this one forks: pids 1, 2 and 3; 9 marks. */
const start = `
1 execve("/bin/sh", ["sh", "launch.sh", "${nonce}", "program"], 0x7ffc /* 3 vars */) = 0
1 mark begin/group/launcher
9 born-of 1
1 mark end/group/launcher/0
1 exec /usr/bin/bwrap --args 9 -- /bin/python notebook.ipynb
1 open of-the-sandbox
1 mount("proc", "/newroot/proc", "proc", MS_NOSUID, NULL) = 0
2 born-of 1
2 pivot_root("/newroot", "oldroot") = 0
3 born-of 2
3 open before-the-program
3 chdir("/home/notebooks") = 0`;

const inside = `
3 execve("/usr/bin/python", ["/bin/python", "notebook.ipynb"], 0x7ffc /* 3 vars */) = -1 ENOENT (No such file or directory)
3 exec /bin/python notebook.ipynb
3 access("data.csv", R_OK) = 0
9 mark begin/cell/1
3 open in-cell
4 born-of 3
4 open by-fork
9 mark end/cell/1
2 open of-the-sandbox-later
3 exits
1 open last`;

test('a run inside a sandbox begins with the program that the sandbox executes, as if nothing had been before it', () => {
	const { facts } = follow(start + inside, { program: ['/bin/python', 'notebook.ipynb'] });
	expect(facts.processes.map(({ ordinal, pid, parent, worker }) => [ordinal, pid, parent, worker])).toEqual([
		[1, 3, null, null],
		[2, 4, 1, 'w1'],
	]);
	expect(facts.accesses.map(({ path, how, cell, process }) => [path, how, cell, process])).toEqual([
		['/bin/python', 'execute', null, 1],
		['/home/notebooks/data.csv', 'stat', null, 1],
		['/run/in-cell', 'read', 1, 1],
		['/run/by-fork', 'read', 1, 2],
	]);
	expect(facts.execs.map(({ path, process }) => [path, process])).toEqual([['/bin/python', 1]]);
	expect(facts.doubts).toEqual([]);
});

test('a log that ends before the program was executed holds nothing of the sandbox', () => {
	const { facts } = follow(start, { program: ['/bin/python', 'notebook.ipynb'] });
	expect([facts.accesses, facts.execs, facts.doubts]).toEqual([[], [], []]);
});

test('a program is told by its words also where the tracer cut them', () => {
	const long = 'x'.repeat(5000);
	const lines = `${start}
3 execve("/bin/python", ["/bin/python", "${'x'.repeat(4096)}"...], 0x7ffc /* 3 vars */) = 0`;
	expect(follow(lines, { program: ['/bin/python', long] }).facts.execs.map(({ path }) => path)).toEqual(['/bin/python']);
	expect(follow(lines, { program: ['/bin/python', `y${long}`] }).facts.execs).toEqual([]);
});
