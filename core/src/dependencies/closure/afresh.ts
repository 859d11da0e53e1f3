import type { Circumstances, Name } from '../../model/index.ts';
import { lstatOf } from '../paths.ts';
import type { Packing } from './packing.ts';

/** Files of `/etc` that are written anew for an image: the machine's own would tell who else is on it. */
const afresh: Readonly<Record<string, (o: Circumstances) => string>> = {
	'/etc/passwd': ({ user, uid, gid, home }) =>
		lines(
			uid !== 0 && 'root:x:0:0:root:/root:/bin/sh',
			uid !== 65534 && nobody,
			`${user}:x:${uid}:${gid}:${user}:${home}:/bin/sh`,
		),
	'/etc/group': ({ user, gid }) =>
		lines(gid !== 0 && 'root:x:0:', gid !== 65534 && 'nogroup:x:65534:', `${gid === 0 ? 'root' : user}:x:${gid}:`),
	'/etc/hosts': ({ hostname }) => lines('127.0.0.1\tlocalhost', '::1\tlocalhost', `127.0.1.1\t${hostname}`),
	'/etc/hostname': ({ hostname }) => lines(hostname),
	'/etc/nsswitch.conf': () => lines('passwd: files', 'group: files', 'hosts: files dns'),
};

const nobody = 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin';

function lines(...all: (string | false)[]): string {
	return `${all.filter((line) => line !== false).join('\n')}\n`;
}

export function isWrittenAfresh(path: Name): boolean {
	return Object.hasOwn(afresh, path);
}

/** What every image holds: the links of the root, the user's own line in passwd and group, and folders to live in. */
export function packGround(packing: Packing, o: Circumstances, folders: readonly Name[]): void {
	const userland = (reason: string) => ({ layer: 'userland', reason }) as const;
	for (const path of ['/bin', '/lib', '/lib64', '/sbin']) {
		if (lstatOf(path)?.isSymbolicLink() === true) packing.ask(path, userland('a link of the root'));
	}
	// system(3) and much else starts it by this name, also where the run happened not to.
	packing.ask('/bin/sh', userland('the shell that programs start others by'));
	for (const [path, text] of Object.entries(afresh)) {
		packing.write(path, Buffer.from(text(o)), userland('written anew: the one user, and no other'));
	}
	packing.folder('/tmp', userland('for temporary files'));
	packing.folder('/var/tmp', userland('for temporary files'));
	for (const folder of folders) packing.folder(folder, { layer: 'code and data', reason: 'the run lived in it' });
}
