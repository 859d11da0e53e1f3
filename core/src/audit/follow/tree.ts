import type { Seq } from '../../model/index.ts';
import type { BirthCall, BirthKind, CallBegan, CallEvent, LogDoubt } from '../log/events.ts';
import type { Thread } from './threads.ts';

interface Birth {
	readonly seq: Seq;
	readonly maker: Thread;
	readonly kind: BirthKind;
	readonly at: number | null;
	child: Thread | null;
}

/** An event on a thread. */
export type ThreadEvent = Exclude<CallEvent, LogDoubt>;

/** Which thread a line of the log belongs to. */
export interface Tree {
	/** The living thread of that pid. */
	find(pid: number): Thread | null;
	/** Null where its birth is not known yet: the event is kept, and comes back from `born`. */
	threadOf(event: ThreadEvent): Thread | null;
	began(event: CallBegan, maker: Thread): void;
	/** Binds a child to its maker, where that has not been done; gives the events that waited for it. */
	born(event: BirthCall, maker: Thread): readonly ThreadEvent[];
	ended(thread: Thread): void;
	/** The leader under whose pid a process goes on after another of its threads executed a program. */
	revived(leader: Thread): void;
	/** Every thread there was, Cellar's own among them, in order of appearance. */
	readonly all: readonly Thread[];
	/** How many events still wait for a birth. */
	waiting(): number;
}

/** What the tree asks of the follower: the thread that a birth makes. */
export type MakeThread = (o: {
	readonly pid: number;
	readonly maker: Thread | null;
	readonly kind: BirthKind | null;
	readonly seq: Seq;
	readonly at: number | null;
}) => Thread;

/**
 * strace logs most children before their maker's call returns. As long as one birth alone is under way, the stranger is its
 * child; where there are several, what the stranger does waits until one of them has returned with its pid.
 */
export function createTree(make: MakeThread): Tree {
	const alive = new Map<number, Thread>();
	const all: Thread[] = [];
	/** By the pid of the maker: a thread makes one child at a time. */
	const underWay = new Map<number, Birth>();
	/** Births whose maker was killed before the call returned. */
	const lost: Birth[] = [];
	const held = new Map<number, ThreadEvent[]>();

	const add = (thread: Thread): Thread => {
		alive.set(thread.pid, thread);
		all.push(thread);
		return thread;
	};
	const bind = (birth: Birth, pid: number): Thread => {
		const { maker, kind, seq, at } = birth;
		birth.child = add(make({ pid, maker, kind, seq, at }));
		return birth.child;
	};
	const open = (): Birth[] => [...underWay.values(), ...lost].filter((birth) => birth.child === null);

	/** The events of the first life of a pid that waited, up to its end. */
	const release = (pid: number): readonly ThreadEvent[] => {
		const events = held.get(pid);
		if (events === undefined) return [];
		const end = events.findIndex((event) => event.type === 'ended');
		const life = end < 0 ? events : events.slice(0, end + 1);
		if (life.length === events.length) held.delete(pid);
		else held.set(pid, events.slice(life.length));
		return life;
	};

	return {
		all,
		find: (pid) => alive.get(pid) ?? null,
		threadOf(event) {
			const known = alive.get(event.pid);
			if (known !== undefined) return known;
			if (all.length === 0) return add(make({ pid: event.pid, maker: null, kind: null, seq: event.seq, at: null }));
			const waiting = held.get(event.pid);
			if (waiting !== undefined) {
				waiting.push(event);
				return null;
			}
			const births = open();
			if (births.length === 1 && held.size === 0) return bind(births[0]!, event.pid);
			if (births.length > 0 || held.size > 0) {
				held.set(event.pid, [event]);
				return null;
			}
			return add(make({ pid: event.pid, maker: null, kind: null, seq: event.seq, at: null }));
		},
		began(event, maker) {
			const { seq, at, what } = event;
			if (what.call === 'birth') underWay.set(maker.pid, { seq, maker, kind: what.kind, at, child: null });
		},
		born(event, maker) {
			const begun = underWay.get(maker.pid);
			const birth = begun?.seq === event.seq ? begun : { seq: event.seq, maker, kind: event.kind, at: event.at, child: null };
			underWay.delete(maker.pid);
			if (event.child === null) {
				if (event.failure === '?' && birth.child === null) lost.push(birth);
			} else if (birth.child?.pid === event.child) birth.child.pidInside = event.childInside;
			else {
				const child = bind(birth, event.child);
				child.pidInside = event.childInside;
				return release(event.child);
			}
			const [left, ...others] = open();
			const [stranger] = held.keys();
			if (left === undefined || others.length > 0 || stranger === undefined || held.size > 1) return [];
			bind(left, stranger);
			return release(stranger);
		},
		ended(thread) {
			if (alive.get(thread.pid) === thread) alive.delete(thread.pid);
		},
		revived(leader) {
			alive.set(leader.pid, leader);
		},
		waiting: () => [...held.values()].reduce((sum, events) => sum + events.length, 0),
	};
}
