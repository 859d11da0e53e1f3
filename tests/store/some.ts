import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { CellarError, type CellResult, type Run } from '../../core/src/model/index.ts';

/** A folder that is gone after the test. */
export function folder(): string {
	const path = mkdtempSync(join(tmpdir(), 'cellar-store-'));
	onTestFinished(() => rmSync(path, { recursive: true, force: true }));
	return path;
}

/** A disk of its own with so much room, gone after the test. */
export function smallDisk(bytes: number): string {
	const path = join(folder(), 'disk');
	mkdirSync(path);
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'cellar-test', path]);
	onTestFinished(() => void execFileSync('umount', ['-l', path]));
	return path;
}

/** A run that has just begun, with three cells of which none has run. */
export function someRun(change: Partial<Omit<Run, 'run'>> = {}): Omit<Run, 'run'> {
	return {
		format: 1,
		notebook: '/home/ada/analysis.ipynb',
		status: 'running',
		started: '2026-03-01T09:30:00.250Z',
		seconds: null,
		cells: [1, 2, 3].map((number) => ({
			number,
			id: `cell-${number}`,
			status: 'not run' as const,
			seconds: null,
			executionCount: null,
			executions: [],
			began: null,
		})),
		workers: [],
		warnings: [],
		repeatOf: null,
		circumstances: {
			argv: ['/usr/bin/python3', '-m', 'ipykernel_launcher'],
			cwd: '/home/ada',
			user: 'ada',
			uid: 1000,
			gid: 1000,
			home: '/home/ada',
			hostname: 'engine',
			bootId: '00000000-0000-0000-0000-000000000000',
			environment: { LANG: 'C.UTF-8' },
			environmentNames: ['EDITOR'],
			kernel: { name: 'python3', language: 'python', displayName: 'Python 3', interruptMode: 'signal' },
			connectionFile: '/tmp/k.json',
			tracer: { name: 'strace', version: '6.1' },
			image: null,
			agent: null,
			checks: false,
			rules: null,
			workers: null,
			parameters: {},
			nonce: 'abc',
			cellar: '0.1.0',
		},
		...change,
	};
}

export function someResult(number: number, change: Partial<CellResult> = {}): CellResult {
	return {
		execution: number,
		number,
		status: 'finished',
		started: '2026-03-01T09:30:01.000Z',
		seconds: 0.5,
		executionCount: number,
		outputs: [{ output_type: 'stream', name: 'stdout', text: `cell ${number} says hello\n` }],
		...change,
	};
}

/** The CellarError that a promise ends in. */
export async function failureOf(promise: Promise<unknown>): Promise<CellarError> {
	try {
		await promise;
	} catch (error) {
		if (error instanceof CellarError) return error;
		throw error;
	}
	throw new Error('nothing failed');
}
