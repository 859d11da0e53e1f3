import { buildCommand } from '@stricli/core';
import {
	CellarError,
	cellarHome,
	dependenciesOf,
	differenceWarning,
	exportDependencies,
	exportFormats,
	normalName,
	type Dependencies,
	type ExportFormat,
	type SoftwareDependency,
} from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { oneOf } from '../flags.ts';
import { columns, pageWidth, ranges, size, wrapped } from '../reporters/text.ts';
import { jsonDocument } from '../reporters/index.ts';

interface Flags extends CommonFlags {
	readonly for: string;
	readonly format: 'table' | 'json' | ExportFormat;
	readonly resolve: boolean;
}

export const deps = buildCommand<Flags, [string?]>({
	docs: {
		brief: 'What a run needed: software with versions, data, each with its cells',
		customUsage: [
			{ input: '', brief: 'of the newest run' },
			{ input: '--for cell:3 --json', brief: 'of its third code cell, as JSON' },
			{ input: '--for workers', brief: 'of its workers together' },
			{ input: '--for function:convolve', brief: 'of all tasks that ran this function' },
			{ input: '--format pylock --resolve', brief: 'as pylock.toml, with the hashes that the package index knows' },
		],
	},
	parameters: {
		positional: { kind: 'tuple', parameters: [{ brief: 'the run', placeholder: 'RUN', parse: String, optional: true }] },
		flags: {
			...commonFlags,
			for: {
				kind: 'parsed',
				parse: String,
				brief: 'Of which part: run, manager, workers, worker:ID, cell:N, task:N, function:NAME, program; several by commas',
				default: 'run',
				placeholder: 'SELECTOR',
			},
			format: {
				kind: 'parsed',
				parse: oneOf('table', 'json', ...exportFormats),
				brief: `How it is written: table, json, or the file of another tool: ${exportFormats.join(', ')}`,
				default: 'table',
				placeholder: 'FORMAT',
			},
			resolve: {
				kind: 'boolean',
				brief: 'Ask the package index that pip is set to for the archives and their hashes',
				default: false,
				withNegated: false,
			},
		},
	},
	func(flags, run = 'latest') {
		return answer(flags, async (listen, control) => {
			const { format, resolve } = flags;
			const asked = { home: cellarHome(process.env), run, selector: flags.for };
			if (format === 'table' || format === 'json') {
				if (resolve) throw resolvesNothing(format);
				const document = await dependenciesOf(asked);
				for (const one of document.differences) listen({ type: 'warning', warning: differenceWarning(one) });
				return { document, text: format === 'json' ? jsonDocument(document) : depsText(document), exit: 0 };
			}
			const options = { ...asked, format, resolve, env: process.env, signal: control.stop, listen };
			const { document, exported } = await exportDependencies(options);
			const { run: id, for: part, notebook } = document;
			return { document: { format: 1, run: id, for: part, notebook, as: format, ...exported }, text: exported.text, exit: 0 };
		});
	},
});

function resolvesNothing(format: string): CellarError {
	return new CellarError('CELLAR_USAGE', `--resolve asks for hashes of archives, and a ${format} has none of them`, {
		hint: 'name a format that has: --format pylock --resolve',
	});
}

/** The page for a person: what their own code names first, what that brought in folded beneath, data, and what was set aside as counts. */
export function depsText(document: Dependencies): string {
	// What came before the first cell; where there are none, that is all and need not be said.
	const early = document.notebook === null ? '' : 'start-up';
	const software = onceEach(document.software);
	const direct = software.filter((item) => item.direct);
	const others = software.filter((item) => !item.direct);
	const parts = [`${document.notebook?.split('/').at(-1) ?? 'program'}  run ${document.run}  for ${document.for}\n`];
	parts.push(
		'\nSoftware that the code names\n',
		direct.length === 0 ? '  none\n' : columns(direct.map((item) => softwareRow(item, early))),
	);
	if (others.length > 0) {
		parts.push(
			`\nBrought in by these, by ${document.notebook === null ? 'the program' : 'the kernel'} or by the system (${others.length})\n`,
		);
		for (const [ecosystem, items] of groupBy(others, (item) => item.ecosystem)) {
			parts.push(
				wrapped(
					items.map(
						(item) => `${item.name} ${item.version ?? '(version unknown)'}${item.dataFiles === 0 ? '' : ` (${carried(item)})`}`,
					),
					`  ${ecosystem.padEnd(12)}`,
					pageWidth(),
				).replace(/\n {2}\S+ +/g, `\n${' '.repeat(14)}`),
			);
		}
	}
	parts.push(sidesText({ ...document, software }), outliersText({ ...document, software }));
	parts.push('\nData\n', document.data.length === 0 ? '  none\n' : columns(document.data.map((item) => dataRow(item, early))));
	const away = document.network.filter((item) => !isLoopback(item.address));
	if (away.length > 0)
		parts.push(
			'\nNetwork\n',
			columns(away.map((item) => [item.name ?? item.address, `port ${item.port ?? '?'}`, scopes(item, early)])),
		);
	if (document.missing !== null && document.missing.length > 0) {
		parts.push(
			`\nLooked for and not there (${document.missing.length})\n`,
			columns(document.missing.map((item) => [item.path, scopes(item, early)])),
		);
	}
	const kinds = [...groupBy(document.setAside, (item) => item.as)].map(([kind, items]) => `${items.length} ${kind}`);
	if (kinds.length > 0) parts.push(`\nSet aside: ${kinds.join(', ')}  (--json lists them; cellar explain PATH tells why)\n`);
	parts.push(
		document.unknown.length === 0 ? '' : `\nUnknown\n${columns(document.unknown.map((item) => [item.path, item.reason]))}`,
	);
	return parts.join('');
}

/** A version that stands in several environments, the manager's and a worker's, is one line; where it comes from is told by --json. */
function onceEach(software: readonly SoftwareDependency[]): SoftwareDependency[] {
	const union = <T>(lists: readonly (readonly T[])[]) => [...new Set(lists.flat())];
	const keyOf = ({ ecosystem, name, version }: SoftwareDependency, at: number) =>
		// Two files of one's own may have one name, and are two.
		version === null ? at : `${ecosystem} ${normalName(name)} ${version}`;
	const keys = new Map(software.map((item, at) => [item, keyOf(item, at)]));
	return [...groupBy(software, (item) => keys.get(item)!).values()].map((items) => ({
		...items[0]!,
		direct: items.some(({ direct }) => direct),
		manager: items.some(({ manager }) => manager),
		why: union(items.map(({ why }) => why)),
		cells: union(items.map(({ cells }) => cells)),
		workers: union(items.map(({ workers }) => workers)),
		tasks: union(items.map(({ tasks }) => tasks)),
		outside: union(items.map(({ outside }) => outside)),
		dataFiles: Math.max(...items.map(({ dataFiles }) => dataFiles)),
	}));
}

/** Manager and workers side by side: what both needed, and what only one of them; what the system brings is left to the list above. */
function sidesText({ software, differences, for: part }: Dependencies): string {
	const shown = software.filter(({ ecosystem }) => !['deb', 'rpm', 'apk'].includes(ecosystem));
	if (part !== 'run' || !software.some(({ workers }) => workers.length > 0)) return '';
	const sides = [
		['both', shown.filter(({ manager, workers }) => manager && workers.length > 0)],
		['manager only', shown.filter(({ manager, workers }) => manager && workers.length === 0)],
		['workers only', shown.filter(({ manager, workers }) => !manager && workers.length > 0)],
	] as const;
	const differing = new Set(differences.map(({ name, ecosystem }) => `${ecosystem} ${normalName(name)}`));
	const titled = ({ name, version, ecosystem, workers }: SoftwareDependency, side: string) => {
		const differs = differing.has(`${ecosystem} ${normalName(name)}`);
		const who = workers.length > 3 ? `${workers.length} workers` : workers.join(', ');
		return `${name} ${version ?? '?'}${differs ? ' (!)' : ''}${side === 'workers only' ? ` (${who})` : ''}`;
	};
	const indentedOnce = (text: string, side: string) => text.replaceAll(`\n  ${side}`, `\n  ${' '.repeat(side.length)}`);
	const rows = sides.map(([side, items]) => {
		const names = items.length === 0 ? ['nothing'] : items.map((item) => titled(item, side));
		return indentedOnce(wrapped(names, `  ${side.padEnd(14)}`, pageWidth()), side);
	});
	return `\nManager and workers${differing.size === 0 ? '' : '  ((!): versions differ)'}\n${rows.join('')}`;
}

/** What one of several workers used and no other did: the first thing to look at where one behaves otherwise. */
function outliersText({ software, for: part }: Dependencies): string {
	const known = new Set(software.flatMap(({ workers }) => workers));
	const alone = software.filter(({ workers }) => workers.length === 1);
	if (part !== 'workers' || known.size < fewWorkers || alone.length === 0) return '';
	const rows = [...groupBy(alone, ({ workers }) => workers[0]!)].map(([worker, items]) => {
		const names = items.map(({ name, version }) => `${name} ${version ?? '?'}`);
		return wrapped(names, `  ${worker.padEnd(8)}`, pageWidth()).replaceAll(`\n  ${worker}`, `\n  ${' '.repeat(worker.length)}`);
	});
	return `\nOf one worker alone, of ${known.size}\n${rows.join('')}`;
}

/** Of two workers each is an outlier. */
const fewWorkers = 3;

function softwareRow(item: SoftwareDependency, early: string): string[] {
	const how = item.why.includes('touched') ? carried(item) : 'named, loaded earlier';
	return [item.name, item.version ?? '?', item.ecosystem, scopes(item, early), how];
}

/** Data that a package carries stays the package's, and is shown with it. */
function carried({ dataFiles }: SoftwareDependency): string {
	return dataFiles === 0 ? '' : `${dataFiles} data ${dataFiles === 1 ? 'file' : 'files'} of its own`;
}

function dataRow(item: Dependencies['data'][number], early: string): string[] {
	const files = item.members?.reduce((sum, one) => sum + one.paths.length, 0) ?? 0;
	const kind =
		item.kind === 'file'
			? size(item.bytes)
			: item.kind === 'store'
				? `${files} ${files === 1 ? 'file' : 'files'}, ${size(item.bytes)}`
				: item.kind;
	const as =
		item.as.length === 0
			? ''
			: `, as ${item.as.length > 2 ? `${item.as[0]} and ${item.as.length - 1} more` : item.as.join(', ')}`;
	return [item.role, item.relative ?? item.path, kind, `${scopes(item, early)}${as}`];
}

/** Cells are listed; of workers and tasks, of which there may be thousands, one is named and several are counted. */
function scopes(item: Scoped, early: string): string {
	const without = early === '' || item.outside.length === 0 ? early : item.outside.join(', ');
	const cells =
		item.cells.length === 0 ? (item.manager ? without : '') : `cell${item.cells.length > 1 ? 's' : ''} ${ranges(item.cells)}`;
	const workers =
		item.workers.length === 0 ? '' : item.workers.length === 1 ? item.workers[0]! : `${item.workers.length} workers`;
	return [cells, workers, tasksOf(item.tasks)].filter((text) => text !== '').join(', ');
}

/** Attempts of one task are one. */
function tasksOf(attempts: readonly string[]): string {
	const tasks = new Set(attempts.map((attempt) => attempt.split('.', 1)[0]));
	const [first] = tasks;
	return first === undefined ? '' : tasks.size === 1 ? `task ${first}` : `${tasks.size} tasks`;
}

interface Scoped {
	readonly cells: readonly number[];
	readonly workers: readonly string[];
	readonly tasks: readonly string[];
	readonly manager: boolean;
	readonly outside: readonly string[];
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
	const groups = new Map<K, T[]>();
	for (const item of items) {
		const group = groups.get(key(item));
		// There may be hundreds of thousands in one.
		if (group === undefined) groups.set(key(item), [item]);
		else group.push(item);
	}
	return groups;
}

function isLoopback(address: string): boolean {
	return address.startsWith('127.') || address === '::1' || address.startsWith('/') || address.startsWith('@');
}
