import { mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRoot, options, scratch } from './root.ts';
import { story } from './story.ts';

/** A root that can run a shell, beside a work folder. */
function ground(): { root: string; work: string } {
	const folder = scratch();
	makeRoot(join(folder, 'root'));
	return { root: join(folder, 'root'), work: join(folder, 'work') };
}

const shell = (text: string) => ['sh', '-c', text];

test('the program is the recorded user, on the recorded host, in the recorded folder, with the recorded environment and no more', async () => {
	const { root, work } = ground();
	const env = { PATH: '/usr/bin', HOME: '/home/vera', LANG: 'C', ODD: 'two words, "quotes"\nand a line' };
	const told = await story(
		options(root, work, shell('id; readlink /proc/self/cwd; env; cat /proc/sys/kernel/hostname'), { env }),
	);
	const lines = told.words.trim().split('\n');
	expect(lines.slice(0, 2)).toEqual(['uid=4321(vera) gid=4322(vera) groups=4322(vera)', '/data']);
	// The shell sets PWD itself.
	expect(
		lines
			.slice(2, -1)
			.filter((line) => !line.startsWith('PWD='))
			.toSorted(),
	).toEqual(['HOME=/home/vera', 'LANG=C', 'ODD=two words, "quotes"', 'PATH=/usr/bin', 'and a line'].toSorted());
	expect(lines.at(-1)).toBe('vineyard');
	expect(hostname()).not.toBe('vineyard');
});

test('nothing of this machine can be seen: neither its folders nor its processes', async () => {
	const { root, work } = ground();
	const marker = join(tmpdir(), `cellar-marker-${process.pid}`);
	mkdirSync(marker);
	try {
		const look = `ls -a / /home /etc /tmp /usr; ls /proc | while read name; do test -f /proc/$name/comm && echo process $name; done; ls ${marker} ${root}`;
		const told = await story(options(root, work, shell(look)));
		expect(told.code).not.toBe(0);
		const shown = new Map(
			told.words
				.split('\n\n')
				.filter((part) => part.startsWith('/'))
				.map((part) => {
					const [title = '', ...names] = part.split('\n');
					return [title, names.filter((name) => name !== '.' && name !== '..' && !/^(process|ls:)/.test(name))];
				}),
		);
		expect(shown.get('/:')).toEqual(
			['bin', 'data', 'dev', 'etc', 'home', 'lib', 'lib64', 'proc', 'sys', 'tmp', 'usr'].filter(isIn(told.words)),
		);
		expect(shown.get('/home:')).toEqual(['vera']);
		expect(shown.get('/etc:')).toEqual(['group', 'hosts', 'passwd']);
		expect(shown.get('/tmp:')).toEqual([]);
		expect(told.words).toContain(`ls: cannot access '${marker}': No such file or directory`);
		expect(told.words).toContain(`ls: cannot access '${root}': No such file or directory`);
		// bubblewrap's own first process, the shell, its loop and `ls`.
		const pids = [...told.words.matchAll(/^process (\d+)$/gm)].map(([, pid]) => Number(pid));
		expect(pids.length).toBeGreaterThan(1);
		expect(pids.every((pid) => pid < 20)).toBe(true);
	} finally {
		rmdirSync(marker);
	}
});

/** The libraries' folders differ between machines; what is asked is that there is nothing else. */
function isIn(words: string): (name: string) => boolean {
	return (name) => !name.startsWith('lib') || words.split('\n').includes(name);
}

test('the home folder is empty unless the root has something in it; /tmp and /dev/shm can be written to', async () => {
	const { root, work } = ground();
	mkdirSync(join(root, 'home/vera/.config'), { recursive: true });
	writeFileSync(join(root, 'home/vera/.config/tool.ini'), 'recorded');
	const told = await story(
		options(
			root,
			work,
			shell('ls -A ~; cat ~/.config/tool.ini; echo x > /tmp/a && echo y > /dev/shm/b && cat /tmp/a /dev/shm/b'),
		),
	);
	expect(told.words).toBe('.config\nrecordedx\ny\n');
	expect(told.written).toEqual(['/tmp/a: file "x\\n"']);
});

test('what the root holds in /tmp is there, and what a run in /dev/shm writes is not lost', async () => {
	const { root, work } = ground();
	mkdirSync(join(root, 'tmp'));
	writeFileSync(join(root, 'tmp/input.csv'), '1,2');
	const told = await story(options(root, work, shell('cat /tmp/input.csv > result'), { cwd: '/dev/shm/project' }));
	expect(told.written).toEqual(['/dev/shm/project/result: file "1,2"']);
});

test('a home that lies behind a link is made where the link leads inside, and nowhere on this machine', async () => {
	const { root, work } = ground();
	const outside = join(scratch(), 'people');
	symlinkSync(outside, join(root, 'home'));
	const told = await story(options(root, work, shell('echo here > ~/note; readlink /home; cat ~/note')));
	expect(told.words).toBe(`${outside}\nhere\n`);
	expect(told.written).toEqual([`${outside}/vera/note: file "here\\n"`]);
	await expect(story(options(root, work, shell('true'), { layer: 'copy' }))).resolves.toMatchObject({ code: 0 });
	expect(() => readFileSync(join(outside, 'vera/note'))).toThrow('ENOENT');
});

test('the user list of the root is kept, and the user is added where it lacks him', async () => {
	const { root, work } = ground();
	mkdirSync(join(root, 'etc'));
	writeFileSync(join(root, 'etc/passwd'), 'paul:x:7:7::/home/paul:/bin/sh');
	const told = await story(options(root, work, shell('cat /etc/passwd; id')));
	expect(told.words).toBe(
		'paul:x:7:7::/home/paul:/bin/sh\nvera:x:4321:4322:vera:/home/vera:/bin/sh\nuid=4321(vera) gid=4322(vera) groups=4322(vera)\n',
	);
	writeFileSync(join(root, 'etc/passwd'), 'other:x:4321:4322::/:/bin/sh\n');
	expect((await story(options(root, work, shell('id')))).words).toContain('uid=4321(other)');
	expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toBe('other:x:4321:4322::/:/bin/sh\n');
});

test('a recorded root user may do with the files what root may, and nothing to the machine', async () => {
	const { root, work } = ground();
	mkdirSync(join(root, 'data'));
	writeFileSync(join(root, 'data/locked'), 'old', { mode: 0o400 });
	const attempts = [
		'id -u',
		'chmod 000 locked; echo new > locked && cat locked',
		'echo 1 > /proc/sys/kernel/sysrq && echo ESCAPED',
		'echo h > /proc/sysrq-trigger && echo ESCAPED',
		'echo 1 > /sys/kernel/profiling && echo ESCAPED',
		'echo x < /dev/tty && echo TERMINAL',
	];
	const told = await story(options(root, work, shell(attempts.join('; ')), { uid: 0, gid: 0, user: 'root', home: '/root' }));
	expect(told.words.split('\n').slice(0, 2)).toEqual(['0', 'new']);
	expect(told.words).not.toMatch(/ESCAPED|TERMINAL/);
	expect(told.written).toEqual(['/data/locked: file "new\\n" (was there)']);
	const status = await story(options(root, work, ['cat', '/proc/self/status'], { uid: 0, gid: 0 }));
	// CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, and no way to more.
	expect(status.words).toMatch(/CapEff:\s+0+b\n/);
	expect(status.words).toMatch(/CapBnd:\s+0+b\n/);
	expect(status.words).toMatch(/NoNewPrivs:\s+1\n/);
	const ordinary = await story(options(root, work, ['cat', '/proc/self/status']));
	expect(ordinary.words).toMatch(/CapEff:\s+0+\n/);
	expect(ordinary.words).toMatch(/CapBnd:\s+0+\n/);
});

test('a folder or a file of this machine is shown where it is asked for, read-only unless told otherwise', async () => {
	const { root, work } = ground();
	const shown = scratch();
	writeFileSync(join(shown, 'new.png'), 'another picture');
	mkdirSync(join(shown, 'open'));
	mkdirSync(join(root, 'data'));
	writeFileSync(join(root, 'data/old.png'), 'the picture');
	const binds = [
		{ from: join(shown, 'new.png'), to: '/data/old.png', writable: false },
		{ from: join(shown, 'open'), to: '/run/cellar', writable: true },
		{ from: shown, to: '/mnt/deep/er', writable: false },
	];
	const told = await story(
		options(
			root,
			work,
			shell('cat old.png; echo; echo x > old.png; echo out > /run/cellar/o; ls /mnt/deep/er; echo x > /mnt/deep/er/y'),
			{ binds },
		),
	);
	expect(told.words).toMatch(/^another picture\n/);
	expect(told.words.match(/Read-only file system/g)).toHaveLength(2);
	expect(readFileSync(join(shown, 'new.png'), 'utf8')).toBe('another picture');
	expect(readFileSync(join(shown, 'open/o'), 'utf8')).toBe('out\n');
	expect(told.written).toEqual([]);
});
