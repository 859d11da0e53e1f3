const secretName =
	/secret|token(?!iz)|passw|passphrase|_pwd$|credential|api_?key|access_?key|private|_pat$|auth(?!or)|(?:^|_)key$|cookie|_dsn$|_pass$/i;

/** Whether a variable, a parameter or a member of a document is called as what holds a secret. */
export function isSecretVariable(name: string): boolean {
	return secretName.test(name);
}

/** Below this many characters a value is too short to be told from other text. */
const shortest = 8;

/** Values that say how something is done or where it lies, and may stand anywhere. */
const ordinary =
	/^(?:[/~.]|file:|unix:|[\d.,:+-]+$|(?:true|false|none|null|enabled|disabled|password|required|optional|default)$)/i;

/** Whether a parameter's value is a secret by its name: any but a path, a number or a common word, be it ever so short. */
export function isSecretParameter(name: string, value: string): boolean {
	return isSecretVariable(name) && value.trim() !== '' && !ordinary.test(value);
}

/** 40 letters of base64, of which the first may be a slash: that is no path. */
function isAwsKey(value: string): boolean {
	return /^[A-Za-z0-9+/]{40}$/.test(value) && /[A-Z]/.test(value) && /[a-z]/.test(value) && /\d/.test(value);
}

/** Whether a value under such a name is looked for in what a run shows: neither short, nor a path, a number or a common word. */
export function isTelling(value: string): boolean {
	return value.length >= shortest && value.trim() !== '' && (!ordinary.test(value) || isAwsKey(value));
}

/** The values of those variables that are called as what holds a secret. For the memory of one process; they are never written. */
export function secretValues(variables: Readonly<Record<string, string | undefined>>): string[] {
	return Object.entries(variables).flatMap(([name, value]) =>
		value !== undefined && isSecretVariable(name) && isTelling(value) ? [value] : [],
	);
}
