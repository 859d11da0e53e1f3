// One set-up at a time in a clone: two would remove each other's half-made folders.
import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until no other process holds the lock, and takes it. A lock whose process is gone is taken over.
 *
 * @param {string} file where the lock stands: a link, because a link is made and told whose it is at once; it leads to the process's id
 * @param {(holder: number) => void} onWait called once, where it has to wait
 * @returns {Promise<() => void>} what gives it back; the end of this process does so too
 */
export async function takeLock(file, onWait) {
	mkdirSync(dirname(file), { recursive: true });
	for (let told = false; !create(file);) {
		const holder = holderOf(file);
		if (holder !== null && !isAlive(holder)) {
			rmSync(file, { force: true });
			continue;
		}
		if (holder !== null && !told) onWait(holder);
		told ||= holder !== null;
		await sleep(200);
	}
	const release = () => rmSync(file, { force: true });
	const end = () => process.exit(130);
	process.once('exit', release).once('SIGINT', end).once('SIGTERM', end);
	return () => {
		process.off('exit', release).off('SIGINT', end).off('SIGTERM', end);
		release();
	};
}

function create(file) {
	try {
		symlinkSync(String(process.pid), file);
		return true;
	} catch (error) {
		if (codeOf(error) === 'EEXIST') return false;
		throw error;
	}
}

/** Null where the lock has just been given back. */
function holderOf(file) {
	try {
		return Number(readlinkSync(file));
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return null;
		throw error;
	}
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return codeOf(error) === 'EPERM';
	}
}

const codeOf = (error) => (error instanceof Error && 'code' in error ? error.code : undefined);
