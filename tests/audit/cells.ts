import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Facts } from '../../core/src/model/index.ts';
import { audited, cell, plainEnv, programs, pythonOf, scratch, type Audited, type AuditOptions } from './audited.ts';

export interface Notebook extends Audited {
	/** Where the cells ran. */
	readonly run: string;
	/** Who used a file of the run folder, in one line each: `how cell worker engine during ~`. */
	readonly scopes: (file: string) => readonly string[];
}

/** What runs between two cells. */
export interface Between {
	readonly between: () => Promise<void> | void;
}

/** Runs cells in the kernel of tests/programs under audit, each between its marks. */
export async function notebook(
	cells: readonly (string | Between)[],
	options: AuditOptions & {
		readonly command?: (python: string, argv: readonly string[]) => readonly string[];
		readonly python?: string;
	} = {},
): Promise<Notebook> {
	const folder = options.folder ?? scratch();
	const run = join(folder, 'run');
	mkdirSync(run, { recursive: true });
	execFileSync('mkfifo', [join(folder, 'cells')]);
	copyFileSync(join(programs, 'pooled.py'), join(run, 'pooled.py'));
	const python = options.python ?? pythonOf('pools');
	const argv = [join(programs, 'kernel.py'), join(folder, 'cells')];
	const result = await audited(options.command?.(python, argv) ?? [python, ...argv], {
		...options,
		folder,
		env: { ...plainEnv, PYTHONPATH: run, PYTHONDONTWRITEBYTECODE: '1', ...options.env },
		meanwhile: async (launched) => {
			const until = async (word: string) => {
				let over = false;
				void launched.ended.then(() => (over = true));
				while (!launched.lastWords().includes(`${word}\n`)) {
					if (over) throw new Error(launched.lastWords());
					await wait(5);
				}
			};
			const send = (code: string) => writeFileSync(join(folder, 'cells'), `${JSON.stringify(code)}\n`);
			await until('ready');
			let execution = 0;
			for (const one of cells) {
				if (typeof one !== 'string') {
					await one.between();
					continue;
				}
				execution += 1;
				await launched.mark(cell('begin', execution));
				send(one);
				await until(`done ${execution}.`);
				await launched.mark(cell('end', execution));
			}
			send('');
			await options.meanwhile?.(launched);
		},
	});
	if (result.code !== 0) throw new Error(`the kernel ended with ${result.code ?? result.signal}: ${result.words}`);
	return { ...result, run, scopes: (file) => scopesOf(result.facts, join(run, file)) };
}

function scopesOf(facts: Facts, path: string): string[] {
	const engines = new Map(facts.workers.map(({ worker, engine }) => [worker, engine]));
	return facts.accesses
		.filter((access) => access.path === path)
		.map(({ how, cell, worker, during, ambiguous }) => {
			const who = worker === null ? [] : [`${worker} ${engines.get(worker)}`];
			const when = during === null ? [] : [`during ${during}`];
			return [how, `cell ${cell}`, ...who, ...when, ...(ambiguous ? ['ambiguous'] : [])].join(', ');
		});
}
