import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
	chooseKernel,
	createConnection,
	kernelCommand,
	openSession,
	startProcess,
	type Connection,
	type Execution,
	type Session,
	type SessionOptions,
} from '../../core/src/kernel/index.ts';
import type { CellOutput, StartedProcess, Warning } from '../../core/src/model/index.ts';

/** The Python of the environment that the set-up makes for these tests. */
export const venv = fileURLToPath(new URL('../../.cache/venv/kernel', import.meta.url));
export const python = join(venv, 'bin', 'python');
const oddKernel = fileURLToPath(new URL('odd-kernel.py', import.meta.url));

/** A folder of its own for one test, gone with it. */
export function scratch(): { readonly path: string } & Disposable {
	const path = mkdtempSync(join(tmpdir(), 'cellar-k-'));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** An environment in which nothing of the user's leads a kernel or Jupyter elsewhere. */
export function bareEnv(home: string): NodeJS.ProcessEnv {
	return { PATH: '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8', IPYTHONDIR: join(home, '.ipython') };
}

export interface Live extends AsyncDisposable {
	readonly session: Session;
	readonly process: StartedProcess;
	readonly connection: Connection;
	/** Its working folder. */
	readonly folder: string;
	/** Its connection file. */
	readonly file: string;
	readonly warnings: readonly (Warning & { readonly execution: number | null })[];
	/** Runs a cell without a timeout. */
	run(code: string): Promise<Execution>;
}

/** A real kernel in a folder of its own, with an open session; everything is ended and removed at the end. */
export async function live(
	options: Partial<SessionOptions> & {
		readonly transport?: 'tcp' | 'ipc';
		/** The name of a link by which the kernel, and it alone, knows the folder of its sockets. */
		readonly seenAs?: string;
		/** The manner of the odd kernel that is started instead (odd-kernel.py). */
		readonly odd?: readonly string[];
	} = {},
): Promise<Live> {
	const folder = scratch();
	const env = bareEnv(folder.path);
	const spec = await chooseKernel({ wanted: null, python, notebook: { name: null, language: null }, env });
	const sockets = join(folder.path, 'c');
	const link = options.seenAs === undefined ? null : join(folder.path, options.seenAs);
	if (link) symlinkSync(sockets, link);
	const { file, insideFile, connection } = await createConnection({
		transport: options.transport ?? 'tcp',
		folder: sockets,
		...(link && { ipcPrefix: join(link, 'k') }),
	});
	const command = await kernelCommand(spec, { connectionFile: insideFile, env });
	const argv = options.odd ? [python, oddKernel, file, ...options.odd] : command.argv;
	const process = startProcess({ argv, env: command.env, cwd: folder.path });
	const warnings: (Warning & { execution: number | null })[] = [];
	const onWarning = (warning: Warning, execution: number | null): void => void warnings.push({ ...warning, execution });
	const session = await openSession({ connection, process, spec, startTimeoutMs: 60_000, onWarning, ...options }).catch(
		async (error: unknown) => {
			await process.ended;
			folder[Symbol.dispose]();
			throw error;
		},
	);
	return {
		session,
		process,
		connection,
		folder: folder.path,
		file,
		warnings,
		run: (code) => session.execute(code, { timeoutSeconds: null }),
		[Symbol.asyncDispose]: async () => {
			await session[Symbol.asyncDispose]();
			await process.kill();
			folder[Symbol.dispose]();
		},
	};
}

/** All that a cell wrote to a stream. */
export function textOf(outputs: readonly CellOutput[], name = 'stdout'): string {
	return outputs.map((output) => (output.output_type === 'stream' && output.name === name ? output.text : '')).join('');
}
