import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, record } from './facts.ts';

/** A program with two libraries in a prefix of its own, of which one needs the other, and a library that nothing needs. */
function built() {
	const prefix = folder();
	for (const name of ['bin', 'lib']) mkdirSync(join(prefix, name));
	const compile = (source: string, to: string, ...words: readonly string[]) => {
		writeFileSync(join(prefix, 'source.c'), source);
		execFileSync('cc', [join(prefix, 'source.c'), '-o', join(prefix, to), `-L${join(prefix, 'lib')}`, ...words]);
		return join(prefix, to);
	};
	const inner = compile('int inner(void) { return 1; }', 'lib/libinner.so.1', '-shared', '-Wl,-soname,libinner.so.1');
	const outer = compile(
		'int inner(void); int outer(void) { return inner(); }',
		...(['lib/libouter.so', '-shared', '-l:libinner.so.1'] as const),
	);
	const program = compile(
		'int outer(void); int main(void) { return outer(); }',
		'bin/tool',
		'-louter',
		`-Wl,-rpath-link,${join(prefix, 'lib')}`,
	);
	const alone = compile('int alone(void) { return 1; }', 'lib/libalone.so', '-shared');
	return { program, inner, outer, alone };
}

test('a library that no package owns is software where a program that loaded it needs it; read otherwise it is data', async () => {
	const run = record();
	const { program, inner, outer, alone } = built();
	const process = run.fork('w1');
	const by = { process, worker: 'w1' };
	run.exec(program, [program], by);
	for (const path of [outer, inner, alone]) run.use('read', path, by);
	const judged = await run.judge();
	expect([outer, inner, alone, program].map((path) => [judged.verdict(path), judged.rule(path)])).toEqual([
		['software', 'loaded library'],
		['software', 'loaded library'],
		['input', 'data: input'],
		['software', 'own module'],
	]);
	const reason = (path: string) => judged.judgement.verdicts.get(path)!.reason;
	expect([reason(outer), reason(inner)]).toEqual([
		`a library that ${program} needs, and no package lists it`,
		`a library that ${outer} needs, and no package lists it`,
	]);
	expect(judged.document('workers').software).toMatchObject([
		{ name: 'libinner.so.1', version: null, ecosystem: 'local', workers: ['w1'], manager: false },
		{ name: 'libouter.so', version: null, ecosystem: 'local', workers: ['w1'], manager: false },
		{ name: 'tool', ecosystem: 'local' },
	]);
});

test('a library that only a process reads that does not need it is data, whatever another one loads', async () => {
	const run = record();
	const { program, outer, inner } = built();
	const by = { process: run.fork('w1'), worker: 'w1' };
	run.exec(program, [program], by);
	run.use('read', inner, by);
	run.use('read', outer, { cell: 1 });
	const judged = await run.judge();
	expect([judged.verdict(outer), judged.verdict(inner)]).toEqual(['input', 'input']);
});

test('what the dynamic loader is told to run is a program, and what that needs are libraries', async () => {
	const run = record();
	const { program, outer } = built();
	const by = { process: run.fork('w1'), worker: 'w1' };
	const loader = '/lib64/ld-linux-x86-64.so.2';
	run.exec(loader, [loader, '--library-path', '/tmp', program, '--port', '…'], by);
	for (const path of [program, outer]) run.use('read', path, by);
	const judged = await run.judge();
	expect([judged.rule(program), judged.rule(outer)]).toEqual(['own module', 'loaded library']);
});
