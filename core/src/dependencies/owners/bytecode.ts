import type { Name } from '../../model/index.ts';
import { isFile, parentOf } from '../paths.ts';
import { sourceOfBytecode } from '../world.ts';
import type { OwnerFinder } from './owner.ts';

const prefixed = /^(.*\/)([^/]+?)\.[\w-]+-\d+[\w-]*(?:\.opt-\w+)?\.pyc(?:\.\d+)?$/;

/** Compiled Python stands for its source, wherever PYTHONPYCACHEPREFIX puts it. */
export const bytecode: OwnerFinder = {
	name: 'bytecode',
	byList: false,
	open() {
		return ({ path, names }) => {
			const beside = sourceOfBytecode(path);
			// Sources have links resolved as their bytecode has: by the folder that holds it.
			if (beside !== null) return { is: 'compiled', source: sourceOfBytecode(names[1] ?? path) ?? beside };
			const source = sourceBelowPrefix(path);
			return source === null ? null : { is: 'compiled', source };
		};
	},
};

/** The source of `PREFIX/abs/folder/M.TAG.pyc`: the longest `/abs/folder/M.py` that is there. */
function sourceBelowPrefix(path: Name): Name | null {
	const match = path.endsWith('.pyc') || /\.pyc\.\d+$/.test(path) ? prefixed.exec(path) : null;
	if (match === null) return null;
	const [, folder = '', module = ''] = match;
	for (let at = folder.indexOf('/', 1); at >= 0; at = folder.indexOf('/', at + 1)) {
		const source = `${folder.slice(at)}${module}.py`;
		if (parentOf(source) !== '/' && isFile(source)) return source;
	}
	return null;
}
