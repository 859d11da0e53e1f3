import { findSecrets } from './find.ts';
import { isSecretVariable, isTelling } from './names.ts';

/**
 * The values that a file of credentials holds, as far as its form is known: those of a known form; `NAME=VALUE` and members under
 * the name of a secret; the last word of a `.pgpass`; the lines of a key; the one word of a file that has no more.
 */
export function credentialsIn(text: string): readonly string[] {
	const found = new Set<string>();
	const add = (value: string | undefined) => {
		const bare = value?.trim().replace(/^(["'])(.*)\1$/, '$2') ?? '';
		if (isTelling(bare)) found.add(bare);
	};
	for (const { from, to } of findSecrets(text)) {
		const secret = text.slice(from, to);
		add(secret);
		if (secret.startsWith('-----BEGIN'))
			for (const line of secret.split(/\s+|\\n/)) if (/^[A-Za-z0-9+/=]{32,}$/.test(line)) add(line);
	}
	for (const [, name, value] of text.matchAll(/^\s*(?:export\s+)?["']?([\w.:/-]+)["']?\s*[=:]\s*(.+?),?\s*$/gm)) {
		if (isSecretVariable(name!)) add(value);
	}
	for (const [, value] of text.matchAll(
		/["'](?:key|[\w-]*(?:secret|token|passw|private|api_?key)[\w-]*)["']\s*:\s*["']([^"'\n]{8,})["']/gi,
	))
		add(value);
	for (const [name, value] of membersOf(text)) if (name === 'key' || isSecretVariable(name)) add(value);
	for (const [, value] of text.matchAll(/^[^:\s#]+:(?:\d+|\*):[^:\s]*:[^:\s]*:(\S+)$/gm)) add(value);
	if (/^\s*[^\s:=]+\s*$/.test(text)) add(text);
	return [...found];
}

/** The texts of a JSON document, at any depth, with their names; none where it is no JSON. */
function membersOf(text: string): readonly (readonly [string, string])[] {
	const found: [string, string][] = [];
	try {
		JSON.parse(text, (name, value: unknown) => {
			if (typeof value === 'string') found.push([name, value]);
			return value;
		});
	} catch {
		// Most files of credentials are written in other ways.
		return [];
	}
	return found;
}
