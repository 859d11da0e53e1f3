// Makes a run and ends cell after cell, each told on stdout once it is kept, until it is killed.
const [program, home, run, result] = process.argv.slice(2);
const { createRun } = await import(program);
const folder = await createRun(home, JSON.parse(run));
for (let execution = 1; ; execution++) {
	await folder.append({ event: 'cell begin', execution, number: 1, at: new Date().toISOString() });
	await folder.append({ event: 'cell end', result: { ...JSON.parse(result), execution } });
	process.stdout.write(`${execution}\n`);
}
