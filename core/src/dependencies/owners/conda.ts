import type { Name } from '../../model/index.ts';
import type { CondaFile, CondaPackage, CondaPrefix } from '../conda/prefix.ts';
import { isWithin, parentOf, sha256Of } from '../paths.ts';
import { titleOf, type Package } from '../packages.ts';
import type { World } from '../world.ts';
import type { Answer, Asker, OwnerFinder } from './owner.ts';

/** Packages of conda, by the lists in a prefix's `conda-meta`. */
export const conda: OwnerFinder = {
	name: 'conda',
	byList: true,
	open(world) {
		const ask: Asker = ({ names, folder, secret }) => {
			for (const name of names) {
				const prefix = world.conda.prefixOf(folder ? name : parentOf(name));
				if (prefix === null) continue;
				for (const fault of prefix.faults) world.warn(fault);
				const listed = folder ? [] : prefix.listing(name);
				if (listed.length > 0) {
					// What a package brought is public, whatever its name; what was put in its place is not.
					return secret && !listed.some((one) => one.sha256 === null || sha256Of(name) === one.sha256)
						? null
						: fileAnswer(world, name, listed);
				}
				const answer = folder ? folderAnswer(name, prefix) : ownAnswer(name, prefix);
				if (answer !== null) return answer;
			}
			return null;
		};
		return Object.assign(ask, { mayOwnIn: (folder: Name) => world.conda.prefixOf(folder) !== null });
	},
};

function fileAnswer(world: World, path: Name, listed: readonly CondaFile[]): Answer {
	const { owner, doubt } = listed.length === 1 ? { owner: listed[0]!.package, doubt: '' } : settle(world, path, listed);
	const metadata = /\.(dist|egg)-info(\/|$)|\.pth$/.test(path);
	const replaced = world.conda.inPlaceOf(owner);
	if (replaced !== null) warnOfStale(world, owner, replaced);
	const since = replaced === null ? '' : `, in whose place ${titleOf(replaced)} was installed since`;
	return {
		is: 'software',
		package: owner,
		rule: metadata ? 'python metadata' : 'conda',
		reason: `listed by conda’s ${titleOf(owner)}${metadata ? ': its metadata, read by whoever looks for packages' : ''}${since}${doubt}`,
		counts: !metadata,
	};
}

/** Says that another installer put a distribution where conda's list still has its own. */
export function warnOfStale(world: World, one: CondaPackage, instead: Package): void {
	world.warn({
		code: 'CELLAR_CONDA_STALE',
		message: `${titleOf(instead)} was installed over conda’s ${titleOf(one)}: conda’s list of it is stale`,
	});
}

/** Of several that list a file, the one whose hash it has was linked last. */
function settle(world: World, path: Name, listed: readonly CondaFile[]): { owner: CondaPackage; doubt: string } {
	const sha256 = sha256Of(path);
	const owner = (listed.find((one) => one.sha256 !== null && one.sha256 === sha256) ?? listed[0]!).package;
	const others = listed.filter((one) => one.package !== owner).map((one) => titleOf(one.package));
	world.warn({
		code: 'CELLAR_TWO_OWNERS',
		message: `${[titleOf(owner), ...others].toSorted().join(' and ')} were installed over each other's files: removing one breaks the other`,
	});
	return { owner, doubt: `; so is it by ${others.join(' and ')}` };
}

function folderAnswer(folder: Name, prefix: CondaPrefix): Answer | null {
	if (folder === prefix.folder) return shared('the folder of a conda environment');
	if (isWithin(folder, `${prefix.folder}/conda-meta`)) return shared('where conda keeps its lists');
	const owner = prefix.ownerOfFolder(folder);
	if (owner === null) return null;
	if (owner === 'several') return shared('several conda packages have files in this folder');
	return {
		is: 'software',
		package: owner,
		rule: 'folder of software',
		reason: `a folder of conda’s ${titleOf(owner)}`,
		counts: false,
	};
}

/** What conda and its kin keep in a prefix for themselves. */
function ownAnswer(path: Name, prefix: CondaPrefix): Answer | null {
	const own = path.slice(prefix.folder.length + 1);
	return own === 'CACHEDIR.TAG' || own.startsWith('conda-meta/') ? shared('what conda keeps for itself') : null;
}

function shared(reason: string): Answer {
	return { is: 'software', package: null, rule: 'folder of software', reason, counts: false };
}
