/** Texts as numbers from 1 on. */
export interface Numbers {
	of(text: string): number;
	at(number: number): string;
}

export function createNumbers(): Numbers {
	const numbers = new Map<string, number>();
	const texts = [''];
	let [text, number] = ['', 0];
	return {
		of(one) {
			// Most often the same is asked again.
			if (one === text) return number;
			number = numbers.get(one) ?? texts.push(one) - 1;
			numbers.set(one, number);
			text = one;
			return number;
		},
		at: (one) => texts[one]!,
	};
}
