import type { Comparison } from '@cellar/core';

/**
 * A comparison as JUnit XML: a test case for each cell and each file, so that a continuous-integration page shows which differ.
 *
 * @see https://github.com/testmoapp/junitxml for the dialect that the common readers agree on
 */
export function junitDocument(comparison: Comparison): string {
	const { program } = comparison;
	const cases = [
		...(program === undefined ? [] : [{ name: 'program', group: 'program', ...program, reason: program.reason ?? '' }]),
		...comparison.cells.map((cell) => ({
			name: `cell ${cell.number}`,
			group: 'cells',
			verdict: cell.verdict,
			reason: cell.outputs.flatMap((output) => (output.reason === null ? [] : [output.reason])).join('; '),
		})),
		...comparison.files.map((file) => ({ name: file.path, group: 'files', verdict: file.verdict, reason: file.reason ?? '' })),
	];
	const failed = cases.filter((item) => item.verdict === 'differs' || item.verdict === 'raised').length;
	const skipped = cases.filter((item) => item.verdict === 'not compared').length;
	const lines = cases.map((item) => {
		const head = `    <testcase classname="cellar.${item.group}" name="${escape(item.name)}"`;
		if (item.verdict === 'not compared') return `${head}><skipped message="${escape(item.reason)}"/></testcase>`;
		if (item.verdict === 'same' || item.verdict === 'close') return `${head}/>`;
		return `${head}><failure type="${item.verdict}" message="${escape(item.reason)}"/></testcase>`;
	});
	return [
		'<?xml version="1.0" encoding="UTF-8"?>',
		`<testsuites tests="${cases.length}" failures="${failed}">`,
		`  <testsuite name="${escape(`${comparison.a} against ${comparison.b}`)}" tests="${cases.length}" failures="${failed}" skipped="${skipped}">`,
		...lines,
		'  </testsuite>',
		'</testsuites>',
		'',
	].join('\n');
}

/** XML 1.0 has no way to write most control characters: they become U+FFFD. */
function escape(text: string): string {
	const entities: Readonly<Record<string, string>> = {
		'&': '&amp;',
		'<': '&lt;',
		'>': '&gt;',
		'"': '&quot;',
		'\n': '&#10;',
		'\t': '&#9;',
	};
	return [...text].map((letter) => entities[letter] ?? ((letter.codePointAt(0) ?? 0) < 0x20 ? '\uFFFD' : letter)).join('');
}
