import type { Facts, Name, ProcessOrdinal } from '../model/index.ts';

/** Whether a path is one of the agent's own files: it is looked at by no one but Cellar. */
export function isAgents(path: Name, folder: Name): boolean {
	return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === '/');
}

/**
 * The facts as they would be without the agent: what was read of its own files is left out, and the program has the words that the
 * user's kernelspec gives it.
 *
 * @param folder where its files lie, as it was started
 * @param nonce the run's, which is handed to it
 */
export function withoutAgent(facts: Facts, folder: Name, nonce: string): Facts {
	const isOwn = (path: Name) => isAgents(path, folder);
	return {
		...facts,
		accesses: facts.accesses.filter((access) => !isOwn(access.path)),
		execs: facts.execs.flatMap((exec) => {
			// What starts a worker with the agent becomes the worker at once.
			if (isOwn(exec.path)) return [];
			const at = exec.argv.findIndex(isOwn);
			if (at < 0) return [exec];
			// A word that is no path is not told: the nonce stands as `…`.
			const after = exec.argv[at + 1] === nonce || exec.argv[at + 1] === '…' ? at + 2 : at + 1;
			return [{ ...exec, argv: [...exec.argv.slice(0, at), ...exec.argv.slice(after)] }];
		}),
	};
}

/** The facts without what some processes used themselves; that there were these processes is still told. */
export function withoutProcesses(facts: Facts, processes: ReadonlySet<ProcessOrdinal>): Facts {
	if (processes.size === 0) return facts;
	const isOthers = ({ process }: { readonly process: ProcessOrdinal }) => !processes.has(process);
	return {
		...facts,
		accesses: facts.accesses.filter(isOthers),
		changes: facts.changes.filter(isOthers),
		execs: facts.execs.filter(isOthers),
		network: facts.network.filter(isOthers),
	};
}
