import { expect, test } from 'vitest';
import { createPathNumbers, createPathTable, numberPaths } from '../../core/src/model/index.ts';

test('each path has one number, in the order in which they came, however they are asked for in between', () => {
	const numbers = createPathNumbers();
	expect([...numbers.of(['/a', '/b', '/a', '/c'])]).toEqual([0, 1, 0, 2]);
	expect(numbers.find('/b')).toBe(1);
	expect(numbers.find('/nowhere')).toBe(-1);
	expect(numbers.at(2)).toBe('/c');
	expect(numbers.find('/a')).toBe(0);
	expect(numbers.add('/c')).toBe(2);
	expect(numbers.add('/nowhere')).toBe(3);
	expect(numbers.paths).toEqual(['/a', '/b', '/c', '/nowhere']);
	expect([...numberPaths([{ path: '/d' }, { path: '/b' }], numbers).ofAccesses]).toEqual([4, 1]);
});

test('a table of paths is a map that holds its paths in the order of their numbers', () => {
	const numbers = createPathNumbers();
	numbers.of(['/a', '/b', '/c']);
	const table = createPathTable<{ is: string }>(numbers);
	const map = new Map<string, { is: string }>();
	for (const path of ['/c', '/a', '/new', '/a']) {
		table.set(path, { is: `${path} ${map.size}` });
		map.set(path, { is: `${path} ${map.size}` });
	}
	expect(table.size).toBe(map.size);
	expect([...table.keys()]).toEqual(['/a', '/c', '/new']);
	expect(new Map(table)).toEqual(map);
	expect([...table.values()]).toEqual([...table].map(([, value]) => value));
	expect(table.get('/b')).toBeUndefined();
	expect(table.has('/b')).toBe(false);
	expect(table.get('/never')).toBeUndefined();
	expect(table.at(numbers.find('/never'))).toBeUndefined();

	const copy = table.copy();
	table.delete('/c');
	table.delete('/b');
	table.delete('/never');
	expect(table.size).toBe(2);
	expect([...copy.keys()]).toEqual(['/a', '/c', '/new']);
	expect(copy.size).toBe(3);
	const seen: string[] = [];
	table.forEach((value, path, of) => seen.push(`${path} ${value.is} ${of.size}`));
	expect(seen).toEqual(['/a /a 3 2', '/new /new 2 2']);
});

test('a table may grow and shrink while it is gone through', () => {
	const table = createPathTable<{ n: number }>(createPathNumbers());
	for (let n = 0; n < 5; n++) table.set(`/${n}`, { n });
	const seen: string[] = [];
	for (const [path, { n }] of table) {
		seen.push(path);
		if (n < 3) table.set(`/more/${n}`, { n: 10 + n });
		if (n === 0) table.delete('/1');
	}
	expect(seen).toEqual(['/0', '/2', '/3', '/4', '/more/0', '/more/2']);
});
