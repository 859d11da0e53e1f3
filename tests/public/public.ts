import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { dependenciesSchema, type Dependencies } from '../../core/src/model/index.ts';
import { clone, makePlace } from '../stories/cellar.ts';

/** One notebook for each of the libraries that people use; the truth about each was written by hand before its first audit. */
export const notebooks = [
	...['accounts', 'tides', 'penguins', 'iris', 'wages'],
	...['grains', 'ocean', 'events', 'weather', 'orders'],
] as const;

const truthShape = v.object({
	/** The cells whose code names a distribution, by an import or by a name that one bound. */
	named: v.record(v.string(), v.array(v.number())),
	data: v.array(
		v.object({
			path: v.string(),
			role: v.picklist(['input', 'output', 'intermediate', 'updated']),
			/** `store`: a folder that is one thing to a person; what lies in it may be listed one by one, or as one. */
			kind: v.picklist(['file', 'store', 'listing']),
			cells: v.array(v.number()),
		}),
	),
});

const witnessShape = v.object({
	before: v.array(v.string()),
	cells: v.array(v.array(v.string())),
	loaded: v.record(v.string(), v.string()),
});

/** Two sets of facts, each a line of text. */
export interface Sides {
	readonly found: ReadonlySet<string>;
	readonly truth: ReadonlySet<string>;
}

export interface Measured {
	readonly software: Sides;
	readonly data: Sides;
	/** Which cell used what, software and data. */
	readonly cells: Sides;
	readonly unknown: Dependencies['unknown'];
}

/** Audits a notebook and, in another copy, runs it unaudited before a witness; then compares. */
export async function measurePublic(name: string): Promise<Measured> {
	using place = makePlace();
	const python = join(clone, '.cache/venv/public/bin/python');
	const apart = join(place.folder, 'unaudited', name);
	cpSync(join(import.meta.dirname, name), apart, { recursive: true });
	const said = execFileSync(python, [join(import.meta.dirname, 'witness.py'), join(apart, `${name}.ipynb`)], {
		encoding: 'utf8',
	});
	const witness = v.parse(witnessShape, JSON.parse(said));
	const truth = v.parse(truthShape, JSON.parse(readFileSync(join(import.meta.dirname, name, `${name}.truth.json`), 'utf8')));

	const notebook = place.copy(join(import.meta.dirname, `${name}/${name}.ipynb`));
	const run = await place.cellar(['audit', notebook, '--python', python, '--json']);
	if (run.code !== 0) throw new Error(`${name} was not audited to its end:\n${run.stdout}\n${run.stderr}`);
	const document = v.parse(dependenciesSchema, (await place.cellar(['deps', '--json'])).json<unknown>());
	return compare(document, truth, witness);
}

function compare(
	document: Dependencies,
	truth: v.InferOutput<typeof truthShape>,
	witness: v.InferOutput<typeof witnessShape>,
): Measured {
	const [software, data, cells] = [sides(), sides(), sides()];
	for (const [name, version] of Object.entries(witness.loaded)) software.truth.add(`${plain(name)} ${version}`);
	software.truth.add('python');
	witness.cells.forEach((names, at) => names.forEach((name) => cells.truth.add(`${plain(name)} in cell ${at + 1}`)));
	for (const [name, numbers] of Object.entries(truth.named)) {
		for (const cell of numbers) cells.truth.add(`${plain(name)} in cell ${cell}`);
	}
	for (const one of document.software) {
		// Libraries of the system: no witness in Python sees them.
		if (one.ecosystem !== 'pypi' && one.ecosystem !== 'interpreter') continue;
		const name = one.ecosystem === 'interpreter' ? 'python' : plain(one.name);
		software.found.add(name === 'python' ? name : `${name} ${one.version}`);
		for (const cell of one.cells) cells.found.add(`${name} in cell ${cell}`);
	}
	const stores = truth.data.filter((one) => one.kind === 'store').map((one) => one.path);
	const storeOf = (path: string) => stores.find((store) => path === store || path.startsWith(`${store}/`));
	for (const { path, role, cells: numbers } of truth.data) {
		data.truth.add(`${path}: ${role}`);
		for (const cell of numbers) cells.truth.add(`${path} in cell ${cell}`);
	}
	const parts = new Map<string, Set<string>>();
	for (const one of document.data) {
		const store = storeOf(one.relative ?? one.path);
		const path = store ?? one.relative ?? one.path;
		if (store === undefined) data.found.add(`${path}: ${one.role}`);
		else parts.set(store, (parts.get(store) ?? new Set()).add(one.role));
		for (const cell of one.cells) cells.found.add(`${path} in cell ${cell}`);
	}
	// A store is read where any of it is: parts that were only written are still parts of it.
	for (const [store, roles] of parts) {
		const whole =
			roles.has('input') || roles.has('updated') ? [...roles] : [roles.has('intermediate') ? 'intermediate' : 'output'];
		for (const role of whole) data.found.add(`${store}: ${role}`);
	}
	return { software, data, cells, unknown: document.unknown };
}

function sides(): { found: Set<string>; truth: Set<string> } {
	return { found: new Set(), truth: new Set() };
}

/** Names of distributions are compared as PEP 503 says. */
function plain(name: string): string {
	return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** The share of what was found that is true, and the share of what is true that was found. */
export function shares(all: readonly Sides[]): { precision: number; recall: number; misses: readonly string[] } {
	const count = (of: (one: Sides) => number) => all.reduce((sum, one) => sum + of(one), 0);
	const right = count(({ found, truth }) => [...found].filter((one) => truth.has(one)).length);
	return {
		precision: right / count(({ found }) => found.size),
		recall: right / count(({ truth }) => truth.size),
		misses: all.flatMap(({ found, truth }) => [
			...[...truth].filter((one) => !found.has(one)).map((one) => `not found: ${one}`),
			...[...found].filter((one) => !truth.has(one)).map((one) => `not true: ${one}`),
		]),
	};
}
