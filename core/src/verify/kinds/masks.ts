import type { Window } from '../strictness.ts';

/** A rule for what never repeats: where both texts match it at the same place, what they have there is not compared. */
export interface Mask {
	readonly name: string;
	/** Applied line by line, with the flags `g` and `u`. */
	readonly pattern: RegExp;
	/** A line without any of these cannot match: most lines are so told apart cheaply. */
	readonly hints: readonly string[];
	/** Why what matches is not a result. */
	readonly reason: string;
	/** Only what the browser is shown. */
	readonly only?: 'html';
	/** The match names a day, in groups y, m (a number or a name) and d: it is masked only where the run happened then. */
	readonly dated?: true;
}

const day = 24 * 3600_000;
/** Time zones and a run past midnight: more than a day to each side. */
const slack = 1.5 * day;

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const weekday = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const month = `(?:${months.join('|')})`;

/** Every rule, in the order in which they are applied. docs/verdicts.md lists them; a test compares the two. */
export const masks: readonly Mask[] = [
	{
		name: 'overwritten text',
		hints: ['\r'],
		pattern: /^[^\n]*\r(?!$)/gu,
		reason: 'what stands before a carriage return was overwritten on screen: earlier states of a progress bar',
	},
	{
		name: 'memory address',
		hints: ['0x'],
		pattern: /(?<=\bat |<(?:environment|bytecode|pointer|externalptr): )0x[0-9a-fA-F]{6,16}\b/gu,
		reason: 'where an object lies in memory is chosen anew by each process',
	},
	{
		name: 'thread identifier',
		hints: ['started '],
		pattern: /(?<=\bstarted (?:daemon )?)\d{12,16}(?=\)>)/gu,
		reason: 'a thread is named by an address in memory',
	},
	{
		name: 'time of the run',
		hints: ['-'],
		pattern:
			/\b(?<y>\d{4})-(?<m>\d{2})-(?<d>\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?\b/gu,
		reason: 'a date with a time that lies within a day and a half of the run, in each of the two texts its own run',
		dated: true,
	},
	{
		name: 'time of the run, as Python shows it',
		hints: ['datetime.datetime('],
		pattern: /(?<=\bdatetime\.datetime\()(?<y>\d{4}), (?<m>\d{1,2}), (?<d>\d{1,2})(?:, \d{1,6}){2,4}/gu,
		reason: 'a datetime object that lies within a day and a half of the run',
		dated: true,
	},
	{
		name: 'time of the run, in words',
		hints: [':'],
		pattern: new RegExp(
			`\\b${weekday} (?<m>${month}) +(?<d>\\d{1,2}) \\d{2}:\\d{2}:\\d{2} (?:[AP]M )?(?:[A-Z]{3,4} )?(?<y>\\d{4})\\b`,
			'gu',
		),
		reason: 'what ctime and date print, within a day and a half of the run',
		dated: true,
	},
	{
		name: 'time of the run, as in a message',
		hints: [':'],
		pattern: new RegExp(
			`\\b${weekday}, (?<d>\\d{1,2}) (?<m>${month}) (?<y>\\d{4}) \\d{2}:\\d{2}:\\d{2}(?: (?:GMT|UTC|[+-]\\d{4}))?\\b`,
			'gu',
		),
		reason: 'what HTTP and mail headers hold, within a day and a half of the run',
		dated: true,
	},
	{
		name: 'date of the run',
		hints: ['-'],
		pattern: /(?<![\d-])(?<y>\d{4})-(?<m>\d{2})-(?<d>\d{2})(?![\d-]|[T ]\d{2}:)/gu,
		reason: 'a date within a day and a half of the run; dates in data that are older or later are compared',
		dated: true,
	},
	{
		name: 'time that a cell took',
		hints: ['CPU times: ', 'Wall time: '],
		pattern: /(?<=^(?:CPU times|Wall time): ).+$/gu,
		reason: 'what %time and %%time print',
	},
	{
		name: 'time that a loop took',
		hints: [' per loop '],
		pattern:
			/^[\d.]+ ?(?:[nμµum]?s|min)(?: [\d.]+ ?(?:[nμµum]?s|min))* ± .* per loop \(mean ± std\. dev\. of \d+ runs?, [\d,]+ loops? each\)/gu,
		reason: 'what %timeit prints, the number of loops included',
	},
	{
		name: 'rate of a progress bar',
		hints: [' ['],
		pattern:
			/(?<=\d[A-Za-z]{0,3} \[)(?:\d+:)?\d+:\d{2}(?:<(?:\?|(?:\d+:)?\d+:\d{2}))?, +(?:\?|[\d.]+[kMGT]?)[^\s\],]*(?:\/s|s\/)[^\s\],]*/gu,
		reason: 'how long a progress bar took, and how fast it was; what it counts and what it was told to show is compared',
	},
	{
		name: 'process id',
		hints: ['ipykernel_', 'pid=', 'parent=', '(node:'],
		pattern:
			/(?<=\/ipykernel_)\d+(?=\/)|(?<=<[^<>]{1,80} (?:pid|parent)=)\d+|(?<=\((?:[^()]{1,80} )?pid=)\d+(?=\))|(?<=\(node:)\d+(?=\) (?:\[\w+\] )?\w*Warning: )/gu,
		reason:
			'the number that the system gave to a process: in the names of cells in warnings, in process objects, in log lines, in warnings of Node',
	},
	{
		name: 'temporary name',
		hints: ['/tmp/'],
		pattern: /(?<=\/tmp\/)(?:tmp[a-z0-9_]{8}|tmp\.[A-Za-z0-9]{10}|Rtmp[A-Za-z0-9]{6}(?:\/file[0-9a-f]{8,16})?)(?![A-Za-z0-9_])/gu,
		reason: "a name that Python's tempfile, mktemp or R drew by lot",
	},
	{
		name: 'random UUID',
		hints: ['-'],
		pattern:
			/(?<![0-9a-fA-F-])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[14][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}(?![0-9a-fA-F-])/gu,
		reason: 'versions 1 and 4 are made of the time or drawn by lot; those that are computed from a name (3, 5) are compared',
	},
	{
		name: 'local port',
		hints: ['localhost:', '127.0.0.1:', '0.0.0.0:', '[::1]:', 'on port '],
		pattern: /(?<=(?:\blocalhost|\b127\.0\.0\.1|\b0\.0\.0\.0|\[::1\]):)\d{2,5}\b|(?<=\bon port )\d{4,5}(?= instead\b)/gu,
		reason: 'a port of this machine that was free',
	},
	{
		name: 'start-up time of the debugger',
		hints: ['s - '],
		pattern: /^\d+\.\d{2}(?=s - (?:Debugger warning|make the debugger|to python to disable|Note: Debugging))/gu,
		reason: 'a Python process that is started with a debugger present counts the time until it warns of it',
	},
	{
		name: 'style identifier',
		hints: ['T_'],
		pattern: /T_[0-9a-f]{5}(?![0-9a-z])(?<=(?:\b(?:id|for|class)="[^"]{0,80}|[#.])T_[0-9a-f]{5})/gu,
		reason: 'pandas draws one for each styled table, to tie the table to its style',
		only: 'html',
	},
	{
		name: 'chart identifier',
		hints: ['altair-viz-'],
		pattern: /(?<=altair-viz-)[0-9a-f]{32}/gu,
		reason: 'Altair draws one for each chart',
		only: 'html',
	},
];

/** Stands for what was masked; of the Unicode's private use, and hence in no text by chance. */
const firstSign = 0xe000;

/** A text with what never repeats taken out, and what that was, by mask, in order. */
export interface Masked {
	readonly text: string;
	readonly taken: ReadonlyMap<string, readonly string[]>;
}

/** @param line one line, without its newline */
export function mask(line: string, when: Window | null, html: boolean): Masked {
	let text = line;
	const taken = new Map<string, string[]>();
	masks.forEach(({ name, pattern, hints, only, dated }, at) => {
		if ((only === 'html' && !html) || !hints.some((hint) => line.includes(hint))) return;
		const sign = name === 'overwritten text' ? '' : String.fromCodePoint(firstSign + at);
		const found: string[] = [];
		text = text.replace(pattern, (matched: string, ...rest: readonly unknown[]) => {
			// The groups come last, as an object, where the pattern names any.
			if (dated && !isOfRun(rest.at(-1) as Day, when)) return matched;
			found.push(matched);
			return sign;
		});
		if (found.length > 0) taken.set(name, found);
	});
	return { text, taken };
}

/** The masks without which two texts that are equal now were not: what they took differs. */
export function needed(a: Masked, b: Masked): readonly string[] {
	return masks
		.map(({ name }) => name)
		.filter((name) => (a.taken.get(name) ?? []).join('\n') !== (b.taken.get(name) ?? []).join('\n'));
}

interface Day {
	readonly y: string;
	readonly m: string;
	readonly d: string;
}

function isOfRun({ y, m, d }: Day, when: Window | null): boolean {
	const named = months.indexOf(m);
	const noon = Date.UTC(Number(y), named >= 0 ? named : Number(m) - 1, Number(d), 12);
	return when !== null && noon >= when.from - slack && noon <= when.to + slack;
}
