/**
 * Text with addresses in it, and nothing of a secret in these: no user and password before the host (`git@`, which is a name that all
 * use, stays), no token of a conda channel (`/t/TOKEN/`), and nothing behind `?`, where signatures stand. What follows `#` stays.
 */
export function withoutCredentials(text: string): string {
	return text
		.replaceAll(/([\w+.-]+:\/\/)(?!git@)[^/@\s]*@/g, '$1')
		.replaceAll(/(https?:\/\/\S*?)\/t\/[^/\s]+(?=\/|$|:)/g, '$1')
		.replaceAll(/([\w+.-]+:\/\/[^?#\s]*)\?[^#\s]*/g, '$1');
}
