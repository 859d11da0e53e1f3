/** A set of words, written as text so that it can be read. */
export function wordSet(text: string): ReadonlySet<string> {
	return new Set(text.trim().split(/\s+/));
}
