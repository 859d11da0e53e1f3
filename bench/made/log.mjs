// A long log as strace writes it with our options (core/src/audit/options.ts), its proportions taken from the log of the
// example's notebook: of a hundred lines, 38 are halves of calls that were interrupted by others, 5 fail, the rest are opens.
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';

export const nonce = '5d1c5d0c2b1e4c0fa9d6';
const workers = 8;
const cells = 20;
const cwdOf = (folder) => join(folder, 'project');

/**
 * The paths that the run uses. `data` and `outputs` are made on disk.
 *
 * @param machine what `makeMachine` made
 */
export function makePaths(folder, machine, count) {
	const share = (part) => Math.round(count * part);
	const inFolders = (kind, length, suffix) =>
		Array.from({ length }, (_, at) =>
			join(cwdOf(folder), kind, `batch-${String(at % 500).padStart(3, '0')}`, `tile_${at}${suffix}`),
		);
	const paths = {
		packages: machine.files.slice(0, share(0.25)),
		system: machine.listed.slice(0, share(0.05)),
		missing: Array.from({ length: share(0.1) }, (_, at) =>
			machine.files[at].replace(/\.(\w+)$/, '.cpython-311-x86_64-linux-gnu.so'),
		),
		data: inFolders('data', share(0.4), '.npy'),
		outputs: inFolders('results', share(0.2), '.csv'),
	};
	for (const kind of ['data', 'results'])
		for (let at = 0; at < 500; at++)
			mkdirSync(join(cwdOf(folder), kind, `batch-${String(at).padStart(3, '0')}`), { recursive: true });
	for (const path of [...paths.data, ...paths.outputs]) writeFileSync(path, '');
	return paths;
}

/** Writes the log, compressed as a run keeps it. Two calls with the same arguments write the same bytes. */
export async function writeLog(path, folder, machine, paths, lines) {
	const cwd = cwdOf(folder);
	const random = numbers(20260101);
	const gzip = createGzip({ level: 1 });
	const file = createWriteStream(path);
	gzip.pipe(file);
	let text = [];
	const count = { written: 0 };
	let clock = 1795762291_000_000;
	const put = async (pid, rest) => {
		clock += 1 + random(40);
		text.push(`${String(pid).padEnd(5)} ${Math.floor(clock / 1e6)}.${String(clock % 1e6).padStart(6, '0')} ${rest}\n`);
		count.written++;
		if (text.length < 4000) return;
		if (!gzip.write(text.join(''))) await once(gzip, 'drain');
		text = [];
	};
	const open = (name, flags, asked = name) => [`openat(AT_FDCWD<${cwd}>, "${asked}", ${flags}`, `) = ${3 + random(60)}<${name}>`];
	// Half of the files that a user's own code opens are asked for from the notebook's folder.
	const openOwn = (name, at, flags) => open(name, flags, at % 16 < 8 ? name : name.slice(cwd.length + 1));
	const absent = (name) => [
		`openat(AT_FDCWD<${cwd}>, "${name}", O_RDONLY|O_CLOEXEC`,
		') = -1 ENOENT (No such file or directory)',
	];
	const manager = 9272;
	const marker = 9279;
	const mark = (what) =>
		put(
			marker,
			`faccessat2(AT_FDCWD<${cwd}>, "/.cellar/${nonce}/${what}", R_OK, AT_EACCESS) = -1 ENOENT (No such file or directory)`,
		);
	const fork = 'clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7fbd6532ea10)';
	const thread =
		'clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS, child_tid=0x7f0c935dc990, exit_signal=0, stack=0x7f0c92ddc000, stack_size=0x7fff80} => {parent_tid=[0]}, 88)';

	await put(manager, `execve("/bin/sh", ["/bin/sh", "launch.sh"], 0x7ffd /* 37 vars */) = 0`);
	await put(
		manager,
		`faccessat2(AT_FDCWD<${cwd}>, "/.cellar/${nonce}/begin/group/launcher", R_OK, AT_EACCESS) = -1 ENOENT (No such file or directory)`,
	);
	await put(manager, `${fork} = ${marker}`);
	await put(
		manager,
		`faccessat2(AT_FDCWD<${cwd}>, "/.cellar/${nonce}/end/group/launcher/0", R_OK, AT_EACCESS) = -1 ENOENT (No such file or directory)`,
	);
	await put(
		manager,
		`execve("${machine.venv}/bin/python", ["python", "-m", "ipykernel_launcher", "-f", "kernel.json"], 0x7fff /* 37 vars */) = 0`,
	);
	for (let at = 1; at <= 3; at++) await put(manager, `${thread} = ${manager + 20 + at}`);

	/** A second half that is still to be written, by thread: another's line comes between. */
	const halves = new Map();
	const call = async (pid, [before, after]) => {
		const half = halves.get(pid);
		if (half !== undefined) {
			halves.delete(pid);
			await put(pid, half);
		}
		if (random(100) >= 24) return put(pid, before + after);
		halves.set(pid, `<... ${before.slice(0, before.indexOf('('))} resumed>${after}`);
		return put(pid, `${before} <unfinished ...>`);
	};
	const each = async (pid, kind, from, until) => {
		for (let at = from; at < until; at++) await call(pid, open(kind[at], 'O_RDONLY|O_CLOEXEC'));
	};
	await mark('begin/cell/1');
	await each(manager, paths.packages, 0, paths.packages.length);
	await each(manager, paths.system, 0, paths.system.length);
	for (const name of paths.missing) await call(manager, absent(name));
	await mark('end/cell/1');

	await mark('begin/cell/2');
	for (let at = 0; at < workers; at++) await put(manager, `${fork} = ${10000 + at}`);
	await mark('end/cell/2');
	const per = Math.floor((lines - count.written) / (cells - 2));
	let child = 20000;
	let done = 0;
	for (let cell = 3; cell <= cells; cell++) {
		await mark(`begin/cell/${cell}`);
		const until = cell === cells ? lines : count.written + per;
		while (count.written < until) {
			done++;
			const pid = random(20) === 0 ? manager + 20 + 1 + random(3) : 10000 + random(workers);
			const what = random(1000);
			// What one worker reads and writes, others do not; the manager's threads share it with one of them.
			const own = (kind) => (done * workers + (pid % workers)) % kind.length;
			const [datum, output] = [own(paths.data), own(paths.outputs)];
			if (what < 600) await call(pid, openOwn(paths.data[datum], datum, 'O_RDONLY|O_CLOEXEC'));
			else if (what < 780) await call(pid, openOwn(paths.outputs[output], output, 'O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666'));
			else if (what < 920) await call(pid, open(paths.packages[random(4000)], 'O_RDONLY|O_CLOEXEC'));
			else if (what < 960) await call(pid, open(paths.system[random(300)], 'O_RDONLY|O_CLOEXEC'));
			else if (what < 990) await call(pid, absent(paths.missing[random(2000)]));
			else if (what < 996)
				await call(
					pid,
					open(join(cwd, 'data', `batch-${String(random(500)).padStart(3, '0')}`), 'O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY'),
				);
			else if (what < 999) await call(pid, [`access("${paths.data[datum]}", R_OK`, ') = 0']);
			else {
				// A program that is started, looks around and ends.
				child = child >= 32000 ? 20000 : child + 1;
				await put(pid, `${fork} = ${child}`);
				await put(child, `execve("/usr/bin/env", ["env", "true"], 0x7ffd /* 37 vars */) = 0`);
				await put(child, 'access("/etc/ld.so.preload", R_OK) = -1 ENOENT (No such file or directory)');
				for (const name of ['/etc/ld.so.cache', ...paths.system.slice(0, 4), '/usr/lib/locale/C.utf8/LC_CTYPE'])
					await put(child, open(name, 'O_RDONLY|O_CLOEXEC').join(''));
				await put(child, '+++ exited with 0 +++');
			}
		}
		await mark(`end/cell/${cell}`);
	}
	for (const [pid, half] of halves) await put(pid, half);
	gzip.end(text.join(''));
	await once(file, 'close');
	return count.written;
}

/** Whole numbers below a limit, the same in every run. */
function numbers(seed) {
	let state = seed;
	return (limit) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * limit);
	};
}
