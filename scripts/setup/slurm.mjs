// Slurm for the full tests: the controller, the nodes' daemon and the users' commands of Debian's packages, unpacked into .cache/slurm.
// Nothing is installed: its programs find the libraries beside them, for them alone, so that a job's environment is as on any cluster.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debian, librariesOf, unpackPackages } from './debian.mjs';
import { root, StepFailed } from './run.mjs';

const folder = join(root, '.cache/slurm');
const packages = ['munge', 'slurmctld', 'slurmd', 'slurm-client'];
/** Each by where it lies; Debian gives some of them another name, so that several versions may be installed. */
const programs = {
	...{ munged: ['usr/sbin/munged'], slurmctld: ['usr/sbin/slurmctld-wlm', 'usr/sbin/slurmctld'] },
	...{ slurmd: ['usr/sbin/slurmd-wlm', 'usr/sbin/slurmd'], slurmstepd: ['usr/sbin/slurmstepd-wlm', 'usr/sbin/slurmstepd'] },
	...Object.fromEntries(
		['sbatch', 'srun', 'scancel', 'squeue', 'sinfo', 'sacct', 'scontrol'].map((name) => [name, [`usr/bin/${name}`]]),
	),
};

/** @returns {boolean} whether this is a Debian, whose sources have them */
export const canHaveSlurm = () => debian() !== null;

/** Written last: a folder without it is half made. The number grows with what is made of the packages. */
const stamp = join(folder, '.complete.json');
const wanted = () =>
	createHash('sha256')
		.update(JSON.stringify([1, packages, programs]))
		.digest('hex');

export const hasSlurm = () => existsSync(stamp) && JSON.parse(readFileSync(stamp, 'utf8')).made === wanted();

export async function fetchSlurm() {
	await unpackPackages(folder, packages, { withMissing: true });
	mkdirSync(join(folder, 'bin'));
	const libraries = librariesOf(folder);
	const plugins = libraries.map((one) => join(one, 'slurm-wlm')).find((one) => existsSync(one));
	const loader = readdirSync('/lib64').find((name) => /^ld-linux-.*\.so\.\d$/.test(name));
	if (plugins === undefined || loader === undefined) throw new StepFailed(`Slurm's libraries are not where Debian has them`);
	for (const [name, places] of Object.entries(programs)) {
		const program = places.map((one) => join(folder, 'root', one)).find((one) => existsSync(one));
		if (program === undefined) throw new StepFailed(`${packages.join(', ')} hold no ${name}`);
		const words = [`/lib64/${loader}`, '--library-path', [plugins, ...libraries].join(':'), program];
		const file = join(folder, 'bin', name);
		writeFileSync(file, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`);
		chmodSync(file, 0o755);
	}
	writeFileSync(stamp, `${JSON.stringify({ made: wanted(), plugins })}\n`);
}
