import type { Name } from '../../model/index.ts';
import { baseOf, isFolder, joined, readText, relativeTo } from '../paths.ts';
import type { Distribution, Site } from '../python/site.ts';
import { titleOf } from '../packages.ts';
import type { Answer, Asker, OwnerFinder } from './owner.ts';

/** What lies in a folder of installed packages and in no list: reported, never guessed. */
export const unrecorded: OwnerFinder = {
	name: 'unrecorded',
	byList: false,
	open(world) {
		const tops = new Map<Site, ReadonlyMap<string, Distribution>>();
		const topsOf = (site: Site) => {
			let known = tops.get(site);
			if (known === undefined) tops.set(site, (known = topLevels(site)));
			return known;
		};
		const ask: Asker = ({ path, names, folder, made, secret }) => {
			if (made || secret) return null;
			for (const name of names) {
				const site = world.environments.siteOf(name);
				const own = site === null ? null : relativeTo(name, site.folder);
				if (site === null || own === null || isCompiledCache(name)) continue;
				const top = own.split('/', 1)[0] ?? own;
				const distribution = topsOf(site).get(top) ?? null;
				if (distribution !== null) return byTopLevel(distribution, folder);
				if (folder)
					return {
						is: 'software',
						package: null,
						rule: 'folder of software',
						reason: 'below the folder of installed packages',
						counts: false,
					};
				for (const fault of site.faults()) world.warn(fault.warning);
				return startUp(own) ?? unknown(site, own, path, name);
			}
			return null;
		};
		return Object.assign(ask, { mayOwnIn: (folder: Name) => world.environments.siteOf(folder) !== null });
	},
};

function startUp(own: Name): Answer | null {
	if (/^[^/]+\.pth$|^(site|user)customize\.py$/.test(own)) {
		return {
			is: 'configuration',
			package: null,
			rule: 'start-up file of Python',
			reason: 'no distribution lists it, and Python reads it whenever it starts',
		};
	}
	if (/^(_virtualenv\.py|README\.txt)$/.test(own)) {
		return { is: 'software', package: null, rule: 'folder of software', reason: 'made with the environment', counts: false };
	}
	return null;
}

function unknown(site: Site, own: Name, path: Name, name: Name): Answer {
	const folder = joined(site.folder, own.split('/', 1)[0] ?? own);
	const owner = own.includes('/') ? site.ownerOfFolder(folder) : null;
	const whose =
		owner === null
			? `in ${site.folder}, where no RECORD lists it or its folder`
			: `${folder} belongs to ${owner === 'several' ? 'several distributions' : titleOf(owner)}, and no RECORD lists it`;
	return { is: 'unknown', package: null, rule: 'unrecorded', reason: name === path ? whose : `${whose} (it is ${name})` };
}

/** Distributions without a RECORD say in `top_level.txt` which folders and modules are theirs. */
function topLevels(site: Site): ReadonlyMap<string, Distribution> {
	const found = new Map<string, Distribution>();
	for (const distribution of site.distributions) {
		if (!isFolder(distribution.info) || site.isListed(distribution)) continue;
		for (const top of (readText(joined(distribution.info, 'top_level.txt')) ?? '').split(/\s+/)) {
			if (top === '') continue;
			found.set(top, distribution);
			found.set(`${top}.py`, distribution);
		}
	}
	return found;
}

function byTopLevel(distribution: Distribution, folder: boolean): Answer {
	return {
		is: 'software',
		package: distribution,
		rule: 'python top_level.txt',
		reason: `${titleOf(distribution)} has no RECORD, and its top_level.txt names this module`,
		counts: !folder,
	};
}

/** numba keeps what it compiled beside the bytecode. */
function isCompiledCache(path: Name): boolean {
	return /\.(nbi|nbc)$/.test(baseOf(path));
}
