import type { Doubt, Facts, Seq } from '../../model/index.ts';
import { withoutAgent, withoutProcesses } from '../agent.ts';
import type { CallEvent } from '../log/events.ts';
import { factsOf, handedOf, lifetimesOf, tasksOf, type Lifetime } from './facts.ts';
import { endLookup, takeBegan, takeEnd, takeExec, takeLookup, takeNetwork, takeSuperseded, takeWorld } from './programs.ts';
import { createState, doubtProgram, type FollowerOptions } from './state.ts';
import { takeAgain, takeOpen, takePair, takePath } from './uses.ts';
import { findWorkers, type Workers } from './workers.ts';

/** Follows the events of one log: processes, folders and marks in, facts by scope out. */
export interface Follower {
	take(events: readonly CallEvent[]): void;
	/** A call says what an earlier event said (see `LogTaker`). */
	again(said: number, seq: Seq, pid: number): boolean;
	/** Such calls come next (see `LogTaker`). */
	expect(said: Int32Array): void;
	/** What is known by now. Workers are told by what their processes did until now: final once the log has ended. */
	facts(): Facts;
	/** From when to when each process lived, by the log's clock. */
	lifetimes(): readonly Lifetime[];
}

/** Follows one log from its first event on. Pure but for what `files` answers and `onFirstUse` does. */
export function createFollower(options: FollowerOptions): Follower {
	const state = createState(options);
	const { tree, marking, doubts, accesses } = state;
	const { changes, execs, network } = state;
	const lists = { changes, execs, network };

	const take = (event: CallEvent): void => {
		if (event.type === 'doubt') return doubts.add(event.code, event.message, event.seq, event.message);
		if (event.type === 'superseded') {
			const by = tree.find(event.by);
			if (by !== null) return takeSuperseded(state, by, event);
		}
		const thread = tree.threadOf(event);
		if (thread === null) return undefined;
		if (thread.lookup !== null) endLookup(thread, event);
		switch (event.type) {
			case 'open':
				return takeOpen(state, thread, event);
			case 'path':
				return takePath(state, thread, event);
			case 'pair':
				return takePair(state, thread, event);
			case 'exec':
				return takeExec(state, thread, event);
			case 'birth':
				if (event.kind.untraced && event.failure === null) {
					const what = 'made a process that asked not to be traced: what that did is not known';
					doubtProgram(state, 'CELLAR_UNTRACED', thread, event.seq, what);
				}
				return tree.born(event, thread).forEach(take);
			case 'network':
				return takeNetwork(state, thread, event);
			case 'lookup':
				return takeLookup(thread, event);
			case 'world':
				return takeWorld(state, thread, event);
			case 'began':
				return takeBegan(state, thread, event);
			case 'ended':
				return takeEnd(state, thread, event);
			case 'superseded':
			case 'signal':
				return undefined;
		}
	};

	const workersNow = (): Workers => {
		const kernel = options.findWorkers === false ? null : (marking.runner?.process ?? null);
		return findWorkers(tree.all, marking.workers, kernel);
	};
	const doubtsNow = (): readonly Doubt[] => {
		const waiting = tree.waiting();
		if (waiting === 0) return doubts.all();
		const message = `${waiting} calls of processes whose birth had not returned when the log ended are not told`;
		return [...doubts.all(), { code: 'CELLAR_BIRTH_UNKNOWN', message, seq: null }];
	};

	return {
		take(events) {
			for (const event of events) take(event);
		},
		again(said, seq, pid) {
			const thread = tree.find(pid);
			return thread !== null && takeAgain(state, thread, said, seq);
		},
		expect: (said) => accesses.calls.expect(said),
		facts() {
			const workers = workersNow();
			const facts = {
				...factsOf({ ...lists, threads: tree.all, rows: accesses.rows(), scopes: accesses.scopes() }, workers, options),
				tasks: tasksOf(marking.tasks.all, workers, options.log),
				handed: handedOf(marking.tasks, workers, options.log),
				names: [],
				doubts: doubtsNow(),
			};
			const own = tree.all.flatMap(({ process, ordinal }) =>
				process.cellars && process.leader.ordinal === ordinal ? [ordinal] : [],
			);
			const told = withoutProcesses(facts, new Set(own));
			return options.agent === undefined ? told : withoutAgent(told, options.agent, options.nonce);
		},
		lifetimes: () => lifetimesOf(tree.all),
	};
}
