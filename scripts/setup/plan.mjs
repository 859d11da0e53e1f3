// What is missing, in which order it is brought, and how that is told.
import { join } from 'node:path';
import { takeLock } from './lock.mjs';
import { build, hasSecondNode, installPackages, installSecondNode, isBuilt, packagesFit } from './packages.mjs';
import { environments, findPython, fittingPythons, isReady, makeEnvironment } from './python.mjs';
import { root, StepFailed } from './run.mjs';
import { canHaveSlurm, fetchSlurm, hasSlurm } from './slurm.mjs';
import { canHaveTaskVine, fetchTaskVine, hasTaskVine } from './taskvine.mjs';
import { addTestUser, installByApt, installer, lacksTestUser, missingPrograms } from './system.mjs';

/**
 * @typedef {{ tests: boolean, full: boolean, examples: string[], python: string | null, dryRun: boolean }} Wish what is asked for
 * @typedef {{ missing: string, will: string, act: () => Promise<unknown> }} Step
 */

const oldestNode = { major: 20, minor: 19 };
const say = (text) => process.stderr.write(`${text}\n`);

/**
 * Brings what is missing.
 *
 * @param {Wish} wish
 * @returns {Promise<number>} the exit code
 */
export async function setUp(wish) {
	try {
		checkNode();
		if (wish.dryRun) {
			announce(await plan(wish));
			return 0;
		}
		const waiting = (holder) => say(`another set-up runs here (process ${holder}): waiting for it`);
		const release = await takeLock(join(root, '.cache/setup.lock'), waiting);
		try {
			const all = await plan(wish);
			announce(all);
			const { system, pythons, packages } = all;
			// Two environments at a time: pip waits for the network and for the disk in turn.
			const halves = [0, 1].map((half) => pythons.filter((_, at) => at % 2 === half));
			await together([runInOrder(system).then(() => together(halves.map(runInOrder))), runInOrder(packages)]);
			// Cheap where nothing has changed, and what has changed is not known before.
			if (!packages.some(({ act }) => act === build)) await build();
		} finally {
			release();
		}
		return 0;
	} catch (error) {
		if (!(error instanceof StepFailed)) throw error;
		say(`\nset-up: ${error.message}`);
		return error.code;
	}
}

function checkNode() {
	const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
	if (major > oldestNode.major || (major === oldestNode.major && minor >= oldestNode.minor)) return;
	throw new StepFailed(
		`this is Node ${process.versions.node}; Cellar needs Node ${oldestNode.major}.${oldestNode.minor} or later`,
		4,
	);
}

/**
 * What has to be done: of the system first, then the environments of Python; npm's packages beside both.
 *
 * @param {Wish} wish
 * @returns {Promise<{ system: Step[], pythons: Step[], packages: Step[] }>}
 * @throws StepFailed where a person has to install something first, with what to type
 */
async function plan(wish) {
	const wanted = wantedEnvironments(wish);
	const asked = wanted.length > 0 && wish.python !== null ? await findPython(wish.python) : null;
	const stale = wanted.filter((environment) => !isReady(environment, asked));
	const python = stale.length > 0 ? (asked ?? (await findPython(null))) : null;

	const programs = [...(await missingPrograms(wish))];
	if (stale.length > 0 && python === null && !programs.includes('python3-venv')) programs.push('python3-venv');
	const system = programs.length > 0 ? [await programStep(programs)] : [];
	if (wish.tests && lacksTestUser()) {
		system.push({ missing: 'an ordinary user for the tests', will: 'add the user cellar-test', act: addTestUser });
	}
	if (wish.tests && canHaveTaskVine() && !hasTaskVine()) {
		system.push({ missing: 'TaskVine', will: "unpack Debian's packages in .cache/taskvine", act: fetchTaskVine });
	}
	if (wish.tests && wish.full && canHaveSlurm() && !hasSlurm()) {
		system.push({ missing: 'Slurm', will: "unpack Debian's packages in .cache/slurm", act: fetchSlurm });
	}
	const pythons = stale.map((environment) => environmentStep(environment, python));

	const packages = [];
	if (!packagesFit()) packages.push({ missing: "npm's packages", will: 'npm ci', act: installPackages });
	if (!isBuilt()) packages.push({ missing: 'the build', will: 'tsc -b', act: build });
	if (wish.full && !hasSecondNode())
		packages.push({ missing: 'Node 24', will: 'npm install, in .cache/node24', act: installSecondNode });
	return { system, pythons, packages };
}

function wantedEnvironments(wish) {
	const known = environments();
	const stranger = wish.examples.find(
		(name) => !known.some((environment) => environment.requirements === `examples/${name}/requirements.txt`),
	);
	if (stranger !== undefined) throw new StepFailed(`there is no examples/${stranger}/requirements.txt`, 2);
	const isNamed = ({ requirements }) => wish.examples.some((name) => requirements === `examples/${name}/requirements.txt`);
	return known.filter((environment) => (wish.tests && (wish.full || !environment.full)) || isNamed(environment));
}

async function programStep(names) {
	const how = await installer(names);
	if (how.how === 'apt') {
		const will = `${how.sudo ? 'sudo ' : ''}apt-get install ${how.packages.join(' ')}`;
		return { missing: names.join(', '), will, act: () => installByApt(how.packages, how.sudo) };
	}
	const lines = how.lines.map((line) => `  ${line}`).join('\n');
	const python = names.includes('python3-venv') ? ` (${fittingPythons} that can make environments)` : '';
	throw new StepFailed(
		`${names.join(', ')}${python} must be installed first. Type one of\n${lines}\nand then this command again.`,
		4,
	);
}

function environmentStep(environment, python) {
	const act = async () => {
		const found = python ?? (await findPython(null));
		if (found === null) throw new StepFailed(`no ${fittingPythons} that can make environments; name one by CELLAR_PYTHON`, 4);
		await makeEnvironment(environment, found);
	};
	return {
		missing: `the Python environment ${environment.name}`,
		will: `make it from ${environment.requirements}${python ? ` with Python ${python.version}` : ''}`,
		act,
	};
}

function announce({ system, pythons, packages }) {
	const steps = [...system, ...pythons, ...packages];
	if (steps.length === 0) return;
	say('Missing here, and what is done about it:');
	for (const { missing, will } of steps) say(`  ${missing}: ${will}`);
}

/** Waits for all; a failure of one leaves nothing of the others running. */
async function together(work) {
	await Promise.allSettled(work);
	await Promise.all(work);
}

async function runInOrder(steps) {
	for (const { missing, act } of steps) {
		const start = Date.now();
		await act();
		say(`  ✓ ${missing} (${((Date.now() - start) / 1000).toFixed(0)} s)`);
	}
}
