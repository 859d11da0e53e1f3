import type { Name } from '../../model/index.ts';
import { isFile } from '../paths.ts';

const tag = String.raw`\.[\w-]+-\d+[\w-]*(?:-pytest-[\d.]+)?(?:\.opt-\w+)?\.pyc(?:\.\d+)?$`;
const beside = new RegExp(String.raw`^(.*)/__pycache__/([^/]+?)${tag}`);
const prefixed = new RegExp(String.raw`^(.*/)([^/]+?)${tag}`);

/**
 * The source that bytecode was compiled from, by the names alone: `D/__pycache__/M.TAG.pyc` is D/M.py, with what a first
 * import writes before it renames it; `PREFIX/abs/folder/M.TAG.pyc` is the longest /abs/folder/M.py that is there.
 *
 * @returns null for any other file
 * @see https://peps.python.org/pep-3147/ and PYTHONPYCACHEPREFIX
 */
export function sourceOfBytecode(path: Name): Name | null {
	if (!path.includes('.pyc')) return null;
	const cached = beside.exec(path);
	if (cached !== null) return `${cached[1]}/${cached[2]}.py`;
	const match = path.includes('/__pycache__/') ? null : prefixed.exec(path);
	if (match === null) return null;
	const [, folder = '', module = ''] = match;
	for (let at = folder.indexOf('/', 1); at >= 0 && at < folder.length - 1; at = folder.indexOf('/', at + 1)) {
		const source = `${folder.slice(at)}${module}.py`;
		if (isFile(source)) return source;
	}
	return null;
}
