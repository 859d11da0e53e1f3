import { Parser } from 'htmlparser2';
import * as v from 'valibot';
import { normalName, type IndexFile, type InstalledWheel } from '../model/index.ts';

/** A file as a page of an index lists it; `sha256` is null where the page does not say. */
export interface PageFile {
	readonly filename: string;
	readonly url: string;
	readonly size: number | null;
	readonly sha256: string | null;
}

const page = v.object({
	files: v.array(
		v.object({
			filename: v.string(),
			url: v.string(),
			hashes: v.record(v.string(), v.string()),
			size: v.optional(v.nullable(v.number())),
		}),
	),
});

/**
 * Reads what an index answers for a project, JSON or HTML.
 *
 * @param at the page's own address, for those that are relative
 * @returns null where it is neither
 * @see https://packaging.python.org/en/latest/specifications/simple-repository-api/
 */
export function parseIndexPage(text: string, type: string, at: string): readonly PageFile[] | null {
	if (/\bjson\b/.test(type)) return parseJson(text, at);
	return /\bhtml\b/.test(type) ? parseHtml(text, at) : null;
}

function parseJson(text: string, at: string): readonly PageFile[] | null {
	try {
		return v.parse(page, JSON.parse(text)).files.flatMap(({ filename, url, hashes, size }) => {
			const whole = resolved(url, at);
			return whole === null ? [] : [{ filename, url: whole.href, size: size ?? null, sha256: hexadecimal(hashes['sha256']) }];
		});
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof v.ValiError) return null;
		throw error;
	}
}

function parseHtml(text: string, at: string): readonly PageFile[] {
	const files: PageFile[] = [];
	const parser = new Parser({
		onopentag(name, { href }) {
			const url = name === 'a' && href !== undefined ? resolved(href, at) : null;
			if (url === null) return;
			const sha256 = hexadecimal(/^#sha256=(.*)$/.exec(url.hash)?.[1]);
			url.hash = '';
			files.push({ filename: nameOf(url), url: url.href, size: null, sha256 });
		},
	});
	parser.end(text);
	return files;
}

function resolved(url: string, at: string): URL | null {
	if (!URL.canParse(url, at)) return null;
	const whole = new URL(url, at);
	// The index's own user is whoever asks: not part of what is written down.
	whole.username = '';
	whole.password = '';
	return whole;
}

function nameOf(url: URL): string {
	const last = url.pathname.split('/').at(-1) ?? '';
	try {
		return decodeURIComponent(last);
	} catch {
		// Not a name that a wheel can have.
		return last;
	}
}

const hexadecimal = (text: string | undefined) => (text !== undefined && /^[\da-f]{64}$/.test(text) ? text : null);

/**
 * The file on an index that a distribution was installed from: the wheel of its name, version, build and very set of tags. Where
 * no wheel of that version has them it was built here, from the version's source.
 *
 * @returns null where there is none, or where more than one could be it
 */
export function chooseFile(files: readonly PageFile[], installed: InstalledWheel, index: string): IndexFile | null {
	const tags = [...new Set(installed.tags)].toSorted().join(' ');
	const wheels = files.filter(({ filename }) => {
		const wheel = parseWheelName(filename);
		return (
			wheel !== null &&
			normalName(wheel.name) === normalName(installed.name) &&
			sameVersion(wheel.version, installed.version) &&
			wheel.build === installed.build &&
			wheel.tags.toSorted().join(' ') === tags
		);
	});
	const sources = files.filter(({ filename }) => isSourceOf(filename, installed));
	const [found, other] = wheels.length > 0 ? wheels : sources;
	if (found === undefined || other !== undefined || found.sha256 === null) return null;
	const { filename, url, size, sha256 } = found;
	return { kind: wheels.length > 0 ? 'wheel' : 'sdist', filename, url, size, sha256, index };
}

/** `name-version[-build]-python-abi-platform.whl`, compressed tags spread out. */
function parseWheelName(filename: string) {
	if (!filename.endsWith('.whl')) return null;
	const parts = filename.slice(0, -'.whl'.length).split('-');
	if (parts.length !== 5 && parts.length !== 6) return null;
	const [pythons = '', abis = '', platforms = ''] = parts.slice(-3);
	const tags = pythons
		.split('.')
		.flatMap((python) =>
			abis.split('.').flatMap((abi) => platforms.split('.').map((platform) => `${python}-${abi}-${platform}`)),
		);
	return { name: parts[0] ?? '', version: parts[1] ?? '', build: parts.length === 6 ? (parts[2] ?? '') : null, tags };
}

function isSourceOf(filename: string, { name, version }: InstalledWheel): boolean {
	const stem = /^(.+)\.(?:tar\.gz|zip)$/.exec(filename)?.[1];
	const at = stem?.lastIndexOf('-') ?? -1;
	return (
		stem !== undefined && at > 0 && normalName(stem.slice(0, at)) === normalName(name) && sameVersion(stem.slice(at + 1), version)
	);
}

/** PEP 440's spellings of one version that packages use: case, `_` for `-`, a leading `v`. */
function sameVersion(a: string, b: string): boolean {
	const plain = (version: string) => version.toLowerCase().replace(/^v/, '').replaceAll(/[-_]/g, '.');
	return plain(a) === plain(b);
}
