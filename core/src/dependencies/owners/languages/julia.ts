import type { Name } from '../../../model/index.ts';
import { baseOf, isFile, isFolder, joined, nameOfText, readText, realPathOf, relativeTo } from '../../paths.ts';
import { titleOf, type Package } from '../../packages.ts';
import { commitOf } from '../../python/origin.ts';
import type { World } from '../../world.ts';
import type { Answer, OwnerFinder } from '../owner.ts';

/**
 * Julia's packages, by the folders of its depots: `packages/NAME/SLUG`, `dev/NAME`, `artifacts/HASH`; `compiled` is a cache.
 *
 * @see https://docs.julialang.org/en/v1/base/constants/#Base.DEPOT_PATH
 */
export const julia: OwnerFinder = {
	name: 'Julia',
	byList: false,
	open(world) {
		const depots = depotsOf(world);
		const known = new Map<Name, Package | null>();
		const once = (root: Name, read: (root: Name) => Package | null): Package | null => {
			let found = known.get(root);
			if (found === undefined) known.set(root, (found = read(root)));
			return found;
		};
		const ownerIn = (place: Name, kind: string, first: string, second: string): Package | null => {
			if (first === '') return null;
			if (kind === 'packages' && second !== '') return once(joined(place, second), (root) => readPackage(root, false));
			if (kind === 'dev') return once(place, (root) => readPackage(root, true));
			return kind === 'artifacts' && /^[0-9a-f]{40}$/.test(first) ? once(place, artifactAt) : null;
		};
		return ({ names, folder, secret }) => {
			if (secret) return null;
			for (const name of names) {
				for (const depot of depots) {
					const [kind = '', first = '', second = ''] = (relativeTo(name, depot) ?? '').split('/');
					const place = joined(depot, `${kind}/${first}`);
					if (kind === 'compiled' && !folder)
						return { is: 'cache', package: null, rule: 'Julia compiled', reason: 'what Julia compiled: it is made again' };
					const owner = ownerIn(place, kind, first, second);
					if (owner !== null) return answer(owner, folder);
				}
			}
			return null;
		};
	},
};

function depotsOf({ run, home }: World): Name[] {
	const words = (run.circumstances.environment['JULIA_DEPOT_PATH'] ?? '').split(':').filter((word) => word.startsWith('/'));
	const places = [...words.map(nameOfText), joined(home, '.julia')];
	return [...new Set(places.flatMap((place) => [place, realPathOf(place) ?? place]))].filter(isFolder);
}

/** By its Project.toml, of which three lines are read; old packages have none. */
function readPackage(root: Name, isOwn: boolean): Package | null {
	const text = isFile(joined(root, 'Project.toml')) ? (readText(joined(root, 'Project.toml')) ?? '') : '';
	const head = text.split(/^\s*\[/m, 1)[0] ?? '';
	const value = (key: string) => new RegExp(`^\\s*${key}\\s*=\\s*"([^"]*)"`, 'm').exec(head)?.[1] ?? null;
	const name = value('name') ?? baseOf(isOwn ? root : root.slice(0, root.lastIndexOf('/')));
	if (text === '' && !isFile(joined(root, `src/${name}.jl`))) return null;
	const commit = isOwn ? commitOf(root) : null;
	return {
		ecosystem: 'julia',
		name,
		version: value('version'),
		root,
		origin: { uuid: value('uuid'), ...(isOwn ? { folder: root } : {}), ...(commit === null ? {} : { commit }) },
	};
}

function artifactAt(root: Name): Package {
	const tree = baseOf(root);
	return { ecosystem: 'julia', name: `artifact ${tree.slice(0, 8)}`, version: null, root, origin: { tree } };
}

function answer(owner: Package, folder: boolean): Answer {
	return {
		is: 'software',
		package: owner,
		rule: folder ? 'folder of software' : 'Julia package',
		reason: folder ? `a folder of ${titleOf(owner)}` : `in the folder of ${titleOf(owner)}`,
		counts: !folder,
	};
}
