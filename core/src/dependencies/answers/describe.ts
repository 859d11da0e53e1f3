import {
	dataRoles,
	setAsideKinds,
	type Use,
	type DataDependency,
	type Dependencies,
	type FileFact,
	type Name,
	type PathVerdict,
	type SetAsideKind,
} from '../../model/index.ts';
import { listingHash, namesBefore } from '../data/listings.ts';
import type { Judgement } from '../judge.ts';
import { byName, isWithin, parentOf, relativeTo, seenBy, statOf } from '../paths.ts';
import { isOpened, wholeRun, type Selector } from '../scopes.ts';
import { versionsThatDiffer } from './differences.ts';
import { networkOf } from './network.ts';
import { describeSoftware } from './software.ts';
import { foldStores, storesIn } from './stores.ts';

const roles: ReadonlySet<string> = new Set(dataRoles);
const kinds: ReadonlySet<string> = new Set(setAsideKinds);

/**
 * The document of `cellar deps --json`, for any part of a run. What is listed is what the part used; each item still names all
 * scopes that used it.
 *
 * @param files as the run keeps them, hashes included
 */
export function describe(j: Judgement, files: ReadonlyMap<Name, FileFact>, selector: Selector): Dependencies {
	return seenBy(j.world.machine.view, () => describeAll(j, files, selector));
}

function describeAll(j: Judgement, files: ReadonlyMap<Name, FileFact>, selector: Selector): Dependencies {
	const { world, run } = j;
	const isWhole = selector.parts.some(({ part }) => part === 'run');
	const selected = (accesses: readonly Use[]) =>
		isWhole ? accesses.length > 0 : accesses.some((access) => world.scopes.selects(selector, access));
	const data: DataDependency[] = [];
	const setAside: Dependencies['setAside'] = [];
	const unknown: Dependencies['unknown'] = [];
	const missing: NonNullable<Dependencies['missing']> = [];
	for (const verdict of j.verdicts.values()) {
		const accesses = world.uses.of(verdict.path);
		if (!selected(accesses)) continue;
		const { path, reason } = verdict;
		if (roles.has(verdict.verdict)) {
			const item = dataItem(verdict, j, files.get(path) ?? null);
			if (item !== null) data.push(item);
		} else if (isSetAside(verdict.verdict)) {
			if (accesses.some(isOpened)) setAside.push({ path, as: verdict.verdict, reason });
		} else if (verdict.verdict === 'unknown') unknown.push({ path, reason });
		else if (verdict.verdict === 'missing' && mayBeMeant(path, j)) missing.push({ path, ...world.scopesOf.all(path) });
	}
	const software = describeSoftware(j, selector, files);
	const differences =
		run.workers.length === 0 ? [] : versionsThatDiffer(isWhole ? software : describeSoftware(j, wholeRun, files));
	return {
		format: 1,
		run: run.run,
		for: selector.text,
		notebook: run.notebook,
		software,
		differences,
		data: foldStores(data, storesIn(j), world.folder).toSorted(
			(a, b) => byPath(a, b) || byName(a.kind, b.kind) || byName(a.role, b.role),
		),
		network: networkOf(j, selector),
		missing: run.circumstances.checks ? missing.toSorted(byPath) : null,
		setAside: setAside.toSorted(byPath),
		unknown: unknown.toSorted(byPath),
	};
}

function dataItem(verdict: PathVerdict, j: Judgement, file: FileFact | null): DataDependency | null {
	const { path, reason } = verdict;
	const { world } = j;
	const role = roleIn(verdict.verdict);
	if (role === null) return null;
	const relative = relativeTo(path, world.folder);
	const { cells, workers, tasks, manager, outside } = world.scopesOf.openers(path);
	// Written out: with hundreds of thousands of them, objects that are put together from others are slow and large.
	if (world.kind(path) === 'directory') {
		const sha256 = listingHash(namesBefore(path, world));
		return {
			...{ path, relative, role, cells, workers, tasks, manager, outside, reason, members: null, as: [...world.seenAs(path)] },
			...{ kind: 'listing', bytes: null, sha256, sha256Before: null },
		};
	}
	return {
		path,
		relative,
		role,
		cells,
		workers,
		tasks,
		manager,
		outside,
		reason,
		members: null,
		as: [...world.seenAs(path)],
		kind: 'file',
		bytes: sizeOf(path, file),
		sha256: (role === 'input' ? file?.sha256Before : file?.sha256After) ?? null,
		sha256Before: (role === 'updated' ? file?.sha256Before : null) ?? null,
	};
}

/** A link's own size says nothing. */
function sizeOf(path: Name, file: FileFact | null): number | null {
	if (file === null || file.kind === 'gone') return null;
	return file.kind === 'link' ? (statOf(path)?.size ?? null) : file.size;
}

function roleIn(verdict: PathVerdict['verdict']): DataDependency['role'] | null {
	return dataRoles.find((role) => role === verdict) ?? null;
}

function isSetAside(verdict: PathVerdict['verdict']): verdict is SetAsideKind {
	return kinds.has(verdict);
}

/** Programs look for thousands of files that are not there; what a person may have meant lies near the notebook, in HOME or in /etc. */
function mayBeMeant(path: Name, { world, run }: Judgement): boolean {
	if (!isWithin(path, world.folder) && !isWithin(path, world.home) && !isWithin(path, '/etc')) return false;
	// Where a shell looks for a program before it finds it.
	if ((run.circumstances.environment['PATH'] ?? '').split(':').includes(parentOf(path))) return false;
	if (/\/__pycache__\/|\/python\d+\.zip$|\.pyc$|\/\.(git|ipython|cache|pyenv)(\/|$)/.test(path)) return false;
	const { interpreters, virtual, sites } = world.environments;
	const software = [
		...interpreters.map((one) => one.root),
		...virtual.map((one) => one.prefix),
		...sites.map((one) => one.folder),
	];
	return !software.some((folder) => isWithin(path, folder));
}

function byPath(a: { path: Name }, b: { path: Name }): number {
	return byName(a.path, b.path);
}
