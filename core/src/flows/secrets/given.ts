import {
	isSecretParameter,
	findSecrets,
	maskJson,
	maskOf,
	type JsonObject,
	type Secrets,
	type Warning,
} from '../../model/index.ts';
import { formatNotebook, parseNotebook, type Notebook, type NotebookCell } from '../../notebook/index.ts';

/**
 * A notebook's file as a run keeps it: as given, to the byte, unless secrets stand in its outputs, attachments or metadata, which
 * are masked. Sources stay as they are, for they are what ran; `sourceSecrets` tells of them.
 */
export function keptNotebook(
	given: Buffer,
	where: string,
	secrets: Secrets,
): { readonly bytes: Buffer; readonly warnings: readonly Warning[] } {
	const notebook = parseNotebook(given, where);
	const seen = new Set<string>();
	const mask = (value: JsonObject): JsonObject => maskJson(value, secrets, seen) as JsonObject; // what is an object stays one
	const cells = notebook.cells.map((cell): NotebookCell => {
		const { outputs, attachments } = cell;
		return {
			...cell,
			metadata: mask(cell.metadata),
			...(outputs === undefined ? {} : { outputs: outputs.map(mask) }),
			...(attachments === undefined ? {} : { attachments: maskJson(attachments, secrets, seen) }),
		};
	});
	const metadata = maskJson(notebook.metadata, secrets, seen) as Notebook['metadata']; // as above: only texts in it change
	if (seen.size === 0) return { bytes: given, warnings: [] };
	const kinds = [...seen].toSorted().join(', ');
	const message = `the notebook as given shows what looks like a secret (${kinds}) in its outputs or metadata: it is masked in the run`;
	return {
		bytes: Buffer.from(formatNotebook({ ...notebook, metadata, cells })),
		warnings: [{ code: 'CELLAR_SECRET_IN_OUTPUT', message }],
	};
}

/** Where secrets stand in a notebook's own text. */
export interface SourceSecret {
	/** `cell 3`, as a person counts code cells; `text cell 2`, over the others. */
	readonly where: string;
	readonly kinds: readonly string[];
}

/** The cells, of code and of text, in whose source something looks like a secret. */
export function sourceSecrets(notebook: Notebook): readonly SourceSecret[] {
	let [code, text] = [0, 0];
	return notebook.cells.flatMap((cell) => {
		const where = cell.cell_type === 'code' ? `cell ${++code}` : `text cell ${++text}`;
		const kinds = kindsIn(cell.source);
		return kinds.length === 0 ? [] : [{ where, kinds }];
	});
}

/** The kinds of secret in a text, by its form alone. */
export function kindsIn(text: string): readonly string[] {
	return [...new Set(findSecrets(text).map(({ kind }) => kind))].toSorted();
}

export function sourceWarnings(found: readonly SourceSecret[]): readonly Warning[] {
	return found.map(({ where, kinds }) => ({
		code: 'CELLAR_SECRET_IN_SOURCE',
		message: `the source of ${where} holds what looks like a secret (${kinds.join(', ')}): the run keeps it as it is, and cellar pack refuses it without --with-secrets`,
	}));
}

/** What a run keeps of `--param`, and what it says of those that it does not keep. */
export function keptParameters(parameters: ReadonlyMap<string, string>): {
	readonly kept: Readonly<Record<string, string>>;
	readonly secret: readonly string[];
	readonly warnings: readonly Warning[];
} {
	const isSecret = ([name, value]: readonly [string, string]) => isSecretParameter(name, value) || kindsIn(value).length > 0;
	const secret = [...parameters].filter(isSecret);
	return {
		kept: Object.fromEntries([...parameters].map((one) => [one[0], isSecret(one) ? maskOf('parameter') : one[1]])),
		secret: secret.map(([, value]) => value),
		warnings: secret.map(([name]) => ({
			code: 'CELLAR_SECRET_PARAMETER',
			message: `the parameter ${name} looks like a secret: its value is not kept, and a repeat runs with a mask in its place`,
		})),
	};
}
