/**
 * The core's front door: the flows, and the words they speak. A flow is loaded when it is called: what a command does not
 * need does not slow it down.
 */
import type * as audits from './flows/audit.ts';
import type * as answers from './flows/deps.ts';
import type * as bundles from './flows/bundle/make.ts';
import type * as exporting from './flows/exporting/export.ts';
import type * as machines from './flows/doctor.ts';
import type * as packs from './flows/pack.ts';
import type * as recoveries from './flows/recover.ts';
import type * as repeats from './flows/repeat.ts';
import type * as keeping from './flows/runs.ts';
import type * as comparisons from './flows/verify.ts';
import type * as returns from './flows/workers/add.ts';
import type * as workers from './flows/workers/audited.ts';

export * from './model/index.ts';
export type { AuditOptions } from './flows/audit.ts';
export type { BundleDocument } from './flows/bundle/make.ts';
export type { Explanation } from './flows/deps.ts';
export type { Check } from './flows/doctor.ts';
export type { Packed, PackOptions } from './flows/pack.ts';
export type { Absent } from './flows/replay/absent.ts';
export type { Repeated, RepeatOptions } from './flows/repeat.ts';
export type { Control } from './flows/run/control.ts';
export type { RunListing } from './flows/runs.ts';
export type { AddDocument, AddedWorker } from './flows/workers/add.ts';
export type { WorkerEnd } from './flows/workers/audited.ts';
export { version } from './flows/version.ts';
export { cellarHome } from './store/index.ts';

export const addWorkers: typeof returns.addWorkers = async (...o) => (await import('./flows/workers/add.ts')).addWorkers(...o);
export const auditNotebook: typeof audits.auditNotebook = async (...o) => (await import('./flows/audit.ts')).auditNotebook(...o);
export const auditProgram: typeof audits.auditProgram = async (...o) => (await import('./flows/audit.ts')).auditProgram(...o);
export const auditWorker: typeof workers.auditWorker = async (...o) =>
	(await import('./flows/workers/audited.ts')).auditWorker(...o);
export const dependenciesOf: typeof answers.dependenciesOf = async (...o) =>
	(await import('./flows/deps.ts')).dependenciesOf(...o);
export const explainIn: typeof answers.explainIn = async (...o) => (await import('./flows/deps.ts')).explainIn(...o);
export const examine: typeof machines.examine = async (...o) => (await import('./flows/doctor.ts')).examine(...o);
export const exportDependencies: typeof exporting.exportDependencies = async (...o) =>
	(await import('./flows/exporting/export.ts')).exportDependencies(...o);
export const makeBundle: typeof bundles.makeBundle = async (...o) => (await import('./flows/bundle/make.ts')).makeBundle(...o);
export const packRun: typeof packs.packRun = async (...o) => (await import('./flows/pack.ts')).packRun(...o);
export const recoverRuns: typeof recoveries.recoverRuns = async (...o) => (await import('./flows/recover.ts')).recoverRuns(...o);
export const repeatImage: typeof repeats.repeatImage = async (...o) => (await import('./flows/repeat.ts')).repeatImage(...o);
export const pruneRuns: typeof keeping.pruneRuns = async (...o) => (await import('./flows/runs.ts')).pruneRuns(...o);
export const removeRunNamed: typeof keeping.removeRunNamed = async (...o) =>
	(await import('./flows/runs.ts')).removeRunNamed(...o);
export const runsKept: typeof keeping.runsKept = async (...o) => (await import('./flows/runs.ts')).runsKept(...o);
export const verifyRuns: typeof comparisons.verifyRuns = async (...o) => (await import('./flows/verify.ts')).verifyRuns(...o);
