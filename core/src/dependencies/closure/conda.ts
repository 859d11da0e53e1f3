import type { Name, PackedPath } from '../../model/index.ts';
import type { CondaPackage } from '../conda/prefix.ts';
import type { Judgement } from '../judge.ts';
import { baseOf, parentOf, relativeTo } from '../paths.ts';
import type { Packing } from './packing.ts';
import type { Step } from './walk.ts';

/** What nothing that runs in an environment reads: what is there to compile against, and to be read by people. */
const unread = /^(include|man|ssl\/man|share\/(doc|man|info|locale|gtk-doc|licenses)|lib\/(cmake|pkgconfig))\/|\.l?a$/;

/** Puts a whole package in, with conda's list of it: by that a traced repeat knows whose its files are. */
export function packConda(packing: Packing, one: CondaPackage, reason: string, j: Judgement, ended: number): void {
	const because = { layer: 'distributions', reason } as const;
	for (const { path, sha256, size } of j.world.conda.filesOf(one)) {
		const own = relativeTo(path, one.root) ?? '';
		if (isCompiled(path)) continue;
		// By its header an interpreter's exact version is known in the image too.
		if (unread.test(own) && !/^include\/python[^/]+\/patchlevel\.h$/.test(own)) continue;
		const inLibrary = /^lib\/python[^/]+\/(?!site-packages\/)(.+)$/.exec(own)?.[1];
		if (one.name === 'python' && inLibrary !== undefined && isUnneeded(inLibrary)) continue;
		const { end } = packing.walker.walk(path);
		if (end !== null && end.kind !== 'directory')
			packing.ask(path, { ...because, expected: expectedBy(sha256, size, end, ended) });
	}
	if (one.record !== null) packing.ask(one.record, because);
}

/** What a package’s list says of a file, where it may have changed since the run ended: by its ctime, which nobody sets. */
export function expectedBy(sha256: string | null, size: number | null, end: Step, ended: number): PackedPath['expected'] {
	return end.ctime <= ended || sha256 === null ? null : { size: size ?? end.size, sha256, mtime: null };
}

/** Parts of the standard library that no notebook runs: its own tests, an editor, what builds and installs. */
const unneeded =
	/^(test|tests|idlelib|lib2to3|ensurepip|turtledemo|config-[^/]*|site-packages|dist-packages)(\/|$)|\/(test|tests|idle_test)(\/|$)/;

/** @param path below the standard library's folder */
export function isUnneeded(path: Name): boolean {
	return unneeded.test(path);
}

export function isCompiled(path: Name): boolean {
	return path.endsWith('.pyc') || baseOf(parentOf(path)) === '__pycache__';
}
