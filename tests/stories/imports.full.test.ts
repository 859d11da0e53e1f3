import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { normalName, type Access } from '../../core/src/model/index.ts';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf } from './cellar.ts';
import { kinds } from './engines.ts';
import { inlineNotebook } from './inline.ts';

/** Printed, so that a failure can be had again: CELLAR_TEST_SEED=… repeats it. */
const seed = Number(process.env['CELLAR_TEST_SEED'] ?? randomInt(1 << 30));
const [tasks, workers] = [200, 5];

/** How each engine is given the tasks; what it begins and ends with is that of the other stories. */
const asked = {
	fork: { of: 'pools', source: poolOf('fork') },
	spawn: { of: 'pools', source: poolOf('spawn') },
	dask: {
		of: 'dask',
		source: `told = client.gather([client.submit(imports.task, 'dask', n, chosen[n], pure=False) for n in range(TASKS)])`,
	},
	parsl: {
		of: 'parsl',
		source: `
@parsl.python_app
def app(n, chosen):
    import imports
    return imports.task('parsl', n, chosen)
told = [future.result() for future in [app(n, chosen[n]) for n in range(TASKS)]]`,
	},
	ipyparallel: {
		of: 'ipyparallel',
		source: `told = [one.get() for one in [balanced.apply_async(imports.task, 'ipyparallel', n, chosen[n]) for n in range(TASKS)]]`,
	},
	ray: { of: 'ray', source: `told = ray.get([ray.remote(imports.task).remote('ray', n, chosen[n]) for n in range(TASKS)])` },
} as const;

function poolOf(how: string): string {
	return `told = [job.get() for job in [pools['${how}'].apply_async(imports.task, ('${how}', n, chosen[n])) for n in range(TASKS)]]`;
}

/** What the tasks told of themselves. */
interface Told {
	/** By the path of each module of a distribution, its name. */
	readonly owners: Readonly<Record<string, string>>;
	readonly tasks: readonly {
		readonly n: number;
		readonly pid: number;
		readonly before: readonly string[];
		readonly new: readonly string[];
		readonly again: readonly string[];
	}[];
}

interface Software {
	readonly name: string;
	readonly ecosystem: string;
	readonly workers: readonly string[];
	readonly tasks: readonly string[];
}

test.each(Object.entries(asked))(
	`which task of %s loaded which distribution first, in which worker, is as the tasks say (seed ${seed})`,
	async (engine, { of, source }) => {
		using place = makePlace();
		const kind = kinds[of];
		const notebook = place.copy('engines/engines.ipynb');
		const folder = dirname(notebook);
		mkdirSync(join(folder, 'data'));
		for (let n = 0; n < tasks; n++) writeFileSync(join(folder, 'data', `${engine}-${n}.txt`), 'x');
		// One task at a time in a process: what is new is then that task's.
		const first = `import functools, imports, work\nTASKS, WORKERS = ${tasks}, ${workers}${kind.first([engine])}`;
		const cells = [
			first.replace('threads_per_worker=2', 'threads_per_worker=1'),
			`chosen = imports.choices(${seed}, '${engine}', TASKS)\n${source.trim()}\nimports.keep('${engine}', told)`,
			kind.last,
		];
		inlineNotebook({ folder }, 'engines.ipynb', cells);
		const python = pythonOf(kind.environment);
		const env = { PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}` };
		const said = await place.cellar(['audit', notebook, '--python', python, '--json'], { env });
		expect(said.code, said.stderr).toBe(0);
		const { facts } = await readTables(said.json().directory);
		const told = JSON.parse(readFileSync(join(folder, `imports-${engine}.json`), 'utf8')) as Told; // our own program's
		expect(told.tasks).toHaveLength(tasks);

		// Which attempt each of them was, by the file of its own.
		const reads = new Map(facts.accesses.flatMap((one) => (one.how === 'read' && one.task !== null ? [[one.path, one]] : [])));
		const attemptOf = (n: number) => reads.get(join(folder, 'data', `${engine}-${n}.txt`))!.task!;
		const workerOf = new Map(facts.tasks.flatMap((task) => task.attempts.map((one) => [one.attempt, one] as const)));
		const distributionsOf = (files: readonly string[]) =>
			new Set(files.flatMap((file) => (told.owners[file] === undefined ? [] : [normalName(told.owners[file])])));

		// Each task: what it loaded, and what of that was the first of a distribution in its process.
		const loads: string[] = [];
		const firsts: string[] = [];
		const again = new Set<string>();
		for (const one of told.tasks) {
			const before = distributionsOf(one.before);
			for (const name of distributionsOf(one.again)) again.add(`${name} by ${attemptOf(one.n)}`);
			for (const name of distributionsOf(one.new)) {
				loads.push(`${name} by ${attemptOf(one.n)}`);
				if (!before.has(name)) firsts.push(`${name} by ${attemptOf(one.n)} in ${one.pid}`);
			}
		}
		expect(firsts.length).toBeGreaterThan(50);

		// The tables: the first that each process used of a distribution's code, unless it was forked by one that had.
		const seen = new Map<string, Access>();
		for (const access of facts.accesses) {
			const owner = access.how === 'read' ? told.owners[access.path] : undefined;
			if (owner === undefined) continue;
			const key = `${normalName(owner)} ${access.process}`;
			const known = seen.get(key);
			if (known === undefined || access.first < known.first) seen.set(key, access);
		}
		const births = new Map(facts.processes.map((one) => [one.ordinal, one]));
		const isInherited = (name: string, process: number): boolean => {
			const { inheritsFrom, untilSeq } = births.get(process)!;
			if (inheritsFrom === null || untilSeq === null) return false;
			const parent = births.get(inheritsFrom)!.process;
			return (seen.get(`${name} ${parent}`)?.first ?? Infinity) < untilSeq || isInherited(name, parent);
		};
		const found = [...seen].flatMap(([key, { task, process }]) => {
			const [name] = key.split(' ') as [string, string];
			return task === null || isInherited(name, process) ? [] : [`${name} by ${task} in ${births.get(process)!.pid}`];
		});
		expect(found.toSorted()).toEqual(firsts.toSorted());

		// The document: every task that loaded something of a distribution, and its worker.
		const deps = await place.cellar(['deps', '--for', 'workers', '--json']);
		const software = deps
			.json<{ readonly software: readonly Software[] }>()
			.software.filter(({ ecosystem }) => ecosystem === 'pypi');
		const documented = software.flatMap((item) => item.tasks.map((attempt) => `${normalName(item.name)} by ${attempt}`));
		expect(loads.filter((load) => !documented.includes(load))).toEqual([]);
		expect(documented.filter((load) => !loads.includes(load) && !again.has(load))).toEqual([]);
		for (const { name, workers: users, tasks: by } of software) {
			const strangers = by.filter((attempt) => !users.includes(workerOf.get(attempt)!.worker!));
			expect(strangers, name).toEqual([]);
		}
	},
);
