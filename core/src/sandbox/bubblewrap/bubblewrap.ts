import { identityFiles } from '../identity.ts';
import { makeLayer, unshared } from '../layer.ts';
import { probeRunner } from '../probes.ts';
import { findProgram, startProcess } from '../process.ts';
import type { Command, Runner, Sandboxed, SandboxedProcess, SandboxOptions } from '../runner.ts';
import { bubblewrapOptions, placesOf, writeArguments } from './arguments.ts';
import { besideOf } from './beside.ts';
import { cannotStart, follow } from './follow.ts';

/**
 * bubblewrap over an overlay, inside a user namespace of our own: no path of this machine is mounted but the kernel's own
 * file systems and the given binds, every capability is dropped but those over the user's own files, and all that was started ends with the program.
 */
export const bubblewrap: Runner = {
	name: 'bwrap',
	probe: (env = process.env) => probeRunner(env, start),
	start: (options, env = process.env) => start(options, env),
};

async function start(options: SandboxOptions, env: NodeJS.ProcessEnv): Promise<Sandboxed> {
	const bwrap = findProgram('bwrap', env);
	const outer = unshared(env);
	if (bwrap === null || outer === null) throw await cannotStart(env, 'a tool is missing');
	const { shm } = placesOf(options);
	const layer = await makeLayer({ ...options, wanted: options.layer ?? 'auto', folders: shm === null ? [] : [shm], env });
	try {
		const all = { ...options, binds: [...identityFiles(options, layer.folder), ...options.binds] };
		const places = placesOf(all);
		const { words, made } = bubblewrapOptions(all, layer.merged, places);
		writeArguments(layer.folder, words);
		const command: Command = {
			argv: [...outer, layer.folder, layer.kind, String(options.launch ? 0 : process.pid), bwrap, ...options.argv],
			cwd: layer.folder,
			env: { PATH: env['PATH'] ?? '', LC_ALL: 'C' },
		};
		const started = await (options.launch ?? startProcess)(command);
		const program = await follow(started, { folder: layer.folder, program: options.argv[0] ?? '', env });
		const others = new Set<SandboxedProcess>();
		const removed = { done: false };
		const kill = async () => {
			await Promise.all([...others].map((other) => other.kill()));
			await program.kill();
		};
		return {
			...program,
			...besideOf({ options: all, places, program, layer, bwrap, env, others }),
			layer: layer.kind,
			kill,
			written: () => layer.written(made),
			[Symbol.asyncDispose]: async () => {
				if (removed.done) return;
				removed.done = true;
				await kill();
				layer.remove();
			},
		};
	} catch (error) {
		layer.remove();
		throw error;
	}
}
