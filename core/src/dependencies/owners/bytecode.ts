import { sourceOfBytecode } from '../python/bytecode.ts';
import type { OwnerFinder } from './owner.ts';

/** Compiled Python stands for its source, wherever PYTHONPYCACHEPREFIX puts it. */
export const bytecode: OwnerFinder = {
	name: 'bytecode',
	byList: false,
	open() {
		return ({ path, names }) => {
			// The source's links are resolved as its bytecode's are: by the folder that holds it.
			const source = sourceOfBytecode(names[1] ?? path) ?? sourceOfBytecode(path);
			return source === null ? null : { is: 'compiled', source };
		};
	},
};
