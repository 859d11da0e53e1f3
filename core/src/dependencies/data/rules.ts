import { ruledKinds, type Name, type PathVerdict } from '../../model/index.ts';
import { baseOf, isFile, isWithin, joined, parentOf, relativeTo } from '../paths.ts';
import { longestWithin } from '../world.ts';
import type { Case } from './case.ts';
import { isDataListing } from './listings.ts';
import { roleOf, type Role } from './roles.ts';

/** A rule says what a path is, and why, or null. They are asked in their order, and the first that says something counts. */
export interface Rule {
	/** Stable: shown by `cellar explain` and listed in docs/dependencies.md. */
	readonly name: string;
	readonly verdict: PathVerdict['verdict'];
	/** @param role what it was to the run as data */
	readonly why: (one: Case, role: () => Role) => string | null;
}

/** What the system makes for itself, and what no package lists though it is the system's. */
const systems =
	/^\/etc\/(ld\.so\.(cache|preload)|passwd|group|shadow|gshadow|subuid|subgid|hosts|hostname|resolv\.conf|nsswitch\.conf|localtime|timezone|machine-id|mtab|fstab|alternatives|locale\.(conf|alias)|default\/locale|environment|ssl\/certs|pki|ca-certificates)(\/|$)|^\/var\/(cache\/(fontconfig|ldconfig|man|apt)|lib\/(dpkg|dbus|apt|systemd|ucf))(\/|$)/;
const systemFolders =
	/^\/(usr(?!\/local(\/|$)|\/src(\/|$))|lib|lib32|lib64|libx32|bin|sbin|boot)(\/|$)|^\/(etc|var|usr\/local)?$/;
const fonts = /\/(\.fonts|\.local\/share\/fonts|fonts)(\/|$)/;

const tools =
	/(^|\/)(\.git|\.hg|\.svn|\.ipynb_checkpoints|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.nox|\.vscode|\.idea|vine-run-info)(\/|$)/;

/** Whether a path is in a folder in which tools keep what is their own affair: `.git`, `vine-run-info`. */
export function isToolFolder(path: Name): boolean {
	return tools.test(path);
}

/** A name that a program made up, directly below a folder for temporary files. */
const generated =
	/^(tmp[a-z0-9_]{8}|Rtmp\w{6}|cc\w{6,8}\.\w+|pymp-\w+|pip-[\w-]+|matplotlib-\w{8}|dask-scratch-space|joblib_memmapping_folder_\w+|torch_\w+|loky-\w+|numba-\w+|sh-thd\.?\w+|sem\.\w+|psm_\w+|wnsm_\w+)(\/|$)/;
/** Where Dask's clusters of a machine keep what they spill: each that starts clears away what an earlier one has left. */
const scratch = /^dask-scratch-space(\/|$)/;
const companions = /(-journal|-wal|-shm|\.wal)$/;
const partials = /\.(part|partial|incomplete|crdownload)$/;
const locks = /(\.lock|\.dirlock|\.lck)$/;

const homeSettings =
	/^(\.ipython|\.jupyter|\.config|\.matplotlib|\.astropy\/config|\.aws\/config|\.dask|\.R|\.keras\/keras\.json|\.local\/share\/jupyter|\.ssh)(\/|$)|^\.[^/]+$/;
const settingNames = /^(matplotlibrc|\.condarc|\.numba_config\.yaml|\.Rprofile|\.Renviron)$/;

/** Below `~/.cache`: what a tool makes again when it is gone. */
const toolCaches =
	/^\.cache\/(matplotlib|fontconfig|pip|pip-tools|uv|numba|ipython|jedi|parso|black|mypy|yarn|mesa_shader_cache|conda|node|typescript|huggingface\/datasets|thumbnails|fish|starship)(\/|$)/;
/** In the home folder: what a library downloaded and keeps, the same for everyone, and gone without a network. */
const downloads =
	/^(\.cache\/(pooch|seaborn|huggingface\/hub|torch|astropy|scikit-image|sklearn|openml|kagglehub|whisper|vaex|sunpy|cartopy|geodatasets|keras)|\.keras|\.astropy\/cache|nltk_data|scikit_learn_data|seaborn-data|\.torch|\.tensorflow_datasets|tensorflow_datasets|\.local\/share\/(cartopy|sunpy|nltk_data))(\/|$)/;
/** A list of the machine's fonts, wherever MPLCONFIGDIR puts it. */
const fontLists = /^fontlist-v[\d.]+\.json(\.matplotlib-lock)?$/;

export const rules: readonly Rule[] = [
	{
		name: 'missing',
		verdict: 'missing',
		why: ({ story }) => (story.missing ? 'it was looked for and was not there' : null),
	},
	{
		name: 'secret by name',
		verdict: 'secret',
		why: (one) => secretReason(one, 'secret by name'),
	},
	{
		name: 'secret by content',
		verdict: 'secret',
		why: (one) => secretReason(one, 'secret by content'),
	},
	// After what holds credentials, so that no project's rule makes such a file anything else.
	...ruledKinds.map((verdict): Rule => ({ name: 'cellar.toml', verdict, why: (one) => ruledReason(one, verdict) })),
	{
		name: 'workspace',
		verdict: 'temporary',
		why: ({ path, world }) =>
			longestWithin(path, world.workspaces) === null
				? null
				: 'in the workspace of a TaskVine worker, which the engine fills and empties',
	},
	{
		name: 'made by the system',
		verdict: 'system',
		why: ({ path, folder, story, made }) => {
			if (systems.test(path)) return 'made by the system, for this machine';
			if (story.written !== null && made) return null;
			if (systemFolders.test(path))
				return folder ? 'a folder of the system' : 'below the system’s folders, and no package lists it';
			return fonts.test(path) && folder ? 'a folder of fonts' : null;
		},
	},
	{
		name: 'compiled cache',
		verdict: 'cache',
		why: ({ path }) => {
			if (/\.pyc(\.\d+)?$/.test(path) || baseOf(path) === '__pycache__') return 'bytecode: made again from its source';
			return /\.(nbi|nbc)$/.test(path) ? 'compiled by numba: made again from its source' : null;
		},
	},
	{ name: 'renamed', verdict: 'temporary', why: renamedReason },
	{ name: 'temporary', verdict: 'temporary', why: temporaryReason },
	{ name: 'companion', verdict: 'temporary', why: companionReason },
	{
		name: 'tool folder',
		verdict: 'tool folder',
		why: ({ path }) => {
			const tool = tools.exec(path)?.[2];
			return tool === undefined ? null : `in ${tool}, which a tool keeps for itself`;
		},
	},
	{ name: 'cache in HOME', verdict: 'cache', why: cacheReason },
	{
		name: 'configuration',
		verdict: 'configuration',
		why: ({ path, inHome, folder }) => {
			if (inHome !== null && homeSettings.test(inHome) && !(folder && /^\.[^/]+$/.test(inHome) && inHome !== '.config')) {
				return 'settings in the home folder';
			}
			if (isWithin(path, '/etc')) return 'settings of this machine';
			return settingNames.test(baseOf(path)) ? 'settings of a library, by its name' : null;
		},
	},
	{ name: 'downloaded data', verdict: 'input', why: downloadReason },
	{ name: 'cache folder', verdict: 'cache', why: cacheFolderReason },
	{ name: 'listing', verdict: 'input', why: (one) => (isDataListing(one) ? 'the names in this folder were read' : null) },
	{ name: 'folder', verdict: 'looked at', why: folderReason },
	...(['updated', 'intermediate', 'output', 'input', 'temporary', 'looked at'] as const).map((verdict): Rule => ({
		name: verdict === 'temporary' ? 'made and removed' : verdict === 'looked at' ? 'only looked at' : `data: ${verdict}`,
		verdict,
		why: (_, roleOf) => {
			const { role, reason } = roleOf();
			return role === verdict ? reason : null;
		},
	})),
];

/** The first rule that says something; the last ones leave no path without. */
export function judgeUnowned(one: Case): {
	readonly rule: string;
	readonly verdict: PathVerdict['verdict'];
	readonly reason: string;
} {
	// Several rules ask for it.
	let known: Role | null = null;
	const role = () => (known ??= roleOf(one));
	for (const rule of rules) {
		const reason = rule.why(one, role);
		if (reason !== null) return { rule: rule.name, verdict: rule.verdict, reason };
	}
	return { rule: 'none', verdict: 'unknown', reason: 'no rule says what it is' };
}

function secretReason({ secret }: Case, rule: string): string | null {
	return secret?.rule === rule ? `${secret.reason}; never stored, hashed or packed` : null;
}

/** What a project's own rules say of what the run opened; of a folder only where its names were data. */
function ruledReason(one: Case, verdict: PathVerdict['verdict']): string | null {
	const { ruled, folder, story } = one;
	if (ruled === null || ruled.as !== verdict) return null;
	if (verdict === 'secret') return folder ? null : `${ruled.reason}; never stored, hashed or packed`;
	if (folder) return isDataListing(one) && verdict !== 'output' && verdict !== 'intermediate' ? ruled.reason : null;
	const opened = story.read !== null || story.written !== null;
	return opened && renamedReason(one) === null ? ruled.reason : null;
}

function renamedReason({ story, folder }: Case): string | null {
	if (folder || story.renamedTo === null || !story.removed) return null;
	return story.existed === false || (story.replaced && story.read === null)
		? `written, then renamed to ${story.renamedTo}`
		: null;
}

function temporaryReason({ path, names, made, world }: Case): string | null {
	for (const name of names) {
		const root = longestWithin(name, world.temporary);
		const own = root === null ? null : relativeTo(name, root);
		if (root === null || own === null || !generated.test(own)) continue;
		// What was there before the run is data, wherever it lies.
		if (!made && !scratch.test(own)) continue;
		// The notebook itself may lie in such a folder: what is beside it is the user's.
		if (isWithin(world.folder, joined(root, own.split('/', 1)[0] ?? own))) continue;
		return `a name that a program made up, below ${root}`;
	}
	return made && isWithin(path, '/dev/shm') ? 'shared memory' : null;
}

function companionReason({ path, story, file }: Case): string | null {
	const base = baseOf(path);
	const left = file !== null && file.kind !== 'gone';
	if (locks.test(base)) return story.read === null && (file?.size ?? 0) === 0 ? 'a lock: it says that a file is in use' : null;
	const match = companions.exec(base);
	// What is still there when the run has ended belongs to its database.
	if (match !== null && (!left || base.endsWith('-shm')) && story.existed !== true) {
		return `a companion of ${base.slice(0, -match[0].length)}, while that was in use`;
	}
	return partials.test(base) && !left && story.existed !== true ? 'the first part of a file, until it was whole' : null;
}

function cacheReason({ path, inHome, story, made }: Case): string | null {
	if (fontLists.test(baseOf(path))) return 'matplotlib’s list of fonts: made again where it is missing';
	if (inHome === null || !isWithin(inHome, '.cache')) return null;
	if (inHome === '.cache' || toolCaches.test(inHome)) return 'kept by a tool, which makes it again';
	if (downloads.test(inHome)) return null;
	return made || (story.written !== null && story.read === null)
		? 'first written by this run, below the folder for caches'
		: null;
}

function downloadReason({ inHome, folder, story }: Case): string | null {
	if (folder || inHome === null || !downloads.test(inHome) || story.read === null) return null;
	return story.written === null
		? 'downloaded data, kept in the home folder'
		: 'data that this run downloaded into the home folder: a repeat without a network needs it';
}

/** What joblib keeps of each result. */
const memos: ReadonlySet<Name> = new Set(['output.pkl', 'metadata.json', 'func_code.py']);

/** @see https://bford.info/cachedir/ */
function cacheFolderReason({ path, folder, world }: Case): string | null {
	const cache = world.cacheFolder(folder ? path : parentOf(path));
	if (cache !== null) return `${cache} says by its CACHEDIR.TAG that it is a cache`;
	if (!memos.has(baseOf(path)) || !/(^|\/)joblib\//.test(path)) return null;
	const place = parentOf(path);
	return isFile(joined(place, 'func_code.py')) || isFile(joined(parentOf(place), 'func_code.py'))
		? 'a result that joblib remembers'
		: null;
}

function folderReason({ folder, made, story }: Case): string | null {
	if (!folder) return null;
	if (made) return 'a folder that the run made';
	return story.listed ? 'a folder in which Python looks for modules' : 'a folder on the way to a file';
}
