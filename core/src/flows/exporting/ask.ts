import { setTimeout as sleep } from 'node:timers/promises';
import { chooseFile, fileKey, parseIndexPage, type PageFile } from '../../exports/index.ts';
import { CellarError, type IndexFile, type InstalledWheel } from '../../model/index.ts';

/** How many projects are asked for at a time, how often each, and how long one answer may take. */
const atOnce = 8;
const tries = 3;
const timeoutMs = 60_000;
const accepted = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/**
 * Finds the very file of each distribution on the indexes: the first that has it counts.
 *
 * @param options.told how many have been asked for
 * @returns by `fileKey`; what no index has is not in it
 * @throws CellarError CELLAR_NO_INDEX where an index does not answer
 */
export async function askIndexes(options: {
	readonly indexes: readonly string[];
	readonly wheels: readonly InstalledWheel[];
	readonly signal: AbortSignal;
	readonly told: (done: number) => void;
}): Promise<ReadonlyMap<string, IndexFile>> {
	const { indexes, wheels, signal, told } = options;
	const found = new Map<string, IndexFile>();
	const waiting = [...wheels];
	let done = 0;
	const work = async () => {
		for (let wheel = waiting.shift(); wheel !== undefined; wheel = waiting.shift()) {
			for (const index of indexes) {
				const { files, address } = await pageOf(index, wheel.name, signal);
				const file = chooseFile(files, wheel, address);
				if (file === null) continue;
				found.set(fileKey(wheel.name, wheel.version), file);
				break;
			}
			told(++done);
		}
	};
	await Promise.all(Array.from({ length: atOnce }, work));
	return found;
}

/** What an index lists for a project, and the index's address without its user. */
async function pageOf(index: string, name: string, signal: AbortSignal) {
	if (!URL.canParse(index) || !/^https?:/.test(index)) {
		throw noIndex(index, 'is no address of the web', 'set index-url in pip.conf, or PIP_INDEX_URL');
	}
	const base = new URL(index);
	const { username, password } = base;
	base.username = '';
	base.password = '';
	const address = base.href.replace(/\/+$/, '');
	const page = `${address}/${name.replaceAll(/[-_.]+/g, '-').toLowerCase()}/`;
	const word = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
	const headers = {
		accept: accepted,
		...(username === '' ? {} : { authorization: `Basic ${Buffer.from(word).toString('base64')}` }),
	};
	const response = await fetched(page, headers, signal);
	if (response === null) return { address, files: [] satisfies readonly PageFile[] };
	const files = parseIndexPage(response.text, response.type, response.url);
	if (files === null) throw noIndex(page, 'answers with what is no page of a package index', 'check index-url in pip.conf');
	return { address, files };
}

/** Null where the index says that it has no such project. */
async function fetched(page: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
	for (let attempt = 1; ; attempt++) {
		const answer = await once(page, headers, signal);
		if (!(answer instanceof Error)) return answer;
		signal.throwIfAborted();
		if (attempt === tries) throw answer;
		await sleep(500 * attempt, undefined, { signal });
	}
}

async function once(page: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
	try {
		const response = await fetch(page, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
		const text = await response.text();
		if (response.status === 404 || response.status === 410) return null;
		if (response.ok) return { text, type: response.headers.get('content-type') ?? '', url: response.url };
		return noIndex(page, `answers ${response.status}`, 'try again later, or check index-url in pip.conf');
	} catch (cause) {
		// What fetch throws says only that it failed; the reason is one deeper.
		const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
		const why = inner instanceof Error ? inner.message : String(inner);
		return noIndex(page, `does not answer: ${why}`, 'without --resolve no index is asked', cause);
	}
}

function noIndex(where: string, what: string, hint: string, cause?: unknown): CellarError {
	// The address may hold a password.
	const shown = where.replace(/^([\w+.-]+:\/\/)[^/@]*@/, '$1');
	return new CellarError('CELLAR_NO_INDEX', `the package index ${shown} ${what}`, { hint, cause });
}
