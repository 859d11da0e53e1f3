/** The core's front door: the flows, and the words they speak. */
export * from './model/index.ts';
export { auditNotebook, type AuditOptions, type Control } from './flows/audit.ts';
export { dependenciesOf, explainIn, type Explanation } from './flows/deps.ts';
export { examine, type Check } from './flows/doctor.ts';
export { packRun, type Packed, type PackOptions } from './flows/pack.ts';
export { recoverRuns } from './flows/recover.ts';
export { repeatImage, type Repeated, type RepeatOptions } from './flows/repeat.ts';
export { pruneRuns, removeRunNamed, runsKept, type RunListing } from './flows/runs.ts';
export { verifyRuns } from './flows/verify.ts';
export { version } from './flows/version.ts';
export { cellarHome } from './store/index.ts';
