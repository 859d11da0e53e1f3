import type { Explanation } from '@cellar/core';
import { partText, rest, shown } from './parts.ts';
import { columns } from './text.ts';

/** `cellar explain` for a person. */
export function explanationText(document: Explanation): string {
	return partText(document) ?? thingText(document);
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
		[use.worker ?? [], use.task === null ? [] : `task ${use.task}`, process].flat().join(', '),
		use.how,
		use.count === 1 ? `once, ${when}` : `${use.count} times, first ${when}`,
	];
}
