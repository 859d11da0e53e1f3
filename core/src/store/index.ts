/** The run folder and the blob store on disk (docs/run-format.md): what is written is whole, what was written survives. */
export { bundleFolder, cellarHome } from './home.ts';
export { createRun, reopenRun, type RunFolder } from './create.ts';
export { readRun, runOf } from './read.ts';
export { readJournal } from './journal.ts';
export { isAlive, writeLock } from './lock.ts';
export { bytesOfRun, findRun, listRuns, unfinishedRuns, type RunSummary } from './runs.ts';
export { removeRun, sweepBlobs, type Removed } from './remove.ts';
export {
	createAccesses,
	hasTables,
	readAccessColumns,
	readAccesses,
	readFactsWithoutAccesses,
	readFiles,
	readTables,
	readTasks,
	readWorkers,
	writeTables,
	type Tables,
} from './tables/facts.ts';
export type { TableWriter } from './tables/table.ts';
export { openBlobs, type Blobs, type Put } from './blobs/blobs.ts';
export { keepOutputs } from './blobs/outputs.ts';
export { look, sha256Of, type Look } from './blobs/look.ts';
export { compressLog, redactExec, redactLine } from './logs.ts';
export { timesOfLines } from './times.ts';
export {
	accessesOfReport,
	beginWorker,
	factsOfReport,
	takeWorker,
	workersIn,
	type WorkerFolder,
	type WorkerReport,
	type WorkerState,
} from './workers/folders.ts';
export { openReports, parseTicket, ticketFile, ticketOf, type Ticket } from './workers/ticket.ts';
export { openReturned, type Returned } from './workers/returned.ts';
