import type { Access, Ecosystem, Name, SoftwareDependency } from '../../model/index.ts';
import type { Judgement } from '../judge.ts';
import { titleOf, type Package } from '../packages.ts';
import { isFile, isWithin, joined, relativeTo } from '../paths.ts';
import { isConda, type CondaPackage } from '../conda/prefix.ts';
import type { Interpreter } from '../python/interpreter.ts';
import { sha256InHash } from '../python/record.ts';
import type { Distribution } from '../python/site.ts';
import type { SystemPackage } from '../system/dpkg.ts';
import { expectedBy, isCompiled, isUnneeded, packConda } from './conda.ts';
import type { Packing } from './packing.ts';
import { requiredOf, type RequiredPackage } from './required.ts';

/** The packages that go into an image whole. */
export interface Whole {
	readonly distributions: readonly Distribution[];
	readonly conda: readonly CondaPackage[];
	/** What nothing used, and something that was used requires. */
	readonly required: readonly RequiredPackage[];
	readonly absent: readonly { readonly key: string; readonly by: Distribution }[];
	readonly interpreters: readonly Interpreter[];
	readonly system: readonly SystemPackage[];
	/** R itself, and packages of other languages: all below their folders. */
	readonly folders: readonly Package[];
}

/** Half a package breaks at the first lazy import: what was used goes in whole, and so does what it requires. */
export function findWhole(j: Judgement, selected: (accesses: readonly Access[]) => boolean): Whole {
	const { world } = j;
	const isUsed = (one: Package) => [...(j.used.get(one) ?? [])].some((path) => selected(world.uses.of(path)));
	const used = [...new Set([...j.used.keys(), ...j.named.map((one) => one.package)])].filter(
		(one) => isUsed(one) || j.named.some((naming) => naming.package === one),
	);
	const distributions = used.filter(isDistribution);
	const conda = used.filter(isConda);
	const { required, absent } = requiredOf(distributions, conda, world);
	return {
		...{ distributions, conda, required, absent },
		interpreters: used.filter(isInterpreter),
		system: systemPackages(j, used),
		// R is last: packages that lie within its folder are packages all the same.
		folders: [...used.filter((one) => byFolder.has(one.ecosystem)), ...used.filter(isR)],
	};
}

/** Distributions are the only packages of that ecosystem, interpreters of theirs. */
function isDistribution(one: Package): one is Distribution {
	return one.ecosystem === 'pypi';
}

function isInterpreter(one: Package): one is Interpreter {
	return one.ecosystem === 'interpreter' && 'library' in one;
}

const byFolder: ReadonlySet<Ecosystem> = new Set(['cran', 'npm', 'julia']);

function isR(one: Package): boolean {
	return one.ecosystem === 'interpreter' && one.name === 'R';
}

const pythons = /^\/usr\/lib\/python3[^/]*\//;
const distPackages = '/usr/lib/python3/dist-packages/';

/** Debian's Python packages are whole by dpkg's lists, with those that they depend on. */
function systemPackages(j: Judgement, used: readonly Package[]): SystemPackage[] {
	if (!used.some((one) => one.ecosystem === 'deb' || isR(one) || one.root === distPackages.slice(0, -1))) return [];
	const dpkg = j.world.machine.dpkg();
	const start = [...j.used]
		.filter(([one]) => used.includes(one))
		.flatMap(([one, files]) => {
			if (one.ecosystem === 'pypi' && isWithin(one.root, distPackages.slice(0, -1)))
				// Every Python package was made by the index of its site.
				return dpkg.ownerOf(`${(one as Distribution).info}/METADATA`) ?? [];
			// What belongs to R lies in /usr/share and /etc too.
			if (isR(one)) return dpkg.ownerOf(joined(one.root, 'library/base/DESCRIPTION')) ?? [];
			return one.ecosystem === 'deb' && [...files].some((path) => pythons.test(j.world.real(path) ?? path))
				? (dpkg.find(one.name) ?? [])
				: [];
		});
	const found = new Set<SystemPackage>(start);
	const waiting = [...found];
	for (let at = 0; at < waiting.length; at++) {
		for (const choice of waiting[at]!.depends) {
			const next = choice.map((name) => dpkg.find(name)).find((one) => one !== null);
			if (next === undefined || next === null || found.has(next)) continue;
			if (!dpkg.filesOf(next).some((path) => path.startsWith(distPackages))) continue;
			found.add(next);
			waiting.push(next);
		}
	}
	return [...found];
}

/** Puts whole packages in. */
export function packWhole(packing: Packing, whole: Whole, j: Judgement): void {
	const { world } = j;
	const ended = world.started + (j.run.seconds ?? 0) * 1000;
	for (const one of whole.interpreters) packInterpreter(packing, one);
	for (const one of whole.folders) {
		const layer = isR(one) ? 'userland' : 'distributions';
		packing.tree(one.root, () => ({ layer, reason: titleOf(one) }));
	}
	for (const one of whole.system) packSystemPackage(packing, one, j);
	const by = new Map<Package, Package>(whole.required.map((need) => [need.package, need.by]));
	const all = new Set<Package>([...whole.distributions, ...whole.conda, ...by.keys()]);
	for (const one of all) {
		const from = by.get(one);
		const reason = from === undefined ? titleOf(one) : `${titleOf(one)}, required by ${titleOf(from)}`;
		if (isDistribution(one)) packDistribution(packing, one, reason, j, ended);
		else if (isConda(one)) packConda(packing, one, reason, j, ended);
	}
	packMetadata(packing, j, all);
	for (const { key, by: from } of whole.absent) {
		packing.leave(key, `required by ${titleOf(from)}, and not installed where the run was`);
	}
}

function packDistribution(packing: Packing, one: Distribution, reason: string, j: Judgement, ended: number): void {
	const { world } = j;
	const because = { layer: 'distributions', reason } as const;
	const listed = world.machine.site(one.site).filesOf(one);
	for (const file of listed) {
		if (isCompiled(file.path)) continue;
		const { end } = packing.walker.walk(file.path);
		if (end !== null && end.kind !== 'directory')
			packing.ask(file.path, { ...because, expected: expectedBy(sha256InHash(file.hash), file.size, end, ended) });
	}
	if (listed.length === 0) packUnlisted(packing, one, because, j);
	for (const source of world.environments.editables) {
		if (source.distribution !== one) continue;
		if (source.kind === 'module') {
			if (isFile(source.path)) packing.ask(source.path, because);
			else packing.tree(source.path, (step) => (isToolFolder(relativeTo(step.path, source.path) ?? '') ? null : because));
			continue;
		}
		for (const top of usedPackages(j, one, source.path)) packing.tree(top, () => because);
	}
}

/** The packages of a source folder of which something was used: the outermost folders with an `__init__.py`. */
function usedPackages(j: Judgement, one: Package, folder: Name): Name[] {
	const found = new Set<Name>();
	for (const path of j.used.get(one) ?? []) {
		const top = relativeTo(path, folder)?.split('/', 1)[0];
		if (top !== undefined && isFile(joined(folder, `${top}/__init__.py`))) found.add(joined(folder, top));
	}
	return [...found];
}

/** Without a RECORD: its metadata, and the top-level folders in which something was used. */
function packUnlisted(
	packing: Packing,
	one: Distribution,
	because: { layer: 'distributions'; reason: string },
	j: Judgement,
): void {
	if (isFile(one.info)) packing.ask(one.info, because);
	else packing.tree(one.info, () => because);
	for (const path of j.used.get(one) ?? []) {
		const top = relativeTo(path, one.site)?.split('/', 1)[0];
		const folder = top === undefined ? null : joined(one.site, top);
		if (folder === null) continue;
		if (isFile(folder)) packing.ask(folder, because);
		else packing.tree(folder, () => because);
	}
}

/** The metadata of distributions of which nothing else is packed goes in where it was read: scans for entry points see the same. */
function packMetadata(packing: Packing, j: Judgement, whole: ReadonlySet<Package>): void {
	const read = new Set<Distribution>();
	for (const [path, verdict] of j.verdicts) {
		const owner = j.packages.get(path);
		if (verdict.rule !== 'python metadata' || owner === undefined || whole.has(owner)) continue;
		const one = isDistribution(owner) ? owner : (j.world.environments.siteOf(path)?.metadataOf(path) ?? null);
		if (one !== null && isWithin(path, one.info) && j.world.uses.has(path, 'read')) read.add(one);
	}
	for (const one of read) {
		const because = { layer: 'distributions', reason: `metadata of ${titleOf(one)}` } as const;
		if (isFile(one.info)) packing.ask(one.info, because);
		else packing.tree(one.info, () => because);
	}
}

function packInterpreter(packing: Packing, one: Interpreter): void {
	const because = { layer: 'userland', reason: titleOf(one) } as const;
	for (const name of [`python${one.short}`, 'python3']) {
		const path = joined(one.root, `bin/${name}`);
		// Debian's python3 may be another version than the one that ran.
		if (one.program !== null && packing.walker.walk(path).end?.path === one.program) packing.ask(path, because);
	}
	// By it the interpreter's exact version is known in the image too.
	const header = joined(one.root, `include/python${one.short}/patchlevel.h`);
	if (isFile(header)) packing.ask(header, because);
	packing.tree(one.library, (step) => (isUnneeded(relativeTo(step.path, one.library) ?? '') ? null : because));
}

function packSystemPackage(packing: Packing, one: SystemPackage, j: Judgement): void {
	const because = { layer: 'userland', reason: titleOf(one) } as const;
	for (const path of j.world.machine.dpkg().filesOf(one)) {
		if (/^\/usr\/share\/(doc|man|lintian|bug|locale|info|bash-completion|zsh)(\/|$)/.test(path) || isCompiled(path)) continue;
		const { end } = packing.walker.walk(path);
		if (end !== null && end.kind !== 'directory' && (path.startsWith(distPackages) || !isUnneeded(path.replace(pythons, ''))))
			packing.ask(path, because);
	}
}

function isToolFolder(path: Name): boolean {
	return /(^|\/)\.(git|hg|svn)(\/|$)/.test(path);
}

/** Software that nothing used and something used requires: packed, and listed by `pack` alone. */
export function requiredSoftware(whole: Whole, packing: Packing, j: Judgement): SoftwareDependency[] {
	return whole.required
		.map(({ package: one, by }): SoftwareDependency => {
			const listed = isConda(one) ? j.world.conda.filesOf(one) : j.world.machine.site(one.site).filesOf(one);
			const files = listed.map((file) => file.path).filter((path) => packing.has(path));
			return {
				...{ name: one.name, version: one.version, ecosystem: one.ecosystem },
				direct: false,
				why: ['required'],
				cells: [],
				workers: [],
				tasks: [],
				manager: false,
				outside: [],
				files: files.length,
				dataFiles: 0,
				bytes: files.reduce((sum, path) => sum + (packing.walker.look(path)?.size ?? 0), 0),
				origin: one.origin === null ? null : { ...one.origin },
				reason: `required by ${titleOf(by)}`,
			};
		})
		.toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}
