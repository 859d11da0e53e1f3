import type { Name } from '../../model/index.ts';
import { baseOf, sha256Of } from '../paths.ts';
import { sha256InHash } from '../python/record.ts';
import type { Distribution, Listed } from '../python/site.ts';
import { titleOf, type Package } from '../packages.ts';
import type { World } from '../world.ts';
import { warnOfStale } from './conda.ts';
import type { Answer, Asker, OwnerFinder } from './owner.ts';

/** Python distributions: a file belongs to the one whose RECORD lists it. */
export const python: OwnerFinder = {
	name: 'python',
	byList: true,
	open(world) {
		const { sites } = world.environments;
		const ask: Asker = ({ names, folder, secret }) => {
			for (const name of names) {
				for (const site of sites) {
					const answer = folder
						? folderAnswer(world, site.ownerOfFolder(name), site.metadataOf(name), name === site.folder)
						: null;
					if (answer !== null) return answer;
					const listed = folder ? [] : site.listing(name).filter((one) => !isForConda(world, one));
					if (listed.length > 0) {
						const found = fileAnswer(world, name, listed);
						return secret && !isAsListed(name, listed) ? null : found;
					}
					const metadata = folder ? null : site.metadataOf(name);
					const conda = metadata === null ? null : world.conda.ofDistribution(metadata);
					if (metadata !== null) return inMetadata(conda ?? metadata);
				}
			}
			return null;
		};
		return Object.assign(ask, { mayOwnIn: (folder: Name) => sites.some((site) => site.mayOwnIn(folder)) });
	},
};

function fileAnswer(world: World, path: Name, listed: readonly Listed[]): Answer {
	const owners = new Set(listed.map((one) => one.distribution));
	const { owner, doubt } = owners.size === 1 ? { owner: listed[0]!.distribution, doubt: '' } : settle(world, path, listed);
	const metadata = isMetadata(path, owner);
	const replaced = world.conda.replacedBy(owner);
	if (replaced !== null) warnOfStale(world, replaced, owner);
	return {
		is: 'software',
		package: world.conda.ofDistribution(owner) ?? owner,
		rule: metadata ? 'python metadata' : 'python RECORD',
		reason: `listed by the RECORD of ${titleOf(owner)}${metadata ? ': its metadata, read by whoever looks for packages' : ''}${doubt}`,
		counts: !metadata,
	};
}

/** Of several that list a file, the one whose hash it has was installed last. */
function settle(world: World, path: Name, listed: readonly Listed[]): { owner: Distribution; doubt: string } {
	const fits = listed.filter((one) => hasHash(path, one.hash));
	const owner = (fits[0] ?? listed[0]!).distribution;
	const others = listed.filter((one) => one.distribution !== owner).map((one) => titleOf(one.distribution));
	const all = [titleOf(owner), ...others].toSorted().join(' and ');
	world.warn({
		code: 'CELLAR_TWO_OWNERS',
		message: `${all} were installed over each other's files: removing one breaks the other`,
	});
	const settled = fits.length === 1 ? 'the file is as the first of these has it' : 'which of them wrote the file cannot be told';
	return { owner, doubt: `; so does that of ${others.join(' and ')}: ${settled}` };
}

function hasHash(path: Name, hash: string | null): boolean {
	const wanted = sha256InHash(hash);
	return wanted !== null && sha256Of(path) === wanted;
}

/** What a package brought is public, whatever its name; what was put in its place is not. */
function isAsListed(path: Name, listed: readonly Listed[]): boolean {
	return listed.some((one) => sha256InHash(one.hash) === null || hasHash(path, one.hash));
}

/** Metadata, and what every Python reads of every distribution when it starts. */
function isMetadata(path: Name, owner: Distribution): boolean {
	if (path.startsWith(`${owner.info}/`) || path === owner.info) return true;
	return path.endsWith('.pth') || /^__editable___.*_finder\.py$/.test(baseOf(path));
}

/** What conda's own list has of its package, conda answers for: with the hash of what is on disk. */
function isForConda(world: World, { distribution, path }: Listed): boolean {
	const conda = world.conda.ofDistribution(distribution);
	return (
		conda !== null &&
		world.conda
			.prefixOf(path)
			?.listing(path)
			.some((one) => one.package === conda) === true
	);
}

function inMetadata(distribution: Package): Answer {
	return {
		is: 'software',
		package: distribution,
		rule: 'python metadata',
		reason: `in the metadata folder of ${titleOf(distribution)}`,
		counts: false,
	};
}

function folderAnswer(
	world: World,
	owner: Distribution | 'several' | null,
	metadata: Distribution | null,
	isSite: boolean,
): Answer | null {
	if (isSite) return shared('the folder of installed packages');
	if (owner === 'several') return shared('several distributions have files in this folder');
	const distribution = owner ?? metadata;
	const one = distribution === null ? null : (world.conda.ofDistribution(distribution) ?? distribution);
	return one === null
		? null
		: { is: 'software', package: one, rule: 'folder of software', reason: `a folder of ${titleOf(one)}`, counts: false };
}

function shared(reason: string): Answer {
	return { is: 'software', package: null, rule: 'folder of software', reason, counts: false };
}
