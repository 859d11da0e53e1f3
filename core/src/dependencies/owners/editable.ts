import { isEditableCode } from '../python/editable.ts';
import { isWithin } from '../paths.ts';
import { titleOf } from '../packages.ts';
import type { OwnerFinder } from './owner.ts';

const words = {
	module: 'a finder maps its name to this place',
	folder: 'its .pth adds this folder',
	project: 'direct_url.json names this folder',
};

/** Distributions that are installed in place, by direct_url.json, a `.pth`, or the MAPPING of a finder. */
export const editable: OwnerFinder = {
	name: 'editable',
	byList: false,
	open(world) {
		// The narrowest place wins: a package's own folder before the project that holds it.
		const sources = world.environments.editables.toSorted((a, b) => b.path.length - a.path.length);
		return ({ names, folder, made, secret }) => {
			if (made || secret || sources.length === 0) return null;
			for (const source of sources) {
				const name = names.find((one) => isWithin(one, source.path));
				if (name === undefined) continue;
				if (folder ? source.kind !== 'module' : !isEditableCode(source, name)) continue;
				return {
					is: 'software',
					package: source.distribution,
					rule: 'editable install',
					reason: `of ${titleOf(source.distribution)}, installed in place: ${words[source.kind]}`,
					counts: !folder,
				};
			}
			return null;
		};
	},
};
