import type { Name } from '../../../model/index.ts';
import { titleOf, type Package } from '../../packages.ts';
import { baseOf, parentOf } from '../../paths.ts';
import type { World } from '../../world.ts';
import type { OwnerFinder } from '../owner.ts';
import { systemOwner } from './climb.ts';
import { cargoOf, goOf, type Built } from './built.ts';

/** Programs that say themselves what they were compiled from, and that no package manager brought: those of Go and Rust. */
export const compiled: OwnerFinder = {
	name: 'compiled program',
	byList: false,
	open(world) {
		const known = new Map<Name, Package | null>();
		const ownerOf = (real: Name): Package | null => {
			let found = known.get(real);
			if (found === undefined) known.set(real, (found = read(real)));
			return found;
		};
		return ({ path, names, folder, made, secret }) => {
			if (folder || made || secret || !isExecuted(path, world)) return null;
			if (systemOwner(world, names) !== null) return null;
			const owner = ownerOf(names.at(-1) ?? path);
			return owner === null
				? null
				: {
						is: 'software',
						package: owner,
						rule: 'build info',
						reason: `it says itself that it is ${titleOf(owner)}`,
						counts: true,
					};
		};
	},
};

function isExecuted(path: Name, world: World): boolean {
	return world.story(path).executed && world.kind(path) === 'file';
}

function read(real: Name): Package | null {
	const root = parentOf(real);
	const of = (ecosystem: 'go' | 'cargo', { name, version, origin }: Built): Package => ({
		ecosystem,
		name: name ?? baseOf(real),
		version,
		root,
		origin,
	});
	const go = goOf(real);
	if (go !== null) return of('go', go);
	const cargo = cargoOf(real);
	return cargo === null ? null : of('cargo', cargo);
}
