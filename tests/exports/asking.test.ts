import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { askIndexes } from '../../core/src/flows/exporting/ask.ts';
import type { InstalledWheel } from '../../core/src/model/index.ts';
import { hash } from './some.ts';

const servers: Server[] = [];
afterEach(() => {
	for (const server of servers.splice(0)) server.close();
});

interface Asked {
	readonly path: string;
	readonly authorization: string | undefined;
	readonly accept: string | undefined;
}

/** An index on this machine; what it was asked stands in the list. */
async function indexOf(answer: (path: string, response: ServerResponse, count: number) => void) {
	const asked: Asked[] = [];
	const server = createServer((request, response) => {
		const { authorization, accept } = request.headers;
		asked.push({ path: request.url ?? '', authorization, accept });
		answer(request.url ?? '', response, asked.length);
	});
	servers.push(server);
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	// What `listen` with a port gives is never the name of a pipe.
	const { port } = server.address() as AddressInfo;
	return { address: `http://127.0.0.1:${port}/simple`, host: `127.0.0.1:${port}`, asked };
}

const page = (...names: readonly string[]) =>
	JSON.stringify({ files: names.map((filename) => ({ filename, url: `/files/${filename}`, hashes: { sha256: hash } })) });
const json = (response: ServerResponse, text: string) =>
	response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' }).end(text);
const gone = (response: ServerResponse) => response.writeHead(404).end();
const wheel = (name: string): InstalledWheel => ({ name, version: '1.0', tags: ['py3-none-any'], build: null });
const ask = (indexes: readonly string[], ...names: readonly string[]) =>
	askIndexes({ indexes, wheels: names.map(wheel), signal: new AbortController().signal, told: () => undefined });

test('each project is asked for by its normal name, and JSON before HTML', async () => {
	const index = await indexOf((_, response) => json(response, page('a_b-1.0-py3-none-any.whl')));
	const found = await ask([`${index.address}/`], 'A.b');
	expect(index.asked).toMatchObject([
		{ path: '/simple/a-b/', accept: expect.stringMatching(/^application\/vnd\.pypi\.simple\.v1\+json,/) },
	]);
	expect(found.get('a-b==1.0')).toEqual({
		kind: 'wheel',
		filename: 'a_b-1.0-py3-none-any.whl',
		url: `http://${index.host}/files/a_b-1.0-py3-none-any.whl`,
		size: null,
		sha256: hash,
		index: index.address,
	});
});

test('the first index that has the file counts, and what none has is not found', async () => {
	const first = await indexOf((path, response) =>
		path.endsWith('/a/') ? json(response, page('a-1.0-py3-none-any.whl')) : gone(response),
	);
	const second = await indexOf((path, response) =>
		path.endsWith('/c/') ? gone(response) : json(response, page('a-1.0-py3-none-any.whl', 'b-1.0-py3-none-any.whl')),
	);
	const found = await ask([first.address, second.address], 'a', 'b', 'c');
	expect(Object.fromEntries([...found].map(([key, file]) => [key, file.index]))).toEqual({
		'a==1.0': first.address,
		'b==1.0': second.address,
	});
});

test("the index's user is told to it, and stands in nothing that comes back", async () => {
	const index = await indexOf((_, response) => json(response, page('a-1.0-py3-none-any.whl')));
	const found = await ask([index.address.replace('//', '//user:p%40ss@')], 'a');
	expect(index.asked[0]?.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
	expect(JSON.stringify([...found])).not.toMatch(/user|ss@/);
});

test('an index that fails once is asked again', async () => {
	const index = await indexOf((_, response, count) =>
		count === 1 ? response.writeHead(503).end() : json(response, page('a-1.0-py3-none-any.whl')),
	);
	expect((await ask([index.address], 'a')).size).toBe(1);
});

test('an index that does not answer, or with something else than a page, is an error that names it without its password', async () => {
	const broken = await indexOf((_, response) => response.writeHead(500).end());
	const strange = await indexOf((_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('hello'));
	await expect(ask([broken.address.replace('//', '//user:secret@')], 'a')).rejects.toMatchObject({
		code: 'CELLAR_NO_INDEX',
		message: `the package index ${broken.address}/a/ answers 500`,
	});
	await expect(ask([strange.address], 'a')).rejects.toMatchObject({ code: 'CELLAR_NO_INDEX' });
	await expect(ask(['/a/folder'], 'a')).rejects.toMatchObject({ code: 'CELLAR_NO_INDEX' });
});
