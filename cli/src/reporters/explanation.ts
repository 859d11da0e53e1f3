import type { Explanation } from '@cellar/core';
import { columns, pageWidth, size, wrapped } from './text.ts';

/** How many uses, processes and paths are shown before the rest is counted. */
const shown = 12;

/** `cellar explain` for a person. */
export function explanationText(document: Explanation): string {
	return document.cell === null ? thingText(document) : cellText(document, document.cell);
}

/** A file or a package: what it is and why, whose it is, the way that led there, and who used it. */
function thingText(document: Explanation): string {
	const { owner, chain, requiredBy, uses } = document;
	const whose =
		owner === null
			? 'no package'
			: `${[owner.name, owner.version].filter((word) => word !== null).join(' ')} (${owner.ecosystem})`;
	const head = columns(
		[
			['verdict', document.verdict],
			['why', document.reason],
			['rule', document.rule],
			['owner', whose],
			...(requiredBy.length === 0 ? [] : [['required by', requiredBy.join(', ')]]),
		],
		'  ',
	);
	const way = chain.length === 0 ? '' : `\nWhat led there\n  ${chain.join(' → ')}\n`;
	const isProgram = chain[0] === 'the program';
	const rows = uses.slice(0, shown).map((use) => useRow(use, isProgram));
	const more = rest(uses.length);
	return `${document.what}\n${head}${way}${rows.length === 0 ? '' : `\nWho used it, in the order of the log\n${columns(rows)}${more}`}`;
}

function useRow(use: Explanation['uses'][number], isProgram: boolean): string[] {
	const who = use.cell !== null ? `cell ${use.cell}` : isProgram ? '' : (use.outside ?? 'start-up');
	const process = `${use.program ?? 'a program'}${use.pid === null ? '' : ` (process ${use.pid})`}`;
	const when = use.seconds === null ? `at line ${use.first} of the log` : `after ${use.seconds.toFixed(2)} s`;
	return [
		...(isProgram ? [] : [who]),
		use.worker === null ? process : `${use.worker}, ${process}`,
		use.how,
		use.count === 1 ? `once, ${when}` : `${use.count} times, first ${when}`,
	];
}

/** A cell: what its source names, what it used and made, and what it started. */
function cellText(document: Explanation, cell: NonNullable<Explanation['cell']>): string {
	const { names, dependencies, processes } = cell;
	const { software, data, network, missing, setAside, unknown } = dependencies;
	const named = software.filter((item) => item.why.includes('named'));
	const touched = software.filter((item) => !item.why.includes('named'));
	const read = data.filter((item) => cell.reads.includes(item.path));
	const written = data.filter((item) => cell.writes.includes(item.path));
	const parts = [`${document.what}\n  ${document.reason}\n`];
	parts.push(
		list('Its source names', [
			...namesOf('imports', names?.imports),
			...namesOf('commands', names?.commands),
			...namesOf('scripts', names?.runs),
			...namesOf('paths', names?.paths),
		]),
		list(
			'Software that it names',
			named.map((item) => [softwareName(item), item.ecosystem, item.reason]),
		),
		list(
			'Software that it used besides',
			touched.map((item) => [softwareName(item), item.ecosystem, item.reason]),
		),
		list('Data that it read', read.map(dataRow)),
		list('Data that it wrote', written.map(dataRow)),
		list(
			'Network',
			network.map((item) => [item.name ?? item.address, `port ${item.port ?? '?'}`]),
		),
		list(
			'Looked for and not there',
			(missing ?? []).map((item) => [item.path]),
		),
		list(
			'Started',
			processes.map((item) => [
				`process ${item.pid}`,
				item.worker ?? '',
				item.argv.length === 0 ? (item.program ?? 'a program') : item.argv.join(' '),
				item.signal === null ? (item.exitCode === null ? '' : `exit code ${item.exitCode}`) : `ended by ${item.signal}`,
			]),
		),
		list(
			'Unknown',
			unknown.map((item) => [item.path, item.reason]),
		),
	);
	const kinds = [...new Set(setAside.map((item) => item.as))].map((kind) => {
		const items = setAside.filter((item) => item.as === kind);
		return [`${items.length} ${kind}`, items.length === 1 ? items[0]!.path : `${items[0]!.path}, …`];
	});
	parts.push(list('Set aside (--json lists them)', kinds));
	return parts.join('');
}

function namesOf(what: string, words: readonly string[] = []): string[][] {
	if (words.length === 0) return [];
	const [first = '', ...more] = wrapped(words, '', pageWidth() - 14)
		.trimEnd()
		.split('\n');
	return [[what, first], ...more.map((line) => ['', line])];
}

/** `numpy 2.4.6`; the user's own modules have no version. */
function softwareName({ name, version }: { readonly name: string; readonly version: string | null }): string {
	return version === null ? name : `${name} ${version}`;
}

function dataRow(item: NonNullable<Explanation['cell']>['dependencies']['data'][number]): string[] {
	return [item.role, item.relative ?? item.path, item.kind === 'file' ? size(item.bytes) : item.kind, item.reason];
}

/** A heading with rows, the first of them where there are many; nothing where there are none. */
function list(heading: string, rows: readonly (readonly string[])[]): string {
	if (rows.length === 0) return '';
	return `\n${heading}\n${columns(rows.slice(0, shown))}${rest(rows.length)}`;
}

function rest(count: number): string {
	return count > shown ? `  and ${count - shown} more (--json lists them)\n` : '';
}
