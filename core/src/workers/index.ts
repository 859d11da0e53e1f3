/** Engines and their workers: how a Python kernel is started with the agent that marks its tasks (agent/). Starts nothing itself. */
export { agentFolder, withAgent } from './agent.ts';
