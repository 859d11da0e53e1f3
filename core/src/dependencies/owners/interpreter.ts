import type { Name } from '../../model/index.ts';
import { baseOf, isFile, isWithin, relativeTo } from '../paths.ts';
import type { Interpreter, VirtualEnvironment } from '../python/interpreter.ts';
import { isPythonName } from '../python/environments.ts';
import { titleOf } from '../packages.ts';
import type { Answer, OwnerFinder, Question } from './owner.ts';

/** The interpreter and its own library, and the few files that make a virtual environment of it. */
export const interpreter: OwnerFinder = {
	name: 'interpreter',
	byList: false,
	open(world) {
		const { interpreters, virtual } = world.environments;
		return (question) => {
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
			return inLibrary(question, interpreters) ?? inEnvironment(question, virtual, interpreters);
		};
	},
};

function inLibrary({ names, folder }: Question, interpreters: readonly Interpreter[]): Answer | null {
	for (const one of interpreters) {
		for (const name of names) {
			const own = relativeTo(name, one.root);
			if (own === null) {
				if (folder && name === one.root && name !== '/usr') return partOf(one, 'its folder', false);
				continue;
			}
			if (name === one.program || isPythonName(own.replace(/^bin\//, ''))) return partOf(one, 'the program itself', !folder);
			if (/^lib(64)?\/libpython\d[^/]*\.so/.test(own)) return partOf(one, 'its shared library', true);
			if (isWithin(name, one.library) && !/\/(site|dist)-packages(\/|$)/.test(name)) {
				return partOf(one, 'its standard library', !folder);
			}
			// Beside the library of an interpreter that lies in a folder of its own there is nothing of the user's.
			const ownFolder = one.root !== '/usr' && one.root !== '/usr/local' && one.root !== '/';
			if (ownFolder && /^(bin|lib|lib64|include|share|etc)(\/|$)/.test(own) && !/-packages(\/|$)/.test(own)) {
				return partOf(one, 'a file of its folder', false);
			}
		}
	}
	return null;
}

function inEnvironment(
	{ names, folder, made }: Question,
	virtual: readonly VirtualEnvironment[],
	interpreters: readonly Interpreter[],
): Answer | null {
	for (const environment of virtual) {
		const name = names.find((one) => isWithin(one, environment.prefix));
		const own = name === undefined ? null : relativeTo(name, environment.prefix);
		if (name === undefined) continue;
		const base = interpreters.find((one) => environment.home !== null && isWithin(environment.home, one.root)) ?? interpreters[0];
		if (base === undefined) return null;
		if (own === 'pyvenv.cfg') return partOf(base, 'what makes a folder a virtual environment of it', true);
		if (own === null ? folder && name !== '/' : /^(bin\/(python|activate)[^/]*|lib64)$/i.test(own)) {
			return partOf(base, 'of a virtual environment of it', false);
		}
		if (own === null || made || /-packages\/./.test(own)) continue;
		if (/^(bin|include|share|etc)(\/|$)|^lib(64)?(\/python[\d.]+t?)?$/.test(own)) {
			return partOf(base, 'of a virtual environment of it', false);
		}
	}
	return null;
}

function partOf(one: Interpreter, what: string, counts: boolean): Answer {
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
	const match = /^(.*\/\.?pyenv)\/(shims|libexec|bin|plugins|completions|version)(\/|$)/.exec(path);
	return match !== null && (isFile(`${match[1]}/libexec/pyenv`) || baseOf(match[1]!) === '.pyenv');
}
