import { encodeName, withoutCredentials, type Name } from '../../model/index.ts';
import { headOf, repositoryOf } from '../git/index.ts';
import { joined, readText } from '../paths.ts';

/** What a `direct_url.json` says. @see https://packaging.python.org/en/latest/specifications/direct-url-data-structure/ */
export interface DirectUrl {
	readonly url: string;
	/** The folder of an editable install; null for any other. */
	readonly editable: Name | null;
	readonly document: Readonly<Record<string, unknown>>;
}

/** Where a distribution came from, with nothing of a secret in it; null where it came from an index. */
export function originOf(info: Name): Readonly<Record<string, unknown>> | null {
	const direct = readDirectUrl(info);
	if (direct === null) return null;
	const commit = direct.editable === null ? null : commitOf(direct.editable);
	return { ...direct.document, url: direct.url, ...(commit === null ? {} : { commit }) };
}

export function readDirectUrl(info: Name): DirectUrl | null {
	const document = jsonObject(readText(joined(info, 'direct_url.json')));
	const url = document?.['url'];
	if (document === null || typeof url !== 'string') return null;
	const folder = asObject(document['dir_info'])?.['editable'] === true ? folderOf(url) : null;
	return { url: withoutCredentials(url), editable: folder, document };
}

/** The commit that is checked out where a folder lies; null outside of a repository. Says nothing of changes since. */
export function commitOf(folder: Name): string | null {
	const repository = repositoryOf(folder);
	return repository === null ? null : headOf(repository);
}

function folderOf(url: string): Name | null {
	const path = /^file:\/\/(?:localhost)?(\/[^?#]*)/.exec(url)?.[1];
	if (path === undefined) return null;
	const bytes = path
		.split(/(%[0-9a-f]{2})/i)
		.map((part) => (/^%../.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part)));
	return joined('/', encodeName(Buffer.concat(bytes)));
}

function jsonObject(text: string | null): Readonly<Record<string, unknown>> | null {
	if (text === null) return null;
	try {
		return asObject(JSON.parse(text));
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
	// A JSON value that is neither null nor a list is an object with string keys.
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}
