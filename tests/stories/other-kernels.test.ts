import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { makePlace, pythonOf, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import type { RepeatDocument } from './left-out.ts';

/** The version of a Debian package, by dpkg itself. */
function debian(name: string): string {
	return execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' });
}

/** What R says of itself or of a package. */
function inR(expression: string): string {
	try {
		return execFileSync('R', ['--slave', '-e', `cat(as.character(${expression}))`], { encoding: 'utf8' });
	} catch (cause) {
		throw new Error('R with its kernel is missing: apt-get install r-cran-irkernel', { cause });
	}
}

async function dependencies(place: Place, ...words: string[]): Promise<Dependencies> {
	return (await place.cellar(['deps', '--json', ...words])).json<Dependencies>();
}

const find = (document: Dependencies, name: string) => document.software.find((one) => one.name === name);
const dataOf = (document: Dependencies, folder: string) =>
	document.data
		.filter((one) => one.path.startsWith(folder))
		.map((one) => `${one.role} ${one.relative} ${one.cells.join(' ')}`)
		.sort();

test(
	'a notebook of R: accesses by cell, packages of R and of Debian by name, and a repeat that is the same',
	{ timeout: 300_000 },
	async () => {
		using place = makePlace();
		mkdirSync(join(place.folder, 'lab'));
		const notebook = inlineNotebook({ folder: join(place.folder, 'lab') }, 'analysis.ipynb', [
			`numbers <- read.csv("numbers.csv")\nsum(numbers$a)`,
			`library(digest)\nsource("double.R")\ndouble(2)`,
			`writeLines(digest::digest("x"), "out.txt")\nstats::sd(numbers$a)`,
			`system("head -c 3 numbers.csv", intern = TRUE)`,
			`parallel::mclapply(1:2, function(i) readLines("numbers.csv")[i], mc.cores = 2)`,
		]);
		const folder = dirname(notebook);
		writeFileSync(join(folder, 'numbers.csv'), 'a,b\n1,2\n3,4\n');
		writeFileSync(join(folder, 'double.R'), 'double <- function(x) 2 * x\n');
		const version = inR('packageVersion("digest")');

		const audited = await place.cellar(['audit', notebook, '--kernel', 'ir', '--json']);
		expect(audited.code, audited.stderr).toBe(0);
		// The shell script that starts R forks too, and what it forks is no worker.
		expect(audited.json().workers.map((one) => one.engine)).toEqual(['fork', 'fork']);

		const all = await dependencies(place);
		expect(dataOf(all, folder)).toEqual(['input numbers.csv 1 4 5', 'output out.txt 3']);
		expect(find(all, 'digest')).toMatchObject({
			...{ version, ecosystem: 'cran', direct: true, cells: [2, 3] },
			origin: { deb: 'r-cran-digest', version: debian('r-cran-digest') },
		});
		expect(find(all, 'r-cran-digest')).toMatchObject({ ecosystem: 'deb', version: debian('r-cran-digest'), direct: false });
		expect(find(all, 'R')).toMatchObject({ ecosystem: 'interpreter', version: inR('getRversion()'), direct: true });
		expect(find(all, 'r-base-core')).toMatchObject({ ecosystem: 'deb', version: debian('r-base-core') });
		expect(find(all, 'IRkernel')).toMatchObject({ ecosystem: 'cran', direct: false });
		expect(find(all, 'coreutils')).toMatchObject({ ecosystem: 'deb', version: debian('coreutils'), direct: true, cells: [4] });
		expect(find(all, 'double.R')).toMatchObject({ ecosystem: 'local', direct: true, cells: [2] });
		expect(all.unknown).toEqual([]);
		const third = await dependencies(place, '--for', 'cell:3');
		expect(third.software.filter((one) => one.direct).map((one) => one.name)).toEqual(['digest', 'R']);

		const image = join(place.folder, 'r.oci.tar');
		const packed = await place.cellar(['pack', '-o', image, '--json']);
		expect(packed.code, packed.stderr).toBe(0);
		const repeated = await place.cellar(['repeat', image, '--json'], { env: { CELLAR_HOME: join(place.folder, 'elsewhere') } });
		expect(repeated.code, repeated.stderr).toBe(0);
		expect(repeated.json<RepeatDocument>().verdict).toBe('same');
	},
);

test(
	'a notebook of bash: the shell was born before the first cell, and works for the cell that is active',
	{ timeout: 600_000 },
	async () => {
		using place = makePlace();
		const python = pythonOf('bash-kernel');
		const kernel = join(place.folder, 'jupyter/kernels/bash');
		mkdirSync(kernel, { recursive: true });
		const spec = { argv: [python, '-m', 'bash_kernel', '-f', '{connection_file}'], display_name: 'Bash', language: 'bash' };
		writeFileSync(join(kernel, 'kernel.json'), JSON.stringify(spec));
		mkdirSync(join(place.folder, 'lab'));
		const notebook = inlineNotebook({ folder: join(place.folder, 'lab') }, 'analysis.ipynb', [
			`sort numbers.txt | head -n 1`,
			`. ./greet.sh\ngreet world`,
			`while read -r line; do echo "$line"; done < numbers.txt`,
			`echo "$(<numbers.txt)" > out.txt`,
			`( sed s/1/one/ out.txt )`,
		]);
		const folder = dirname(notebook);
		writeFileSync(join(folder, 'numbers.txt'), '2\n1\n');
		writeFileSync(join(folder, 'greet.sh'), 'greet() { echo "hello $1"; }\n');
		// A home of its own: what an ordinary start of bash reads differs from user to user.
		const env = { JUPYTER_PATH: join(place.folder, 'jupyter'), HOME: place.folder };
		const audited = await place.cellar(['audit', notebook, '--kernel', 'bash', '--json'], { env });
		expect(audited.code, audited.stderr).toBe(0);
		expect(audited.json().workers).toEqual([]);

		const all = await dependencies(place);
		expect(dataOf(all, folder)).toEqual(['input numbers.txt 1 3 4', 'intermediate out.txt 4 5']);
		const direct = all.software.filter((one) => one.direct);
		expect(direct.map((one) => [one.name, one.version, one.ecosystem, one.cells])).toEqual([
			['coreutils', debian('coreutils'), 'deb', [1]],
			['greet.sh', null, 'local', [2]],
			['sed', debian('sed'), 'deb', [5]],
		]);
		expect(find(all, 'bash_kernel')).toMatchObject({ ecosystem: 'pypi', version: '0.10.0', direct: false });
		expect(find(all, 'bash')).toMatchObject({ ecosystem: 'deb', version: debian('bash') });
	},
);
