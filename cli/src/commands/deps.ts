import { buildCommand } from '@stricli/core';
import { cellarHome, dependenciesOf, type Dependencies, type SoftwareDependency } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { oneOf } from '../flags.ts';
import { columns, pageWidth, ranges, size, wrapped } from '../reporters/text.ts';
import { jsonDocument } from '../reporters/index.ts';

interface Flags extends CommonFlags {
	readonly for: string;
	readonly format: 'table' | 'json';
}

export const deps = buildCommand<Flags, [string?]>({
	docs: {
		brief: 'What a run needed: software with versions, data, each with its cells',
		customUsage: [
			{ input: '', brief: 'of the newest run' },
			{ input: '--for cell:3 --json', brief: 'of its third code cell, as JSON' },
			{ input: '--for workers', brief: 'of its workers together' },
		],
	},
	parameters: {
		positional: { kind: 'tuple', parameters: [{ brief: 'the run', placeholder: 'RUN', parse: String, optional: true }] },
		flags: {
			...commonFlags,
			for: {
				kind: 'parsed',
				parse: String,
				brief: 'Of which part: run, manager, workers, worker:ID, cell:N, program; several by commas',
				default: 'run',
				placeholder: 'SELECTOR',
			},
			format: {
				kind: 'parsed',
				parse: oneOf('table', 'json'),
				brief: 'How it is written',
				default: 'table',
				placeholder: 'table|json',
			},
		},
	},
	func(flags, run = 'latest') {
		return answer(flags, async () => {
			const document = await dependenciesOf({ home: cellarHome(process.env), run, selector: flags.for });
			return { document, text: flags.format === 'json' ? jsonDocument(document) : depsText(document), exit: 0 };
		});
	},
});

/** The page for a person: what their own code names first, what that brought in folded beneath, data, and what was set aside as counts. */
export function depsText(document: Dependencies): string {
	// What came before the first cell; where there are none, that is all and need not be said.
	const early = document.notebook === null ? '' : 'start-up';
	const direct = document.software.filter((item) => item.direct);
	const others = document.software.filter((item) => !item.direct);
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
					items.map((item) => `${item.name} ${item.version ?? '(version unknown)'}`),
					`  ${ecosystem.padEnd(12)}`,
					pageWidth(),
				).replace(/\n {2}\S+ +/g, `\n${' '.repeat(14)}`),
			);
		}
	}
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

function softwareRow(item: SoftwareDependency, early: string): string[] {
	const how = item.why.includes('touched') ? '' : 'named, loaded earlier';
	return [item.name, item.version ?? '?', item.ecosystem, scopes(item, early), how];
}

function dataRow(item: Dependencies['data'][number], early: string): string[] {
	const kind = item.kind === 'file' ? size(item.bytes) : item.kind;
	return [item.role, item.relative ?? item.path, kind, scopes(item, early)];
}

function scopes(item: { cells: readonly number[]; workers: readonly string[]; manager: boolean }, early: string): string {
	const cells =
		item.cells.length === 0 ? (item.manager ? early : '') : `cell${item.cells.length > 1 ? 's' : ''} ${ranges(item.cells)}`;
	const workers =
		item.workers.length === 0 ? '' : item.workers.length === 1 ? item.workers[0]! : `${item.workers.length} workers`;
	return [cells, workers].filter((text) => text !== '').join(', ');
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
	const groups = new Map<K, T[]>();
	for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
	return groups;
}

function isLoopback(address: string): boolean {
	return address.startsWith('127.') || address === '::1' || address.startsWith('/') || address.startsWith('@');
}
