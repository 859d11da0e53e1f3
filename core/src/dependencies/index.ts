/**
 * From accesses to dependencies, each with its reason, and to all that must be packed (docs/dependencies.md). Reads package
 * metadata and the files that it is asked about; starts no processes.
 */
export { openMachine, type Machine } from './machine.ts';
export { judge, type Judgement, type JudgeOptions } from './judge.ts';
export { describe } from './answers/describe.ts';
export { installedWheels } from './answers/wheels.ts';
export { namesTasks, parseSelector } from './answers/selector.ts';
export { createUnion, type Union } from './union/union.ts';
export { wholeRun, type Selector } from './scopes.ts';
export { explain } from './answers/explain/thing.ts';
export { explainCell } from './answers/explain/cell.ts';
export { explainTask } from './answers/explain/task.ts';
export { explainWorker } from './answers/explain/worker.ts';
export type { Explanation, Use } from './answers/explain/explanation.ts';
export { closure, type Closure, type ClosureOptions, type LeftOut } from './closure/index.ts';
export { createLoader } from './closure/loader.ts';
export { openProject, readProjectRules, type ProjectMatcher } from './project/index.ts';
export { isToolFolder } from './data/rules.ts';
export { isSecretName, whySecret } from './data/secrets.ts';
export { sourceOfBytecode } from './python/bytecode.ts';
