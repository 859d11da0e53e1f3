import { stripVTControlCharacters } from 'node:util';
import type { CellOutput } from '../../model/index.ts';
import { together, type Judged, type Strictness } from '../strictness.ts';
import { compareText } from './text.ts';

export type ErrorOutput = Extract<CellOutput, { output_type: 'error' }>;

/** Compares two exceptions: name, message and traceback, colours apart. An error that came again is the same. */
export function compareErrors(a: ErrorOutput, b: ErrorOutput, o: Strictness): Judged {
	const plain = (lines: readonly string[]) => stripVTControlCharacters(lines.join('\n'));
	const traceback = compareText(plain(a.traceback), plain(b.traceback), o);
	const message = compareText(plain([a.evalue]), plain([b.evalue]), o);
	return together([
		{ name: '', judged: compareText(a.ename, b.ename, o) },
		{ name: a.ename, judged: message },
		// The traceback repeats the message: where that differs already, one reason is enough.
		...(message.verdict === 'differs' ? [] : [{ name: 'traceback', judged: traceback }]),
	]);
}
