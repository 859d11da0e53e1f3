import { createSecrets } from '../secrets/index.ts';

/** What stands in place of a word that may be a secret. */
const hiddenWord = '…';

/**
 * A program's arguments without what may be secret: the program, the names of options and words that are existing paths
 * stay; every other word becomes `…`, and so does what follows `=` in `--name=value` or is glued to `-x`. What has the form of
 * a secret is masked in what stays.
 *
 * @param isPath whether a word names a file that exists, from where the program ran
 */
export function redactArgv(argv: readonly string[], isPath: (word: string) => boolean): string[] {
	return argv.map((word, at) => forms.mask(at === 0 || isPath(word) ? word : redactWord(word)));
}

const forms = createSecrets();

function redactWord(word: string): string {
	const long = /^(--[A-Za-z0-9][\w.-]*)(=?)/.exec(word);
	if (long?.[1] === word) return word;
	if (long?.[2] === '=') return `${long[1]}=${hiddenWord}`;
	if (word === '-' || word === '--' || /^-\w$/.test(word)) return word;
	const short = /^-\w/.exec(word);
	return short === null ? hiddenWord : `${short[0]}${hiddenWord}`;
}
