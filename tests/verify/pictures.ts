import { PNG } from 'pngjs';

export type Pixel = readonly [red: number, green: number, blue: number, opacity: number];

/** A real PNG file whose pixels a function gives. */
export function png(width: number, height: number, pixel: (x: number, y: number) => Pixel): Buffer {
	const picture = new PNG({ width, height });
	for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) picture.data.set(pixel(x, y), 4 * (y * width + x));
	return PNG.sync.write(picture);
}

/** The same in 16 bits a channel. */
export function png16(width: number, height: number, pixel: (x: number, y: number) => Pixel): Buffer {
	const channels = new Uint16Array(width * height * 4);
	for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) channels.set(pixel(x, y), 4 * (y * width + x));
	const picture = new PNG({ width, height });
	picture.data = Buffer.from(channels.buffer);
	return PNG.sync.write(picture, { bitDepth: 16, colorType: 6, inputColorType: 6, inputHasAlpha: true });
}

/** A gradient: no two neighbours are equal. */
export function gradient(x: number, y: number): Pixel {
	return [(x * 7) % 256, (y * 5) % 256, (x + y) % 256, 255];
}

/** The gradient with some pixels replaced, by `x,y`. */
export function gradientBut(changed: Readonly<Record<string, Pixel>>): (x: number, y: number) => Pixel {
	return (x, y) => changed[`${x},${y}`] ?? gradient(x, y);
}

/** A PNG with a piece of text beside the picture, such as the name of the program that wrote it. */
export function withText(picture: Buffer, text: string): Buffer {
	const body = Buffer.concat([Buffer.from('tEXt'), Buffer.from(`Software\0${text}`, 'latin1')]);
	const chunk = Buffer.alloc(body.length + 8);
	chunk.writeUInt32BE(body.length - 4, 0);
	body.copy(chunk, 4);
	chunk.writeUInt32BE(checksum(body), body.length + 4);
	const header = 8 + 25;
	return Buffer.concat([picture.subarray(0, header), chunk, picture.subarray(header)]);
}

/** CRC-32 as PNG has it. @see https://www.w3.org/TR/png-3/#5CRC-algorithm */
function checksum(bytes: Buffer): number {
	let crc = 0xffffffff;
	for (const byte of bytes) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	}
	return (crc ^ 0xffffffff) >>> 0;
}
