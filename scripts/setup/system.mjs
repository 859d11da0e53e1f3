// What the machine itself must have: programs that a package manager brings, and the tests' ordinary user.
import { readFileSync } from 'node:fs';
import { attempt, must, onPath, StepFailed } from './run.mjs';

/** Programs by what they are asked for, and how each package manager calls them. */
const programs = {
	strace: { probe: ['strace', '-V'] },
	bubblewrap: { probe: ['bwrap', '--version'] },
	// Only a program that includes a header shows that the C library's headers are there too.
	gcc: {
		probe: ['gcc', '-E', '-include', 'stdio.h', '-x', 'c', '/dev/null'],
		apt: ['gcc', 'libc6-dev'],
		apk: ['gcc', 'musl-dev'],
	},
	skopeo: { probe: ['skopeo', '--version'] },
	umoci: { probe: ['umoci', '--version'] },
	// Tests make a database of rpm's, where they run on Debian.
	rpmbuild: { probe: ['rpmbuild', '--version'], apt: ['rpm'], only: 'apt' },
	// Other languages that the tests' notebooks are written in, or call. Elsewhere whoever runs these tests brings them.
	'R with IRkernel': { probe: ['R', '--slave', '-e', 'library(IRkernel)'], apt: ['r-cran-irkernel'], only: 'apt' },
	go: { probe: ['go', 'version'], apt: ['golang-go'], only: 'apt' },
	// Debian parts its Python: tests of the system's own Python need environments of it, whatever other Python is about.
	'python3-venv': { probe: ['/usr/bin/python3', '-c', 'import venv, ensurepip'], only: 'apt' },
};

/** Package managers in the order in which they are looked for, with the line that installs. */
const managers = [
	{ name: 'apt', command: 'apt-get', line: 'apt-get install -y' },
	{ name: 'dnf', command: 'dnf', line: 'dnf install' },
	{ name: 'apk', command: 'apk', line: 'apk add' },
	{ name: 'pacman', command: 'pacman', line: 'pacman -S' },
	{ name: 'zypper', command: 'zypper', line: 'zypper install' },
];

const manager = () => managers.find(({ command }) => onPath(command));
const testUser = 'cellar-test';
const isRoot = () => process.getuid?.() === 0;

/** @returns {Promise<readonly string[]>} those of the programs that the set-up is for and that do not run here */
export async function missingPrograms({ tests }) {
	const here = (name) => programs[name].only === undefined || programs[name].only === manager()?.name;
	const wanted = tests ? Object.keys(programs).filter(here) : ['strace', 'bubblewrap'];
	const found = await Promise.all(wanted.map(async (name) => (await attempt(programs[name].probe)).ok));
	return wanted.filter((_, i) => !found[i]);
}

/**
 * How programs (and `python3-venv`) can be installed here.
 *
 * @returns {Promise<{ how: 'apt', sudo: boolean, packages: readonly string[] } | { how: 'by hand', lines: readonly string[] }>}
 */
export async function installer(names) {
	const found = manager();
	const packagesOf = (name) => (found && programs[name]?.[found.name]) ?? [name];
	const packages = names.flatMap(packagesOf);
	if (found?.name === 'apt') {
		if (isRoot()) return { how: 'apt', sudo: false, packages };
		if ((await attempt(['sudo', '-n', 'true'])).ok) return { how: 'apt', sudo: true, packages };
	}
	const lines = found ? [`${isRoot() ? '' : 'sudo '}${found.line} ${packages.join(' ')}`] : [];
	const inConda = { 'python3-venv': 'python=3.13', 'R with IRkernel': 'r-irkernel' };
	const conda = names.map((name) => inConda[name] ?? name);
	lines.push(`conda install -c conda-forge ${conda.join(' ')}`);
	return { how: 'by hand', lines };
}

/** Installs by apt; the lists of packages are fetched only where the first try fails without. */
export async function installByApt(packages, sudo) {
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	const apt = (...args) => (sudo ? ['sudo', '-n', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args] : ['apt-get', ...args]);
	const wait = ['-q', '-o', 'DPkg::Lock::Timeout=300'];
	const install = apt('install', '-y', '--no-install-recommends', ...wait, ...packages);
	if ((await attempt(install, { env })).ok) return;
	await must(apt('update', ...wait), { env });
	await must(install, { env });
}

/** Root sees no permission refused; the tests that need one run as this user. Whoever is not root is an ordinary user already. */
export function lacksTestUser() {
	return isRoot() && !new RegExp(`^${testUser}:`, 'm').test(readFileSync('/etc/passwd', 'utf8'));
}

export async function addTestUser() {
	if (onPath('useradd')) await must(['useradd', '--create-home', '--shell', '/bin/sh', testUser]);
	else if (onPath('adduser')) await must(['adduser', '-D', testUser]);
	else throw new StepFailed(`neither useradd nor adduser is here to add the user ${testUser}`, 4);
}
