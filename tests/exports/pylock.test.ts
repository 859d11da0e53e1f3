import { expect, test } from 'vitest';
import { body, commit, everything, hash, indexFile, inPlace, read, remarked, software, written } from './some.ts';

const pylock = `
import json, sys, tomllib
from packaging.pylock import Pylock
lock = Pylock.from_dict(tomllib.loads(sys.stdin.read()))
lock.validate()
print(json.dumps(lock.to_dict(), default=str))
`;

test('it says of each distribution what can be installed again', () => {
	expect(body(written('pylock', everything, true))).toBe(`lock-version = "1.0"
requires-python = "==3.12.*"
created-by = "cellar"

[[packages]]
name = "archived"
version = "2.1"
archive = { url = "https://example.org/archived-2.1-py3-none-any.whl", hashes = { sha256 = "${hash}" } }

[[packages]]
name = "gitted"
vcs = { type = "git", url = "https://example.org/gitted.git", requested-revision = "main", commit-id = "${commit}", subdirectory = "python" }

[[packages]]
name = "in-place"
directory = { path = "/home/u/my lib", editable = true }

[[packages]]
name = "seven-of-nine"
version = "7.9"
index = "https://index.example.org/simple"
wheels = [{ name = "${indexFile.filename}", url = "${indexFile.url}", size = 7000, hashes = { sha256 = "${indexFile.sha256}" } }]
`);
});

test('packaging reads it as a valid lock, with every package', () => {
	const lock = read<{ packages: { name: string }[] }>(pylock, written('pylock', everything, true).text);
	expect(lock).toMatchObject({ 'lock-version': '1.0', 'created-by': 'cellar', 'requires-python': '==3.12.*' });
	expect(lock.packages.map(({ name }) => name)).toEqual(['archived', 'gitted', 'in-place', 'seven-of-nine']);
});

test('without the index it holds what came from elsewhere, is valid, and names what is missing', () => {
	const file = written('pylock', everything);
	expect(read<{ packages: object[] }>(pylock, file.text).packages).toHaveLength(3);
	expect(remarked(file).left).toContain('Seven.Of_Nine');
	expect(file.text).toMatch(/^# Not in this file: no hash .* --resolve asks the index\n# {3}Seven\.Of_Nine 7\.9 \(pypi\)$/m);
});

test('with nothing to lock it is still a valid lock', () => {
	expect(read(pylock, written('pylock', []).text)).toMatchObject({ packages: [] });
});

test('an archive without a hash cannot be locked, and is named', () => {
	const origin = { url: 'https://example.org/x.whl', archive_info: {} };
	expect(remarked(written('pylock', [software({ name: 'x', origin })])).left).toEqual(['x']);
});

test('what has quotes, backslashes or a DEL in it is read back as it stands', () => {
	const url = `file:///home/u/${encodeURIComponent('a"b\\c\u007Fd\té')}`;
	const file = written('pylock', [{ ...inPlace, origin: { ...inPlace.origin, url } }]);
	expect(read(pylock, file.text)).toMatchObject({ packages: [{ directory: { path: '/home/u/a"b\\c\u007Fd\té' } }] });
});
