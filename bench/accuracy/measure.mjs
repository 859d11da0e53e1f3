import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { auditAndList, layOut, makeEnvironment } from './audit.mjs';
import { chanceOf } from './chance.mjs';
import { makePackages } from './packages.mjs';
import { fields, planNotebook } from './plan.mjs';
import { compare, misses, tally } from './score.mjs';

/**
 * Generates notebooks, audits them, and compares what Cellar says with the plans.
 *
 * @param {{ seed: number, notebooks: number, facts: number, folder: string }} o `folder` is empty; `facts` of one notebook
 * @returns an answer for each notebook, as it comes
 */
export async function* measure({ seed, notebooks, facts, folder }) {
	const chance = chanceOf(seed);
	const packages = makePackages(chance, 40);
	const python = makeEnvironment(join(folder, 'environment'), packages);
	const code =
		"import importlib.metadata as m, json, platform; print(json.dumps({'python': platform.python_version(), **{n: m.version(n) for n in ('numpy', 'pandas')}}))";
	const versions = JSON.parse(execFileSync(python, ['-c', code], { encoding: 'utf8' }));
	for (let at = 0; at < notebooks; at++) {
		const field = fields[at % fields.length]?.name ?? '';
		const plan = planNotebook({
			seed: chance.below(2 ** 32),
			field,
			folder: join(folder, `notebook-${at + 1}`),
			packages,
			facts,
		});
		const notebook = layOut(plan, python);
		const document = await auditAndList({ notebook, python, home: join(folder, 'cellar') });
		const compared = compare(plan, document, { packages, versions });
		yield { plan, tally: tally(compared), misses: misses(compared, document), unknown: document.unknown };
	}
}
