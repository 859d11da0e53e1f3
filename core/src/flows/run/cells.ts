import type { Execution, Session } from '../../kernel/index.ts';
import type { CellOutput, CellResult, CellStatus, JournalEntry, Listener, RunCell, RunStatus } from '../../model/index.ts';
import type { CodeCell } from '../../notebook/index.ts';
import { createAside } from './aside.ts';

/** What the loop over the cells needs; an audit and a repeat differ only in `mark` and in who started the kernel. */
export interface CellLoop {
	readonly session: Session;
	readonly cells: readonly CodeCell[];
	readonly allowErrors: boolean;
	/** For each cell; null for no limit. */
	readonly timeoutSeconds: number | null;
	/** For some cells, by their number, in its place. */
	readonly limits?: ReadonlyMap<number, number>;
	/** Marks a cell's begin and end in the log; does nothing in an untraced repeat. */
	readonly mark: (verb: 'begin' | 'end', execution: number) => Promise<void>;
	readonly append: (entry: JournalEntry) => Promise<void>;
	/** The user asked to stop: the running cell is interrupted and no other is started. */
	readonly stop: AbortSignal;
	readonly listen: Listener;
}

const statusOf: Readonly<Record<Execution['status'], CellStatus>> = {
	ok: 'finished',
	error: 'raised',
	'timed out': 'timed out',
	interrupted: 'interrupted',
	died: 'died',
};

/**
 * Runs the code cells one after another, from the top, and journals each as it ends.
 *
 * A cell that raises ends the loop, unless `allowErrors` or its tag `raises-exception` says otherwise; so does one that times
 * out, is interrupted or loses its kernel. Blank cells and those tagged `skip-execution` are passed over, as nbclient does.
 */
export async function runCells(loop: CellLoop): Promise<{ results: readonly CellResult[]; status: RunStatus }> {
	const results: CellResult[] = [];
	const interrupt = () => void loop.session.interrupt();
	loop.stop.addEventListener('abort', interrupt, { once: true });
	try {
		for (const cell of executed(loop.cells)) {
			if (loop.stop.aborted) return { results, status: 'interrupted' };
			const result = await runCell(loop, cell, results);
			results.push(result);
			loop.listen({ type: 'cell finished', result, of: loop.cells.length });
			const ending = endingOf(result, cell, loop);
			if (ending !== null) return { results, status: ending };
		}
		return { results, status: 'finished' };
	} finally {
		loop.stop.removeEventListener('abort', interrupt);
	}
}

async function runCell(loop: CellLoop, cell: CodeCell, earlier: CellResult[]): Promise<CellResult> {
	const execution = earlier.length + 1;
	const began = new Date();
	const clock = performance.now();
	loop.listen({ type: 'cell began', number: cell.number, of: loop.cells.length, firstLine: firstLine(cell.source) });
	await loop.append({ event: 'cell begin', execution, number: cell.number, at: began.toISOString() });
	await loop.mark('begin', execution);
	const updates = createAside();
	const running = loop.session.execute(cell.source, {
		timeoutSeconds: loop.limits?.get(cell.number) ?? loop.timeoutSeconds,
		onEarlier: (changed, outputs) => updates.add(replaceOutputs(loop, earlier, changed, outputs)),
	});
	// Whoever asked to stop while the cell was being marked found nothing to interrupt.
	if (loop.stop.aborted) await loop.session.interrupt();
	const done = await running;
	// A kernel that is gone leaves nothing to part from what follows, and may have taken its tracer with it.
	const marked = done.status === 'died' ? Promise.resolve() : loop.mark('end', execution);
	// Whatever comes of the mark, what the cell has shown is kept.
	await Promise.allSettled([marked]);
	await updates.settled();
	const result: CellResult = {
		execution,
		number: cell.number,
		// Whether the kernel raised at the interrupt or had to be ended: it was the user's wish.
		status: loop.stop.aborted && done.status !== 'ok' ? 'interrupted' : statusOf[done.status],
		started: began.toISOString(),
		seconds: (performance.now() - clock) / 1000,
		executionCount: done.executionCount,
		outputs: done.outputs,
	};
	await loop.append({ event: 'cell end', result });
	await marked;
	return result;
}

/** `update_display_data` may change what an earlier cell showed: the journal's last word on an execution counts. */
async function replaceOutputs(
	loop: CellLoop,
	earlier: CellResult[],
	execution: number,
	outputs: readonly CellOutput[],
): Promise<void> {
	const before = earlier[execution - 1];
	if (before === undefined) return;
	const result = { ...before, outputs };
	earlier[execution - 1] = result;
	await loop.append({ event: 'cell end', result });
}

function endingOf(result: CellResult, cell: CodeCell, loop: CellLoop): RunStatus | null {
	if (result.status === 'finished') return null;
	if (result.status === 'interrupted') return 'interrupted';
	if (result.status === 'raised') return loop.allowErrors || cell.tags.includes('raises-exception') ? null : 'raised';
	return result.status === 'died' ? 'died' : 'raised';
}

/** Whether a cell is executed at all, as nbclient has it. */
export function isRun(cell: CodeCell): boolean {
	return cell.source.trim() !== '' && !cell.tags.includes('skip-execution');
}

/** The cells that are executed: the n-th of them is the n-th execution. */
export function executed(cells: readonly CodeCell[]): readonly CodeCell[] {
	return cells.filter(isRun);
}

/** The run's account of every code cell: those that were executed, and those that were not. */
export function accountOfCells(cells: readonly CodeCell[], results: readonly CellResult[]): RunCell[] {
	return cells.map((cell) => {
		const own = results.filter((result) => result.number === cell.number);
		const last = own.at(-1);
		return {
			number: cell.number,
			id: cell.id,
			status: last?.status ?? 'not run',
			seconds: last === undefined ? null : Math.round(last.seconds * 1000) / 1000,
			executionCount: last?.executionCount ?? null,
			executions: own.map((result) => result.execution),
			began: last?.started ?? null,
		};
	});
}

function firstLine(source: string): string {
	return source.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? source.split('\n')[0] ?? '';
}
