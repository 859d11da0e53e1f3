import { inflateSync } from 'node:zlib';
import * as v from 'valibot';
import type { Name } from '../../../model/index.ts';
import { readSection } from './sections.ts';

/** What a compiled program says of itself. */
export interface Built {
	/** Null where it names what it is made of, and not itself. */
	readonly name: string | null;
	readonly version: string | null;
	/** The compiler, and what was compiled in. */
	readonly origin: Readonly<Record<string, unknown>>;
}

/**
 * By the build info that Go writes into a program since 1.18: `go version -m` prints the same.
 *
 * @see https://pkg.go.dev/debug/buildinfo
 */
export function goOf(path: Name): Built | null {
	const bytes = readSection(path, '.go.buildinfo');
	// Flag 2: two strings follow, each after its length. Before 1.18 there were pointers.
	if (bytes === null || bytes.length < 33 || bytes.toString('latin1', 0, 14) !== '\xff Go buildinf:' || (bytes[15]! & 2) === 0)
		return null;
	const compiler = stringAt(bytes, 32);
	const modules = compiler === null ? null : stringAt(bytes, compiler.end);
	if (compiler === null || modules === null) return null;
	// 16 bytes before and after it mark where it stands.
	const lines = modules.bytes.subarray(16, -16).toString('utf8').split('\n');
	const rows = lines.map((line) => line.split('\t'));
	const [, name, version] = rows.find(([kind]) => kind === 'mod') ?? rows.find(([kind]) => kind === 'path') ?? [];
	const commit = rows
		.find(([kind, value]) => kind === 'build' && value?.startsWith('vcs.revision='))?.[1]
		?.slice('vcs.revision='.length);
	return {
		name: name ?? null,
		version: version || null,
		origin: {
			go: compiler.bytes.toString('utf8').split(' ', 1)[0],
			modules: modulesIn(rows),
			...(commit === undefined ? {} : { commit }),
		},
	};
}

/** Name to version of what was compiled in; what stands in for another is named in its place. */
function modulesIn(rows: readonly (readonly string[])[]): Record<string, string> {
	const found: Record<string, string> = {};
	let last = '';
	for (const [kind, name = '', version = ''] of rows) {
		if (kind === 'dep') found[(last = name)] = version;
		else if (kind === '=>' && last !== '')
			found[last] = `${found[last]} => ${[name, version].filter((word) => word !== '').join(' ')}`;
	}
	return found;
}

/** A length in groups of seven bits, the lowest first, and so many bytes. */
function stringAt(bytes: Buffer, start: number): { readonly bytes: Buffer; readonly end: number } | null {
	let [length, at] = [0, start];
	for (let scale = 1; ; scale *= 128) {
		const byte = bytes[at++];
		if (byte === undefined || scale > 2 ** 35) return null;
		length += (byte & 127) * scale;
		if (byte < 128) break;
	}
	return at + length > bytes.length ? null : { bytes: bytes.subarray(at, at + length), end: at + length };
}

const crates = v.object({
	packages: v.array(v.object({ name: v.string(), version: v.string(), root: v.optional(v.boolean(), false) })),
});
/** An honest list is a few hundred kilobytes. */
const largestList = 16 << 20;

/**
 * By the list of crates that `cargo auditable` puts into a program.
 *
 * @see https://github.com/rust-secure-code/cargo-auditable
 */
export function cargoOf(path: Name): Built | null {
	const bytes = readSection(path, '.dep-v0');
	if (bytes === null) return null;
	let list: v.InferOutput<typeof crates>;
	try {
		list = v.parse(crates, JSON.parse(inflateSync(bytes, { maxOutputLength: largestList }).toString('utf8')));
	} catch {
		// Whatever it holds, it is no list of crates: then the program is as any other.
		return null;
	}
	const root = list.packages.find((one) => one.root);
	const others = list.packages.filter((one) => one !== root).map(({ name, version }) => `${name} ${version}`);
	return { name: root?.name ?? null, version: root?.version ?? null, origin: { crates: others } };
}
