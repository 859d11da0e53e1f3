import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseProcessStat } from '../../core/src/model/index.ts';

const line = (name: string, state: string) =>
	`4711 (${name}) ${state} 1 4700 4700 34817 4705 4194304 100 0 0 0 0 0 0 0 20 0 1 0 5137338 3133440 390\n`;

test.each(['cat', 'a b', ') Z 1', '(x) R', ''])('a process that is called “%s” is read past its name', (name) => {
	expect(parseProcessStat(line(name, 'S'))).toEqual({ ended: false, group: 4700, foreground: 4705, startTime: 5137338 });
	expect(parseProcessStat(line(name, 'Z')).ended).toBe(true);
});

test('what Linux says of this process is read', () => {
	const { ended, group, startTime } = parseProcessStat(readFileSync('/proc/self/stat', 'latin1'));
	expect([ended, Number.isSafeInteger(group), startTime > 0]).toEqual([false, true, true]);
});
