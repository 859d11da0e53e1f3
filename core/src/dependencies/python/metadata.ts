/** What a METADATA or PKG-INFO says of a distribution, as far as dependencies need it. */
export interface Metadata {
	readonly name: string | null;
	readonly version: string | null;
	/** Each `Requires-Dist` as it stands there. */
	readonly requires: readonly string[];
}

/**
 * Reads the header of a METADATA file; the description that follows a blank line is not looked at.
 *
 * @see https://packaging.python.org/en/latest/specifications/core-metadata/
 */
export function parseMetadata(text: string): Metadata {
	let name: string | null = null;
	let version: string | null = null;
	const requires: string[] = [];
	for (const line of headerLines(text)) {
		const colon = line.indexOf(':');
		if (colon < 0) continue;
		const value = line.slice(colon + 1).trim();
		switch (line.slice(0, colon).toLowerCase()) {
			case 'name':
				name ??= value;
				break;
			case 'version':
				version ??= value;
				break;
			case 'requires-dist':
				requires.push(value);
				break;
		}
	}
	return { name, version, requires };
}

function headerLines(text: string): string[] {
	const blank = /\r?\n\r?\n/.exec(text);
	const header = blank === null ? text : text.slice(0, blank.index);
	// A line that starts with white space goes on with the one before.
	return header.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
}
