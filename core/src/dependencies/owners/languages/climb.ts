import type { Name } from '../../../model/index.ts';
import { parentOf } from '../../paths.ts';
import type { Package } from '../../packages.ts';
import type { World } from '../../world.ts';

/** The nearest folder, itself or one above, of which something is told; each folder is asked once. */
export function createClimb<T>(tell: (folder: Name) => T | null): (from: Name) => T | null {
	const known = new Map<Name, T | null>();
	const climb = (at: Name): T | null => {
		const before = known.get(at);
		if (before !== undefined) return before;
		const found = tell(at) ?? (at === '/' ? null : climb(parentOf(at)));
		known.set(at, found);
		return found;
	};
	return climb;
}

/** The system package that brought a file, by any of its names, as what is listed beside the language's own package. */
export function systemOwner(world: World, names: readonly Name[]): Package | null {
	const packages = world.machine.dpkg();
	for (const name of names) {
		const owner = packages.ownerOf(name);
		if (owner !== null) return owner;
	}
	return null;
}

/** What the system package that brought a package says of where it came from. */
export function originOf(system: Package | null): Readonly<Record<string, unknown>> | null {
	return system === null ? null : { [system.ecosystem]: system.name, version: system.version };
}
