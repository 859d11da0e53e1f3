// A machine made for measuring: a Python with a virtual environment full of distributions, and a dpkg database, of the sizes
// that were found on real ones: 334 lines in the RECORD of a distribution, 160 in the list of a Debian package.
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const recordLines = 334;
const listLines = 160;
const words =
	'array base cache codec core data display engine field format graph index kernel linear model parser plot query series stats table tensor util view'.split(
		' ',
	);

/** The number-th word of many. */
const word = (number) => `${words[number % words.length]}${number < words.length ? '' : Math.floor(number / words.length)}`;

/**
 * @param folder absolute, empty
 * @param o.onDisk whether the files that the RECORDs list are there, and not only named
 * @returns what is where: the site, its files, dpkg's folder and the files that its lists name
 */
export function makeMachine(folder, o) {
	const prefix = join(folder, 'python');
	const venv = join(folder, 'project', '.venv');
	const site = join(venv, 'lib', 'python3.11', 'site-packages');
	const library = join(prefix, 'lib', 'python3.11');
	for (const path of [join(prefix, 'bin'), library, join(venv, 'bin'), site]) mkdirSync(path, { recursive: true });
	writeFileSync(join(library, 'os.py'), '');
	writeFileSync(join(prefix, 'bin', 'python3.11'), '\x003.11.7\x00');
	symlinkSync(join(prefix, 'bin', 'python3.11'), join(venv, 'bin', 'python'));
	writeFileSync(
		join(venv, 'pyvenv.cfg'),
		`home = ${join(prefix, 'bin')}\ninclude-system-site-packages = false\nversion = 3.11.7\n`,
	);
	const files = Array.from({ length: o.distributions }, (_, at) => makeDistribution(site, `dist-${word(at)}`, o.onDisk)).flat();
	const dpkg = join(folder, 'dpkg');
	return { prefix, venv, site, library, files, dpkg, listed: makeDpkg(dpkg, o.packages) };
}

function makeDistribution(site, name, onDisk) {
	const top = name.replaceAll('-', '_');
	const info = `${top}-1.2.3.dist-info`;
	const modules = Array.from({ length: 140 }, (_, at) => `${top}/${word(at % 12)}/${word(at)}`);
	const paths = [
		...modules.map((path) => `${path}.py`),
		...modules.map((path) => path.replace(/\/([^/]+)$/, '/__pycache__/$1.cpython-311.pyc')),
		...Array.from({ length: recordLines - 280 - 5 }, (_, at) => `${top}/data/${word(at)}.json`),
	];
	const hash = (path) => `sha256=${createHash('sha256').update(path).digest('base64url')}`;
	const own = ['INSTALLER', 'METADATA', 'WHEEL', 'top_level.txt'].map((path) => `${info}/${path}`);
	const lines = [...paths, ...own].map((path) =>
		path.endsWith('.pyc') ? `${path},,` : `${path},${hash(path)},${path.length * 97}`,
	);
	put(join(site, info, 'RECORD'), `${lines.join('\n')}\n${info}/RECORD,,\n`);
	const requires = Array.from({ length: 6 }, (_, at) => `Requires-Dist: dist-${word(at)}>=1\n`).join('');
	put(
		join(site, info, 'METADATA'),
		`Metadata-Version: 2.1\nName: ${name}\nVersion: 1.2.3\n${requires}\n${'About it, at length.\n'.repeat(300)}`,
	);
	put(join(site, info, 'INSTALLER'), 'pip\n');
	put(join(site, info, 'WHEEL'), 'Wheel-Version: 1.0\nTag: py3-none-any\n');
	put(join(site, info, 'top_level.txt'), `${top}\n`);
	if (onDisk) for (const path of paths) put(join(site, path), '');
	return paths.map((path) => join(site, path));
}

function makeDpkg(admin, packages) {
	mkdirSync(join(admin, 'info'), { recursive: true });
	const stanzas = [];
	const listed = [];
	for (let at = 0; at < packages; at++) {
		const name = `lib${word(at)}`;
		const folders = ['/.', '/usr', '/usr/share', `/usr/share/${name}`, '/usr/share/doc', `/usr/share/doc/${name}`];
		const own = Array.from({ length: listLines - folders.length }, (_, line) =>
			line < 2 ? `/lib/x86_64-linux-gnu/${name}.so.${line}` : `/usr/share/${name}/${word(line % 9)}/${word(line)}.dat`,
		);
		listed.push(...own);
		writeFileSync(join(admin, 'info', `${name}:amd64.list`), `${[...folders, ...own].join('\n')}\n`);
		writeFileSync(
			join(admin, 'info', `${name}:amd64.md5sums`),
			own.map((path) => `${'0'.repeat(32)}  ${path.slice(1)}\n`).join(''),
		);
		stanzas.push(
			`Package: ${name}\nStatus: install ok installed\nPriority: optional\nSection: libs\nInstalled-Size: ${at * 7}\n` +
				`Maintainer: Somebody <somebody@example.org>\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1.${at}-2+deb12u1\n` +
				`Depends: lib${word(at >> 1)} (>= 1.0), lib${word(at >> 2)} | lib${word(at >> 3)}\nConffiles:\n /etc/${name}.conf ${'0'.repeat(32)}\n` +
				`Description: what ${name} is for\n${' A line that says more about it than anybody reads.\n'.repeat(12)}\n`,
		);
	}
	writeFileSync(join(admin, 'status'), stanzas.join(''));
	writeFileSync(join(admin, 'diversions'), '/usr/bin/pg_config\n/usr/bin/pg_config.libpq-dev\npostgresql-common\n');
	return listed;
}

const made = new Set();

function put(path, text) {
	const folder = dirname(path);
	if (!made.has(folder)) {
		mkdirSync(folder, { recursive: true });
		made.add(folder);
	}
	writeFileSync(path, text);
}
