/** Work that goes on beside the rest. */
export interface Aside {
	/** Begins no work and awaits none: what fails is kept for `settled`, and does not end the process. */
	add(work: Promise<void>): void;
	/** Resolves when all of it is done. @throws the first thing that failed, once */
	settled(): Promise<void>;
}

/** A promise that nobody awaits yet ends the process where it fails: here it waits to be asked. */
export function createAside(): Aside {
	let busy: Promise<void> = Promise.resolve();
	let failure: { readonly cause: unknown } | null = null;
	return {
		add(work) {
			const caught = work.catch((cause: unknown) => {
				failure ??= { cause };
			});
			busy = busy.then(() => caught);
		},
		async settled() {
			await busy;
			const failed = failure;
			failure = null;
			if (failed !== null) throw failed.cause;
		},
	};
}
