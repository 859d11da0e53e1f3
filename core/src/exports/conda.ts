import { withoutCredentials, type Dependencies, type Exported, type Remark, type SoftwareDependency } from '../model/index.ts';
import { heading, heldOtherwise, leftOut, pythonOf, textOf, type ExportSource } from './format.ts';
import { pipPackages, requirementOf, type PipPackage } from './pip.ts';

/** An environment as conda makes one: what poncho and environment.yml both say. */
export interface CondaEnvironment {
	readonly channels: readonly string[];
	/** `name=version=build`, sorted. */
	readonly conda: readonly string[];
	readonly pip: readonly PipPackage[];
	readonly remarks: readonly Remark[];
}

/** Where Python itself is got from, where the run's was no conda package and so names no channel. */
const usualChannel = 'conda-forge';

/** What conda can make of the software of a run. Python is in it, whoever installed it: a pip package needs one. */
export function condaEnvironment(document: Dependencies): CondaEnvironment {
	const remarks: Remark[] = [];
	const specs: string[] = [];
	const channels = new Set<string>();
	const names = new Set<string>();
	for (const item of document.software.filter(({ ecosystem }) => ecosystem === 'conda')) {
		const spec = specOf(item);
		if (spec === null) remarks.push(leftOut(item, 'its name or version is none that can be asked for'));
		else if (names.has(item.name)) remarks.push(leftOut(item, 'another of the same name is in the file already'));
		else {
			names.add(item.name);
			specs.push(spec);
			const channel = textOf(item.origin?.['channel']);
			if (channel === null) remarks.push(heldOtherwise(item, 'its channel is not known'));
			else channels.add(withoutCredentials(channel).replace(/\/+$/, ''));
		}
	}
	const python = pythonOf(document);
	const ours = (item: SoftwareDependency) =>
		item.ecosystem === 'conda' || (item.ecosystem === 'interpreter' && item.name === 'python' && item.version === python);
	const pip = pipPackages(document, 'conda', ours);
	if (!names.has('python') && python !== null && /^[\d.]+$/.test(python)) specs.push(`python=${python}`);
	// A pip that was listed is conda's to install: `pip:` lists what it installs.
	const own = pip.packages.find(({ name, source }) => name === 'pip' && source.from === 'index');
	if (!names.has('pip') && pip.packages.length > 0) specs.push(own === undefined ? 'pip' : `pip=${own.version}`);
	if (channels.size === 0) channels.add(usualChannel);
	return {
		channels: [...channels].toSorted(),
		conda: specs.toSorted(),
		pip: pip.packages.filter((one) => one !== own),
		remarks: [...remarks, ...pip.remarks],
	};
}

function specOf({ name, version, origin }: SoftwareDependency): string | null {
	const build = textOf(origin?.['build']);
	const parts = [name, ...(version === null ? [] : [version]), ...(version === null || build === null ? [] : [build])];
	return /^[\w.-]+$/.test(name) && parts.slice(1).every((part) => /^[\w.+!-]+$/.test(part)) ? parts.join('=') : null;
}

/** environment.yml, for `conda env create -f`. @see https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html */
export function writeConda(source: ExportSource): Exported {
	const { channels, conda, pip, remarks } = condaEnvironment(source.document);
	const all = [
		...remarks,
		...pip.filter(({ source }) => source.from === 'folder').map(({ item }) => heldOtherwise(item, ofHere)),
	];
	const lines = [
		`name: ${yaml(environmentName(source.document))}`,
		'channels:',
		...channels.map((channel) => `  - ${yaml(channel)}`),
		conda.length + pip.length === 0 ? 'dependencies: []' : 'dependencies:',
		...conda.map((spec) => `  - ${yaml(spec)}`),
		...(pip.length === 0 ? [] : ['  - pip:', ...pip.map((one) => `      - ${yaml(pipLine(one))}`)]),
	];
	return { text: `${heading(source, all)}\n${lines.join('\n')}\n`, remarks: all };
}

const ofHere = 'installed from a folder of this machine, and another machine does not have it';

const pipLine = (one: PipPackage) =>
	one.source.from === 'folder' && one.source.editable ? `-e ${one.source.url}` : requirementOf(one);

/** The notebook's name, with nothing in it that conda or a file system would take for something else. */
function environmentName({ notebook, run }: Dependencies): string {
	const stem = (notebook?.split('/').at(-1) ?? run).replace(/\.ipynb$/, '').replaceAll(/[^\w.-]+/g, '-');
	return stem.replace(/^[-.]+/, '') || 'cellar';
}

/** A scalar as it stands where nothing in it means anything to YAML; otherwise as JSON, which YAML holds. */
function yaml(text: string): string {
	const plain = /^[A-Za-z][\w./+=-]*$/.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text);
	return plain ? text : JSON.stringify(text);
}
