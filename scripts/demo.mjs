// The whole line on a real notebook: audit, explain, pack, repeat where nothing of the first run can be reached, verdicts.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup/plan.mjs';

const clone = realpathSync(join(dirname(fileURLToPath(import.meta.url)), '..'));
const example = join(clone, 'examples', 'image-convolution');
const notebook = join(example, 'image-convolution.ipynb');
const environment = join(clone, '.cache', 'venv', 'image-convolution');
const demo = join(clone, '.cache', 'demo');
const image = join(demo, 'image-convolution.oci.tar');
const nobody = 65534;

function title(text) {
	process.stdout.write(`\n\u001B[1m${text}\u001B[0m\n`);
}

function fail(code) {
	process.stdout.write('\nThe demo ends here; the lines above say why.\n');
	process.exit(code);
}

/** Runs a command of Cellar as a user would, on this terminal, and says what was typed. */
function cellar(words, shown = words) {
	process.stdout.write(`$ cellar ${shown.join(' ')}\n`);
	const done = spawnSync(process.execPath, [join(clone, 'cli', 'bin', 'cellar.js'), ...words], { stdio: 'inherit', cwd: clone });
	if (done.status !== 0) fail(done.status ?? 1);
}

/** Where the Python that made the environment lives: its own prefix, or the system's folders. */
function pythonFolders() {
	const prefix = spawnSync(join(environment, 'bin', 'python'), ['-c', 'import sys; print(sys.base_prefix)'], {
		encoding: 'utf8',
	}).stdout.trim();
	const system = [
		'/usr/lib/python3',
		'/usr/local/lib/python3.11',
		'/usr/bin/python3',
		'/usr/bin/python3.11',
		'/usr/lib/python3.11',
	];
	const own = prefix === '/usr' || prefix === '/usr/local' ? [] : [prefix];
	const version = readFileSync(join(environment, 'pyvenv.cfg'), 'utf8').match(/^version = (\d+\.\d+)/m)?.[1];
	const others =
		version === undefined
			? []
			: [
					`/usr/bin/python${version}`,
					`/usr/lib/python${version}`,
					`/usr/local/bin/python${version}`,
					`/usr/local/lib/python${version}`,
				];
	return [...new Set([...own, ...system, ...others])].filter((path) => existsSync(path));
}

/** The innermost first: a folder is hidden before the one that holds it. */
function hidden() {
	return [...new Set([environment, join(example, 'data'), ...pythonFolders()].map((path) => realpathSync(path)))].sort(
		(a, b) => b.length - a.length,
	);
}

function repeat() {
	const root = process.getuid?.() === 0;
	const stage = mkdtempSync(join(tmpdir(), 'cellar-demo-'));
	chmodSync(stage, 0o755);
	mkdirSync(demo, { recursive: true });
	if (root) chownSync(demo, nobody, nobody);
	const words = ['repeat', join(stage, 'home', 'image-convolution.oci.tar')];
	process.stdout.write(`$ cellar ${words.join(' ')}\n`);
	const done = spawnSync(
		'unshare',
		[
			root ? '-m' : '-Urm',
			'sh',
			join(clone, 'scripts', 'demo', 'out-of-reach.sh'),
			stage,
			clone,
			realpathSync(process.execPath),
			root ? String(nobody) : '0',
			...hidden(),
			'--',
			...words,
		],
		{ stdio: 'inherit' },
	);
	rmSync(stage, { recursive: true, force: true });
	return done.status ?? 1;
}

const ready = await setUp({
	tests: false,
	full: false,
	examples: ['image-convolution'],
	python: process.env['CELLAR_PYTHON'] || null,
	dryRun: false,
});
if (ready !== 0) process.exit(ready);

rmSync(demo, { recursive: true, force: true });
mkdirSync(demo, { recursive: true });
title('1. Audit: run the notebook under audit');
cellar(
	['audit', notebook, '--python', join(environment, 'bin', 'python')],
	['audit', 'examples/image-convolution/image-convolution.ipynb', '--python', '.cache/venv/image-convolution/bin/python'],
);
title('2. Explain: what each cell needed');
cellar(['deps']);
title('3. Pack: just that, as an OCI image');
cellar(['pack', '-o', image], ['pack', '-o', '.cache/demo/image-convolution.oci.tar']);
title('4. Repeat: from the image alone, as another user, without network');
const verdict = repeat();
if (verdict !== 0) fail(verdict);
title('Next');
cellar(['runs']);
process.stdout.write(`
The run is the first of these; its folder is shown above. The image is .cache/demo/image-convolution.oci.tar, and its repeat is kept
in .cache/demo. Type, in this folder:

  npx --no-install cellar deps --for cell:3             what one cell needed
  npx --no-install cellar explain numpy                 why it is listed, and who used it
  npx --no-install cellar audit YOUR.ipynb --python YOUR_ENVIRONMENT/bin/python
`);
