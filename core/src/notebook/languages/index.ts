import type { CellNames } from '../../model/index.ts';
import { bashNames } from './bash.ts';
import { rNames } from './r.ts';

/** What the text of a cell names, by the language of its notebook, in small letters. A new language is one file and one line. */
const languages: Readonly<Record<string, (source: string) => CellNames>> = { bash: bashNames, r: rNames };

/** Reads cells of a language other than Python; null where there is no reader for it. */
export function namesReader(language: string): ((source: string) => CellNames) | null {
	return Object.hasOwn(languages, language.toLowerCase()) ? (languages[language.toLowerCase()] ?? null) : null;
}
