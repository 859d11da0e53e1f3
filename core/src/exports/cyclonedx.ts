import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import {
	withoutCredentials,
	type Dependencies,
	type Ecosystem,
	type Exported,
	type IndexFile,
	type SoftwareDependency,
} from '../model/index.ts';
import { isRecord, textOf, type ExportSource } from './format.ts';
import { fileKey } from './pip.ts';

/** The type of each ecosystem's package URL; the user's own modules have none. @see https://github.com/package-url/purl-spec */
const purlTypes: Readonly<Record<Ecosystem, string | null>> = {
	pypi: 'pypi',
	conda: 'conda',
	deb: 'deb',
	rpm: 'rpm',
	apk: 'apk',
	cran: 'cran',
	npm: 'npm',
	julia: 'julia',
	go: 'golang',
	cargo: 'cargo',
	interpreter: 'generic',
	local: null,
};

/**
 * A software bill of materials, CycloneDX 1.6 as JSON: all software of every kind, with the cells that used it as properties.
 * Its serial number follows from the run and its time is the run's start, so that the same run gives the same file.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function writeCyclonedx(source: ExportSource): Exported {
	const { document } = source;
	const components = componentsOf(source);
	const root = new Models.Component(Enums.ComponentType.Application, document.notebook?.split('/').at(-1) ?? document.run, {
		bomRef: `run:${document.run}`,
	});
	for (const { item, component } of components) if (item.direct) root.dependencies.add(component.bomRef);
	const metadata = new Models.Metadata({
		timestamp: new Date(source.started),
		component: root,
		tools: new Models.Tools({
			components: new Models.ComponentRepository([
				new Models.Component(Enums.ComponentType.Application, 'cellar', { version: source.cellar, bomRef: 'cellar' }),
			]),
		}),
		properties: properties([
			['run', document.run],
			['for', document.for],
		]),
	});
	const bom = new Models.Bom({ metadata, serialNumber: serialOf(document) });
	for (const { component } of components) bom.components.add(component);
	const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
	return { text: `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`, remarks: [] };
}

function componentsOf(source: ExportSource) {
	const references = new Map<string, number>();
	return source.document.software.map((item) => {
		const name = `${item.ecosystem}:${item.name}@${item.version ?? '?'}`;
		const count = (references.get(name) ?? 0) + 1;
		references.set(name, count);
		return { item, component: componentOf(item, count === 1 ? name : `${name}#${count}`, source) };
	});
}

function componentOf(item: SoftwareDependency, bomRef: string, { files }: ExportSource): Models.Component {
	const fromIndex = item.ecosystem === 'pypi' && item.origin === null && item.version !== null;
	const file = fromIndex ? (files?.get(fileKey(item.name, item.version ?? '')) ?? null) : null;
	const purl = purlOf(item);
	const component = new Models.Component(typeOf(item), item.name, {
		bomRef,
		...(item.version === null ? {} : { version: item.version }),
		...(purl === null ? {} : { purl }),
		properties: properties([
			['ecosystem', item.ecosystem],
			['direct', String(item.direct)],
			['why', item.why.join(', ')],
			['cells', item.cells.join(',')],
			['workers', item.workers.join(',')],
			['tasks', item.tasks.join(',')],
			['manager', String(item.manager)],
			['reason', item.reason],
		]),
	});
	const sha256 = file?.sha256 ?? archiveHash(item);
	// A hash is of the archive, and so stands with the archive's address where that is known.
	const hashes = new Models.HashDictionary(sha256 === null ? [] : [[Enums.HashAlgorithm['SHA-256'], sha256]]);
	const address = addressOf(item, file);
	if (address === null) component.hashes = hashes;
	else component.externalReferences.add(new Models.ExternalReference(address.url, address.type, { hashes }));
	return component;
}

function typeOf({ ecosystem }: SoftwareDependency): Enums.ComponentType {
	if (ecosystem === 'interpreter') return Enums.ComponentType.Platform;
	return ecosystem === 'local' ? Enums.ComponentType.File : Enums.ComponentType.Library;
}

function purlOf({ ecosystem, name, version, origin }: SoftwareDependency): string | null {
	const type = purlTypes[ecosystem];
	if (type === null) return null;
	const [scope, bare] = ecosystem === 'npm' || ecosystem === 'go' ? split(name) : [null, name];
	const text = (key: string) => {
		const value = textOf(origin?.[key]);
		return value === null ? {} : { [key]: withoutCredentials(value) };
	};
	const conda = ecosystem === 'conda' ? { ...text('build'), ...text('channel'), ...text('subdir') } : {};
	const qualifiers = ecosystem === 'pypi' ? elsewhere(origin) : conda;
	return new PackageURL(type, scope, bare, version, qualifiers, null).toString();
}

/** A distribution that came from no index is not the one that the index has under its name: the URL says where it is. */
function elsewhere(origin: SoftwareDependency['origin']): { readonly vcs_url?: string; readonly download_url?: string } {
	const url = textOf(origin?.['url']);
	if (url === null) return {};
	const vcs = origin?.['vcs_info'];
	if (!isRecord(vcs)) return { download_url: withoutCredentials(url) };
	return { vcs_url: `${textOf(vcs['vcs']) ?? 'git'}+${withoutCredentials(url)}@${textOf(vcs['commit_id']) ?? ''}` };
}

/** `@scope/name`, `example.org/owner/module`: what stands before the last slash is the namespace. */
function split(name: string): [string | null, string] {
	const at = name.lastIndexOf('/');
	return at < 1 ? [null, name] : [name.slice(0, at), name.slice(at + 1)];
}

function archiveHash({ ecosystem, origin }: SoftwareDependency): string | null {
	const archive = origin?.['archive_info'];
	const hashes = isRecord(archive) ? archive['hashes'] : null;
	const found = ecosystem === 'conda' ? textOf(origin?.['sha256']) : isRecord(hashes) ? textOf(hashes['sha256']) : null;
	return found !== null && /^[\da-f]{64}$/.test(found) ? found : null;
}

function addressOf(
	{ origin }: SoftwareDependency,
	file: IndexFile | null,
): { readonly url: string; readonly type: Enums.ExternalReferenceType } | null {
	if (file !== null) return { url: file.url, type: Enums.ExternalReferenceType.Distribution };
	const url = textOf(origin?.['url']);
	if (url === null || !/^[\w+.-]+:\/\/[^\s\\]+$/.test(url)) return null;
	const vcs = origin?.['vcs_info'];
	if (isRecord(vcs)) return { url: withoutCredentials(url), type: Enums.ExternalReferenceType.VCS };
	return { url: withoutCredentials(url), type: Enums.ExternalReferenceType.Distribution };
}

/** A list of nothing says nothing. */
function properties(pairs: readonly (readonly [string, string])[]): Models.PropertyRepository {
	return new Models.PropertyRepository(
		pairs.flatMap(([name, value]) => (value === '' ? [] : [new Models.Property(`cellar:${name}`, value)])),
	);
}

/** A UUID of version 8: its bits are of a hash, and not random. @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8 */
function serialOf({ run, for: selector, software }: Dependencies): string {
	const hash = createHash('sha256')
		.update(JSON.stringify([run, selector, software]))
		.digest('hex');
	const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 3) | 8).toString(16);
	const parts = [
		hash.slice(0, 8),
		hash.slice(8, 12),
		`8${hash.slice(13, 16)}`,
		`${variant}${hash.slice(17, 20)}`,
		hash.slice(20, 32),
	];
	return `urn:uuid:${parts.join('-')}`;
}
