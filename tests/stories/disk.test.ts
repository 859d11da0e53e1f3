import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clone, makePlace, pythonOf } from './cellar.ts';

/** Runs a shell line where `home` is a file system of its own with room for so much: in a mount namespace that goes away with it. */
function withSmallDisk(home: string, size: string, line: string): { code: number; stdout: string } {
	mkdirSync(home, { recursive: true });
	const script = `mount -t tmpfs -o size=${size} tmpfs "${home}" && { ${line}; }`;
	try {
		const words = process.getuid?.() === 0 ? ['-m', 'sh', '-c', script] : ['-Urm', 'sh', '-c', script];
		return {
			code: 0,
			stdout: execFileSync('unshare', words, {
				encoding: 'utf8',
				stdio: ['ignore', 'pipe', 'pipe'],
				env: { ...process.env, CELLAR_HOME: home },
			}),
		};
	} catch (error) {
		const failed = error as { status: number; stdout: string }; // what execFileSync throws
		return { code: failed.status, stdout: failed.stdout };
	}
}

test('a disk that fills up during an audit: exit 4, and the run keeps the cells that had ended', { timeout: 120_000 }, () => {
	using place = makePlace();
	const notebook = place.copy('bad/hello.ipynb');
	const cellar = `${process.execPath} ${join(clone, 'cli', 'bin', 'cellar.js')}`;
	const line = `${cellar} audit ${notebook} --python ${pythonOf('stories')} --json; echo; ls "$CELLAR_HOME/runs"`;
	const { stdout } = withSmallDisk(join(place.folder, 'small'), '48k', line);
	expect(stdout).toContain('"CELLAR_DISK_FULL"');
	expect(stdout).toMatch(/\d{8}-\d{6}-\w{4}/);
});

test('a disk that fills up while packing leaves no half of an image', { timeout: 180_000 }, async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/hello.ipynb'), '--python', pythonOf('stories')]);
	expect(said.code, said.stderr).toBe(0);
	const small = join(place.folder, 'small');
	const line = `CELLAR_HOME=${place.home} ${process.execPath} ${join(clone, 'cli', 'bin', 'cellar.js')} pack -o ${small}/x.oci.tar --json; ls -A ${small} | wc -l`;
	const { stdout } = withSmallDisk(small, '5m', line);
	expect(stdout).toContain('"CELLAR_DISK_FULL"');
	expect(stdout.trimEnd().endsWith('0')).toBe(true);
	expect(existsSync(join(small, 'x.oci.tar'))).toBe(false);
	expect(readdirSync(small)).toEqual([]);
});
