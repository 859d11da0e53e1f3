/**
 * Engines and their workers: how a Python kernel, and a worker of an engine, are started with the agent that marks tasks (agent/), and
 * what is known of each engine (engines/).
 */
export { withManagersNames } from './taskvine/names.ts';
export { readVineRecords } from './taskvine/records.ts';
export { agentFolder, withAgent } from './agent.ts';
export { bundled, tryStart } from './bundled.ts';
export { workerCommand, type WorkerCommand } from './command.ts';
export type { Engine, Surroundings } from './engines/engine.ts';
export { endsWithParent, engineNamed, engineNames, engineOfCommand } from './engines/index.ts';
export { thisMachine } from './here.ts';
export { jobScript, jobScriptName, quoted, unauditedFolder } from './job.ts';
export { runCommand } from './run.ts';
