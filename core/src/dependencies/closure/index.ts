import type { Use, FileFact, Name, PackedPath, SoftwareDependency } from '../../model/index.ts';
import type { Judgement } from '../judge.ts';
import { isWithin, nameOfText } from '../paths.ts';
import { wholeRun, type Selector } from '../scopes.ts';
import { packGround } from './afresh.ts';
import { isBytecode, packAsked } from './asked.ts';
import { packBinaries } from './binaries.ts';
import { createPacking, type LeftOut, type Packing } from './packing.ts';
import { findWhole, packWhole, requiredSoftware } from './software.ts';

export type { LeftOut } from './packing.ts';

export interface ClosureOptions {
	/** Absolute; a folder means all below it. Taken out, whatever needs them. */
	readonly without: readonly Name[];
	/** Absolute; put in as they are now, secrets too where they are named themselves. */
	readonly with: readonly Name[];
	/** The part of the run that the image is for; what is left out is the whole. */
	readonly selector?: Selector;
}

export interface Closure {
	/** Sorted by path. */
	readonly paths: readonly PackedPath[];
	readonly leftOut: readonly LeftOut[];
	/** Software that nothing touched or named, and that something which was requires. */
	readonly required: readonly SoftwareDependency[];
}

/**
 * All that an image must hold so that a repeat can do what the run did: what was read, with every link on the way, in the
 * state that it had; packages whole, with what they require; the libraries that binaries load. Not what the run made.
 *
 * @param files as the run keeps them, hashes included
 */
export async function closure(j: Judgement, files: ReadonlyMap<Name, FileFact>, o: ClosureOptions): Promise<Closure> {
	const { world } = j;
	const selector = o.selector ?? wholeRun;
	const { circumstances } = j.run;
	// Any part of a run needs what came before its first cell.
	const selected = (accesses: readonly Use[]) =>
		accesses.some(
			(access) =>
				(access.cell === null && access.worker === null) ||
				world.scopes.selects(selector, access) ||
				world.scopes.inherits(selector, access),
		);
	const packing = createPacking();
	const home = nameOfText(circumstances.home);
	packGround(packing, circumstances, [home, nameOfText(circumstances.cwd), world.folder]);
	const whole = findWhole(j, selected);
	packAsked({
		...{ j, files, packing, selected },
		whole: new Set([...whole.distributions, ...whole.conda, ...whole.required.map((one) => one.package)]),
	});
	packWhole(packing, whole, j);
	packBytecode(packing, j, selected);
	packBinaries(packing, world, [
		...new Set(world.facts.execs.map((exec) => exec.path).filter((path) => packing.walker.walk(path).end !== null)),
	]);
	for (const path of o.with) addByHand(packing, path);
	takeOut(packing, o.without);
	return {
		paths: [...packing.all()].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
		leftOut: packing.leftOut.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
		required: requiredSoftware(whole, packing, j),
	};
}

/** Bytecode that the run used goes in with its source: what no run used is compiled when it is needed. */
function packBytecode(packing: Packing, j: Judgement, selected: (accesses: readonly Use[]) => boolean): void {
	for (const [path, verdict] of j.verdicts) {
		if (verdict.rule !== 'bytecode' || !isBytecode(path) || !selected(j.world.uses.of(path))) continue;
		const source = j.owners.sourceOf(path);
		const packed = source === null ? undefined : packing.get(packing.walker.walk(source).end?.path ?? source);
		if (packed !== undefined) packing.ask(path, { layer: packed.layer, reason: `bytecode of ${packed.reason}` });
	}
}

function addByHand(packing: Packing, path: Name): void {
	const because = { layer: 'code and data', reason: 'asked for by --with' } as const;
	const end = packing.ask(path, because);
	if (end === null) packing.leave(path, 'asked for by --with, and not there');
	else if (end.kind === 'directory') packing.tree(end.path, () => because);
}

function takeOut(packing: Packing, without: readonly Name[]): void {
	for (const asked of without) {
		const real = packing.walker.walk(asked).end?.path ?? asked;
		for (const { path, kind } of [...packing.all()]) {
			if (!isWithin(path, asked) && !isWithin(path, real)) continue;
			packing.remove(path);
			if (kind !== 'directory') packing.leave(path, 'left out by --without');
		}
	}
}
