import { expect, test } from 'vitest';
import { body, condaPackage, commit, everything, fromIndex, python, read, remarked, software, written } from './some.ts';

const environment = `
import json, sys, yaml
from rattler import MatchSpec
data = yaml.safe_load(sys.stdin.read())
for spec in data['dependencies']:
    if isinstance(spec, str): MatchSpec(spec)
print(json.dumps(data))
`;
const specs = `
import json, sys
from rattler import MatchSpec
def plain(one): return None if one is None else str(one)
found = [MatchSpec(line) for line in json.load(sys.stdin)]
print(json.dumps([[one.name.normalized, plain(one.version), plain(one.build)] for one in found]))
`;

test('environment.yml asks conda for its packages and for Python, and pip for the rest', () => {
	expect(read(environment, written('conda', everything).text)).toEqual({
		name: 'my-analysis',
		channels: ['https://conda.example.org/tiny'],
		dependencies: [
			'libtiny=2.1=h1_0',
			'pip',
			'python=3.12.4',
			{
				pip: [
					'archived @ https://example.org/archived-2.1-py3-none-any.whl',
					`gitted @ git+https://example.org/gitted.git@${commit}#subdirectory=python`,
					'-e file:///home/u/my%20lib',
					'Seven.Of_Nine==7.9',
				],
			},
		],
	});
});

test('rattler reads each package as its name, version and build', () => {
	const { dependencies } = read<{ dependencies: (string | object)[] }>(environment, written('conda', everything).text);
	const asked = dependencies.filter((one) => typeof one === 'string');
	expect(read(specs, JSON.stringify(asked))).toEqual([
		['libtiny', '==2.1', 'h1_0'],
		['pip', null, null],
		['python', '3.12.4.*', null],
	]);
});

test('what neither conda nor pip installs is named in the comments', () => {
	const file = written('conda', everything);
	expect(remarked(file)).toEqual({ left: ['bash', 'helper'], otherwise: ['in-place'] });
	for (const { name } of file.remarks) expect(file.text).toMatch(new RegExp(`^# {3}${name} `, 'm'));
});

test("conda's own python and pip are asked for once, by their builds", () => {
	const own = (name: string, version: string) => software({ ...condaPackage, name, version });
	const file = written('conda', [fromIndex, own('pip', '26.0'), own('python', '3.12.4'), python]);
	expect(body(file)).toContain(
		'dependencies:\n  - pip=26.0=h1_0\n  - python=3.12.4=h1_0\n  - pip:\n      - Seven.Of_Nine==7.9\n',
	);
	expect(file.remarks).toEqual([]);
});

test('a notebook whose name means something to YAML names the environment all the same', () => {
	const file = written('conda', [software({ name: 'x', version: '1!2.0' })]);
	expect(read(environment, file.text.replace('name: my-analysis', 'name: "yes"'))).toMatchObject({
		name: 'yes',
		dependencies: ['pip', { pip: ['x==1!2.0'] }],
	});
});

test('the explicit list has the address and hash of each archive, and no token of the channel', () => {
	const file = written('conda-explicit', everything);
	const url = 'https://conda.example.org/tiny/linux-64/libtiny-2.1-h1_0.conda#0123456789abcdef0123456789abcdef';
	expect(body(file)).toBe(`@EXPLICIT\n${url}\n`);
	expect(file.text).toContain('# platform: linux-64\n');
	expect(file.text).not.toMatch(/to-ken|u:p/);
});

test('the explicit list names all that it does not hold', () => {
	const left = everything.filter((item) => item !== condaPackage).map(({ name }) => name);
	expect(remarked(written('conda-explicit', everything)).left).toEqual(left);
});
