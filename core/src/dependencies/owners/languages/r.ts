import type { Name } from '../../../model/index.ts';
import { isFile, joined, parentOf, readText, realPathOf, relativeTo } from '../../paths.ts';
import { titleOf, type Package } from '../../packages.ts';
import type { World } from '../../world.ts';
import type { Answer, Asker, OwnerFinder } from '../owner.ts';
import { createClimb, originOf, systemOwner } from './climb.ts';

/**
 * R and its packages. `library()` never reads a package's DESCRIPTION, but from any file of it the way up leads there. Packages of
 * `Priority: base` are R itself.
 *
 * @see https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
 */
export const r: OwnerFinder = {
	name: 'R',
	byList: false,
	open(world) {
		const homes = new Map<Name, Package>();
		const homeAt = (root: Name): Package => {
			let home = homes.get(root);
			if (home === undefined) homes.set(root, (home = readHome(root, world)));
			return home;
		};
		const climb = createClimb((folder): Package | null => {
			const fields = readDescription(joined(folder, 'DESCRIPTION'));
			if (fields?.has('Built') === true) {
				const root = parentOf(parentOf(folder));
				return fields.get('Priority') === 'base' && isHome(root) ? homeAt(root) : packageOf(folder, fields, world);
			}
			return isHome(folder) ? homeAt(folder) : null;
		});
		const ask: Asker = ({ names, folder, secret }) => {
			if (secret) return null;
			for (const name of names) {
				if (folder && isLibrary(name, world)) return folderOf(null, 'where R looks for packages');
				const owner = climb(folder ? name : parentOf(name));
				if (owner === null) continue;
				if (folder) return folderOf(owner, `a folder of ${titleOf(owner)}`);
				if (owner.name === 'R' && relativeTo(name, owner.root)?.startsWith('etc/') === true) {
					// Debian keeps them in /etc, and dpkg knows them there.
					if (names.some((each) => relativeTo(each, '/etc') !== null)) return null;
					return { is: 'configuration', package: owner, rule: 'R configuration', reason: `settings of ${titleOf(owner)}` };
				}
				const system = systemOwner(world, names);
				const from = system === null ? '' : `, installed by the system package ${titleOf(system)}`;
				return {
					is: 'software',
					package: owner,
					rule: owner.ecosystem === 'interpreter' ? 'R' : 'R package',
					reason: `in the folder of ${titleOf(owner)}${from}`,
					counts: true,
					...(system === null ? {} : { also: system }),
				};
			}
			return null;
		};
		return Object.assign(ask, { mayOwnIn: (folder: Name) => climb(folder) !== null });
	},
};

function isHome(folder: Name): boolean {
	return isFile(joined(folder, 'library/base/DESCRIPTION'));
}

/** A folder that holds packages and belongs to none of them. */
function isLibrary(folder: Name, { run }: World): boolean {
	if (/\/R\/((site-)?library|[\w.-]+-library(\/\d+\.\d+)?)$/.test(folder)) return true;
	const { environment } = run.circumstances;
	const named = ['R_LIBS', 'R_LIBS_USER', 'R_LIBS_SITE'].flatMap((name) => (environment[name] ?? '').split(':'));
	return named.some((one) => one.startsWith('/') && (one === folder || realPathOf(one) === folder));
}

function folderOf(owner: Package | null, reason: string): Answer {
	return { is: 'software', package: owner, rule: 'folder of software', reason, counts: false };
}

function readHome(root: Name, world: World): Package {
	const description = joined(root, 'library/base/DESCRIPTION');
	const version = readDescription(description)?.get('Version') ?? null;
	return { ecosystem: 'interpreter', name: 'R', version, root, origin: originOf(systemOwner(world, [description])) };
}

function packageOf(folder: Name, fields: ReadonlyMap<string, string>, world: World): Package {
	const field = (name: string) => fields.get(name) ?? null;
	const repository = field('Repository') ?? (field('biocViews') === null ? null : 'Bioconductor');
	const remote = field('RemoteType');
	const origin = {
		...(repository === null ? {} : { repository }),
		...(remote === null ? {} : { remote, url: field('RemoteUrl') ?? field('RemoteRepo'), commit: field('RemoteSha') }),
		...originOf(systemOwner(world, [joined(folder, 'DESCRIPTION')])),
	};
	return {
		ecosystem: 'cran',
		name: field('Package') ?? '',
		version: field('Version'),
		root: folder,
		origin: Object.keys(origin).length === 0 ? null : origin,
	};
}

/** The fields of a DESCRIPTION that names a package; null for every other file. */
function readDescription(path: Name): ReadonlyMap<string, string> | null {
	if (!isFile(path)) return null;
	const found = new Map<string, string>();
	for (const line of (readText(path) ?? '').split('\n')) {
		const field = /^([A-Za-z][\w@/.-]*):\s*(.*?)\s*$/.exec(line);
		if (field !== null) found.set(field[1]!, field[2]!);
	}
	return found.has('Package') ? found : null;
}
