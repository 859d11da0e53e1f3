import { readFileSync, writeFileSync } from 'node:fs';

/** Writes a shell script with words put in for `@NAME@`. */
export function writeScript(path: string, source: URL, words: Readonly<Record<string, string>>): void {
	const text = readFileSync(source, 'utf8').replaceAll(/@([A-Z]+)@/g, (_, name: string) => words[name] ?? '');
	writeFileSync(path, text, { mode: 0o755 });
}
