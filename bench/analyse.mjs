// From a log to dependencies, once, in a process of its own: prints what it took as JSON. Started by bench/analysis.mjs.
import { createFollower, readLog } from '../core/dist/audit/index.js';
import { describe, judge, openMachine, wholeRun } from '../core/dist/dependencies/index.js';
import { createExisted, createLooks, lookAtFiles } from '../core/dist/flows/run/files.js';
import { numberPaths } from '../core/dist/model/index.js';

const { log, dpkg, site, cwd, home, nonce, cells, started } = JSON.parse(process.argv[2]);

// The indices warm: built and asked once.
const machine = openMachine({ dpkg });
machine.dpkg().ownerOf('/usr');
machine.site(site).listing(site);
machine.site(site).ownerOfFolder(site);

const phases = {};
const clocks = () => {
	const { user, system } = process.cpuUsage();
	return { wall: performance.now() / 1e3, cpu: (user + system) / 1e6 };
};
let since = clocks();
const phase = (name) => {
	const now = clocks();
	phases[name] = { wall: now.wall - since.wall, cpu: now.cpu - since.cpu };
	since = now;
};

const looks = createLooks();
const facts = await factsOf(log);
phase('facts');
const { accesses } = facts;
const paths = numberPaths(accesses);
const existed = createExisted(paths.numbers);
const firsts = {
	log: accesses.map(({ log }) => log),
	how: accesses.map(({ how }) => how),
	first: accesses.map(({ first }) => first),
};
existed.add(firsts, paths.ofAccesses);
const files = lookAtFiles(facts, existed, [], { started: Date.parse(started), ended: null, inside: null, looks });
phase('looking');
const numbers = Array.from({ length: cells }, (_, at) => at + 1);
const run = {
	...{
		format: 1,
		run: 'bench',
		notebook: `${cwd}/analysis.ipynb`,
		status: 'finished',
		started,
		seconds: 1,
		warnings: [],
		repeatOf: null,
	},
	cells: numbers.map((number) => ({
		number,
		id: null,
		status: 'finished',
		seconds: 0,
		executionCount: number,
		executions: [number],
	})),
	workers: [],
	circumstances: {
		...{
			argv: [],
			cwd,
			home,
			user: 'ada',
			uid: 1000,
			gid: 1000,
			hostname: 'here',
			bootId: 'boot',
			environment: {},
			environmentNames: [],
		},
		...{
			kernel: null,
			connectionFile: null,
			tracer: null,
			rules: null,
			image: null,
			checks: false,
			parameters: {},
			nonce,
			cellar: '0',
		},
	},
};
const judgement = judge({ run, facts, paths, files, cells: [], machine });
phase('judging');
const document = describe(judgement, files, wholeRun);
phase('describing');
process.stdout.write(
	JSON.stringify({
		phases,
		peak: process.resourceUsage().maxRSS * 1024,
		counts: {
			paths: new Set(facts.accesses.map((access) => access.path)).size,
			accesses: facts.accesses.length,
			processes: facts.processes.length,
			workers: facts.workers.length,
			verdicts: judgement.verdicts.size,
			software: document.software.length,
			data: document.data.length,
			unknown: document.unknown.length,
			doubts: facts.doubts.map((doubt) => doubt.message),
			warnings: judgement.warnings.map((warning) => warning.message),
		},
	}),
);

/** As a flow does it: what followed the log is gone when its facts are told. */
async function factsOf(path) {
	const files = { exists: () => true, setuid: () => false };
	const onFirstUse = ({ path }) => void looks.sighted(path);
	const follower = createFollower({ log: 'manager', nonce, host: 'here', bootId: 'boot', files, onFirstUse });
	await readLog(path, follower, () => looks.some());
	phase('reading');
	return follower.facts();
}
