import type { Doubt, Seq } from '../../model/index.ts';

/** What may make the facts incomplete: each thing once, with how often it came. */
export interface Doubts {
	/** @param subject what makes two doubts of one code different: a program, a path; empty where only the number counts */
	add(code: string, subject: string, seq: Seq | null, message: string): void;
	forget(): void;
	all(): readonly Doubt[];
}

export function createDoubts(): Doubts {
	const known = new Map<string, { doubt: Doubt; count: number }>();
	return {
		add(code, subject, seq, message) {
			const key = `${code}\n${subject}`;
			const before = known.get(key);
			if (before === undefined) known.set(key, { doubt: { code, message, seq }, count: 1 });
			else before.count++;
		},
		forget: () => known.clear(),
		all: () =>
			[...known.values()].map(({ doubt, count }) =>
				count === 1 ? doubt : { ...doubt, message: `${doubt.message} (${count} times in the log)` },
			),
	};
}
