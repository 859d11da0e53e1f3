import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fromText, onDisk, placeIn } from './places.ts';
import type { SandboxOptions } from './runner.ts';

/**
 * The few files of `/etc` without which a program does not know who and where it is. What the root holds is kept; where it
 * does not know the user or the host, a file of ours takes its place for the time of the repeat.
 *
 * @returns what to mount, read-only
 */
export function identityFiles(o: SandboxOptions, folder: string): SandboxOptions['binds'] {
	const { user, uid, gid } = o;
	const binds: { from: string; to: string; writable: boolean }[] = [];
	const write = (to: string, text: string | null) => {
		if (text === null) return;
		const from = `${folder}/etc-${to.slice(to.lastIndexOf('/') + 1)}`;
		writeFileSync(from, text, { mode: 0o644 });
		binds.push({ from, to, writable: false });
	};
	const rootLine = uid === 0 ? '' : 'root:x:0:0:root:/root:/bin/sh\n';
	const nobodyLine = uid === 65534 ? '' : 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n';
	const passwd = held(o.root, '/etc/passwd');
	write('/etc/passwd', withLine(passwd, 2, uid, `${user}:x:${uid}:${gid}:${user}:${o.home}:/bin/sh`, rootLine + nobodyLine));
	write(
		'/etc/group',
		withLine(held(o.root, '/etc/group'), 2, gid, `${gid === 0 ? 'root' : user}:x:${gid}:`, gid === 0 ? '' : 'root:x:0:\n'),
	);
	if (held(o.root, '/etc/hosts') === null)
		write('/etc/hosts', `127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t${o.hostname}\n`);
	// Names are looked up as this machine does it, not as the recording one did.
	if (o.network) binds.push({ from: realpathSync('/etc/resolv.conf'), to: '/etc/resolv.conf', writable: false });
	return binds;
}

/** The text of a file that the root holds, read without leaving the root; null where it has none. */
function held(root: string, path: string): string | null {
	const place = placeIn(fromText(root), path);
	return place.kind === 'file' ? readFileSync(onDisk(`${fromText(root)}${place.path}`), 'utf8') : null;
}

/** The text with a line for that number, or null where one is there. @see passwd(5), group(5) */
function withLine(text: string | null, field: number, id: number, line: string, others: string): string | null {
	if (text === null) return `${others}${line}\n`;
	const known = text.split('\n').some((one) => one.split(':')[field] === String(id));
	return known ? null : `${text.replace(/\n*$/, '\n')}${line}\n`;
}
