import { expect, test } from 'vitest';
import {
	body,
	commit,
	everything,
	fromArchive,
	fromIndex,
	hash,
	indexFile,
	inPlace,
	read,
	remarked,
	software,
	written,
} from './some.ts';

test('each distribution is asked for from where it was installed from', () => {
	const lines = body(written('requirements', everything)).split('\n');
	expect(lines).toEqual([
		`archived @ https://example.org/archived-2.1-py3-none-any.whl  # sha256:${hash}`,
		`gitted @ git+https://example.org/gitted.git@${commit}#subdirectory=python`,
		'-e file:///home/u/my%20lib',
		'Seven.Of_Nine==7.9',
		'',
	]);
});

test('what pip does not install is named in the comments, with the reason', () => {
	const file = written('requirements', everything);
	expect(file.text).toMatch(/^# Not in this file: .*\n(# {3}.*\n)*# {3}bash 5\.2\.15-2\+b2 \(deb\)\n/m);
	expect(remarked(file)).toEqual({
		left: ['bash', 'helper', 'libtiny', 'python'],
		otherwise: ['in-place', 'gitted', 'Seven.Of_Nine'],
	});
	for (const { name } of file.remarks) expect(file.text).toMatch(new RegExp(`^# {3}${name} `, 'm'));
});

test('where every line can have a hash each has its own', () => {
	expect(body(written('requirements', [fromArchive, fromIndex], true))).toBe(
		`archived @ https://example.org/archived-2.1-py3-none-any.whl \\\n    --hash=sha256:${hash}\n` +
			`Seven.Of_Nine==7.9 \\\n    --hash=sha256:${indexFile.sha256}\n`,
	);
});

test('where one line cannot have a hash the others have theirs as comments, for pip would ask for all of them', () => {
	const file = written('requirements', [fromIndex, inPlace], true);
	expect(body(file)).toBe(`Seven.Of_Nine==7.9  # sha256:${indexFile.sha256}\n-e file:///home/u/my%20lib\n`);
});

test('pip itself reads every line as it was meant', () => {
	const code = `
import json, os, sys, tempfile
from pip._internal.req import parse_requirements
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.network.session import PipSession
path = os.path.join(tempfile.mkdtemp(), 'requirements.txt')
open(path, 'w').write(sys.stdin.read())
rows = [r for r in parse_requirements(path, session=PipSession())]
print(json.dumps([[r.requirement.strip(), r.is_editable, (r.options or {}).get('hashes', {})] for r in rows]))
`;
	const rows = read(code, written('requirements', [fromArchive, fromIndex], true).text);
	expect(rows).toEqual([
		['archived @ https://example.org/archived-2.1-py3-none-any.whl', false, { sha256: [hash] }],
		['Seven.Of_Nine==7.9', false, { sha256: [indexFile.sha256] }],
	]);
	expect(read(code, written('requirements', [inPlace]).text)).toEqual([['file:///home/u/my%20lib', true, {}]]);
});

test.each([
	['a name', { name: 'evil\n--index-url=https://example.org' }],
	['an option for a name', { name: '--pre' }],
	['a version', { name: 'evil', version: '1.0 --pre' }],
	['an address', { name: 'evil', origin: { url: 'https://example.org/x\n--pre', dir_info: {} } }],
	['a commit', { name: 'evil', origin: { url: 'https://example.org', vcs_info: { vcs: 'git', commit_id: 'a\n-r x' } } }],
])('%s that would say something else to pip is left out, and cannot leave its comment', (_, one) => {
	const file = written('requirements', [software(one)]);
	expect(body(file)).toBe('');
	expect(remarked(file).left).toEqual([one.name]);
});

test('a password in the address that a package was installed from is not written', () => {
	const origin = { url: 'https://user:secret@example.org/x.whl', archive_info: {} };
	expect(written('requirements', [software({ name: 'x', origin })]).text).not.toMatch(/secret|user/);
});

test('of two distributions of one name the first is in the file, and the other is named', () => {
	const file = written('requirements', [software({ name: 'twice' }), software({ name: 'Twice', version: '2.0' })]);
	expect(body(file)).toBe('twice==1.0\n');
	expect(file.remarks).toMatchObject([{ name: 'Twice', version: '2.0', held: false }]);
});
