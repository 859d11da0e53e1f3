import { buildCommand } from '@stricli/core';
import { cellarHome, explainIn, type Explanation } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { columns } from '../reporters/text.ts';

export const explain = buildCommand<CommonFlags, [string, string?]>({
	docs: {
		brief: 'Why a file or a package is what Cellar says it is, who used it, and what brought it in',
		customUsage: [
			{ input: 'data/stations.csv', brief: 'a file, by its path' },
			{ input: 'numpy', brief: 'a package, by its name' },
		],
	},
	parameters: {
		positional: {
			kind: 'tuple',
			parameters: [
				{ brief: 'a path, or a package’s name', placeholder: 'PATH|NAME', parse: String },
				{ brief: 'the run', placeholder: 'RUN', parse: String, optional: true },
			],
		},
		flags: commonFlags,
	},
	func(flags, what, run = 'latest') {
		return answer(flags, async () => {
			const document = await explainIn({ home: cellarHome(process.env), run, what, cwd: process.cwd() });
			return { document, text: explainText(document), exit: 0 };
		});
	},
});

/** How many uses are shown before the rest is counted. */
const shownUses = 12;

function explainText(document: Explanation): string {
	const owner =
		document.owner === null
			? []
			: [['owner', `${document.owner.name} ${document.owner.version ?? ''} (${document.owner.ecosystem})`.trim()]];
	const head = columns([['verdict', document.verdict], ['why', document.reason], ['rule', document.rule], ...owner], '  ');
	const chain = document.chain.length === 0 ? '' : `\nWhat led there\n  ${document.chain.join(' → ')}\n`;
	const rows = document.uses
		.slice(0, shownUses)
		.map((use) => [
			use.cell === null ? 'start-up' : `cell ${use.cell}`,
			use.worker ?? '',
			use.how,
			use.count === 1 ? 'once' : `${use.count} times`,
			`first at line ${use.first} of the log`,
		]);
	const more = document.uses.length > shownUses ? `  and ${document.uses.length - shownUses} more (--json lists them)\n` : '';
	const uses = rows.length === 0 ? '' : `\nUses\n${columns(rows)}${more}`;
	return `${document.what}\n${head}${chain}${uses}`;
}
