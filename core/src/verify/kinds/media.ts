import type { Json, MimeBundle, OutputComparison, OutputKind } from '../../model/index.ts';
import { differs, notCompared, same, together, type Judged, type Strictness } from '../strictness.ts';
import { compareHtml } from './html.ts';
import { comparePng } from './images.ts';
import { isNumber } from './numbers.ts';
import { compareText } from './text.ts';

interface Compared {
	readonly kind: OutputKind;
	readonly judged: Judged;
}

/** How one media type is compared. */
interface Medium {
	readonly media: RegExp;
	compare(a: Json, b: Json, o: Strictness): Compared;
}

/** From the richest to the plainest: the first that an output has gives its kind. */
const mediums: readonly Medium[] = [
	{
		media: /^application\/vnd\.jupyter\.widget-(?:view|state)\+json$/,
		compare: () => ({ kind: 'widget', judged: notCompared('what a widget shows lives in the browser and is not in the run') }),
	},
	{
		media: /^image\/png$/,
		compare: (a, b, o) => ({ kind: 'image', judged: comparePng(base64(a), base64(b), o) }),
	},
	{
		// Pictures that nothing here decodes; an SVG is text, but two drawings of one plot seldom have the same text.
		media: /^(?:image|video|audio)\/|^application\/pdf$/,
		compare: (a, b) => ({
			kind: 'image',
			judged: textOf(a) === textOf(b) ? same : differs('the bytes differ; of pictures only PNG is compared by pixels'),
		}),
	},
	{
		media: /^text\/html$/,
		compare: (a, b, o) => compareHtml(textOf(a), textOf(b), o),
	},
	{
		media: /[/+]json$/,
		compare: (a, b, o) => ({ kind: 'text', judged: compareText(ordered(a), ordered(b), o) }),
	},
	{
		media: /^text\/(?!plain$)|^application\/javascript$/,
		compare: (a, b, o) => ({ kind: 'text', judged: compareText(textOf(a), textOf(b), o) }),
	},
	{
		media: /^/,
		compare: (a, b, o) => ({
			kind: isNumber(textOf(a)) && isNumber(textOf(b)) ? 'number' : 'text',
			judged: compareText(textOf(a), textOf(b), o),
		}),
	},
];

/**
 * Compares what two outputs show, in every medium that both have: a figure by its pixels and by its text. The worst medium
 * counts, the richest names the kind; a medium that one of them lacks is a difference.
 */
export function compareMedia(a: MimeBundle, b: MimeBundle, o: Strictness): OutputComparison {
	const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
	const parts = names
		.map((media) => {
			const rank = mediums.findIndex((medium) => medium.media.test(media));
			const [left, right] = [a[media], b[media]];
			const { kind, judged } = mediums[rank]!.compare(left ?? right ?? '', right ?? left ?? '', o); // the last one takes all
			const lacking = left === undefined ? 'the first' : 'the second';
			return {
				rank,
				media,
				kind,
				judged: left === undefined || right === undefined ? differs(`${lacking} does not show it`) : judged,
			};
		})
		.toSorted((x, y) => x.rank - y.rank || (x.media < y.media ? -1 : 1));
	const [richest] = parts;
	if (richest === undefined) return { kind: 'text', ...same };
	// A widget's plain text names it; whether it shows the same cannot be told from that.
	const counted = richest.kind === 'widget' && richest.judged.verdict === 'not compared' ? [richest] : parts;
	return {
		kind: richest.kind,
		...together(counted.map(({ media, judged }) => ({ name: counted.length > 1 ? media : '', judged }))),
	};
}

function textOf(content: Json): string {
	if (typeof content === 'string') return content;
	// nbformat allows a text as a list of lines.
	return Array.isArray(content) && content.every((line) => typeof line === 'string') ? content.join('') : ordered(content);
}

function base64(content: Json): Buffer {
	return Buffer.from(textOf(content), 'base64');
}

/** JSON with sorted keys, a value a line: the order of keys means nothing. */
function ordered(content: Json): string {
	const sorted = (_: string, value: Json) =>
		value !== null && typeof value === 'object' && !Array.isArray(value)
			? Object.fromEntries(Object.entries(value).toSorted(([x], [y]) => (x < y ? -1 : 1)))
			: value;
	return JSON.stringify(content, sorted, 1);
}
