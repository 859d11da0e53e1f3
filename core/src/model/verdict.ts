import * as v from 'valibot';

export const outputVerdicts = ['same', 'close', 'differs', 'raised', 'not compared'] as const;
export type OutputVerdict = (typeof outputVerdicts)[number];
export const outputKinds = ['text', 'number', 'table', 'image', 'html', 'error', 'widget'] as const;
export type OutputKind = (typeof outputKinds)[number];

const output = v.object({
	kind: v.picklist(outputKinds),
	verdict: v.picklist(outputVerdicts),
	/** What differs and where, or which mask was needed; null where it is byte for byte the same. */
	reason: v.nullable(v.string()),
	largestDifference: v.nullable(v.number()),
});
export type OutputComparison = v.InferOutput<typeof output>;

const file = v.object({ path: v.string(), verdict: v.picklist(outputVerdicts), reason: v.nullable(v.string()) });
export type FileComparison = v.InferOutput<typeof file>;

/** The document of `cellar verify --json` and `cellar repeat --json`: `a` the recorded run, `b` the new one. */
export const comparisonSchema = v.object({
	format: v.literal(1),
	a: v.string(),
	b: v.string(),
	verdict: v.picklist(['same', 'close', 'differs', 'incomplete']),
	cells: v.array(v.object({ number: v.number(), verdict: v.picklist(outputVerdicts), outputs: v.array(output) })),
	files: v.array(file),
	/** How the program ended in both runs; left out where they had notebooks. */
	program: v.optional(v.object({ verdict: v.picklist(outputVerdicts), reason: v.nullable(v.string()) })),
	sandbox: v.nullable(
		v.object({
			name: v.string(),
			network: v.boolean(),
			/** Those that were started beside the manager; null where its notebook starts its own, if any. */
			workers: v.nullable(v.object({ engine: v.string(), count: v.number() })),
		}),
	),
});
export type Comparison = v.InferOutput<typeof comparisonSchema>;
