import { readFileSync, writeFileSync } from 'node:fs';

/** Writes a shell script with words put in for `@NAME@`, and for `@HERE@` what finds the folder of the script. */
export function writeScript(path: string, source: URL, words: Readonly<Record<string, string>>): void {
	const here = readFileSync(new URL('./here.sh', import.meta.url), 'utf8').trimEnd();
	const all: Readonly<Record<string, string>> = { ...words, HERE: here };
	const text = readFileSync(source, 'utf8').replaceAll(/@([A-Z]+)@/g, (_, name: string) => all[name] ?? '');
	writeFileSync(path, text, { mode: 0o755 });
}
