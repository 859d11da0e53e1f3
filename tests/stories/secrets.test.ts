import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import type { RepeatDocument } from './left-out.ts';

const cells = [
	`import json, netrc, os\nlen(json.load(open('data.json')))`,
	`
settings = dict(line.split('=', 1) for line in open('.env'))
sorted(settings)`,
	`netrc.netrc().authenticators('example.org')[0]`,
	`len(open('deploy.txt').read()) > 0, len(open('settings').read()) > 0`,
];

/** Which files below a folder hold some text, logs unpacked. */
function holding(folder: string, texts: readonly string[]): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.filter((path) => {
			const bytes = readFileSync(path);
			const whole = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
			return texts.some((text) => whole.includes(text));
		});
}

test('what holds credentials is not hashed, not kept and not packed, and is named each time', { timeout: 300_000 }, async () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'asks.ipynb', cells);
	const folder = dirname(notebook);
	const home = join(folder, 'someone');
	mkdirSync(home);
	const secrets: Readonly<Record<string, string>> = {
		[join(folder, '.env')]: 'API_KEY=tok-5f1d0c\nMODE=fast\n',
		[join(home, '.netrc')]: 'machine example.org login ada password hunter-77\n',
		[join(folder, 'deploy.txt')]:
			'-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
	};
	for (const [path, text] of Object.entries(secrets)) writeFileSync(path, text, { mode: 0o600 });
	symlinkSync('.env', join(folder, 'settings'));
	writeFileSync(join(folder, 'data.json'), '[1, 2]\n');
	const telling = [
		...['tok-5f1d0c', 'hunter-77', 'b3BlbnNzaC1rZXktdjEAAAAA'],
		...Object.values(secrets).map((text) => createHash('sha256').update(text).digest('hex')),
	];
	const paths = [...Object.keys(secrets), join(folder, 'settings')].sort();

	const options = { env: { HOME: home } };
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json'], options);
	expect(audited.code, audited.stderr).toBe(0);
	const { setAside, data } = (await place.cellar(['deps', '--json'])).json<Dependencies>();
	expect(setAside.filter((item) => item.as === 'secret').map((item) => item.path)).toEqual(paths);
	expect(data.map((item) => item.relative)).toEqual(['data.json']);
	const { files } = await readTables(audited.json().directory);
	for (const path of paths) {
		expect(files.find((file) => file.path === path)).toMatchObject({
			...{ sha256Before: null, sha256After: null, blobBefore: null, blobAfter: null, whyNoBlob: 'secret' },
		});
	}

	const image = join(place.folder, 'image');
	const packed = await place.cellar(['pack', '-o', image]);
	expect(packed.code, packed.stderr).toBe(0);
	for (const path of paths) expect(packed.stdout).toMatch(new RegExp(`${path} +a secret: `));
	expect(holding(place.home, telling)).toEqual([]);
	expect(holding(image, telling)).toEqual([]);

	const repeated = await place.cellar(['repeat', image, '--json']);
	expect(repeated.code, repeated.stderr).toBe(1);
	const document = repeated.json<RepeatDocument>();
	expect(document.cells.map((cell) => cell.verdict).slice(0, 2)).toEqual(['same', 'raised']);
	expect(
		document.absent.map(({ path, cell }) => [path, cell]).toSorted((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1)),
	).toEqual(paths.map((path) => [path, path.endsWith('.env') ? 2 : path.endsWith('.netrc') ? 3 : 4]));
	for (const one of document.absent) expect(one.reason).toMatch(/^left out of the image: a secret: /);
});
