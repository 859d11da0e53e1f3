import type { Facts, LogId, WorkerId } from './facts.ts';
import type { Name } from './names.ts';

/** The workspace of a TaskVine worker: what lies there are copies and links that the engine makes, and removes. */
export interface Workspace {
	readonly folder: Name;
	readonly worker: WorkerId;
	readonly log: LogId;
}

/** Where the workers of TaskVine work: each makes these folders in its workspace when it starts. */
export function workspacesOf(facts: Pick<Facts, 'workers' | 'accesses'>): readonly Workspace[] {
	const workers = new Map(
		facts.workers.flatMap(({ worker, engine }) => (engine === 'taskvine' ? [[worker, new Set<Name>()]] : [])),
	);
	if (workers.size === 0) return [];
	const found: Workspace[] = [];
	for (const { worker, task, path, log } of facts.accesses) {
		if (worker === null || task !== null) continue;
		const parts = workers.get(worker);
		const at = path.lastIndexOf('/');
		const part = path.slice(at + 1);
		if (parts === undefined || (part !== 'transfer' && part !== 'trash')) continue;
		parts.add(path);
		const folder = path.slice(0, at);
		if (!parts.has(`${folder}/transfer`) || !parts.has(`${folder}/trash`)) continue;
		if (!found.some((one) => one.worker === worker && one.folder === folder)) found.push({ folder, worker, log });
	}
	return found;
}
