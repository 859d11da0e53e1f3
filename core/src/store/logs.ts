import { createReadStream, createWriteStream } from 'node:fs';
import { access, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
	CellarError,
	decodeName,
	diskError,
	encodeName,
	errnoOf,
	nameLookedUp,
	redactArgv,
	type Name,
	type Secrets,
} from '../model/index.ts';
import { syncFolder, temporaryName } from './disk.ts';

/**
 * Compresses a log and removes the original, which stays until the compressed one is on the disk. Done twice, or again
 * after it was cut short, it does what is left to do.
 *
 * @param from `logs/manager.strace`
 * @param to `logs/manager.strace.gz`
 * @param redact what a line becomes; lines come without their newline
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION: the original is then as it was
 */
export async function compressLog(from: string, to: string, redact: (line: Buffer) => Buffer): Promise<void> {
	if (!(await exists(from))) {
		if (await exists(to)) return;
		throw new CellarError('CELLAR_LOG_UNREADABLE', 'the log is not there', { where: from });
	}
	const temporary = join(dirname(to), temporaryName(basename(to)));
	try {
		const out = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
		// Level 1: a log is mostly the same few paths, and is compressed while somebody waits.
		await pipeline(
			createReadStream(from, { highWaterMark: 1 << 20 }),
			(chunks) => byLines(chunks, redact),
			createGzip({ level: 1 }),
			out,
		);
		const file = await open(temporary, 'r+');
		try {
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, to);
		await syncFolder(dirname(to));
		await rm(from);
	} catch (cause) {
		await rm(temporary, { force: true });
		throw diskError(cause, `compress ${from}`, { where: from, hint: 'the log is as it was; make room on this disk' });
	}
}

/** Hands on whole lines, changed by `redact`, in pieces of about the size that came in; a last line may lack its newline. */
async function* byLines(chunks: AsyncIterable<Buffer>, redact: (line: Buffer) => Buffer): AsyncGenerator<Buffer> {
	let rest: Buffer[] = [];
	for await (const chunk of chunks) {
		const lines: Buffer[] = [];
		let from = 0;
		for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
			const line = rest.length === 0 ? chunk.subarray(from, end) : Buffer.concat([...rest, chunk.subarray(from, end)]);
			rest = [];
			lines.push(redact(line), newline);
			from = end + 1;
		}
		if (from < chunk.length) rest.push(chunk.subarray(from));
		yield Buffer.concat(lines);
	}
	if (rest.length > 0) yield redact(Buffer.concat(rest));
}

const newline = Buffer.from('\n');

/**
 * What a line of strace's log is without what may be secret: the words of argv as `redactExec` has it, and in any call what has the
 * form of a secret or is known to be one, such as the options of a mount.
 */
export function redactLine(line: Buffer, isPath: (word: Name) => boolean, secrets: Secrets): Buffer {
	const redacted = redactSent(redactExec(line, isPath));
	const text = redacted.toString('latin1');
	const masked = secrets.mask(text);
	// Whatever strace quotes is ASCII: so is what stands in its place.
	return masked === text
		? redacted
		: Buffer.from(
				masked.replace(/[‹›]/g, (sign) => escape(Buffer.from(sign))),
				'latin1',
			);
}

/**
 * What a line of strace's log is without the words that may be secret: of an `execve` or `execveat`, those of argv by the
 * rule of `redactArgv`. Other calls carry no such words. A line that was redacted before stays as it is.
 *
 * @param isPath whether a word of argv names a file that exists
 */
export function redactExec(line: Buffer, isPath: (word: Name) => boolean): Buffer {
	if (!line.includes('execve')) return line;
	// strace writes what is not ASCII in octal, so one letter is one byte.
	const text = line.toString('latin1');
	if (!/^\d+ +[\d.]+ execve/.test(text)) return line;
	// Where the path has a form that we do not know, rather too much is taken for argv than too little.
	const from = beforeArgv.exec(text)?.[0].length ?? text.indexOf('["');
	if (from < 0) return line;
	const list = argvList.exec(text.slice(from))?.[0] ?? '';
	const quoted = [...list.matchAll(word)];
	const words = quoted.map((match) => encodeName(unescape(match[1] ?? '')));
	// A word that was cut is not the path that its beginning may name.
	const cut = new Set(words.filter((_, at) => quoted[at]?.[2] !== undefined));
	const kept = redactArgv(words, (path) => !cut.has(path) && isPath(path));
	let at = 0;
	const redacted = list.replace(word, (whole) => {
		const [was, is] = [words[at], kept[at]];
		at += 1;
		return is === undefined || is === was ? whole : `"${escape(decodeName(is))}"`;
	});
	return Buffer.from(text.slice(0, from) + redacted + text.slice(from + list.length), 'latin1');
}

/** Of what was sent, only what asks for the addresses of a name is kept. */
function redactSent(line: Buffer): Buffer {
	if (!line.includes('sendmmsg')) return line;
	const text = line.toString('latin1');
	const call = sending.exec(text)?.[0];
	if (call === undefined) return line;
	const kept = text
		.slice(call.length)
		.replace(word, (whole: string, quoted: string) => (nameLookedUp(unescape(quoted)) === null ? hiddenMessage : whole));
	return Buffer.from(call + kept, 'latin1');
}

const sending = /^\d+ +[\d.]+ (?:sendmmsg\(|<\.\.\. sendmmsg resumed>)/;
/** `"…"`, as strace would write it. */
const hiddenMessage = String.raw`"\342\200\246"`;

/** A string as strace quotes it, with its dots where it was cut, or without its end where the line was; and the whole of a list of them. */
const word = /"([^"\\]*(?:\\.[^"\\]*)*)(?:"(\.\.\.)?|\\?$)/g;
/** An `execve` or `execveat` up to its argv: the descriptor, and the path, which may look like anything, or could not be read. */
const beforeArgv =
	/^\d+ +[\d.]+ execve(?:at\([^<",]*(?:<[^>]*>(?:\(deleted\))?)?, |\()(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^",[]*), (?=\[")/;
const argvList = /^\[(?:"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|[^"\]])*/;

const letters: ReadonlyMap<string, number> = new Map([
	['n', 0x0a],
	['t', 0x09],
	['r', 0x0d],
	['v', 0x0b],
	['f', 0x0c],
]);

/** The bytes of a string as strace quotes it: C's escapes, the rest in octal of one to three digits. */
function unescape(quoted: string): Buffer {
	const bytes = quoted.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) => {
		if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
		return String.fromCharCode(letters.get(code) ?? code.charCodeAt(0));
	});
	return Buffer.from(bytes, 'latin1');
}

function escape(bytes: Buffer): string {
	return bytes
		.toString('latin1')
		.replace(/["\\]/g, '\\$&')
		.replace(/[^\x20-\x7e]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		(error: unknown) => {
			if (errnoOf(error) === 'ENOENT') return false;
			throw error;
		},
	);
}
