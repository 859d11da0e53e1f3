import { onStderr, onStdout } from './colour.ts';
import stringWidth from 'string-width';
import type { OutputVerdict } from '@cellar/core';

/** An error for a person: what failed, where, why, one thing to do, and its code. */
export function errorText(error: {
	readonly code: string;
	readonly message: string;
	readonly hint: string | null;
	readonly where: string | null;
}): string {
	const where = error.where === null ? '' : `${error.where}: `;
	const hint = error.hint === null ? '' : `\n  ${onStderr.bold('to do')}  ${error.hint}`;
	return `${onStderr.red('✗')} ${where}${error.message}${hint}\n  ${onStderr.dim(error.code)}\n`;
}

/** `12.3 MB`: decimal units, as file managers count. */
export function size(bytes: number | null): string {
	if (bytes === null) return 'size unknown';
	if (bytes < 1000) return `${bytes} B`;
	const units = ['kB', 'MB', 'GB', 'TB'];
	const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length);
	const value = bytes / 1000 ** power;
	return `${value.toFixed(value < 10 ? 1 : 0)} ${units[power - 1]}`;
}

export function seconds(value: number): string {
	if (value < 60) return `${value.toFixed(1)} s`;
	return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** `1–3, 5`: numbers as a person writes them. */
export function ranges(numbers: readonly number[]): string {
	const parts: string[] = [];
	for (let at = 0; at < numbers.length;) {
		let end = at;
		while (numbers[end + 1] === numbers[end]! + 1) end++;
		parts.push(end > at ? `${numbers[at]}–${numbers[end]}` : `${numbers[at]}`);
		at = end + 1;
	}
	return parts.join(', ');
}

/** A sign and a word, never colour alone. */
export function verdictText(verdict: OutputVerdict | 'incomplete'): string {
	if (verdict === 'same') return onStdout.green('✓ same');
	if (verdict === 'close') return onStdout.green('~ close');
	if (verdict === 'not compared') return onStdout.yellow('· not compared');
	if (verdict === 'incomplete') return onStdout.yellow('~ incomplete');
	return onStdout.red(`✗ ${verdict}`);
}

/** Rows as aligned columns; the last column is left as it is. */
export function columns(rows: readonly (readonly string[])[], indent = '  '): string {
	const widths: number[] = [];
	for (const row of rows) row.forEach((text, at) => (widths[at] = Math.max(widths[at] ?? 0, stringWidth(text))));
	return rows
		.map(
			(row) =>
				indent +
				row.map((text, at) => (at === row.length - 1 ? text : text + ' '.repeat(widths[at]! - stringWidth(text)))).join('  '),
		)
		.map((line) => `${line.trimEnd()}\n`)
		.join('');
}

/** Words joined by commas and broken into lines of at most `width` columns. */
export function wrapped(words: readonly string[], indent: string, width: number): string {
	const lines: string[] = [];
	let line = '';
	for (const word of words) {
		const next = line === '' ? word : `${line}, ${word}`;
		if (line !== '' && stringWidth(indent + next) > width) {
			lines.push(`${line},`);
			line = word;
		} else line = next;
	}
	if (line !== '') lines.push(line);
	return lines.map((text) => `${indent}${text}\n`).join('');
}

/** How wide the page is; 100 where nothing says so. */
export function pageWidth(): number {
	return Math.max(60, Math.min(process.stdout.columns ?? 100, 140));
}

/** At most `width` columns of a text, with an ellipsis where it was cut. */
export function clipped(text: string, width: number): string {
	if (stringWidth(text) <= width) return text;
	let cut = '';
	for (const letter of text) {
		if (stringWidth(cut + letter) > width - 1) break;
		cut += letter;
	}
	return `${cut}…`;
}
