import type { Doubt, FactsWithoutAccesses } from '../../model/index.ts';

/** When a manager of TaskVine's was made, as its Python marks it: the n-th at a port, and milliseconds since 1970. */
const born = /^taskvine\.(\d+)\.born\.(\d+)\.(\d+)$/;
/** What a worker's own log calls a task: by the manager's port, and when the worker reached that. */
const reached = /^taskvine\.(\d+),(\d+)\.(.+)$/;

interface Birth {
	readonly turn: number;
	readonly at: number;
}

/**
 * Calls the tasks that workers' own logs tell of as their managers do. Of those that had one port one after the other, a worker's is
 * the last that was made before the worker reached the port: there are no two at a time.
 *
 * @param all the manager's facts first
 */
export function withManagers(all: readonly FactsWithoutAccesses[]): readonly FactsWithoutAccesses[] {
	const births = new Map<string, Birth[]>();
	for (const { id } of all[0]?.handed ?? []) {
		const [, port, turn, at] = born.exec(id) ?? [];
		if (port !== undefined) births.set(port, [...(births.get(port) ?? []), { turn: Number(turn), at: Number(at) }]);
	}
	const clocks = new Set((all[0]?.processes ?? []).filter(({ log }) => log === 'manager').map(({ bootId }) => bootId));
	return all.map((facts, index) => {
		if (index === 0 || !facts.tasks.some(({ engineId }) => reached.test(engineId))) return facts;
		const doubts = new Map<string, Doubt>();
		const tasks = facts.tasks.map((task) => {
			const [, port = '', at, rest] = reached.exec(task.engineId) ?? [];
			if (rest === undefined) return task;
			const there = births.get(port) ?? [];
			const turn = there.findLast((one) => one.at <= Number(at))?.turn ?? 1;
			const [other] = facts.processes.filter(({ bootId }) => !clocks.has(bootId));
			if (there.length > 1 && other !== undefined) doubts.set(port, byItsClock(port, there.length, other.host));
			// A mini-task has a number of its worker's own, and the worker one of its log's.
			const own = rest.replace(/^mini(?=\.)/, `mini.${facts.processes[0]?.log ?? index}`);
			return { ...task, engineId: `taskvine.${turn > 1 ? `${port}-${turn}` : port}.${own}` };
		});
		return { ...facts, tasks, doubts: [...facts.doubts, ...doubts.values()] };
	});
}

function byItsClock(port: string, count: number, host: string): Doubt {
	const message = `which of ${count} managers at port ${port} a worker on ${host} worked for is told by that host’s clock: were that wrong, so would its tasks be`;
	return { code: 'CELLAR_CLOCK_TRUSTED', message, seq: null };
}
