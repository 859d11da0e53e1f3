import { isWithin, nameOfText, parentOf } from '../paths.ts';
import type { Answer, OwnerFinder } from './owner.ts';

/** What the kernel of the operating system makes up when it is asked. */
const kernels = /^\/(proc|sys|dev(?!\/shm(\/|$)))(\/|$)/;
const ofSystem = /^\/(var\/)?run(\/|$)/;

/** What all of these have in them: asked first, for nearly no file is one of them. */
const mayBeJupyters = /\/(\.ipython|jupyter|ipykernel_)/;
/** Below a home folder: what Jupyter writes for itself. */
const jupyters = [
	/\/\.ipython\/profile_[^/]+\/(history\.sqlite[^/]*|(db|pid|security|log)(\/.*)?)$/,
	/\/jupyter\/runtime(\/|$)/,
	/\/ipykernel_\d+(\/|$)/,
];

/** Kernel interfaces, sockets, and what Cellar and Jupyter need to talk to the kernel. */
export const interfaces: OwnerFinder = {
	name: 'interfaces',
	byList: false,
	open(world) {
		const { connectionFile, nonce } = world.run.circumstances;
		const connection = connectionFile === null ? null : nameOfText(connectionFile);
		const system = (rule: string, reason: string): Answer => ({ is: 'system', package: null, rule, reason });
		const runtime = (reason: string): Answer => ({ is: 'runtime', package: null, rule: 'made by Jupyter', reason });
		// A folder made for the connection file alone is the file's; one that the user chose is not.
		const own = connection !== null && /\/cellar-[^/]+$/.test(parentOf(connection)) ? parentOf(connection) : null;
		const marks = `/.cellar/${nonce}`;
		return ({ path, names, made }) => {
			if (kernels.test(path) || (names.length > 1 && kernels.test(names.at(-1)!) && !isWithin(path, '/etc'))) {
				return system('kernel interface', 'made up by the kernel of the operating system when it is asked');
			}
			if (path === connection || (own !== null && isWithin(path, own)))
				return runtime('the file by which a client finds the kernel');
			if (isWithin(path, marks)) return runtime('a mark of Cellar’s');
			if (mayBeJupyters.test(path)) {
				if (jupyters.some((pattern) => pattern.test(path))) return runtime('made by Jupyter for itself');
				if (made && /\/\.ipython(\/README|\/profile_[^/]+(\/[^/]+(\/README)?)?)?$/.test(path))
					return runtime('made by IPython when it first started');
			}
			// Where desktops mount what a user plugs in.
			if (isWithin(path, '/run/media')) return null;
			if (ofSystem.test(path)) return system('state of the system', 'of the running system, gone when it stops');
			return world.kind(path) === 'other' && world.uses.of(path).length > 0
				? system('not a file', 'a socket, a pipe or a device')
				: null;
		};
	},
};
