import { createFollower, launch, readLog, startTimeOf, type Launched } from '../../audit/index.ts';
import { CellarError, encodeName, type Facts, type LogId, type Run, type View } from '../../model/index.ts';
import type { SandboxOptions } from '../../sandbox/index.ts';
import { readJournal, type RunFolder } from '../../store/index.ts';
import type { CellLoop } from '../run/cells.ts';
import type { CodeHints } from '../run/coroutines.ts';
import { unmarkedCells, watchMarks } from '../recording/marks.ts';

/** A sandbox's program under a tracer that stays outside. */
export interface Traced extends AsyncDisposable {
	/** Starts the sandbox under the tracer. */
	readonly launch: NonNullable<SandboxOptions['launch']>;
	readonly mark: CellLoop['mark'];
	/** To be asked when the program has ended: paths are as it saw them, and what started the sandbox is not among them. */
	facts(): Promise<Facts>;
}

/** How long what the sandbox leaves behind may go on; milliseconds. Nothing does: its namespace takes all with it. */
const graceMs = 4000;

/**
 * @param o.run the repeat as it begins
 * @param o.argv the program, as its sandbox starts it
 * @param o.logPath where its log grows, which is called `log`
 * @param o.view what the program sees when it starts
 */
export function traceInside(o: {
	readonly folder: RunFolder;
	readonly log: LogId;
	readonly logPath: string;
	readonly tracer: string;
	readonly run: Omit<Run, 'run'>;
	readonly argv: readonly string[];
	/** Of a kernel: what the code of its cells says. */
	readonly hints?: CodeHints;
	readonly view: View;
}): Traced {
	const { log, logPath, argv } = o;
	const { nonce, hostname, bootId, checks, connectionFile, kernel } = o.run.circumstances;
	const kernelHints = {
		...(connectionFile === null ? {} : { connectionFile: encodeName(Buffer.from(connectionFile)) }),
		...o.hints,
		...(kernel === null ? {} : { language: kernel.language.toLowerCase() }),
	};
	let launched: Launched | null = null;
	const started = (): Launched => {
		if (launched === null) throw new CellarError('CELLAR_INTERNAL', 'the sandbox was not started under the tracer');
		return launched;
	};
	return {
		async launch(command) {
			launched = await launch({ ...command, log: logPath, nonce, checks, tracer: o.tracer });
			const startTime = startTimeOf(launched.tracerPid);
			if (startTime !== null) await o.folder.append({ event: 'tracer', pid: launched.tracerPid, startTime });
			return launched;
		},
		mark: (verb, execution) => started().mark({ verb, kind: 'cell', id: String(execution), attempt: null, name: null }),
		async facts() {
			await started().finish(graceMs);
			const follower = createFollower({
				...{ log, nonce, host: hostname, bootId },
				program: argv.map((word) => encodeName(Buffer.from(word))),
				...(o.hints === undefined ? {} : kernelHints),
				files: {
					exists: (path) => o.view.place(path, false) !== null,
					// No program in an image keeps such a right: whoever unpacks it owns its files.
					setuid: () => false,
				},
			});
			const marks = watchMarks(nonce);
			const take: typeof follower.take = (events) => {
				marks.take(events);
				follower.take(events);
			};
			await readLog(logPath, { ...follower, take });
			const facts = follower.facts();
			if (o.hints === undefined) return facts;
			return { ...facts, doubts: [...facts.doubts, ...unmarkedCells(await readJournal(o.folder.directory), marks)] };
		},
		async [Symbol.asyncDispose]() {
			await launched?.[Symbol.asyncDispose]();
		},
	};
}
