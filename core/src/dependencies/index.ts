/**
 * From accesses to dependencies, each with its reason, and to all that must be packed (docs/dependencies.md). Reads package
 * metadata and the files that it is asked about; starts no processes.
 */
export { openMachine, type Machine } from './machine.ts';
export { judge, type Judgement, type JudgeOptions } from './judge.ts';
export { describe } from './answers/describe.ts';
export { installedWheels } from './answers/wheels.ts';
export { namesTasks, parseSelector } from './answers/selector.ts';
export { createUnion, type Union } from './union.ts';
export { wholeRun, type Selector } from './scopes.ts';
export { cellMeant, explainCell } from './answers/cell.ts';
export { explain } from './answers/explain.ts';
export type { Explanation, Use } from './answers/explanation.ts';
export { closure, type Closure, type ClosureOptions, type LeftOut } from './closure/index.ts';
export { createLoader } from './closure/loader.ts';
export { openProject, readProjectRules, type ProjectMatcher } from './project/index.ts';
export { isToolFolder } from './data/rules.ts';
export { isSecretName, whySecret } from './data/secrets.ts';
export { sourceOfBytecode } from './python/bytecode.ts';
