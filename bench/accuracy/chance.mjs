/**
 * Chance that can be repeated: the same seed gives the same draws, on every machine.
 *
 * @typedef {object} Chance
 * @property {() => number} next a number from 0 up to 1
 * @property {(below: number) => number} below a whole number from 0 up to `below`
 * @property {(from: number, to: number) => number} between a whole number, both ends included
 * @property {<T>(all: readonly T[]) => T} one of a list
 * @property {<T>(all: readonly T[]) => T[]} shuffled a copy in another order
 * @property {(share: number) => boolean} happens true in that share of the draws
 */

/**
 * @param {number} seed any whole number
 * @returns {Chance}
 * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c mulberry32
 */
export function chanceOf(seed) {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
	};
	const below = (limit) => Math.floor(next() * limit);
	return {
		next,
		below,
		between: (from, to) => from + below(to - from + 1),
		one: (all) => all[below(all.length)],
		shuffled(all) {
			const copy = [...all];
			for (let at = copy.length - 1; at > 0; at--) {
				const other = below(at + 1);
				[copy[at], copy[other]] = [copy[other], copy[at]];
			}
			return copy;
		},
		happens: (share) => next() < share,
	};
}
