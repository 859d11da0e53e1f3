/** One document, as a line-broken text that ends in a newline. */
export function jsonDocument(document: object): string {
	return `${JSON.stringify(document, null, 2)}\n`;
}

/** The document of a failed command: `{"error":{…}}`. */
export function errorDocument(error: {
	readonly code: string;
	readonly message: string;
	readonly hint: string | null;
	readonly where: string | null;
}): string {
	const { code, message, hint, where } = error;
	return jsonDocument({ format: 1, error: { code, message, hint, where } });
}
