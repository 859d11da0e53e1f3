import { createHash } from 'node:crypto';
import { link, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { diskError, errnoOf, parseProcessStat, type ProcessStat } from '../model/index.ts';
import { temporaryName, writeWhole } from './disk.ts';
import { names } from './home.ts';

/** Which process holds a run. A pid comes again; with its start time and the boot it does not. */
const lockSchema = v.object({
	format: v.literal(1),
	pid: v.number(),
	/** Clock ticks since the boot: field 22 of `/proc/PID/stat`. */
	startTime: v.number(),
	bootId: v.string(),
	host: v.string(),
	/** The target of `/proc/self/ns/pid`: a pid says nothing in another namespace. */
	pidNamespace: v.string(),
});

/** Takes a new run folder, which nobody else knows yet, for this process. */
export async function writeLock(directory: string): Promise<void> {
	await writeWhole(join(directory, names.lock), await ownLock());
}

/**
 * Takes the folder of a run that is nobody's any more. Of several processes that try at once one gets it: whoever wants to
 * follow a dead lock first claims it by a file named after it, and only then puts its own in its place.
 *
 * @param fromElsewhere also where it was held by a process that cannot be seen from here: the caller knows that it is gone
 * @returns whether it is ours now
 */
export async function takeLock(directory: string, fromElsewhere = false): Promise<boolean> {
	const path = join(directory, names.lock);
	const dead = await textOf(path);
	const held = dead === null ? 'nobody' : await holder(dead, path);
	if (held === 'here' || (held === 'elsewhere' && !fromElsewhere)) return false;
	const claim = `${path}.${createHash('sha256')
		.update(dead ?? '')
		.digest('hex')
		.slice(0, 16)}`;
	const own = join(directory, temporaryName(names.lock));
	try {
		await writeFile(own, await ownLock(), { flag: 'wx', mode: 0o600 });
		// A link is made with all its content or not at all, and never over what is there.
		await link(own, claim);
	} catch (error) {
		if (errnoOf(error) !== 'EEXIST') throw diskError(error, `take the run in ${directory}`, { where: directory });
		// Whoever claimed it and died at it must not be in the way for ever; the next one to come gets it.
		if ((await holder((await textOf(claim)) ?? '', claim)) === 'nobody') await rm(claim, { force: true });
		return false;
	} finally {
		await rm(own, { force: true });
	}
	try {
		if ((await textOf(path)) !== dead) return false;
		await writeLock(directory);
		return true;
	} finally {
		await rm(claim, { force: true });
	}
}

async function ownLock(): Promise<string> {
	const state = await stateOf(process.pid);
	const lock: v.InferOutput<typeof lockSchema> = {
		format: 1,
		pid: process.pid,
		startTime: state?.startTime ?? 0,
		bootId: await bootId(),
		host: hostname(),
		pidNamespace: await pidNamespace(),
	};
	return `${JSON.stringify(lock)}\n`;
}

/**
 * Whether the process that makes a run is still there. A lock from another machine or container cannot be judged from here
 * and counts as held: a live run taken for a dead one would be torn apart, the other way round costs a person a look.
 */
export async function isAlive(directory: string): Promise<boolean> {
	return (await holderOf(directory)) !== 'nobody';
}

/** Whose a folder is by its lock: a living process's that can be seen from here, or one's elsewhere, of which nothing else is known: on another machine, in another container. */
export async function holderOf(directory: string): Promise<Holder> {
	const path = join(directory, names.lock);
	const text = await textOf(path);
	return text === null ? 'nobody' : holder(text, path);
}

export type Holder = 'nobody' | 'here' | 'elsewhere';

/** @param path where the lock lies, or a claim to one */
async function holder(text: string, path: string): Promise<Holder> {
	const lock = v.safeParse(v.pipe(v.string(), v.parseJson(), lockSchema), text);
	if (!lock.success) return 'nobody';
	const { pid, startTime, host } = lock.output;
	const sameBoot = lock.output.bootId === (await bootId());
	// Many machines are called localhost: what was written since this one started is not from before it did.
	if (!sameBoot) return host === hostname() && (await isOlderThanBoot(path)) ? 'nobody' : 'elsewhere';
	if (lock.output.pidNamespace !== (await pidNamespace())) return 'elsewhere';
	const state = await stateOf(pid);
	return state !== null && state.startTime === startTime && !state.ended ? 'here' : 'nobody';
}

async function isOlderThanBoot(path: string): Promise<boolean> {
	const written = await stat(path).catch(() => null);
	const boot = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1];
	return written !== null && boot !== undefined && written.mtimeMs < Number(boot) * 1000;
}

/** Null where there is no lock. */
async function textOf(path: string): Promise<string | null> {
	return readFile(path, 'utf8').catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
		throw error;
	});
}

async function bootId(): Promise<string> {
	return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

function pidNamespace(): Promise<string> {
	return readlink('/proc/self/ns/pid');
}

/** What the kernel says of a process; null where there is none. */
async function stateOf(pid: number): Promise<ProcessStat | null> {
	const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return null;
		throw error;
	});
	return text === null ? null : parseProcessStat(text);
}
