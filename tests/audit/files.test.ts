import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeName } from '../../core/src/model/index.ts';
import { compiled, found, programs, scratch, sorted, told, type AuditOptions, type Expected } from './audited.ts';

/** Lines about the same path and way are one fact, however often they came. */
function summed(lines: readonly Expected[]): Expected[] {
	const counts = new Map<string, Expected & { count: number }>();
	const others: Expected[] = [];
	for (const line of lines) {
		if ('exec' in line || 'ended' in line) continue;
		if (!('how' in line)) others.push(line);
		else {
			const key = `${line.how} ${line.path}`;
			counts.set(key, { how: line.how, path: line.path, count: (counts.get(key)?.count ?? 0) + (line.count ?? 1) });
		}
	}
	return [...counts.values(), ...others];
}

async function tells(source: string, options: AuditOptions = {}) {
	const folder = scratch();
	const result = await told([compiled(source, folder)], { ...options, folder });
	expect(result.facts.doubts).toEqual([]);
	expect(sorted(found(result.facts, result.run))).toEqual(sorted(summed(result.expected)));
	return result;
}

test('every way to use a path is told as it is, and a call that fails as what it learnt', async () => {
	const { expected } = await tells('hows.c');
	expect(new Set(expected.flatMap((line) => ('how' in line ? [line.how] : [])))).toEqual(
		new Set(['read', 'write', 'append', 'truncate', 'create', 'readwrite', 'list', 'stat', 'missing']),
	);
});

test('looks at files that are not opened are told where they were asked for', async () => {
	await tells('checks.c', { checks: true });
});

test('a name is its bytes: quotes, newlines, brackets, words of the log itself, what is not UTF-8, and the longest paths', async () => {
	const { facts, expected } = await tells('names.c');
	const bytes = facts.accesses.map(({ path }) => decodeName(path));
	expect(bytes.some((name) => name.includes(Buffer.from([0xff, 0xfe])))).toBe(true);
	expect(bytes.some((name) => name.includes('\n'))).toBe(true);
	expect(Math.max(...bytes.map((name) => name.length))).toBeGreaterThan(3700);
	expect(expected.length).toBeGreaterThan(150);
});

test('relative paths start where the thread stands, and `..` is taken away only where no link can be in the way', async () => {
	await tells('folders.c');
});

test('after chroot, absolute paths start at the new root', async () => {
	await tells('root.c');
});

test('a file without a name is told when it gets one, and a name through a descriptor is that of the file behind it', async () => {
	const { facts, expected } = await tells('nameless.c');
	const inMemory = expected.find((line) => 'exec' in line);
	const process = facts.processes.find(({ pid }) => inMemory !== undefined && 'exec' in inMemory && pid === inMemory.pid);
	expect(facts.execs.filter((exec) => exec.process === process?.ordinal).map(({ path }) => path)).toEqual([
		'/memfd:<in memory> (deleted)',
	]);
	expect(facts.accesses.filter(({ path }) => path.includes('memfd'))).toEqual([]);
});

test('a connection has the name that was looked up before it', async () => {
	const folder = scratch();
	const settings = join(folder, 'resolv.conf');
	writeFileSync(settings, 'nameserver 127.0.0.1\n');
	// A network of its own: nobody else is asked, and an ordinary user may listen at port 53 there.
	const apart = ['bwrap', '--dev-bind', '/', '/', '--unshare-user', '--unshare-net', '--uid', '0', '--cap-add', 'ALL'];
	const program = [...apart, '--ro-bind', settings, '/etc/resolv.conf', '/usr/bin/python3', join(programs, 'lookups.py')];
	const { facts, expected } = await told(program, { folder });
	const reached = facts.network.filter(({ how, address, port }) => how === 'connect' && address.startsWith('127') && port !== 53);
	const lines = reached.map(({ address, port, name }) => JSON.stringify({ address, port, name }));
	expect(lines.toSorted()).toEqual(expected.map((line) => JSON.stringify(line)).toSorted());
});

test('whom a program talks to: sockets of every kind by address and port, attempts too', async () => {
	await tells('sockets.c');
});
