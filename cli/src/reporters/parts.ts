import type { Explanation } from '@cellar/core';
import { columns, pageWidth, size, wrapped } from './text.ts';

/** How many rows are shown before the rest is counted. */
export const shown = 12;
/** How many names are shown within a row. */
const few = 3;

/** A cell, a task or a worker: what it is, what it used and made, and what it started; null for what is no part of a run. */
export function partText({ what, reason, cell, task, worker }: Explanation): string | null {
	const head = `${what}\n  ${reason}\n`;
	if (cell !== null) return head + cellText(cell);
	if (task !== null) return head + taskText(task);
	return worker === null ? null : head + workerText(worker);
}

function cellText(cell: NonNullable<Explanation['cell']>): string {
	const { names, dependencies } = cell;
	const named = dependencies.software.filter((item) => item.why.includes('named'));
	const touched = dependencies.software.filter((item) => !item.why.includes('named'));
	return [
		list('Its source names', [
			...namesOf('imports', names?.imports),
			...namesOf('commands', names?.commands),
			...namesOf('scripts', names?.runs),
			...namesOf('paths', names?.paths),
		]),
		list('Software that it names', named.map(softwareRow)),
		list('Software that it used besides', touched.map(softwareRow)),
		didText(cell),
	].join('');
}

function taskText(task: NonNullable<Explanation['task']>): string {
	const { software } = task.dependencies;
	const isOwn = (item: Software) => task.loaded.includes(item.name);
	const asked = task.submitted;
	const from = [
		asked?.cell === null ? [] : [`cell ${asked?.cell}`],
		asked?.worker ?? [],
		asked?.task == null ? [] : [`task ${asked.task}`],
	];
	return [
		list('What it ran', [
			['function', task.function ?? 'not known'],
			['engine', `${task.engine}, which calls it ${task.engineId}`],
			[
				'submitted by',
				asked === null ? 'not known: that was not marked' : from.flat().join(', ') || 'the manager, outside of cells',
			],
		]),
		list(
			task.attempts.length === 1 ? 'Where it ran' : 'Where it ran, each time',
			task.attempts.map((one) => [
				one.worker ?? 'the manager',
				one.pid === null ? '' : `process ${one.pid}`,
				one.began === null ? `from line ${one.begun} of the log` : `after ${one.began.toFixed(2)} s`,
				one.ended === null ? 'did not end' : one.seconds === null ? '' : `took ${one.seconds.toFixed(2)} s`,
				task.attempts.length > 1 && one.counted ? 'this result was taken' : '',
			]),
		),
		list('Software that it loaded itself', directFirst(software.filter(isOwn)).map(softwareRow)),
		list('Software that its worker had loaded before', directFirst(software.filter((item) => !isOwn(item))).map(softwareRow)),
		didText(task),
	].join('');
}

function workerText(worker: NonNullable<Explanation['worker']>): string {
	const { software } = worker.dependencies;
	const isOwn = (item: Software) => worker.alone.includes(item.name);
	return [
		list(
			'Tasks that it ran',
			worker.functions.map((one) => [one.name ?? 'not named', String(one.tasks)]),
		),
		list('Software that it alone used', directFirst(software.filter(isOwn)).map(softwareRow)),
		list('Software that it used', directFirst(software.filter((item) => !isOwn(item))).map(softwareRow)),
		didText(worker),
	].join('');
}

type Software = NonNullable<Explanation['cell']>['dependencies']['software'][number];
type Did = Pick<NonNullable<Explanation['cell']>, 'reads' | 'writes' | 'dependencies' | 'processes'>;

/** What the user's own code names comes before what that brought in. */
function directFirst(software: readonly Software[]): Software[] {
	return software.toSorted((a, b) => Number(b.direct) - Number(a.direct));
}

/** What is told of every part in the same way. */
function didText({ reads, writes, dependencies, processes }: Did): string {
	const { data, network, missing, setAside, unknown } = dependencies;
	const kinds = [...new Set(setAside.map((item) => item.as))].map((kind) => {
		const items = setAside.filter((item) => item.as === kind);
		return [`${items.length} ${kind}`, items.length === 1 ? items[0]!.path : `${items[0]!.path}, …`];
	});
	return [
		list('Data that it read', data.filter((item) => reads.includes(item.path)).map(dataRow)),
		list('Data that it wrote', data.filter((item) => writes.includes(item.path)).map(dataRow)),
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
		list('Set aside (--json lists them)', kinds),
	].join('');
}

function namesOf(what: string, words: readonly string[] = []): string[][] {
	if (words.length === 0) return [];
	const [first = '', ...more] = wrapped(words, '', pageWidth() - 14)
		.trimEnd()
		.split('\n');
	return [[what, first], ...more.map((line) => ['', line])];
}

/** `numpy 2.4.6`; the user's own modules have no version. */
function softwareRow({ name, version, ecosystem, reason }: Software): string[] {
	return [version === null ? name : `${name} ${version}`, ecosystem, reason];
}

/** Of a store of which the part used a few files, these; and as what a task saw it. */
function dataRow({
	role,
	path,
	relative,
	kind,
	bytes,
	reason,
	members,
	as: seen,
}: Did['dependencies']['data'][number]): string[] {
	const files = members?.flatMap((member) => member.paths) ?? [];
	const used = files.length > 0 && files.length <= few ? `: ${files.map((file) => file.slice(path.length + 1)).join(', ')}` : '';
	const names = seen.length === 0 ? '' : `, as ${seen.slice(0, few).join(', ')}${seen.length > few ? ', …' : ''}`;
	return [role, relative ?? path, kind === 'file' ? size(bytes) : kind, `${reason}${used}${names}`];
}

/** A heading with rows, the first of them where there are many; nothing where there are none. */
function list(heading: string, rows: readonly (readonly string[])[]): string {
	if (rows.length === 0) return '';
	return `\n${heading}\n${columns(rows.slice(0, shown))}${rest(rows.length)}`;
}

/** The line that counts what is not shown. */
export function rest(count: number): string {
	return count > shown ? `  and ${count - shown} more (--json lists them)\n` : '';
}
