import type { Name } from '../../../model/index.ts';
import { readStart } from '../../paths.ts';

/** What is read of a section at most; what is longer is not what we look for. */
const largest = 16 << 20;

/** The bytes of a named section of a 64-bit little-endian ELF file; null where there is none. @see elf(5) */
export function readSection(path: Name, wanted: string): Buffer | null {
	const head = readStart(path, 64, 0);
	if (head === null || head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return null;
	const [size, count, namesAt] = [head.readUInt16LE(58), head.readUInt16LE(60), head.readUInt16LE(62)];
	if (size < 64) return null;
	const table = readStart(path, size * count, Number(head.readBigUInt64LE(40)));
	if (table === null || table.length < size * count || namesAt >= count) return null;
	const place = (index: number) => ({
		at: Number(table.readBigUInt64LE(index * size + 24)),
		length: Number(table.readBigUInt64LE(index * size + 32)),
	});
	const read = ({ at, length }: ReturnType<typeof place>) => (length > largest ? null : readStart(path, length, at));
	const names = read(place(namesAt));
	if (names === null) return null;
	for (let index = 0; index < count; index++) {
		const start = table.readUInt32LE(index * size);
		if (names.toString('latin1', start, start + wanted.length + 1) === `${wanted}\0`) return read(place(index));
	}
	return null;
}
