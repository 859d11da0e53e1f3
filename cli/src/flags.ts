/** `K=V` as a pair; the value may hold `=` and may be empty. */
export function keyValue(text: string): [string, string] {
	const at = text.indexOf('=');
	if (at < 1) throw new SyntaxError(`“${text}” is not of the form K=V`);
	return [text.slice(0, at), text.slice(at + 1)];
}

/** A number of bytes: `500`, `20kB`, `1.5 GB`; decimal units, and `KiB`, `MiB`, `GiB` for binary ones. */
export function size(text: string): number {
	const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text.trim());
	if (match === null) throw new SyntaxError(`“${text}” is not a size such as 500MB or 2GB`);
	const power = ['', 'k', 'm', 'g', 't'].indexOf(match[2]!.toLowerCase());
	return Math.round(Number(match[1]) * (match[3] === '' ? 1000 : 1024) ** power);
}

/** A positive number of seconds. */
export function seconds(text: string): number {
	const value = Number(text);
	if (!Number.isFinite(value) || value <= 0) throw new SyntaxError(`“${text}” is not a number of seconds above 0`);
	return value;
}

/** A number of things, at least one. */
export function count(text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 1) throw new SyntaxError(`“${text}” is not a number of things such as 5`);
	return value;
}

/** A tolerance: a number that is not negative. */
export function tolerance(text: string): number {
	const value = Number(text);
	if (text.trim() === '' || !Number.isFinite(value) || value < 0)
		throw new SyntaxError(`“${text}” is not a tolerance such as 1e-9`);
	return value;
}

/** One of the given words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): (text: string) => Word {
	return (text) => {
		const found = words.find((word) => word === text);
		if (found === undefined) throw new SyntaxError(`“${text}” is none of ${words.join(', ')}`);
		return found;
	};
}
