import type { Exported } from '../model/index.ts';
import { condaEnvironment } from './conda.ts';
import { heldOtherwise, type ExportSource } from './format.ts';
import { requirementOf, type PipPackage } from './pip.ts';

/**
 * The specification that `poncho_package_create` makes an environment of, for TaskVine's workers. JSON has no comments, so
 * what it does not hold is in the remarks alone.
 *
 * @see https://cctools.readthedocs.io/en/stable/poncho/
 */
export function writePoncho({ document }: ExportSource): Exported {
	const { channels, conda, pip, remarks } = condaEnvironment(document);
	const dependencies = [...conda, ...(pip.length === 0 ? [] : [{ pip: pip.map(specOf) }])];
	const folders = pip
		.filter(({ source }) => source.from === 'folder')
		.map(({ item }) => heldOtherwise(item, 'poncho installs it where the Python that runs poncho has it installed in place'));
	return {
		text: `${JSON.stringify({ conda: { channels, dependencies } }, null, 2)}\n`,
		remarks: [...remarks, ...folders],
	};
}

/** poncho finds what is installed in place by its name, before any of `!~=<>`; an address of this machine would mean nothing. */
const specOf = (one: PipPackage) => (one.source.from === 'folder' ? `${one.name}==${one.version}` : requirementOf(one));
