import type { CellExecution, How, Name, Seq } from '../../model/index.ts';
import type { ScopeState } from './scopes.ts';

/** What one thread did to one path in one way, on behalf of one scope. */
export interface Row {
	readonly path: Name;
	readonly how: How;
	readonly first: Seq;
	last: Seq;
	count: number;
	/** The cell that was active at the first, where it is another than the scope's. */
	readonly during: CellExecution | null;
	/** The same path in another way. */
	next: Row | null;
}

/** The accesses of one thread: as many rows as there are different ones. */
export interface Rows {
	add(scope: ScopeState, path: Name, how: How, seq: Seq, active: CellExecution | null): void;
	forget(): void;
	all(): Iterable<readonly [ScopeState, Row]>;
}

export function createRows(): Rows {
	const byScope = new Map<ScopeState, Map<Name, Row>>();
	let lastScope: ScopeState | null = null;
	let rows = new Map<Name, Row>();
	return {
		add(scope, path, how, seq, active) {
			if (scope !== lastScope) {
				lastScope = scope;
				rows = byScope.get(scope) ?? new Map<Name, Row>();
				byScope.set(scope, rows);
			}
			const head = rows.get(path);
			for (let row = head ?? null; row !== null; row = row.next) {
				if (row.how !== how) continue;
				row.count++;
				// A call that began before another may be told after it.
				if (seq > row.last) row.last = seq;
				return;
			}
			const during = active === scope.cell ? null : active;
			const row: Row = { path, how, first: seq, last: seq, count: 1, during, next: null };
			if (head === undefined) rows.set(path, row);
			else {
				row.next = head.next;
				head.next = row;
			}
		},
		forget() {
			byScope.clear();
			lastScope = null;
		},
		*all() {
			for (const [scope, paths] of byScope) {
				for (const head of paths.values()) {
					for (let row: Row | null = head; row !== null; row = row.next) yield [scope, row];
				}
			}
		},
	};
}
