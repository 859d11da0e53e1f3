import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { clone, makePlace, pythonOf, type AuditDocument, type ErrorDocument, type Place, type RunsDocument } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

/**
 * Runs shell lines where `$SMALL`, which is CELLAR_HOME too, is a disk of its own with so much room: in a mount namespace that
 * goes away with it. `roomy` gives that disk more.
 */
function onSmallDisk(place: Place, size: string, lines: readonly string[]): { text: string; code: number }[] {
	const small = join(place.folder, 'small');
	mkdirSync(small, { recursive: true });
	const script = [
		`mount -t tmpfs -o size=${size} tmpfs "$SMALL"`,
		'roomy() { mount -o remount,size=200m "$SMALL"; }',
		...lines.flatMap((line) => [line, 'echo "--- $?"']),
	].join('\n');
	const words = process.getuid?.() === 0 ? ['-m', 'sh', '-c', script] : ['-Urm', 'sh', '-c', script];
	const env = {
		...process.env,
		NO_COLOR: '1',
		CELLAR_HOME: small,
		SMALL: small,
		CELLAR: `${process.execPath} ${join(clone, 'cli', 'bin', 'cellar.js')}`,
		PYTHON: pythonOf('stories'),
	};
	const said = execFileSync('unshare', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env, cwd: place.folder });
	return [...said.matchAll(/([^]*?)--- (\d+)\n/g)].map(([, text, code]) => ({ text: text!.trim(), code: Number(code) }));
}

function parsed<T>(said: { text: string } | undefined): T {
	return JSON.parse(said?.text ?? '') as T; // a document of ours
}

test(
	'a disk on which the tracer can write no more ends the audit at the next cell; what had ended is made whole when there is room',
	{ timeout: 600_000 },
	() => {
		using place = makePlace();
		const notebook = inlineNotebook(place, 'fills.ipynb', [
			`print('before')`,
			`
import os
with open(os.environ['CELLAR_HOME'] + '/filler', 'wb') as file:
    try:
        while True:
            file.write(b'x' * 4096)
            file.flush()
    except OSError:
        pass`,
			`print('after')`,
		]);
		const [audit, , runs, deps] = onSmallDisk(place, '4m', [
			`$CELLAR audit ${notebook} --python $PYTHON --json`,
			'rm $SMALL/filler; roomy',
			'$CELLAR runs --json',
			'$CELLAR deps',
		]);
		expect(audit?.code).toBe(4);
		const { error } = parsed<ErrorDocument>(audit);
		expect(error.code).toBe('CELLAR_DISK_FULL');
		const [run] = parsed<RunsDocument>(runs).runs;
		expect(error.hint).toContain(run!.run);
		// The second cell ended on a disk that was full: it is kept or it is not, but the third one never began.
		expect(run).toMatchObject({ status: 'died', cells: { total: 3 } });
		expect([1, 2]).toContain(run!.cells.finished);
		expect(deps?.code).toBe(0);
	},
);

test('a disk that was full only for a while leaves a hole in the log, and the run says so', { timeout: 600_000 }, () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'hole.ipynb', [
		`
import os, json
filler = os.environ['CELLAR_HOME'] + '/filler'
file = open(filler, 'wb', buffering=0)
try:
    while True:
        file.write(b'x' * 4096)
except OSError:
    pass
folder = os.path.dirname(json.__file__)
for _ in range(40):
    for name in os.listdir(folder):
        if name.endswith('.py'):
            open(os.path.join(folder, name)).close()
os.remove(filler)
file.close()`,
		`print('after')`,
	]);
	const [audit] = onSmallDisk(place, '4m', [`$CELLAR audit ${notebook} --python $PYTHON --json`]);
	expect(audit?.code, audit?.text).toBe(0);
	const { warnings } = parsed<AuditDocument>(audit);
	// Whether the line at the hole can still be read as one is chance: the tracer's own words tell of it.
	const told = /^the tracer could not write its log, for \d{3,} lines: what was used then is not known$/;
	expect(warnings).toContainEqual({ code: 'CELLAR_LOG_INCOMPLETE', message: expect.stringMatching(told) });
});

test('a disk without room for the outputs: exit 4, and the next command makes the run whole', { timeout: 600_000 }, () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'large.ipynb', [
		`with open('large.bin', 'wb') as file:\n    file.truncate(20_000_000)`,
		`print('after')`,
	]);
	const [audit, before, , runs, deps] = onSmallDisk(place, '8m', [
		`$CELLAR audit ${notebook} --python $PYTHON --json`,
		'$CELLAR runs --json --progress plain 2>&1 >runs.json | cat; ls -A $SMALL/blobs/tmp',
		'roomy',
		'$CELLAR runs --json',
		'$CELLAR deps --json',
	]);
	expect(audit?.code).toBe(4);
	expect(parsed<ErrorDocument>(audit).error).toMatchObject({
		code: 'CELLAR_DISK_FULL',
		hint: expect.stringContaining('any command makes it whole'),
	});
	expect(before?.text).toMatch(/cannot be made whole: .*the disk is full {2}CELLAR_NOT_WHOLE$/);
	expect(parsed<RunsDocument>(runs).runs).toMatchObject([{ status: 'finished', cells: { total: 2, finished: 2 } }]);
	const { data } = parsed<{ data: { relative: string; role: string; sha256: string | null }[] }>(deps);
	expect(data).toMatchObject([{ relative: 'large.bin', role: 'output', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
});

test(
	'an input for which there is no room is not kept: the run says so and goes on, and packs it while it is as it was',
	{ timeout: 600_000 },
	() => {
		using place = makePlace();
		const notebook = inlineNotebook(place, 'reads.ipynb', [`print(len(open('large.bin', 'rb').read()))`]);
		const input = join(dirname(notebook), 'large.bin');
		writeFileSync(input, 'the first bytes');
		truncateSync(input, 20_000_000);
		const [audit, packed, , changed] = onSmallDisk(place, '8m', [
			`$CELLAR audit ${notebook} --python $PYTHON --json`,
			'$CELLAR pack -o packed.oci.tar',
			'rm packed.oci.tar; echo other > large.bin',
			'$CELLAR pack -o packed.oci.tar --json',
		]);
		expect(audit?.code).toBe(0);
		expect(parsed<AuditDocument>(audit).warnings).toMatchObject([
			{ code: 'CELLAR_INPUT_NOT_KEPT', message: expect.stringContaining(input) },
		]);
		expect(packed?.code).toBe(0);
		expect(parsed<ErrorDocument>(changed).error).toMatchObject({
			code: 'CELLAR_CHANGED_SINCE',
			message: expect.stringContaining(input),
		});
		expect(existsSync(join(place.folder, 'packed.oci.tar'))).toBe(false);
	},
);

test('a disk that fills up while packing leaves no half of an image', { timeout: 600_000 }, async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/hello.ipynb'), '--python', pythonOf('stories')]);
	expect(said.code, said.stderr).toBe(0);
	const [packed, left] = onSmallDisk(place, '5m', [
		`CELLAR_HOME=${place.home} $CELLAR pack -o $SMALL/x.oci.tar --json`,
		'ls -A $SMALL',
	]);
	expect(parsed<ErrorDocument>(packed).error.code).toBe('CELLAR_DISK_FULL');
	expect(left?.text).toBe('');
	expect(readdirSync(join(place.folder, 'small'))).toEqual([]);
});
