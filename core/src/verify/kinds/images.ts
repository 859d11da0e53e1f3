import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';
import { differs, isTolerant, notCompared, same, type Judged, type Strictness } from '../strictness.ts';
import { distance, inWords } from './numbers.ts';

/** Pictures with more pixels than this are not decoded: a few bytes may claim to be gigabytes. */
const mostPixels = 100_000_000;
/** The decoder bounds what it unpacks, except of interlaced pictures: of these it takes no more than some gigabytes can come out of. */
const mostInterlacedBytes = 4_000_000;
/** pixelmatch's own measure of what can be seen. */
const visible = 0.1;
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function isPng(bytes: Uint8Array): boolean {
	return signature.equals(bytes.subarray(0, signature.length));
}

interface Picture {
	readonly width: number;
	readonly height: number;
	/** 8 or 16: the largest value of a channel is 255 or 65535. */
	readonly bits: 8 | 16;
	/** Red, green, blue and opacity of each pixel, row by row. */
	readonly channels: Uint8Array | Uint16Array;
}

/**
 * Compares two PNG pictures pixel by pixel. Channels are numbers from 0 to 255 (65535 in pictures of 16 bits), and the
 * tolerances hold for them as for any number; without tolerances one changed pixel is a difference.
 *
 * @see https://www.w3.org/TR/png-3/
 */
export function comparePng(a: Buffer, b: Buffer, o: Strictness): Judged {
	if (a.equals(b)) return same;
	const [pictureA, pictureB] = [decode(a), decode(b)];
	if (typeof pictureA === 'string' || typeof pictureB === 'string') return judgeUndecoded(pictureA, pictureB);
	if (pictureA.width !== pictureB.width || pictureA.height !== pictureB.height) {
		return differs(`${size(pictureA)} pixels against ${size(pictureB)}`);
	}
	if (pictureA.bits !== pictureB.bits) return differs(`${pictureA.bits} bits a channel against ${pictureB.bits}`);
	const found = differingPixels(pictureA, pictureB, o);
	if (found.count === 0) {
		return { ...same, reason: 'every pixel is equal; the files differ in what is stored beside them, or in compression' };
	}
	const where =
		found.count === 1 ? `at ${found.left},${found.top}` : `within ${found.left},${found.top} to ${found.right},${found.bottom}`;
	const which = `${found.count} of ${size(pictureA)} ${found.count === 1 ? 'pixels differs' : 'pixels differ'}, ${where}`;
	const by = `by at most ${inWords(found.largest)} of ${2 ** pictureA.bits - 1}`;
	if (found.close && isTolerant(o)) return { verdict: 'close', reason: `${which}, ${by}`, largestDifference: found.largest };
	return differs(`${which}, ${by}${seen(pictureA, pictureB)}`, found.largest);
}

function size({ width, height }: Picture): string {
	return `${width}x${height}`;
}

interface Pixels {
	count: number;
	left: number;
	top: number;
	right: number;
	bottom: number;
	/** The largest difference of a channel. */
	largest: number;
	/** Every channel is within the tolerances. */
	close: boolean;
}

function differingPixels(a: Picture, b: Picture, o: Strictness): Pixels {
	const found: Pixels = { count: 0, left: Infinity, top: Infinity, right: 0, bottom: 0, largest: 0, close: true };
	const [p, q] = [a.channels, b.channels];
	for (let at = 0; at < p.length; at += 4) {
		if (p[at] === q[at] && p[at + 1] === q[at + 1] && p[at + 2] === q[at + 2] && p[at + 3] === q[at + 3]) continue;
		const pixel = at / 4;
		const [x, y] = [pixel % a.width, Math.floor(pixel / a.width)];
		found.count++;
		found.left = Math.min(found.left, x);
		found.top = Math.min(found.top, y);
		found.right = Math.max(found.right, x);
		found.bottom = Math.max(found.bottom, y);
		for (let channel = at; channel < at + 4; channel++) {
			const apart = distance(p[channel]!, q[channel]!, o); // four channels a pixel
			found.largest = Math.max(found.largest, apart.absolute);
			found.close &&= apart.close;
		}
	}
	return found;
}

/** Whether a person would see it, to tell a moved line from a rounded colour. */
function seen(a: Picture, b: Picture): string {
	if (!(a.channels instanceof Uint8Array) || !(b.channels instanceof Uint8Array)) return '';
	const count = pixelmatch(a.channels, b.channels, undefined, a.width, a.height, { threshold: visible, includeAA: true });
	return count === 0 ? '; none of them can be told apart by eye' : `; ${count} can be told apart by eye`;
}

/** The picture, or why it could not be read. */
function decode(bytes: Buffer): Picture | string {
	if (!isPng(bytes) || bytes.length < 29) return 'is not a PNG picture';
	// The header stands first, at a fixed place.
	const [width, height, bits] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes.readUInt8(24)];
	const interlaced = bytes.readUInt8(28) !== 0;
	if (interlaced && bytes.length > mostInterlacedBytes) return 'is interlaced and too large to decode';
	if (width * height > mostPixels) return `claims ${width}x${height} pixels, too many to decode`;
	try {
		// Without skipRescale the lower half of 16 bits would be lost; with it, fewer than 8 would not fill their range.
		const { data } = PNG.sync.read(bytes, { skipRescale: bits === 16 });
		const channels: Uint8Array | Uint16Array = data;
		return { width, height, bits: bits === 16 ? 16 : 8, channels };
	} catch (error) {
		return `is broken: ${error instanceof Error ? error.message : String(error)}`;
	}
}

function judgeUndecoded(a: Picture | string, b: Picture | string): Judged {
	const reasons = [
		...(typeof a === 'string' ? [`the first ${a}`] : []),
		...(typeof b === 'string' ? [`the second ${b}`] : []),
	].join('; ');
	const tooLarge = [a, b].some((picture) => typeof picture === 'string' && picture.endsWith(' to decode'));
	return tooLarge ? notCompared(`the bytes differ; ${reasons}`) : differs(`the bytes differ; ${reasons}`);
}
