import { expect, test } from 'vitest';
import { textOf } from '../../core/src/audit/tables/bytes.ts';
import { createCallTable } from '../../core/src/audit/tables/calls.ts';
import { createHash } from '../../core/src/audit/tables/hash.ts';
import { createCallNumbers } from '../../core/src/audit/tables/numbers.ts';

const told = (hash: ReturnType<typeof createHash>, text: string, gap = text.length, gapEnd = gap) => {
	expect(hash.tell(textOf(Buffer.from(text, 'latin1')), 0, gap, gapEnd, text.length)).toBe(true);
	return [...hash.told];
};

test('the hash is the sum that its keys make, modulo a prime: the same in whatever text the bytes stand, and however long they are', () => {
	const hash = createHash();
	for (const length of [0, 1, 2, 3, 4, 5, 63, 64, 250, 251, 252, 253, 257, 1021, 4095, 4096]) {
		const bytes = Buffer.alloc(length, 'openat(AT_FDCWD</home/ada>, "\xff\xfe');
		const shifted = textOf(Buffer.concat([Buffer.from('123'), bytes, Buffer.from('456')]));
		expect(hash.tell(textOf(bytes), 0, length, length, length)).toBe(true);
		const alone = [...hash.told];
		expect(hash.tell(shifted, 3, 3 + length, 3 + length, 3 + length)).toBe(true);
		expect([...hash.told]).toEqual(alone);
		expect(alone.every((one) => one >= 0 && one < 2 ** 31 - 1)).toBe(true);
	}
	expect(hash.tell(textOf(Buffer.alloc(4097)), 0, 4097, 4097, 4097)).toBe(false);
});

test('a sum of the largest letters is exact: the hash is linear in each of them', () => {
	const hash = createHash();
	const prime = 2n ** 31n - 1n;
	const at = (byte: number, value: number): bigint[] => {
		const bytes = Buffer.alloc(4096, 0xff);
		bytes[byte] = value;
		expect(hash.tell(textOf(bytes), 0, 4096, 4096, 4096)).toBe(true);
		return [...hash.told].map(BigInt);
	};
	for (const byte of [0, 1, 2, 3, 1000, 4095]) {
		const [none, one, all] = [at(byte, 0), at(byte, 1), at(byte, 0xff)];
		for (let lane = 0; lane < 2; lane++) {
			const step = one[lane]! - none[lane]! + prime;
			expect((none[lane]! + 255n * step) % prime).toBe(all[lane]);
		}
	}
});

test('the gap is left out, and where it stands counts', () => {
	const hash = createHash();
	expect(told(hash, 'open("a") = 3</a>', 12, 13)).toEqual(told(hash, 'open("a") = 47</a>', 12, 14));
	expect(told(hash, 'open("a") = 3</a>', 12, 13)).not.toEqual(told(hash, 'open("a") = </a>'));
	expect(told(hash, 'ab12', 2, 2)).not.toEqual(told(hash, 'ab12', 4, 4));
	expect(told(hash, 'a\0')).not.toEqual(told(hash, 'a'));
});

test('one bit of the text changes every bit of the hash as often as not', () => {
	const changes = Array.from({ length: 62 }, () => 0);
	const tries = 2000;
	for (let n = 0; n < tries; n++) {
		const hash = createHash();
		const bytes = Buffer.from(`openat(AT_FDCWD</run>, "data/tile_${n}.npy", O_RDONLY|O_CLOEXEC) = </run/data/tile_${n}.npy>`);
		const before = told(hash, bytes.toString('latin1'));
		bytes[n % bytes.length]! ^= 1 << (n % 7);
		const after = told(hash, bytes.toString('latin1'));
		for (let bit = 0; bit < 62; bit++) {
			const lane = Math.floor(bit / 31);
			changes[bit]! += ((before[lane]! ^ after[lane]!) >>> (bit % 31)) & 1;
		}
	}
	// Six standard deviations around a half.
	for (const one of changes) expect(Math.abs(one / tries - 0.5)).toBeLessThan(6 * Math.sqrt(0.25 / tries));
});

test('half a million calls that are nearly alike are all different, and each is found again', () => {
	const numbers = createCallNumbers();
	const bytes = Buffer.from('openat(AT_FDCWD</run>, "data/000000000", O_RDONLY|O_CLOEXEC) = </run/data/000000000>');
	const text = textOf(bytes);
	const write = (n: number) => {
		const digits = String(n).padStart(9, '0');
		bytes.write(digits, 29, 'latin1');
		bytes.write(digits, bytes.length - 10, 'latin1');
	};
	const many = 500_000;
	const told = new Int32Array(many).fill(-1);
	// Those that are asked for at once may be the same.
	for (const times of [1, 2]) {
		for (let n = 0; n < many; n++) {
			write(n);
			for (let time = 0; time < times; time++) numbers.ask(text, 0, bytes.length, bytes.length, bytes.length, n);
			if (n % 1000 === 999) numbers.tell(told);
		}
		expect(told.every((number, n) => number === n)).toBe(true);
		told.fill(-1);
	}
});

test('what is counted in a call goes to the row for which it was counted, however often owners change', () => {
	const rows = new Map<number, { count: number; last: number }>();
	const table = createCallTable((row, count, last) => {
		const known = rows.get(row);
		rows.set(row, { count: (known?.count ?? 0) + count, last: Math.max(known?.last ?? 0, last) });
	});
	const call = 2000;
	expect(table.rowOf(call, '/run')).toBe(-1);
	table.learn(call, 7, 0, '/run');
	expect([table.rowOf(call, '/run'), table.rowOf(call, '/elsewhere')]).toEqual([0, -1]);
	expect([table.repeat(call, 7, 12), table.repeat(call, 7, 11), table.repeat(call, 8, 13)]).toEqual([true, true, false]);
	table.turn(call, 8, 1);
	expect(table.repeat(call, 8, 14)).toBe(true);
	table.settle();
	table.settle();
	expect([...rows]).toEqual([
		[0, { count: 2, last: 12 }],
		[1, { count: 1, last: 14 }],
	]);
	table.forget();
	expect(table.rowOf(call, '/run')).toBe(-1);
});
