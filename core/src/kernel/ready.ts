import { CellarError, type StartedProcess } from '../model/index.ts';
import type { Channels } from './channels.ts';
import type { Watch } from './watch.ts';

/** How often a kernel is asked until it answers, and until it is heard on iopub after that, in milliseconds. */
const askAgainMs = 1000;
const askAgainForIopubMs = 100;

/**
 * Waits until a kernel answers on shell *and* has been heard on iopub. A subscription takes effect some time after the
 * connection, and what is published before is lost: so it is asked again until iopub speaks, or greets (`iopub_welcome`).
 *
 * @param options.heard what has come so far; looked at again whenever the watch stirs
 */
export async function awaitReady(options: {
	readonly channels: Pick<Channels, 'send'>;
	readonly watch: Watch;
	readonly process: StartedProcess;
	readonly timeoutMs: number;
	readonly heard: { readonly onIopub: boolean; readonly info: object | null; readonly stranger: CellarError | null };
}): Promise<void> {
	const { channels, watch, heard } = options;
	const deadline = performance.now() + options.timeoutMs;
	while (heard.info === null || !heard.onIopub) {
		const left = deadline - performance.now();
		if (left <= 0) throw await failure(options, false);
		await channels.send('shell', 'kernel_info_request', {});
		const answered = await watch.until(() => heard.info !== null, Math.min(left, askAgainMs));
		const outcome = answered === 'met' ? await watch.until(() => heard.onIopub, askAgainForIopubMs) : answered;
		if (outcome === 'ended') throw await failure(options, true);
	}
}

async function failure(
	{ process, timeoutMs, heard }: Pick<Parameters<typeof awaitReady>[0], 'process' | 'timeoutMs' | 'heard'>,
	ended: boolean,
): Promise<CellarError> {
	const words = process.lastWords().trim();
	const module = /^(\/.*?): No module named '?ipykernel/m.exec(words);
	if (module?.[1] !== undefined) {
		return new CellarError('CELLAR_NO_IPYKERNEL', `${module[1]} has no ipykernel`, {
			hint: `${module[1]} -m pip install ipykernel`,
		});
	}
	if (!ended && heard.info === null && !heard.onIopub && heard.stranger !== null) return heard.stranger;
	const said = words === '' ? 'it wrote nothing' : `its last words:\n${words}`;
	if (!ended) {
		return new CellarError('CELLAR_KERNEL_DIED', `the kernel did not answer within ${timeoutMs / 1000} s; ${said}`, {
			hint: 'start it by hand to see what keeps it',
		});
	}
	const end = await process.ended;
	const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`;
	return new CellarError('CELLAR_KERNEL_DIED', `the kernel ended ${how} before it was ready; ${said}`, {
		hint: /address (already )?in use/i.test(words)
			? 'another program took one of its ports in the meantime: try again'
			: 'what it wrote last says why; a Python kernel needs a working ipykernel',
	});
}
