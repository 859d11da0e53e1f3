import { expect, test } from 'vitest';
import { chooseFile, parseIndexPage, type PageFile } from '../../core/src/exports/index.ts';
import type { InstalledWheel } from '../../core/src/model/index.ts';
import { hash } from './some.ts';

const index = 'https://index.example.org/simple';
const files = (...names: readonly string[]): readonly PageFile[] =>
	names.map((filename) => ({ filename, url: `https://files.example.org/${filename}`, size: 1, sha256: hash }));
const installed = (one: Partial<InstalledWheel> = {}): InstalledWheel => ({
	name: 'Some.Thing',
	version: '1.0',
	tags: ['cp311-cp311-manylinux_2_17_x86_64', 'cp311-cp311-manylinux2014_x86_64'],
	build: null,
	...one,
});
const chosen = (listed: readonly PageFile[], one = installed()) => chooseFile(listed, one, index)?.filename ?? null;

const ours = 'some_thing-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl';

test('the wheel is the one with the very tags of the installed one', () => {
	const listed = files(
		'some_thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl',
		'some_thing-1.0-cp311-cp311-manylinux_2_28_x86_64.whl',
		ours,
		'some_thing-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
		'some_thing-1.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
		'some_other-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
		'some_thing-1.0.tar.gz',
	);
	expect(chosen(listed)).toBe(ours);
	expect(chooseFile(listed, installed(), index)).toMatchObject({ kind: 'wheel', index, sha256: hash });
});

test('a wheel that was built again is told by its build', () => {
	const listed = files('a-1.0-py3-none-any.whl', 'a-1.0-1-py3-none-any.whl', 'a-1.0-2-py3-none-any.whl');
	const one = { name: 'a', tags: ['py3-none-any'] };
	expect(chosen(listed, installed({ ...one, build: '1' }))).toBe('a-1.0-1-py3-none-any.whl');
	expect(chosen(listed, installed(one))).toBe('a-1.0-py3-none-any.whl');
	expect(chosen(listed, installed({ ...one, build: '3' }))).toBeNull();
});

test('py2.py3 in a name stands for two tags', () => {
	const one = installed({ name: 'a', tags: ['py2-none-any', 'py3-none-any'] });
	expect(chosen(files('a-1.0-py3-none-any.whl', 'a-1.0-py2.py3-none-any.whl'), one)).toBe('a-1.0-py2.py3-none-any.whl');
});

test('what was built here, for no wheel of the index has its tags, came from the source', () => {
	const one = installed({ name: 'a', tags: ['cp311-cp311-linux_x86_64'] });
	expect(chosen(files('a-1.0.tar.gz', 'a-1.1.tar.gz', 'a-1.0-cp312-cp312-win_amd64.whl'), one)).toBe('a-1.0.tar.gz');
});

test('where two files could be it, or its hash is not known, none is chosen', () => {
	const one = installed({ name: 'a', tags: ['cp311-cp311-linux_x86_64'] });
	expect(chosen(files('a-1.0.tar.gz', 'a-1.0.zip'), one)).toBeNull();
	const listed = files(ours).map((file) => ({ ...file, sha256: null }));
	expect(chosen(listed)).toBeNull();
});

const at = 'https://user:secret@index.example.org/simple/a/';

test('a page in JSON is read: addresses made whole, without the user who asks', () => {
	const text = JSON.stringify({
		meta: { 'api-version': '1.1' },
		name: 'a',
		files: [
			{ filename: 'a-1.0.tar.gz', url: '../../files/a-1.0.tar.gz', hashes: { sha256: hash }, size: 12 },
			{ filename: 'a-0.9.tar.gz', url: 'https://else.example.org/a-0.9.tar.gz', hashes: { md5: 'x' } },
		],
	});
	expect(parseIndexPage(text, 'application/vnd.pypi.simple.v1+json', at)).toEqual([
		{ filename: 'a-1.0.tar.gz', url: 'https://index.example.org/files/a-1.0.tar.gz', size: 12, sha256: hash },
		{ filename: 'a-0.9.tar.gz', url: 'https://else.example.org/a-0.9.tar.gz', size: null, sha256: null },
	]);
});

test('a page in HTML is read: hashes stand in its addresses', () => {
	const text = `<!DOCTYPE html><a href="../../files/a-1.0%2Bcpu.tar.gz#sha256=${hash}" data-x="&gt;">a</a><a>none</a>`;
	expect(parseIndexPage(text, 'text/html; charset=utf-8', at)).toEqual([
		{ filename: 'a-1.0+cpu.tar.gz', url: 'https://index.example.org/files/a-1.0%2Bcpu.tar.gz', size: null, sha256: hash },
	]);
});

test('what is no page of an index is none', () => {
	expect(parseIndexPage('{"files": 3}', 'application/json', at)).toBeNull();
	expect(parseIndexPage('{', 'application/json', at)).toBeNull();
	expect(parseIndexPage('hello', 'text/plain', at)).toBeNull();
});
