/** What is kept by a key, made where it is not there yet. */
export function kept<K, V>(of: Map<K, V>, key: K, make: () => V): V {
	let found = of.get(key);
	if (found === undefined) of.set(key, (found = make()));
	return found;
}
