import type { Name } from '../../model/index.ts';
import { titleOf } from '../packages.ts';
import type { FileLists } from '../system/lists.ts';
import type { World } from '../world.ts';
import type { Asker, OwnerFinder } from './owner.ts';

/** System packages of Debian and its children, by dpkg's lists. */
export const dpkg = bySystem('dpkg', (world) => world.machine.dpkg());

/** System packages of Fedora, openSUSE and their children, by rpm's database. */
export const rpm = bySystem('rpm', (world) => {
	const lists = world.machine.rpm();
	if (lists.unread !== null) {
		world.warn({
			code: 'CELLAR_RPM_UNREAD',
			message: `the rpm database ${lists.unread} cannot be read: which package brought a file of the system is not known`,
		});
	}
	return lists;
});

/** System packages of Alpine, by apk's database. */
export const apk = bySystem('apk', (world) => world.machine.apk());

function bySystem(name: 'dpkg' | 'rpm' | 'apk', listsOf: (world: World) => FileLists): OwnerFinder {
	return {
		name,
		byList: true,
		open(world) {
			const ask: Asker = ({ path, names, folder }) => {
				// Folders are shared by many packages, so none owns one.
				if (folder) return null;
				const packages = listsOf(world);
				for (const each of names) {
					const owner = packages.ownerOf(each);
					if (owner === null) continue;
					const through = each === path ? '' : ` (it is ${each})`;
					if (packages.isConfiguration(each)) {
						return {
							is: 'configuration',
							package: owner,
							rule: `${name} configuration file`,
							reason: `settings of the system package ${titleOf(owner)}${packages.isAsPackaged(each) === false ? ', changed on this machine' : ''}${through}`,
						};
					}
					return {
						is: 'software',
						package: owner,
						rule: name,
						reason: `listed by the system package ${titleOf(owner)}${through}`,
						counts: true,
					};
				}
				return null;
			};
			return Object.assign(ask, { mayOwnIn: (folder: Name) => listsOf(world).mayOwnIn(folder) });
		},
	};
}
