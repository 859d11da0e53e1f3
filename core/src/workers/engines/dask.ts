import { basename } from 'node:path';
import type { Engine } from './engine.ts';

/** Dask's: `dask worker`, `dask-worker`, `python -m dask worker`, `python -m distributed.cli.dask_worker`. */
export const dask: Engine = {
	name: 'dask',
	isWorker(words) {
		const at = words.findIndex((word) => ['dask', 'dask-worker', 'distributed.cli.dask_worker'].includes(basename(word)));
		return at >= 0 && (basename(words[at]!) !== 'dask' || words[at + 1] === 'worker');
	},
};
