import type { Name } from '../../model/index.ts';
import { baseOf, isFile, isWithin, relativeTo } from '../paths.ts';
import type { Interpreter, VirtualEnvironment } from '../python/interpreter.ts';
import { isPythonName } from '../python/environments.ts';
import { titleOf, type Package } from '../packages.ts';
import type { Answer, Asker, OwnerFinder, Question } from './owner.ts';

/** The interpreter and its own library, and the few files that make a virtual environment of it. */
export const interpreter: OwnerFinder = {
	name: 'interpreter',
	byList: false,
	open(world) {
		const { interpreters, virtual } = world.environments;
		const ask: Asker = (question) => {
			if (question.secret) return null;
			const shim = question.names.find((name) => isShim(name));
			if (shim !== undefined) {
				return {
					is: 'tool folder',
					package: null,
					rule: 'pyenv shim',
					reason: 'a script of pyenv that finds the program which really runs',
				};
			}
			const answer =
				inLibrary(question, interpreters, (one) => world.conda.ofInterpreter(one) !== null) ??
				inEnvironment(question, virtual, interpreters);
			return answer === null ? null : partOf(world.conda.ofInterpreter(answer.one) ?? answer.one, answer.what, answer.counts);
		};
		const roots = [...interpreters.map((one) => one.root), ...virtual.map((one) => one.prefix)];
		return Object.assign(ask, {
			mayOwnIn: (folder: Name) => folder.includes('pyenv') || roots.some((root) => isWithin(folder, root)),
		});
	},
};

/** A path is an interpreter's, and what it is of it. */
interface Part {
	readonly one: Interpreter;
	readonly what: string;
	readonly counts: boolean;
}

function inLibrary(
	{ names, folder }: Question,
	interpreters: readonly Interpreter[],
	isConda: (one: Interpreter) => boolean,
): Part | null {
	for (const one of interpreters) {
		for (const name of names) {
			const own = relativeTo(name, one.root);
			if (own === null) {
				if (folder && name === one.root && name !== '/usr') return { one, what: 'its folder', counts: false };
				continue;
			}
			if (name === one.program || isPythonName(own.replace(/^bin\//, '')))
				return { one, what: 'the program itself', counts: !folder };
			if (/^lib(64)?\/libpython\d[^/]*\.so/.test(own)) return { one, what: 'its shared library', counts: true };
			if (isWithin(name, one.library) && !/\/(site|dist)-packages(\/|$)/.test(name)) {
				return { one, what: 'its standard library', counts: !folder };
			}
			// Beside the library of an interpreter that lies in a folder of its own there is nothing of the user's.
			// In a conda prefix the packages' lists tell what is software: data that is in none may be the user's.
			if (!folder && own.startsWith('share/') && isConda(one)) continue;
			const ownFolder = one.root !== '/usr' && one.root !== '/usr/local' && one.root !== '/';
			if (ownFolder && /^(bin|lib|lib64|include|share|etc)(\/|$)/.test(own) && !/-packages(\/|$)/.test(own)) {
				return { one, what: 'a file of its folder', counts: false };
			}
		}
	}
	return null;
}

function inEnvironment(
	{ names, folder, made }: Question,
	virtual: readonly VirtualEnvironment[],
	interpreters: readonly Interpreter[],
): Part | null {
	for (const environment of virtual) {
		const name = names.find((one) => isWithin(one, environment.prefix));
		const own = name === undefined ? null : relativeTo(name, environment.prefix);
		if (name === undefined) continue;
		const base = interpreters.find((one) => environment.home !== null && isWithin(environment.home, one.root)) ?? interpreters[0];
		if (base === undefined) return null;
		if (own === 'pyvenv.cfg') return { one: base, what: 'what makes a folder a virtual environment of it', counts: true };
		if (own === null ? folder && name !== '/' : /^(bin\/(python|activate)[^/]*|lib64)$/i.test(own)) {
			return { one: base, what: 'of a virtual environment of it', counts: false };
		}
		if (own === null || made || /-packages\/./.test(own)) continue;
		if (/^(bin|include|share|etc)(\/|$)|^lib(64)?(\/python[\d.]+t?)?$/.test(own)) {
			return { one: base, what: 'of a virtual environment of it', counts: false };
		}
	}
	return null;
}

function partOf(one: Package, what: string, counts: boolean): Answer {
	return {
		is: 'software',
		package: one,
		rule: counts ? 'interpreter' : 'folder of software',
		reason: `${titleOf(one)}: ${what}`,
		counts,
	};
}

/** pyenv puts a script for every program in `shims`, and looks up which one is meant by more scripts. */
function isShim(path: Name): boolean {
	if (!path.includes('pyenv/')) return false;
	const match = /^(.*\/\.?pyenv)\/(shims|libexec|bin|plugins|completions|version)(\/|$)/.exec(path);
	return match !== null && (isFile(`${match[1]}/libexec/pyenv`) || baseOf(match[1]!) === '.pyenv');
}
