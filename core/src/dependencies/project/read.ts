import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { CellarError, encodeName, ruledKinds, type ProjectRules } from '../../model/index.ts';

/** The name of the file with a project's own rules. */
const fileName = 'cellar.toml';

const text = v.pipe(v.string(), v.nonEmpty());
const shape = v.strictObject({
	secrets: v.optional(v.array(text), []),
	rule: v.optional(v.array(v.strictObject({ path: text, as: v.picklist(ruledKinds), reason: v.optional(text) })), []),
});

/** What a key may hold, said where it holds something else. */
const allowed: Readonly<Record<string, string>> = {
	'': 'the keys are rule and secrets',
	rule: 'rules are written as [[rule]], with the keys path, as and reason',
	secrets: 'secrets is a list of globs, such as ["*.key"]',
	path: 'path is a glob, such as "scratch/**"',
	as: `as is one of ${ruledKinds.join(', ')}`,
	reason: 'reason is a text',
};

/**
 * A project's own rules, from the nearest `cellar.toml`: beside the notebook or above it, up to the home folder, or to the root
 * where the notebook does not lie in the home folder.
 *
 * @param folder the notebook's, absolute
 * @returns null where there is none
 * @throws CellarError CELLAR_RULES_BROKEN with the file and the line or the key, CELLAR_NO_PERMISSION
 */
export function readProjectRules(folder: string, home: string): ProjectRules | null {
	for (let at = folder; ; at = dirname(at)) {
		const file = join(at, fileName);
		if (existsSync(file)) return rulesIn(readFileSync(file), file, at);
		if (at === home || at === dirname(at)) return null;
	}
}

function rulesIn(bytes: Buffer, file: string, folder: string): ProjectRules {
	const parsed = v.safeParse(shape, parsedToml(bytes, file));
	if (!parsed.success) throw wrongKey(parsed.issues[0], file);
	const { rule, secrets } = parsed.output;
	for (const glob of [...secrets, ...rule.map((one) => one.path)]) checkGlob(glob, file);
	return {
		file: encodeName(Buffer.from(file)),
		folder: encodeName(Buffer.from(folder)),
		rules: rule.map((one) => ({ path: one.path, as: one.as, reason: one.reason ?? null })),
		secrets,
	};
}

function parsedToml(bytes: Buffer, file: string): unknown {
	try {
		return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
	} catch (cause) {
		if (cause instanceof TomlError) {
			// What follows is a picture of the line, for a terminal alone.
			const [why = ''] = cause.message.replace(/^Invalid TOML document: /, '').split('\n');
			throw broken(`it is not TOML: ${why}`, `${file} line ${cause.line}`, 'https://toml.io says how TOML is written', cause);
		}
		if (cause instanceof TypeError) throw broken('it is not UTF-8', file, 'save it as UTF-8', cause);
		throw cause;
	}
}

function wrongKey(issue: v.BaseIssue<unknown>, file: string): CellarError {
	const keys = (issue.path ?? []).map((one) => one.key);
	const place = keys
		.map((key) => (typeof key === 'number' ? ` ${key + 1}` : ` ${String(key)}`))
		.join('')
		.trim();
	const last = keys.findLast((key) => typeof key === 'string') ?? '';
	const unknown = issue.expected === 'never';
	const missing = issue.received === 'undefined';
	const parent = typeof keys[0] === 'string' && keys.length > 1 ? keys[0] : '';
	const message = unknown
		? `there is no key ${last}`
		: missing
			? `the key ${last} is missing`
			: `${last} may not be ${issue.received}`;
	return broken(message, `${file}, ${place}`, allowed[unknown ? parent : last] ?? allowed[parent] ?? allowed['']!);
}

/** `..` would lead out of what the file is for, and a glob that starts with `!` would match nearly everything. */
function checkGlob(glob: string, file: string): void {
	if (/(^|\/)\.\.?(\/|$)/.test(glob) || glob.startsWith('!')) {
		throw broken(`the glob ${glob} cannot be matched`, file, 'globs have no . or .. in them and do not start with !');
	}
}

function broken(message: string, where: string, hint: string, cause?: unknown): CellarError {
	return new CellarError('CELLAR_RULES_BROKEN', `${fileName}: ${message}`, { where, hint, cause });
}
