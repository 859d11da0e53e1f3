import { posix } from 'node:path';
import {
	CellarError,
	dataRoles,
	encodeName,
	normalName,
	type Access,
	type CellExecution,
	type Name,
	type PathVerdict,
} from '../../../model/index.ts';
import type { Judgement } from '../../judge.ts';
import { titleOf, type Package } from '../../packages.ts';
import { baseOf, byName, cleaned, joined, seenBy } from '../../paths.ts';
import { chainTo, requiredBy } from './chain.ts';
import { noPart, type Explanation, type Use } from './explanation.ts';
import { createPrograms, shortName } from '../programs.ts';
import { roleOfStore, type Store } from '../../data/stores.ts';
import { cellList } from '../software.ts';
import { storesIn, titleOfStore } from '../stores.ts';

/**
 * Why a file is what it is said to be, who used it, and what brought it in; of a package the same, for all its files together.
 *
 * @param what a path, absolute or seen from the notebook's folder or the working folder, or a package's or a module's name
 * @throws CellarError CELLAR_NO_SUCH_FILE with names that are like it, where the run used neither
 */
export function explain(j: Judgement, what: string): Explanation {
	return seenBy(j.world.machine.view, () => explainOne(j, what));
}

function explainOne(j: Judgement, what: string): Explanation {
	const path = pathMeant(j, what);
	const verdict = path === null ? undefined : j.verdicts.get(path);
	const stores = storesIn(j);
	const folder = path ?? folderMeant(j, what, stores);
	const found = folder === null ? null : explainStore(j, what, folder, stores);
	if (found !== null) return found;
	if (verdict !== undefined) return explainPath(j, what, verdict, stores.get(verdict.path));
	const one = packageMeant(j, what);
	if (one !== null) return explainPackage(j, what, one);
	const like = namesLike(j, what);
	throw new CellarError('CELLAR_NO_SUCH_FILE', `run ${j.run.run} used neither a file nor a package named ${what}`, {
		hint: like.length === 0 ? 'cellar deps lists what it used' : `did you mean ${like.join(' or ')}?`,
	});
}

function explainPath(j: Judgement, what: string, verdict: PathVerdict, store: Store | undefined): Explanation {
	const accesses = j.world.uses.of(verdict.path);
	const within = store === undefined ? null : membersOf(store.path, storesIn(j)).length;
	return {
		what,
		verdict: verdict.verdict,
		rule: verdict.rule,
		reason:
			store === undefined || within === null
				? verdict.reason
				: `${verdict.reason}; part of ${store.path}, ${titleOfStore(store, within)}`,
		store: store === undefined || within === null ? null : { path: store.path, files: within },
		owner: verdict.owner,
		chain: chainTo(j, verdict.path),
		uses: usesOf(j, accesses),
		requiredBy: [],
		...noPart,
	};
}

function membersOf(store: Name, stores: ReadonlyMap<Name, Store>): Name[] {
	return [...stores].filter(([, one]) => one.path === store).map(([path]) => path);
}

/** Of a folder that is a store: its files by count, and the uses of all of them. Null for all other paths. */
function explainStore(j: Judgement, what: string, folder: Name, stores: ReadonlyMap<Name, Store>): Explanation | null {
	if (stores.has(folder)) return null;
	const members = membersOf(folder, stores);
	const store = members[0] === undefined ? undefined : stores.get(members[0]);
	if (store === undefined) return null;
	const used = members.flatMap((path) => {
		const role = dataRoles.find((one) => one === j.verdicts.get(path)?.verdict);
		return role === undefined ? [] : [{ path, role }];
	});
	const counts = dataRoles
		.map((role) => ({ role, count: used.filter((one) => one.role === role).length }))
		.filter((one) => one.count > 0)
		.map((one) => `${one.count} ${one.role}`);
	return {
		what,
		verdict: roleOfStore(used),
		rule: 'store',
		reason: `${titleOfStore(store, members.length)}: ${counts.join(', ')}`,
		owner: null,
		chain: chainTo(j, members[0]!),
		uses: usesOf(
			j,
			members.flatMap((path) => j.world.uses.of(path)),
		),
		store: { path: folder, files: members.length },
		requiredBy: [],
		...noPart,
	};
}

/** A store's folder may never have been asked for itself. */
function folderMeant(j: Judgement, what: string, stores: ReadonlyMap<Name, Store>): Name | null {
	const path = cleaned(joined(j.world.folder, encodeName(Buffer.from(what))));
	for (const store of stores.values()) if (store.path === path) return path;
	return null;
}

function explainPackage(j: Judgement, what: string, one: Package): Explanation {
	const paths = [...(j.used.get(one) ?? [])].toSorted(byName);
	const named = j.named.filter((each) => each.package === one);
	const texts = [...new Set(named.map((each) => each.text))].slice(0, 3).join(', ');
	const cells = named.flatMap((each) => each.cell ?? []);
	const who = cells.length === 0 ? 'the program' : cellList(cells);
	const whoNames = named.length === 0 ? null : `${who} named it (${texts})`;
	const opened = paths.length === 0 ? null : `${paths.length} of its files ${paths.length === 1 ? 'was' : 'were'} opened`;
	const rules = [...new Set(paths.map((path) => j.verdicts.get(path)?.rule).filter((rule) => rule !== undefined))];
	const first = paths
		.flatMap((path) => j.world.uses.of(path))
		.reduce<Access | null>((best, access) => (best === null || access.first < best.first ? access : best), null);
	const chain = first === null ? [] : chainTo(j, cleaned(first.path)).slice(0, -1);
	return {
		what,
		verdict: 'software',
		rule: rules[0] ?? (cells.length === 0 ? 'named by the program' : 'named by a cell'),
		reason: [titleOf(one), [whoNames, opened].filter((text) => text !== null).join('; ')]
			.filter((text) => text !== '')
			.join(': '),
		owner: { name: one.name, version: one.version, ecosystem: one.ecosystem, root: one.root },
		chain:
			chain.length === 0 && named[0] !== undefined
				? [cells[0] === undefined ? who : `cell ${cells[0]}`, named[0].text, one.name]
				: chain,
		uses: usesOf(
			j,
			paths.flatMap((path) => j.world.uses.of(path)),
		),
		store: null,
		requiredBy: requiredBy(j, one),
		...noPart,
	};
}

/** The name under which the run knows a path that a person typed. */
function pathMeant(j: Judgement, what: string): Name | null {
	const { world, run } = j;
	const typed = [what, encodeName(Buffer.from(what))];
	const folders = [world.folder, cleaned(run.circumstances.cwd), '/'];
	for (const name of typed) {
		const home = name.startsWith('~/') ? joined(world.home, name.slice(2)) : name;
		for (const folder of home.startsWith('/') ? ['/'] : folders) {
			const path = joined(folder, posix.normalize(home));
			if (j.verdicts.has(path)) return path;
			const real = world.real(path);
			if (real !== null && j.verdicts.has(real)) return real;
		}
	}
	return null;
}

/** By a distribution's own name, or by the name of a module of it that a cell imports. */
function packageMeant(j: Judgement, what: string): Package | null {
	const all = [...new Set([...j.used.keys(), ...j.named.map((one) => one.package)])];
	const key = normalName(what);
	const byItsName = all.filter((one) => normalName(one.name) === key).toSorted((a, b) => byName(a.ecosystem, b.ecosystem));
	// A distribution before a system package of the same name.
	const found = byItsName.find((one) => one.ecosystem === 'pypi') ?? byItsName[0];
	if (found !== undefined) return found;
	const naming = j.named.find((one) => one.module === what || one.module?.split('.', 1)[0] === what || one.text === `!${what}`);
	return naming?.package ?? null;
}

function namesLike(j: Judgement, what: string): string[] {
	const base = baseOf(what).toLowerCase();
	if (base === '') return [];
	const packages = [...j.used.keys()].map((one) => one.name).filter((name) => name.toLowerCase().includes(base));
	const paths = [...j.verdicts.keys()].filter((path) => baseOf(path).toLowerCase().includes(base));
	return [...new Set([...packages, ...paths])].toSorted((a, b) => a.length - b.length || byName(a, b)).slice(0, 3);
}

/** Uses by scope, process and way, in the order of the log. */
function usesOf({ world }: Judgement, accesses: readonly Access[]): Use[] {
	const found = new Map<string, Use>();
	const programs = createPrograms(world.facts);
	const number = (execution: CellExecution | null) => (execution === null ? null : world.scopes.cellOf(execution));
	for (const access of accesses) {
		const outside = world.scopes.outside(access);
		const key = [access.log, access.cell, outside, access.worker, access.task, access.process, access.how].join('\n');
		const known = found.get(key);
		found.set(key, {
			...{
				cell: number(access.cell),
				outside,
				worker: access.worker,
				task: access.task,
				process: access.process,
				how: access.how,
			},
			pid: programs.fact(access.process)?.pid ?? null,
			program: null,
			log: access.log,
			first: Math.min(known?.first ?? Infinity, access.first),
			seconds: null,
			count: (known?.count ?? 0) + access.count,
		});
	}
	return [...found.values()]
		.map((use) => ({ ...use, program: shortName(programs.at(use.process, use.first)) }))
		.toSorted((a, b) => a.first - b.first || byName(a.how, b.how));
}
