import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../model/index.ts';

/** Which package indexes pip asks. */
export interface PipSettings {
	/** In pip's order: `index-url`, then each `extra-index-url`. Empty where pip is told to use none. */
	readonly indexes: readonly string[];
}

/** Sections that count for `pip install`, the later over the earlier. */
const sections = ['global', 'install'];

/** pip's own, where nothing says another. */
const usualIndex = new URL('simple', `https://${['pypi', 'org'].join('.')}`).href;

/**
 * Reads pip's settings as pip does: the files of the machine, of the user, of the Python's prefix, the one that PIP_CONFIG_FILE
 * names, then the environment; the later over the earlier. pip itself is not needed.
 *
 * @param prefixes of the Pythons that the run used
 * @see https://pip.pypa.io/en/stable/topics/configuration/
 */
export async function readPipSettings(env: Readonly<NodeJS.ProcessEnv>, prefixes: readonly string[]): Promise<PipSettings> {
	const settings = new Map<string, string>();
	for (const file of filesOf(env, prefixes)) {
		for (const [key, value] of parseSettings((await textOf(file)) ?? '')) settings.set(key, value);
	}
	for (const key of ['index-url', 'extra-index-url', 'no-index']) {
		const value = env[`PIP_${key.toUpperCase().replaceAll('-', '_')}`];
		if (value !== undefined && value.trim() !== '') settings.set(key, value);
	}
	if (/^(1|true|yes|on)$/i.test(settings.get('no-index')?.trim() ?? '')) return { indexes: [] };
	const words = (key: string) => (settings.get(key) ?? '').split(/\s+/).filter((word) => word !== '');
	return { indexes: [words('index-url')[0] ?? usualIndex, ...words('extra-index-url')] };
}

function filesOf(env: Readonly<NodeJS.ProcessEnv>, prefixes: readonly string[]): string[] {
	const named = env['PIP_CONFIG_FILE'];
	// pip's own way of saying: no file at all.
	if (named === '/dev/null') return [];
	const home = env['HOME'] ?? '/';
	const machine = (env['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':').filter((folder) => folder !== '');
	return [
		...machine.toReversed().map((folder) => join(folder, 'pip/pip.conf')),
		'/etc/pip.conf',
		join(home, '.pip/pip.conf'),
		join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'pip/pip.conf'),
		...prefixes.slice(0, 1).map((prefix) => join(prefix, 'pip.conf')),
		...(named === undefined || named === '' ? [] : [named]),
	];
}

async function textOf(path: string): Promise<string | null> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return null;
		throw error;
	}
}

/** The settings of an INI file that count here, sections laid over each other; a line that starts with white space goes on with a value. */
function parseSettings(text: string): Map<string, string> {
	const found = new Map(sections.map((section) => [section, new Map<string, string>()]));
	let section: Map<string, string> | undefined;
	let key: string | null = null;
	for (const line of text.split(/\r?\n/)) {
		const name = /^\[([^\]]+)\]/.exec(line)?.[1];
		if (/^\s*([#;]|$)/.test(line)) continue;
		if (name !== undefined) {
			section = found.get(name);
			key = null;
		} else if (/^\s/.test(line)) {
			if (key !== null) section?.set(key, `${section.get(key) ?? ''} ${line.trim()}`);
		} else {
			const [, left = '', right = ''] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
			key = left.toLowerCase().replaceAll('_', '-');
			section?.set(key, right.trim());
		}
	}
	return new Map(sections.flatMap((each) => [...(found.get(each) ?? [])]));
}
