import { expect, test } from 'vitest';
import { commit, everything, hash, indexFile, read, software, written } from './some.ts';

interface Bom {
	readonly serialNumber: string;
	readonly metadata: { readonly timestamp: string };
	readonly components: readonly {
		readonly type: string;
		readonly name: string;
		readonly purl?: string;
		readonly 'bom-ref': string;
		readonly properties: readonly { readonly name: string; readonly value: string }[];
		readonly externalReferences?: readonly object[];
	}[];
	readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

interface Purl {
	readonly type: string;
	readonly namespace: string | null;
	readonly name: string;
	readonly version: string | null;
	readonly qualifiers: Readonly<Record<string, string>> | null;
}

const validator = `
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
errors = [validator.validate_str(text) for text in json.load(sys.stdin)]
print(json.dumps([None if one is None else str(one)[:500] for one in errors]))
`;
const purls = `
import json, sys
from packageurl import PackageURL
print(json.dumps([PackageURL.from_string(one).to_dict() for one in json.load(sys.stdin)]))
`;

const more = [
	software({ name: '@scope/thing', version: '4.0.0', ecosystem: 'npm' }),
	software({ name: 'ggplot2', version: '3.4.1', ecosystem: 'cran' }),
	software({ name: 'example.org/owner/module', version: 'v1.2.3', ecosystem: 'go' }),
	software({ name: 'serde', version: '1.0.1', ecosystem: 'cargo' }),
	software({ name: 'serde', version: '1.0.1', ecosystem: 'cargo' }),
	software({ name: 'zlib', version: null, ecosystem: 'rpm' }),
];
const bom = (resolved = false) => JSON.parse(written('cyclonedx', [...everything, ...more], resolved).text) as Bom; // the test is of it

test('the validator of CycloneDX finds nothing to say of it, by the strict schema', () => {
	const texts = [written('cyclonedx', [...everything, ...more], true).text, written('cyclonedx', []).text];
	expect(read(validator, JSON.stringify([...texts, '{"bomFormat": "another"}']))).toEqual([null, null, expect.any(String)]);
	// The schema's formats are compiled each time: half a minute on a loaded machine.
}, 600_000);

test('it holds all software of every kind, each by a package URL that others read', () => {
	const found = bom().components.flatMap(({ purl }) => purl ?? []);
	const urls = read<readonly Purl[]>(purls, JSON.stringify(found));
	expect(urls.map(({ type, namespace, name, version }) => [type, namespace, name, version])).toEqual([
		['cargo', null, 'serde', '1.0.1'],
		['cargo', null, 'serde', '1.0.1'],
		['conda', null, 'libtiny', '2.1'],
		['cran', null, 'ggplot2', '3.4.1'],
		['deb', null, 'bash', '5.2.15-2+b2'],
		['golang', 'example.org/owner', 'module', 'v1.2.3'],
		['generic', null, 'python', '3.12.4'],
		['npm', '@scope', 'thing', '4.0.0'],
		['pypi', null, 'archived', '2.1'],
		['pypi', null, 'gitted', '1.0'],
		['pypi', null, 'in-place', '1.0'],
		['pypi', null, 'seven.of-nine', '7.9'],
		['rpm', null, 'zlib', null],
	]);
	expect(urls.find(({ name }) => name === 'libtiny')?.qualifiers).toEqual({
		build: 'h1_0',
		channel: 'https://conda.example.org/tiny',
		subdir: 'linux-64',
	});
	expect(urls.find(({ name }) => name === 'gitted')?.qualifiers).toEqual({
		vcs_url: `git+https://example.org/gitted.git@${commit}`,
	});
});

test('the modules of the user are files, and Python is a platform', () => {
	const kinds = Object.fromEntries(bom().components.map(({ name, type }) => [name, type]));
	expect(kinds).toMatchObject({ helper: 'file', python: 'platform', bash: 'library', archived: 'library' });
});

test('the cells that used a component are properties of it', () => {
	const component = bom().components.find(({ name }) => name === 'Seven.Of_Nine');
	expect(component?.properties).toContainEqual({ name: 'cellar:cells', value: '1,3' });
});

test('what the code of the notebook names is what the notebook depends on', () => {
	const root = bom().dependencies.find(({ ref }) => ref === 'run:20260102-030405-abcd');
	expect(root?.dependsOn).toEqual(['pypi:Seven.Of_Nine@7.9']);
});

test('two components of one name and version have references of their own', () => {
	const references = bom().components.map((component) => component['bom-ref']);
	expect(new Set(references).size).toBe(references.length);
});

test('where an archive is known, its address stands with its hash', () => {
	const references = Object.fromEntries(bom(true).components.map(({ name, externalReferences }) => [name, externalReferences]));
	const sha256 = (content: string) => [{ alg: 'SHA-256', content }];
	expect(references['Seven.Of_Nine']).toEqual([{ url: indexFile.url, type: 'distribution', hashes: sha256(indexFile.sha256) }]);
	expect(references['archived']).toMatchObject([{ type: 'distribution', hashes: sha256(hash) }]);
	expect(references['gitted']).toEqual([{ url: 'https://example.org/gitted.git', type: 'vcs' }]);
});

test('no user, password or token of an address is in it', () => {
	expect(written('cyclonedx', everything).text).not.toMatch(/to-ken|u:p/);
});

test('the same run gives the same file, another part of it another serial number', () => {
	expect(written('cyclonedx', everything).text).toBe(written('cyclonedx', everything).text);
	expect(bom().metadata.timestamp).toBe('2026-01-02T03:04:05.678Z');
	expect(bom().serialNumber).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
	const other = JSON.parse(written('cyclonedx', []).text) as Bom; // as above
	expect(other.serialNumber).not.toBe(bom().serialNumber);
});
