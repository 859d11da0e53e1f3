import { buildCommand, buildRouteMap } from '@stricli/core';
import { cellarHome, pruneRuns, removeRunNamed, runsKept, type RunListing } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { columns, seconds, size } from '../reporters/text.ts';

const list = buildCommand<CommonFlags>({
	docs: { brief: 'The runs kept, newest first', customUsage: [{ input: '', brief: 'all of them' }] },
	parameters: { flags: commonFlags },
	func(flags) {
		return answer(flags, async (listen) => {
			const { runs, warnings } = await runsKept(cellarHome(process.env));
			for (const warning of warnings) listen({ type: 'warning', warning });
			return { document: { format: 1, runs }, text: runsText(runs), exit: 0 };
		});
	},
});

const remove = buildCommand<CommonFlags, [string]>({
	docs: { brief: 'Remove a run, and what only it kept', customUsage: [{ input: '20261122-101500-k3fa', brief: 'one run' }] },
	parameters: {
		positional: { kind: 'tuple', parameters: [{ brief: 'the run', placeholder: 'RUN', parse: String }] },
		flags: commonFlags,
	},
	func(flags, run) {
		return answer(flags, async () => {
			const removed = await removeRunNamed(cellarHome(process.env), run);
			return { document: { format: 1, ...removed }, text: `removed ${removed.run}, ${size(removed.bytes)} freed\n`, exit: 0 };
		});
	},
});

const prune = buildCommand<CommonFlags>({
	docs: {
		brief: 'End what died runs left running, and free what no run refers to',
		customUsage: [{ input: '', brief: 'says what it ended and freed' }],
	},
	parameters: { flags: commonFlags },
	func(flags) {
		return answer(flags, async (listen) => {
			const done = await pruneRuns(cellarHome(process.env), listen);
			const ended = done.ended.map((item) => `ended ${item.command} (process ${item.pid}) of run ${item.run}\n`).join('');
			return { document: { format: 1, ...done }, text: `${ended}${size(done.bytes)} freed\n`, exit: 0 };
		});
	},
});

export const runs = buildRouteMap({
	routes: { list, remove, prune },
	defaultCommand: 'list',
	docs: { brief: 'The runs kept; remove one, or prune what is left behind' },
});

function runsText(listed: readonly RunListing[]): string {
	if (listed.length === 0) return 'no runs yet; cellar audit NOTEBOOK.ipynb makes one\n';
	return columns(
		listed.map((run) => [
			run.run,
			run.status ?? 'unreadable',
			run.program === null ? `${run.cells.finished} of ${run.cells.total} cells` : 'program',
			run.seconds === null ? '' : seconds(run.seconds),
			size(run.bytes),
			run.repeatOf === null ? (run.notebook?.split('/').at(-1) ?? run.program ?? '') : `repeat of ${run.repeatOf}`,
		]),
		'',
	);
}
