/** Engines and their workers: how a Python kernel is started with the agent that marks its tasks (agent/). Starts nothing itself. */
export { withManagersNames } from './taskvine/names.ts';
export { readVineRecords } from './taskvine/records.ts';
export { agentFolder, withAgent } from './agent.ts';
