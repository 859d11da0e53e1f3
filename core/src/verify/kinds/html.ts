import { Parser } from 'htmlparser2';
import { together, type Judged, type Strictness } from '../strictness.ts';
import { compareTables, type Grid } from './tables.ts';
import { compareText } from './text.ts';

/** An HTML output taken apart: the cells of its tables, and all the rest, a line for each tag and each text. */
export interface Page {
	readonly tables: readonly Grid[];
	readonly rest: string;
}

/**
 * Compares two HTML outputs: their tables cell by cell, then tags, attributes and the text outside of tables. White space
 * between tags and the order of attributes are not seen by a reader and not compared; in a `<pre>` outside of tables every space is.
 */
export function compareHtml(a: string, b: string, o: Strictness): { readonly kind: 'table' | 'html'; readonly judged: Judged } {
	const [pageA, pageB] = [parsePage(a), parsePage(b)];
	const kind = pageA.tables.length + pageB.tables.length > 0 ? 'table' : 'html';
	if (a === b) return { kind, judged: together([]) };
	const tables = compareTables(pageA.tables, pageB.tables, o);
	const rest = compareText(pageA.rest, pageB.rest, o, true);
	const judged = together([
		{ name: '', judged: tables },
		// A row more brings its tags with it: the table's own words say it better.
		...(tables.verdict === 'differs' ? [] : [{ name: 'markup', judged: rest }]),
	]);
	const onlySpelling = judged.verdict === 'same' && judged.reason === null;
	return {
		kind,
		judged: onlySpelling ? { ...judged, reason: 'masked: white space and order of attributes in the markup' } : judged,
	};
}

interface OpenTable {
	readonly rows: string[][];
	/** Whether text belongs to the last cell of the last row. */
	inCell: boolean;
}

/** Reads a fragment as a browser would, leniently; nothing in it is run or fetched. */
export function parsePage(html: string): Page {
	const rest: string[] = [];
	const tables: OpenTable[] = [];
	const open: OpenTable[] = [];
	let preformatted = 0;
	// The parser hands text over in pieces, cut at every entity.
	let text = '';
	const endText = () => {
		if (preformatted > 0) rest.push(...text.split('\n'));
		else if (text.trim() !== '') rest.push(text.replace(/\s+/gu, ' ').trim());
		text = '';
	};
	const parser = new Parser({
		onopentag(name, attributes) {
			endText();
			const words = Object.entries(attributes).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
			rest.push(`<${name}${words.toSorted().join('')}>`);
			if (name === 'pre' || name === 'textarea') preformatted++;
			if (name === 'table') {
				const table = { rows: [], inCell: false };
				tables.push(table);
				open.push(table);
			}
			const table = open.at(-1);
			if (name === 'tr') table?.rows.push([]);
			if (table && (name === 'td' || name === 'th')) {
				if (table.rows.length === 0) table.rows.push([]);
				table.rows.at(-1)?.push('');
				table.inCell = true;
			}
		},
		ontext(piece) {
			const table = open.at(-1);
			const row = table?.inCell ? table.rows.at(-1) : undefined;
			if (row) row.push(`${row.pop() ?? ''}${piece}`);
			else text += piece;
		},
		onclosetag(name) {
			endText();
			rest.push(`</${name}>`);
			if (name === 'pre' || name === 'textarea') preformatted--;
			const table = open.at(-1);
			if (table && (name === 'td' || name === 'th' || name === 'tr')) table.inCell = false;
			if (name === 'table') open.pop();
		},
		onend: endText,
	});
	parser.end(html);
	return {
		tables: tables.map(({ rows }) => rows.map((row) => row.map((cell) => cell.replace(/\s+/gu, ' ').trim()))),
		rest: rest.join('\n'),
	};
}
