import { titleOf } from '../packages.ts';
import type { OwnerFinder } from './owner.ts';

/** System packages of Debian and its children, by dpkg's lists. */
export const dpkg: OwnerFinder = {
	name: 'dpkg',
	byList: true,
	open(world) {
		return ({ path, names, folder }) => {
			// Folders are shared by many packages, so none owns one.
			if (folder) return null;
			const packages = world.machine.dpkg();
			for (const name of names) {
				const owner = packages.ownerOf(name);
				if (owner === null) continue;
				const through = name === path ? '' : ` (it is ${name})`;
				if (packages.isConfiguration(name)) {
					return {
						is: 'configuration',
						package: owner,
						rule: 'dpkg configuration file',
						reason: `settings of the system package ${titleOf(owner)}${packages.isAsPackaged(name) === false ? ', changed on this machine' : ''}${through}`,
					};
				}
				return {
					is: 'software',
					package: owner,
					rule: 'dpkg',
					reason: `listed by the system package ${titleOf(owner)}${through}`,
					counts: true,
				};
			}
			return null;
		};
	},
};
