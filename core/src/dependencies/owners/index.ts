import type { Name } from '../../model/index.ts';
import { kept } from '../kept.ts';
import { baseOf, cleaned, joined, keepingLast, parentOf } from '../paths.ts';
import { isSecretName, whySecret } from '../data/secrets.ts';
import { isMade } from '../data/story.ts';
import type { World } from '../world.ts';
import { bytecode } from './bytecode.ts';
import { conda } from './conda.ts';
import { editable } from './editable.ts';
import { interfaces } from './interfaces.ts';
import { interpreter } from './interpreter.ts';
import { languages } from './languages/index.ts';
import { libraries } from './libraries.ts';
import { modules } from './modules.ts';
import type { Answer, Asker, OwnerFinder, Question } from './owner.ts';
import { python } from './python.ts';
import { apk, dpkg, rpm } from './system.ts';
import { unrecorded } from './unrecorded.ts';

export type { Answer } from './owner.ts';

/** Who is asked, one after another; the first that knows the file has it. A new ecosystem is one file and one word here. */
const owners: readonly OwnerFinder[] = [
	interfaces,
	bytecode,
	editable,
	python,
	conda,
	...languages,
	dpkg,
	rpm,
	apk,
	interpreter,
	unrecorded,
	modules,
	libraries,
];

/** Asks of one path. */
export interface Owners {
	/** Null for what nobody owns. */
	ask(path: Name): Exclude<Answer, { is: 'compiled' }> | Compiled | null;
	/** The source that bytecode stands for; null for all else. */
	sourceOf(path: Name): Name | null;
	/** A path with its links resolved: of the folder that holds it, then of itself. */
	namesOf(path: Name): readonly Name[];
}

/** Bytecode: what its source is, is it too. `answer` is null where nobody owns the source. */
export interface Compiled {
	readonly is: 'compiled';
	readonly source: Name;
	readonly answer: Exclude<Answer, { is: 'compiled' }> | null;
}

interface Finder {
	readonly owner: OwnerFinder;
	readonly ask: Asker;
}

/** What is the same for all files of a folder. */
interface Folder {
	/** Links resolved. */
	readonly real: Name;
	/** Who may own one; null until it is asked. */
	finders: readonly Finder[] | null;
}

export function openOwners(world: World): Owners {
	const finders: readonly Finder[] = owners.map((owner) => ({ owner, ask: owner.open(world) }));
	const folders = new Map<Name, Folder>();
	const folderAt = keepingLast((path: Name) => kept(folders, path, () => ({ real: world.real(path) ?? path, finders: null })));
	const namesOf = keepingLast((path: Name): readonly Name[] => {
		const folder = parentOf(path);
		const realFolder = folderAt(folder).real;
		const placed = path === '/' ? path : realFolder === folder ? cleaned(path) : joined(realFolder, baseOf(path));
		const real = world.real(path) ?? placed;
		return real === path ? [path] : placed === path || placed === real ? [path, real] : [path, placed, real];
	});
	/** Who may own a file; of what has several names, all are asked. */
	const findersOf = ({ path, names, folder }: Question): readonly Finder[] => {
		if (folder || names.length > 1) return finders;
		const parent = parentOf(path);
		return (folderAt(parent).finders ??= finders.filter(({ ask }) => ask.mayOwnIn?.(parent) ?? true));
	};
	const first = (question: Question): Answer | null => {
		for (const { owner, ask } of findersOf(question)) {
			const answer = ask(question);
			if (answer !== null && (owner.byList || !question.secret || answer.is === 'system' || answer.is === 'runtime'))
				return answer;
		}
		return null;
	};
	const questionOf = (path: Name): Question => {
		const names = namesOf(path);
		const folder = world.kind(path) === 'directory';
		const secret = !folder && (names.some(isSecret) || world.project.whySecret(names) !== null);
		return { path, names, folder, made: isMade(world.story(path)), secret };
	};
	return {
		namesOf,
		sourceOf(path) {
			const answer = first(questionOf(path));
			return answer?.is === 'compiled' ? answer.source : null;
		},
		ask(path) {
			const answer = first(questionOf(path));
			if (answer?.is !== 'compiled') return answer;
			const ofSource = first(questionOf(answer.source));
			// A source is never bytecode itself.
			return { is: 'compiled', source: answer.source, answer: ofSource?.is === 'compiled' ? null : ofSource };
		},
	};
}

/** By the name first: only what is so named is looked into here, so that no package's file is opened for it. */
function isSecret(path: Name): boolean {
	return isSecretName(path) && whySecret(path) !== null;
}
