import { deflateSync } from 'node:zlib';

export type Pixel = readonly [red: number, green: number, blue: number, opacity: number];
type Painter = (x: number, y: number) => Pixel;

/**
 * A PNG file whose pixels a function gives, 8 bits a channel. Written here, so that the library that reads it is not its own judge.
 *
 * @see https://www.w3.org/TR/png-3/
 */
export function png(width: number, height: number, pixel: Painter): Buffer {
	return encode(width, height, 8, (row, y) => {
		for (let x = 0; x < width; x++) row.set(pixel(x, y), 1 + 4 * x);
	});
}

/** The same in 16 bits a channel. */
export function png16(width: number, height: number, pixel: Painter): Buffer {
	return encode(width, height, 16, (row, y) => {
		for (let x = 0; x < width; x++) pixel(x, y).forEach((value, channel) => row.writeUInt16BE(value, 1 + 8 * x + 2 * channel));
	});
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function encode(width: number, height: number, bits: 8 | 16, paint: (row: Buffer, y: number) => void): Buffer {
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	// The depth, and colour with opacity; no filter, not interlaced.
	header.set([bits, 6], 8);
	const rowLength = 1 + (width * 4 * bits) / 8;
	const rows = Buffer.alloc(rowLength * height);
	for (let y = 0; y < height; y++) paint(rows.subarray(y * rowLength, (y + 1) * rowLength), y);
	return Buffer.concat([
		signature,
		chunk('IHDR', header),
		chunk('IDAT', deflateSync(rows, { level: 1 })),
		chunk('IEND', Buffer.alloc(0)),
	]);
}

/** A gradient: no two neighbours are equal. */
export function gradient(x: number, y: number): Pixel {
	return [(x * 7) % 256, (y * 5) % 256, (x + y) % 256, 255];
}

/** The gradient with some pixels replaced, by `x,y`. */
export function gradientBut(changed: Readonly<Record<string, Pixel>>): Painter {
	const rows = new Set(Object.keys(changed).map((place) => Number(place.split(',')[1])));
	return (x, y) => (rows.has(y) ? changed[`${x},${y}`] : undefined) ?? gradient(x, y);
}

/** A PNG with a piece of text beside the picture, such as the name of the program that wrote it. */
export function withText(picture: Buffer, text: string): Buffer {
	const headerEnd = signature.length + 25;
	return Buffer.concat([
		picture.subarray(0, headerEnd),
		chunk('tEXt', Buffer.from(`Software\0${text}`, 'latin1')),
		picture.subarray(headerEnd),
	]);
}

function chunk(type: string, data: Buffer): Buffer {
	const body = Buffer.concat([Buffer.from(type), data]);
	const whole = Buffer.alloc(body.length + 8);
	whole.writeUInt32BE(data.length, 0);
	body.copy(whole, 4);
	whole.writeUInt32BE(checksum(body), body.length + 4);
	return whole;
}

/** CRC-32 as PNG has it. @see https://www.w3.org/TR/png-3/#D-CRCAppendix */
function checksum(bytes: Buffer): number {
	let crc = 0xffffffff;
	for (const byte of bytes) crc = (crc >>> 8) ^ (crcs[(crc ^ byte) & 0xff] ?? 0);
	return (crc ^ 0xffffffff) >>> 0;
}

const crcs = Array.from({ length: 256 }, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	return crc;
});
