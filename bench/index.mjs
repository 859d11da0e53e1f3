// What the indices of packages cost on a machine with 1,000 Debian packages and 300 distributions: dpkg's lists and the RECORDs
// of a site, opened in a fresh process each time and asked whose the files of a tenth of the distributions are (`--used 300`
// asks about all: RECORDs are read when something below them is asked for). Warm is with the files in the page cache; cold is after
// they were dropped from it, each by itself (posix_fadvise, by Python), since dropping all caches needs root.
//
//     npm run bench:index -- --rounds 5
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeMachine } from './made/machine.mjs';

const { values } = parseArgs({
	options: { rounds: { type: 'string', default: '5' }, used: { type: 'string', default: '30' } },
});
const [rounds, used] = [values.rounds, values.used].map(Number);
const room = join(dirname(fileURLToPath(import.meta.url)), '..', 'core', 'dist', 'dependencies', 'index.js');

const code = `
	import { openMachine } from ${JSON.stringify(room)};
	const [dpkg, site, ...files] = process.argv.slice(1);
	const began = performance.now();
	const before = process.cpuUsage();
	const machine = openMachine({ dpkg });
	machine.dpkg().ownerOf('/usr/bin/env');
	const packages = performance.now();
	const owned = files.filter((file) => machine.site(site).listing(file).length === 1);
	const { user, system } = process.cpuUsage(before);
	const wall = (performance.now() - began) / 1e3;
	console.log(JSON.stringify({ wall, dpkg: (packages - began) / 1e3, cpu: (user + system) / 1e6, distributions: machine.site(site).distributions.length, owned: owned.length }));
`;

function measure({ dpkg, site, files }) {
	const asked = Array.from({ length: used }, (_, at) => files[Math.floor((at * files.length) / used)]);
	const done = spawnSync(process.execPath, ['--input-type=module', '--eval', code, dpkg, site, ...asked], { encoding: 'utf8' });
	if (done.status !== 0) throw new Error(done.stderr);
	return JSON.parse(done.stdout);
}

const dropping = `
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        file = os.open(os.path.join(folder, name), os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
`;

/** Drops files from the page cache; what was just written must be on the disk for that. */
function drop(folder) {
	const done = spawnSync('python3', ['-c', dropping, folder], { encoding: 'utf8' });
	if (done.status !== 0) throw new Error(done.stderr);
}

function spread(numbers) {
	const sorted = numbers.toSorted((a, b) => a - b);
	const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
	return [median, sorted[0], sorted.at(-1)].map((one) => one.toFixed(2).padStart(5)).join(' | ');
}

const folder = mkdtempSync(join(tmpdir(), 'cellar-bench-'));
try {
	const machine = makeMachine(folder, { distributions: 300, packages: 1000, onDisk: false });
	spawnSync('sync');
	process.stdout.write(
		`Linux ${release()}, Node ${process.version}, ${cpus().length} CPUs, ${rounds} rounds in turn, load before ${loadavg()[0].toFixed(2)}\n`,
	);
	measure(machine);
	const warm = [];
	const cold = [];
	for (let round = 0; round < rounds; round++) {
		warm.push(measure(machine));
		drop(folder);
		cold.push(measure(machine));
	}
	process.stdout.write(
		'\n| | wall s, median | min | max | CPU s, median | min | max |\n| --- | --- | --- | --- | --- | --- | --- |\n',
	);
	for (const [name, all] of Object.entries({ warm, cold })) {
		process.stdout.write(`| ${name} | ${spread(all.map((one) => one.wall))} | ${spread(all.map((one) => one.cpu))} |\n`);
		process.stdout.write(`| … of it dpkg | ${spread(all.map((one) => one.dpkg))} | | | |\n`);
	}
	process.stdout.write(
		`\n${warm[0].distributions} distributions, ${warm[0].owned} of them asked about; load after ${loadavg()[0].toFixed(2)}\n`,
	);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
