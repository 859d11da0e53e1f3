import type { Layer, Name } from '../../model/index.ts';
import type { World } from '../world.ts';
import { baseOf, isFile, joined, nameOfText, readStart } from '../paths.ts';
import { createLoader } from './loader.ts';
import type { Packing } from './packing.ts';

/**
 * Adds what programs and libraries need to be loaded, which no system call names: the interpreter of an ELF program, the
 * libraries of every one that is packed, used or not, and the programs that `#!` lines start.
 *
 * @param executed programs that the run executed, as asked
 */
export function packBinaries(packing: Packing, world: World, executed: readonly Name[]): void {
	const environment = world.run.circumstances.environment;
	const loader = createLoader(environment['LD_LIBRARY_PATH'] ?? null);
	const ran = new Set(executed.flatMap((path) => packing.walker.walk(path).end?.path ?? []));
	// A program's DT_RPATH also counts for all that it loads.
	const above = [...ran].flatMap((path) => {
		const file = loader.elf(path);
		return file.is === 'elf' ? loader.handsOn(path, file.elf) : [];
	});
	const absent = new Map<string, Name>();
	const done = new Set<Name>();
	const waiting = [...packing.all()].filter((one) => one.kind === 'file' && one.source.from === 'path').map((one) => one.path);
	const layers = new Map([...packing.all()].map((one) => [one.path, one.layer]));
	const add = (path: Name, layer: Layer, reason: string) => {
		const end = packing.ask(path, { layer, reason });
		if (end?.kind === 'file' && !done.has(end.path)) waiting.push(end.path);
		return end;
	};
	for (let at = 0; at < waiting.length; at++) {
		const path = waiting[at]!;
		if (done.has(path)) continue;
		done.add(path);
		const isProgram = ran.has(path);
		if (!isProgram && !mayBeBinary(path, packing)) continue;
		const file = loader.elf(path);
		if (file.is === 'broken') {
			if (isProgram) packing.leave(path, `what it needs cannot be read: ${file.why}`);
			continue;
		}
		if (file.is === 'other') {
			if (isProgram || /\/bin\/[^/]+$/.test(path)) packScript(path, isProgram, environment['PATH'] ?? '', add);
			continue;
		}
		const layer = layers.get(path) === 'distributions' ? 'distributions' : 'userland';
		if (file.elf.interpreter !== null) add(file.elf.interpreter, 'userland', `loads ${baseOf(path)}`);
		for (const need of loader.needs(path, file.elf, above)) {
			if (need.path === null) absent.set(need.name, absent.get(need.name) ?? path);
			else add(need.path, packing.has(need.path) ? layer : 'userland', `library of ${baseOf(path)}`);
		}
	}
	// A library that another one has loaded already is found by its name: wheels rely on that.
	const names = new Set([...packing.all()].map((one) => baseOf(one.path)));
	for (const [name, path] of absent) {
		if (!names.has(name)) packing.leave(path, `it needs the library ${name}, which was not found on this machine`);
	}
}

/** Libraries by their names; programs by their mode. */
function mayBeBinary(path: Name, packing: Packing): boolean {
	const base = baseOf(path);
	if (/\.so(\.|$)/.test(base)) return true;
	const mode = packing.get(path)?.mode ?? 0;
	return (mode & 0o111) !== 0 && !/\.(py|txt|json|h|html|js|css|md|png|svg)$/.test(base);
}

/** The program of a `#!` line, and behind `/usr/bin/env` the one that PATH finds. @see execve(2) */
function packScript(
	path: Name,
	isRun: boolean,
	search: string,
	add: (path: Name, layer: Layer, reason: string) => unknown,
): void {
	const line = /^#![ \t]*(\S+)(?:[ \t]+(.*))?/.exec(readStart(path, 256)?.toString('utf8') ?? '');
	const program = line?.[1] === undefined ? null : nameOfText(line[1]);
	// A script that only lies there brings an interpreter for itself only if that is small: a Python, or the shell.
	if (program === null || !program.startsWith('/') || (!isRun && !/\/(python[\d.]*|sh|bash|dash)$/.test(program))) return;
	const reason = `runs ${baseOf(path)}`;
	add(program, 'userland', reason);
	const word =
		baseOf(program) === 'env'
			? (line?.[2] ?? '').split(/\s+/).find((one) => !one.startsWith('-') && !one.includes('='))
			: undefined;
	if (word === undefined || word === '' || !isRun) return;
	const found = search
		.split(':')
		.map((folder) => joined(nameOfText(folder === '' ? '.' : folder), nameOfText(word)))
		.find(isFile);
	if (found !== undefined) add(found, 'userland', reason);
}
