import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { foundBelow, layCanaries, needlesOf } from './canaries.ts';
import { makePlace, pythonOf, type ErrorDocument } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import type { RepeatDocument } from './left-out.ts';

/** Printed, so that a failure can be had again: CELLAR_TEST_SEED=… repeats it. */
const seed = Number(process.env['CELLAR_TEST_SEED'] ?? randomInt(1 << 30));

test(
	`of some forty canaries of every kind none is found below CELLAR_HOME, nor in an image (seed ${seed})`,
	{ timeout: 300_000 },
	async () => {
		using place = makePlace();
		const laid = layCanaries(place, seed, 40);
		const needles = needlesOf(laid);
		expect(foundBelow([join(place.folder, 'work')], needles).length).toBeGreaterThan(10);
		const { env } = laid;
		const out = join(place.folder, 'out.ipynb');
		const audited = await place.cellar(
			['audit', laid.notebook, '--python', pythonOf('stories'), ...laid.options, '--out', out, '--json'],
			{ env },
		);
		expect(audited.code, audited.stderr).toBe(0);
		const { cells, warnings, directory } = audited.json();
		expect(cells.map((cell) => cell.status)).toEqual([...cells.slice(1).map(() => 'finished'), 'raised']);
		expect(foundBelow([place.home, out], needles)).toEqual([]);

		const warned = (code: string) => warnings.filter((one) => one.code === code).map((one) => one.message);
		expect(warned('CELLAR_SECRET_IN_OUTPUT').map((message) => /^(the notebook as given|cell \d+)/.exec(message)?.[0])).toEqual([
			'the notebook as given',
			...['cell 3', 'cell 4', 'cell 5', 'cell 6', 'cell 9'],
		]);
		expect(warned('CELLAR_SECRET_PARAMETER')).toEqual([expect.stringContaining('the parameter db_password looks like a secret')]);
		expect(warned('CELLAR_SECRET_IN_SOURCE')).toEqual([]);
		expect(readFileSync(join(directory, 'executed.ipynb'), 'utf8')).toContain('‹secret: ');

		const deps = (await place.cellar(['deps', '--json'], { env })).json<Dependencies>();
		const secret = deps.setAside.filter((item) => item.as === 'secret').map((item) => item.path);
		expect(secret).toEqual([...laid.files, join(place.folder, 'work/made.txt')].toSorted());
		expect(deps.data.map((item) => item.relative)).toEqual(['result.txt']);

		// The run's image, what is unpacked of it, and the repeat's run lie below CELLAR_HOME, too.
		const repeated = await place.cellar(['repeat', 'latest', '--json'], { env });
		const { absent } = repeated.json<RepeatDocument>();
		for (const path of laid.files) expect(absent.map((one) => one.path)).toContain(path);
		expect(foundBelow([place.home], needles)).toEqual([]);
	},
);

test('a secret that differs from run to run is masked in both, so the outputs are the same', { timeout: 300_000 }, async () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'fresh.ipynb', [
		`import secrets\nprint('ghp_' + secrets.token_hex(18))`,
		`'hf_' + 'aB' * 17, secrets.token_hex(4) and 'x'`,
		`open('token.txt', 'w').write('glpat-' + secrets.token_hex(10)); print('done')`,
	]);
	expect((await place.cellar(['audit', notebook, '--python', pythonOf('stories')])).code).toBe(0);
	const repeated = await place.cellar(['repeat', 'latest', '--json']);
	const document = repeated.json<RepeatDocument>();
	expect(document.cells.map((cell) => cell.verdict)).toEqual(['same', 'same', 'same']);
	expect(repeated.code, repeated.stderr).toBe(0);
});

test('a secret in the source of a cell is warned of, and packed only by --with-secrets', { timeout: 300_000 }, async () => {
	using place = makePlace();
	const token = `ghp_${'aB3dE6'.repeat(6)}`;
	const notebook = inlineNotebook(place, 'told.ipynb', [`1 + 1`, `token = '${token}'\nlen(token)`]);
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json']);
	const warning = audited.json().warnings.find((one) => one.code === 'CELLAR_SECRET_IN_SOURCE');
	expect(warning?.message).toMatch(/^the source of cell 2 holds what looks like a secret \(GitHub token\)/);
	expect(warning?.message).not.toContain(token);
	for (const words of [
		['pack', '-o', 'image'],
		['repeat', 'latest'],
	]) {
		const refused = await place.cellar([...words, '--json']);
		expect(refused.code).toBe(5);
		expect(refused.json<ErrorDocument>().error).toMatchObject({
			code: 'CELLAR_SECRET_IN_SOURCE',
			message: expect.stringContaining('cell 2 (GitHub token)'),
			hint: expect.stringContaining('--with-secrets'),
		});
	}
	const packed = await place.cellar(['pack', '-o', 'image', '--with-secrets']);
	expect(packed.code, packed.stderr).toBe(0);
	expect((await place.cellar(['repeat', './image'])).code).toBe(0);
});
