import pc from 'picocolors';

/**
 * Colours for results and for messages, each where its own stream is a terminal: what goes into a file or a pipe is plain, in CI too.
 *
 * @see https://no-color.org; FORCE_COLOR, as Node has it, colours a pipe
 */
export const onStdout = pc.createColors(coloured(process.stdout));
export const onStderr = pc.createColors(coloured(process.stderr));

function coloured(stream: { readonly isTTY?: boolean }): boolean {
	const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
	if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
	if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
	return stream.isTTY === true && TERM !== 'dumb';
}
