import type { FileFact, How, Name, ProcessFact } from '../../../model/index.ts';
import type { Judgement } from '../../judge.ts';
import type { Selector } from '../../scopes.ts';
import { describe } from '../describe.ts';
import { createPrograms } from '../programs.ts';
import type { Did, Explanation, OwnProcess } from './explanation.ts';

const reading: ReadonlySet<How> = new Set(['read', 'readwrite', 'list', 'execute']);
const writing: ReadonlySet<How> = new Set(['write', 'readwrite', 'append', 'truncate', 'create']);

/**
 * What a part of a run used, made and started.
 *
 * @param started whether it started a process
 */
export function didBy(
	j: Judgement,
	files: ReadonlyMap<Name, FileFact>,
	selector: Selector,
	started: (process: ProcessFact) => boolean,
): Did {
	const dependencies = describe(j, files, selector);
	const did = (hows: ReadonlySet<How>) =>
		dependencies.data
			.filter(({ path, members }) =>
				(members?.flatMap((member) => member.paths) ?? [path]).some((one) =>
					j.world.uses.of(one).some((use) => hows.has(use.how) && j.world.scopes.selects(selector, use)),
				),
			)
			.map(({ path }) => path);
	return { reads: did(reading), writes: did(writing), dependencies, processes: processesOf(j, started) };
}

function processesOf({ world }: Judgement, started: (process: ProcessFact) => boolean): OwnProcess[] {
	const programs = createPrograms(world.facts);
	return world.facts.processes
		.filter((one) => one.kind === 'process' && one.parent !== null && started(one))
		.toSorted((a, b) => a.born - b.born)
		.map((one) => {
			const exec = programs.at(one.ordinal, one.ended ?? Infinity);
			const { pid, worker, exitCode, signal } = one;
			return { pid, program: exec?.path ?? null, argv: exec?.argv ?? [], worker, exitCode, signal };
		});
}

/** How much that was, as the end of a sentence. */
export function countsOf({ dependencies, reads, writes, processes }: Did): string {
	const named = dependencies.software.filter((item) => item.why.includes('named')).length;
	return [
		`it used or named ${count(dependencies.software.length, 'package', 'packages')}, ${named} by name`,
		`read ${count(reads.length, 'file', 'files')}, wrote ${writes.length}`,
		`started ${count(processes.length, 'process', 'processes')}`,
	].join(', ');
}

export function count(number: number, one: string, more: string): string {
	return `${number} ${number === 1 ? one : more}`;
}

/** The document about a part of a run, which has no owner and which nothing led to. */
export function explanationOfPart(
	what: string,
	kind: 'cell' | 'task' | 'worker',
	reason: string,
	part: Pick<Explanation, 'cell' | 'task' | 'worker'>,
): Explanation {
	return {
		...{ what, verdict: kind, rule: kind, reason, owner: null, chain: [], uses: [], store: null, requiredBy: [] },
		...part,
	};
}
