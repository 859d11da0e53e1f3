import { isSecretParameter, maskOf, type Secrets } from '../../model/index.ts';

/**
 * What a run keeps of the words of a command: each without the secrets in it, by their forms and values; and what is given to an
 * option or a variable under the name of a secret (`--token X`, `API_KEY=X`) not at all. The others stay, for a repeat needs them.
 */
export function keptArgv(
	argv: readonly string[],
	secrets: Secrets,
): { readonly argv: string[]; readonly secret: readonly string[] } {
	const secret: string[] = [];
	const isHidden = (option: string, value: string): boolean => {
		const name = option.replace(/^--?/, '').replaceAll('-', '_');
		if (!isSecretParameter(name, value)) return false;
		secret.push(value);
		return true;
	};
	const kept = argv.map((word, at) => {
		if (at === 0) return word;
		const before = argv[at - 1]!;
		const isValue = at > 1 && /^--?[\w-]+$/.test(before) && !word.startsWith('-');
		if (isValue && isHidden(before, word)) return maskOf('parameter');
		const pair = /^(-{0,2}[\w-]+)=(.+)$/s.exec(word);
		if (pair !== null && isHidden(pair[1]!, pair[2]!)) return `${pair[1]}=${maskOf('parameter')}`;
		return secrets.mask(word);
	});
	return { argv: kept, secret };
}
