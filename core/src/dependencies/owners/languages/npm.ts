import * as v from 'valibot';
import type { Name } from '../../../model/index.ts';
import { baseOf, isFile, joined, parentOf, readText, relativeTo } from '../../paths.ts';
import { titleOf, type Package } from '../../packages.ts';
import type { World } from '../../world.ts';
import type { OwnerFinder } from '../owner.ts';
import { createClimb, originOf, systemOwner } from './climb.ts';

const manifest = v.object({ name: v.string(), version: v.string() });
const lock = v.object({
	packages: v.record(v.string(), v.object({ resolved: v.optional(v.string()), integrity: v.optional(v.string()) })),
});

/**
 * Packages below `node_modules`, as npm, pnpm and yarn lay them: a file belongs to the nearest folder there whose package.json has
 * a name and a version. Inner ones that only say `type` are no packages.
 */
export const npm: OwnerFinder = {
	name: 'npm',
	byList: false,
	open(world) {
		const locks = createLocks();
		const climb = createClimb((folder): Package | null => {
			const above = parentOf(folder);
			const isPlace =
				baseOf(above) === 'node_modules' || (baseOf(above).startsWith('@') && baseOf(parentOf(above)) === 'node_modules');
			const found = isPlace ? readJson(joined(folder, 'package.json'), manifest) : null;
			return found === null ? null : packageOf(folder, found, locks, world);
		});
		return ({ path, names, folder, secret }) => {
			if (secret) return null;
			// The real name first: pnpm's packages are links to where they lie.
			for (const name of names.toReversed()) {
				if (!/\/node_modules(\/|$)/.test(name)) continue;
				const owner = climb(folder ? name : parentOf(name));
				const isTool = owner === null && /\/node_modules(\/(\.[^/]+(\/[^/]+)?|@[^/]+))?$/.test(name);
				if (folder || isTool) {
					const reason = owner === null ? 'where Node looks for packages' : `a folder of ${titleOf(owner)}`;
					return { is: 'software', package: owner, rule: 'folder of software', reason, counts: false };
				}
				if (owner === null) continue;
				const system = systemOwner(world, names);
				const through = name === path ? '' : ` (it is ${name})`;
				return {
					is: 'software',
					package: owner,
					rule: 'npm package',
					reason: `in the folder of ${titleOf(owner)}${through}`,
					counts: true,
					...(system === null ? {} : { also: system }),
				};
			}
			return null;
		};
	},
};

function packageOf(folder: Name, found: v.InferOutput<typeof manifest>, locks: Locks, world: World): Package {
	const origin = { ...locks.originOf(folder, found), ...originOf(systemOwner(world, [joined(folder, 'package.json')])) };
	return { ecosystem: 'npm', ...found, root: folder, origin: Object.keys(origin).length === 0 ? null : origin };
}

interface Locks {
	/** What the installer wrote down of a package: its URL and the hash of its archive. */
	originOf(folder: Name, found: v.InferOutput<typeof manifest>): Readonly<Record<string, string>>;
}

function createLocks(): Locks {
	const npms = new Map<Name, v.InferOutput<typeof lock>['packages']>();
	const pnpms = new Map<Name, string>();
	return {
		originOf(folder, { name, version }) {
			const root = folder.slice(0, folder.indexOf('/node_modules'));
			let packages = npms.get(root);
			if (packages === undefined)
				npms.set(root, (packages = readJson(joined(root, 'node_modules/.package-lock.json'), lock)?.packages ?? {}));
			const { resolved, integrity } = packages[relativeTo(folder, root) ?? ''] ?? {};
			if (integrity !== undefined || resolved !== undefined) {
				return { ...(resolved === undefined ? {} : { url: resolved }), ...(integrity === undefined ? {} : { integrity }) };
			}
			let text = pnpms.get(root);
			if (text === undefined) pnpms.set(root, (text = readText(joined(root, 'node_modules/.pnpm/lock.yaml')) ?? ''));
			const hash = integrityIn(text, `${name}@${version}`);
			return hash === null ? {} : { integrity: hash };
		},
	};
}

/** Of pnpm's lock the one line that matters: below `'name@version':`, `resolution: {integrity: sha512-…}`. */
function integrityIn(text: string, key: string): string | null {
	const lines = text.split('\n');
	const at = lines.findIndex((line) => line.trim().replaceAll(/^['"/]+|['"]?:$/g, '') === key);
	return at < 0 ? null : (/integrity:\s*([\w+/=-]+)/.exec(lines[at + 1] ?? '')?.[1] ?? null);
}

/** Null where the file is not there, or says something else. */
function readJson<T>(path: Name, schema: v.GenericSchema<unknown, T>): T | null {
	const text = isFile(path) ? readText(path) : null;
	if (text === null) return null;
	try {
		const { success, output } = v.safeParse(schema, JSON.parse(text));
		return success ? output : null;
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}
