import type { Access, Dependencies, NetworkFact } from '../../model/index.ts';
import type { Judgement } from '../judge.ts';
import { byName } from '../paths.ts';
import type { Selector } from '../scopes.ts';

/** What listens at a port from here on was given it by the system for a while. */
const firstEphemeral = 32768;

/** The connections that are dependencies: to other machines, and to programs of this one that the run did not start. */
export function networkOf({ world }: Judgement, selector: Selector): Dependencies['network'] {
	const { network } = world.facts;
	const bound = new Set(network.filter((one) => one.how === 'bind').map((one) => one.port));
	const groups = new Map<string, { fact: NetworkFact; accesses: Access[] }>();
	for (const fact of network) {
		if (fact.how !== 'connect' || !isDependency(fact, bound)) continue;
		const key = `${fact.address}\n${fact.port}\n${fact.name ?? ''}`;
		const known = groups.get(key);
		if (known === undefined) groups.set(key, { fact, accesses: [asAccess(fact)] });
		else known.accesses.push(asAccess(fact));
	}
	return [...groups.values()]
		.filter(({ accesses }) => accesses.some((access) => world.scopes.selects(selector, access)))
		.map(({ fact, accesses }) => ({ address: fact.address, port: fact.port, name: fact.name, ...world.scopes.of(accesses) }))
		.toSorted((a, b) => byName(a.address, b.address) || (a.port ?? 0) - (b.port ?? 0) || byName(a.name ?? '', b.name ?? ''));
}

function isDependency({ address, port }: NetworkFact, bound: ReadonlySet<number | null>): boolean {
	// Unix sockets are paths; port 0 only asks which way a packet would go; 53 is how a name is looked up.
	if (!/^[\d.]+$|:/.test(address) || port === null || port === 0 || port === 53) return false;
	const here = /^127\.|^::1$|^0\.0\.0\.0$|^::$|^::ffff:127\./.test(address);
	return !here || (port < firstEphemeral && !bound.has(port));
}

function asAccess(fact: NetworkFact): Access {
	return {
		...{ log: fact.log, process: fact.process, thread: fact.process, cell: fact.cell, worker: fact.worker, task: fact.task },
		// A connection is not handed on as what was read is.
		...{ during: null, ambiguous: false, path: '', how: 'write', first: fact.seq, last: fact.seq, count: 1 },
	};
}
