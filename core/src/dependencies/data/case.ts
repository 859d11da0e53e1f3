import type { FileFact, Name } from '../../model/index.ts';
import { relativeTo } from '../paths.ts';
import type { World } from '../world.ts';
import { isMade, type Story } from './story.ts';

/** A path that no package owns. */
export interface Case {
	readonly path: Name;
	/** `path` and its other names, links resolved. */
	readonly names: readonly Name[];
	readonly folder: boolean;
	readonly story: Story;
	readonly file: FileFact | null;
	readonly made: boolean;
	/** What the project's own rules say of it. */
	readonly ruled: ReturnType<World['project']['ruleOf']>;
	/** Below the user's home folder; null elsewhere. */
	readonly inHome: Name | null;
	readonly world: World;
}

export function caseOf(path: Name, names: readonly Name[], world: World): Case {
	const story = world.story(path);
	return {
		path,
		names,
		folder: world.kind(path) === 'directory',
		story,
		file: world.files.get(path) ?? null,
		made: isMade(story),
		ruled: ruledBy(names, world),
		inHome: relativeTo(path, world.home),
		world,
	};
}

/** A glob of what holds credentials comes before all rules, whatever their order. */
function ruledBy(names: readonly Name[], { project }: World): Case['ruled'] {
	const secret = project.whySecret(names);
	return secret === null ? project.ruleOf(names) : { as: 'secret', reason: secret };
}
