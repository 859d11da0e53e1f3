import type { FileFact, Name } from '../../model/index.ts';
import { relativeTo } from '../paths.ts';
import type { World } from '../world.ts';
import { whySecret } from './secrets.ts';
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
	/** Why it is a secret, by its names or by what is in it; null for folders and for what was not there. */
	readonly secret: ReturnType<typeof whySecret>;
	/** What the project's own rules say of it. */
	readonly ruled: ReturnType<World['project']['ruleOf']>;
	/** Below the user's home folder; null elsewhere. */
	readonly inHome: Name | null;
	readonly world: World;
}

export function caseOf(path: Name, names: readonly Name[], world: World): Case {
	const story = world.story(path);
	const folder = world.kind(path) === 'directory';
	return {
		path,
		names,
		folder,
		story,
		file: world.files.get(path) ?? null,
		made: isMade(story),
		secret: folder || story.missing ? null : secretOf(names),
		ruled: ruledBy(names, world),
		inHome: relativeTo(path, world.home),
		world,
	};
}

function secretOf(names: readonly Name[]): Case['secret'] {
	for (const name of names) {
		const why = whySecret(name);
		if (why !== null) return why;
	}
	return null;
}

/** A glob of what holds credentials comes before all rules, whatever their order. */
function ruledBy(names: readonly Name[], { project }: World): Case['ruled'] {
	const secret = project.whySecret(names);
	return secret === null ? project.ruleOf(names) : { as: 'secret', reason: secret };
}
