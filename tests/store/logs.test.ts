import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSecrets, redactArgv } from '../../core/src/model/index.ts';
import { compressLog, redactExec, redactLine } from '../../core/src/store/index.ts';
import { failureOf, folder, smallDisk } from './some.ts';

const never = () => false;
const hidden = '\\342\\200\\246';

/** The log that strace writes of a command, and its argv words as it quotes them. */
function logOf(...command: readonly string[]): string {
	const log = join(folder(), 'log');
	execFileSync(
		'strace',
		['-f', '-ttt', '-y', '-s', '4096', '-e', 'trace=%process,%file', '-e', 'signal=none', '-o', log, ...command],
		{ stdio: 'ignore' },
	);
	return readFileSync(log, 'latin1');
}

function redacted(line: string, isPath: (word: string) => boolean = never): string {
	return redactExec(Buffer.from(line, 'latin1'), isPath).toString('latin1');
}

test('of argv the program, the names of options and existing paths are kept, other words are not', () => {
	const argv = [
		'/usr/bin/mysql',
		'-u',
		'ada',
		'-psecret',
		'--password=secret',
		'--quick',
		'-',
		'--',
		'/etc/hosts',
		'data.sql',
		'--=x',
	];
	const paths = new Set(['/etc/hosts', 'data.sql']);
	expect(redactArgv(argv, (word) => paths.has(word))).toEqual([
		'/usr/bin/mysql',
		'-u',
		'…',
		'-p…',
		'--password=…',
		'--quick',
		'-',
		'--',
		'/etc/hosts',
		'data.sql',
		'…',
	]);
});

test('no secret of a command line is left in a log that strace wrote, and the log still says what ran', () => {
	const secrets = ['s3cret', 'with "quotes" \\ and ]', 'new\nline', 'ünïcode', ', ["more', 'x'.repeat(5000)];
	const log = logOf(
		'/bin/sh',
		'-c',
		'/bin/true "$@"; exec /bin/echo last-s3cret',
		'zero',
		...secrets,
		'--token=s3cret',
		'/etc/hosts',
	);
	expect(log).toContain('s3cret');
	const after = log.split('\n').map((line) => redacted(line, (word) => word === '/etc/hosts'));
	const execs = after.filter((line) => line.includes(' execve('));
	expect(execs).toHaveLength(3);
	expect(execs.join('\n')).not.toMatch(/s3cret|quotes|new|cod|more|xxxx/);
	expect(execs[0]).toContain(
		`execve("/bin/sh", ["/bin/sh", "-c", ${`"${hidden}", `.repeat(8)}"--token=${hidden}", "/etc/hosts"], 0x`,
	);
	expect(execs[1]).toContain(
		`execve("/bin/true", ["/bin/true", ${`"${hidden}", `.repeat(6)}"--token=${hidden}", "/etc/hosts"], 0x`,
	);
	expect(execs[2]).toMatch(/execve\("\/bin\/echo", \["\/bin\/echo", "[^"]*"\], 0x\w+ \/\* \d+ vars \*\/\) = 0/);
});

test('a redacted line is redacted to itself, and what comes around its argv is as it was', () => {
	const word = fc.string({ unit: fc.constantFrom('a', '"', '\\', ']', '[', ',', ' ', '\n', 'ü', '-', '=', '/', '\u0001', '7') });
	const quote = (text: string) =>
		`"${[...Buffer.from(text)].map((byte) => (byte === 34 || byte === 92 ? `\\${String.fromCharCode(byte)}` : byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte))).join('')}"`;
	fc.assert(
		fc.property(word, fc.array(word, { minLength: 1 }), fc.constantFrom('= 0', '<unfinished ...>'), (path, argv, end) => {
			const before = `12 1700000000.000001 execve(${quote(path)}, [`;
			const after = `], 0x7ffd5 /* 9 vars */) ${end}`;
			const once = redacted(`${before}${argv.map(quote).join(', ')}${after}`);
			expect(once).toBe(`${before}${redactArgv(argv, never).map(quote).join(', ')}${after}`);
			expect(redacted(once)).toBe(once);
		}),
	);
});

test('execveat, lists that strace cut, and calls without a list are redacted or left', () => {
	expect(redacted('1 1.0 execveat(3</bin/sh>, "", ["sh", "key"], 0x5 /* 1 var */, AT_EMPTY_PATH) = 0')).toBe(
		`1 1.0 execveat(3</bin/sh>, "", ["sh", "${hidden}"], 0x5 /* 1 var */, AT_EMPTY_PATH) = 0`,
	);
	expect(redacted('1 1.0 execve("/bin/a", ["a", "/etc/ho"..., "b", ...], 0x5 /* 1 var */) = 0', () => true)).toBe(
		`1 1.0 execve("/bin/a", ["a", "${hidden}", "b", ...], 0x5 /* 1 var */) = 0`,
	);
	expect(redacted('1 1.0 execve(", [", ["sh", "key"], 0x5 /* 1 var */) = 0')).toBe(
		`1 1.0 execve(", [", ["sh", "${hidden}"], 0x5 /* 1 var */) = 0`,
	);
	expect(redacted('1 1.0 execve(NULL, ["sh", "key"], 0x5 /* 1 var */) = -1 EFAULT')).toBe(
		`1 1.0 execve(NULL, ["sh", "${hidden}"], 0x5 /* 1 var */) = -1 EFAULT`,
	);
	for (const line of [
		'1 1.0 execve("/bin/a", NULL, NULL) = -1 EFAULT',
		'1 1.0 <... execve resumed>) = 0',
		'1 1.0 openat(AT_FDCWD</tmp>, "execve(\\"/x\\", [\\"secret\\"]", O_RDONLY) = 3</tmp/x>',
	]) {
		expect(redacted(line)).toBe(line);
	}
});

test('a compressed log has every line, redacted, and takes the place of the original', async () => {
	const place = folder();
	const [from, to] = [join(place, 'manager.strace'), join(place, 'manager.strace.gz')];
	const lines = Array.from(
		{ length: 60_000 },
		(_, at) => `${at} 1.0 openat(AT_FDCWD</tmp>, "/data/${'x'.repeat(at % 300)}") = 3`,
	);
	lines[30_000] = '5 1.0 execve("/bin/a", ["a", "secret"], 0x5) = 0';
	writeFileSync(from, lines.join('\n'));
	await compressLog(from, to, (line) => redactExec(line, never));
	expect(readdirSync(place)).toEqual(['manager.strace.gz']);
	expect(statSync(to).mode & 0o777).toBe(0o600);
	lines[30_000] = `5 1.0 execve("/bin/a", ["a", "${hidden}"], 0x5) = 0`;
	expect(gunzipSync(readFileSync(to)).toString() === lines.join('\n')).toBe(true);
	await compressLog(from, to, (line) => redactExec(line, never));
	expect(readdirSync(place)).toEqual(['manager.strace.gz']);
});

test('a compression that was cut short is done again, whatever it had left', async () => {
	const place = folder();
	const [from, to] = [join(place, 'l.strace'), join(place, 'l.strace.gz')];
	writeFileSync(from, 'one\ntwo\n');
	writeFileSync(to, 'an earlier one');
	await compressLog(from, to, (line) => line);
	expect(gunzipSync(readFileSync(to)).toString()).toBe('one\ntwo\n');
	expect(existsSync(from)).toBe(false);
	expect(await failureOf(compressLog(join(place, 'none'), join(place, 'none.gz'), (line) => line))).toMatchObject({
		code: 'CELLAR_LOG_UNREADABLE',
	});
});

test('a full disk: the log stays as it was', async () => {
	const place = smallDisk(600 * 1024);
	const [from, to] = [join(place, 'l.strace'), join(place, 'l.strace.gz')];
	const noise = Buffer.from(Array.from({ length: 500 * 1024 }, (_, at) => (at * 2_654_435_761 * ((at >> 3) + 1)) >>> 24));
	writeFileSync(from, noise);
	expect(await failureOf(compressLog(from, to, (line) => line))).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
	expect(readdirSync(place)).toEqual(['l.strace']);
	expect(readFileSync(from).equals(noise)).toBe(true);
});

test('a line that was cut within a word of argv holds nothing of that word', () => {
	const line = '17 1700000000.5 execve("/bin/sh", ["sh", "-c", "curl --user ada:hunter';
	expect(redacted(line)).toBe(`17 1700000000.5 execve("/bin/sh", ["sh", "-c", "${hidden}"`);
	expect(redacted(`${line}\\`)).toBe(`17 1700000000.5 execve("/bin/sh", ["sh", "-c", "${hidden}"`);
});

test('of what was sent to a name server the question stays, and of any other message nothing', () => {
	const told = (line: string) => redactLine(Buffer.from(line, 'latin1'), never, createSecrets([])).toString('latin1');
	const sent = (text: string) =>
		String.raw`7 1.5 sendmmsg(3<socket:[1]>, [{msg_hdr={msg_name=NULL, msg_iov=[{iov_base="${text}", iov_len=34}]}, msg_len=34}], 1, MSG_NOSIGNAL) = 1`;
	const question = sent(String.raw`-\235\1\0\0\1\0\0\0\0\0\0\4data\7example\3org\0\0\1\0\1`);
	expect(told(question)).toBe(question);
	expect(told(sent('user=ada&password=hunter'))).toBe(sent(String.raw`\342\200\246`));
	expect(told(sent('user=ada').slice(0, 90))).not.toContain('ada');
	const path = '7 1.5 openat(AT_FDCWD</home/ada>, "sendmmsg.h", O_RDONLY) = 3</home/ada/sendmmsg.h>';
	expect(told(path)).toBe(path);
});

test('what looks like a secret, or is known to be one, is in no other call either', () => {
	const secrets = createSecrets(['known-value-4711']);
	const token = `ghp_${'aB3dE6'.repeat(6)}`;
	const told = (line: string) => redactLine(Buffer.from(line, 'latin1'), never, secrets).toString('latin1');
	expect(told(`1 1.0 openat(AT_FDCWD</tmp>, "/tmp/${token}/known-value-4711.txt", O_RDONLY) = 3`)).toBe(
		'1 1.0 openat(AT_FDCWD</tmp>, "/tmp/\\342\\200\\271secret: GitHub token\\342\\200\\272/\\342\\200\\271secret: known value\\342\\200\\272.txt", O_RDONLY) = 3',
	);
	expect(told('1 1.0 mount("//server/share", "/mnt", "cifs", 0, "user=ada,password=hunter-77x") = 0')).not.toContain('hunter');
	const plain = '1 1.0 openat(AT_FDCWD</home/ada>, "lib/tokenize.py", O_RDONLY|O_CLOEXEC) = 3</usr/lib/python3.11/tokenize.py>';
	expect(told(plain)).toBe(plain);
});
