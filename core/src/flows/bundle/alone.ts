import { chmodSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tracerArguments } from '../../audit/index.ts';
import { ticketFile, type Ticket } from '../../store/index.ts';
import { agentFolder, quoted } from '../../workers/index.ts';
import { version } from '../version.ts';
import { writeScript } from './script.ts';

/** Puts into a bundle what starts a worker where only strace is there: shell scripts and the agent. The log is left for who has Cellar. */
export function addScripts(folder: string, ticket: Ticket): void {
	const { run, nonce, checks, directory } = ticket;
	// All but where the log goes.
	const options = tracerArguments('', checks).slice(0, -2).map(quoted).join(' ');
	const words = { NONCE: nonce, RUN: run, DIRECTORY: quoted(directory), OPTIONS: options, VERSION: version };
	writeScript(join(folder, 'cellar-worker'), new URL('./alone.sh', import.meta.url), words);
	writeScript(join(folder, 'traced.sh'), new URL('./traced.sh', import.meta.url), words);
	writeScript(join(folder, 'beside.sh'), new URL('./beside.sh', import.meta.url), words);
	writeScript(join(folder, 'lock.sh'), new URL('./lock.sh', import.meta.url), words);
	cpSync(agentFolder, join(folder, 'agent'), { recursive: true });
	chmodSync(join(folder, 'agent/worker.sh'), 0o755);
	writeFileSync(join(folder, ticketFile), `${JSON.stringify(ticket, null, '\t')}\n`);
}
