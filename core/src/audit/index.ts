/**
 * Starts a program under strace, reads the log while it grows, and hands out what was used by scope. Only `launch` and
 * `endLineage` start or end processes; what reads the log is pure.
 */
export type { CallEvent } from './log/events.ts';
export { readLog, tailLog, type LogTail } from './log/files.ts';
export { createLogReader, feedLog, type LogReader, type LogTaker } from './log/reader.ts';
export { createFollower, type Follower } from './follow/follow.ts';
export type { FirstUse, FollowerOptions } from './follow/state.ts';
export { isAgents } from './agent.ts';
export { accessesOf } from './inherit.ts';
export { listeningOf, type Listening } from './listening.ts';
export { mergeFacts, mergeLogs } from './merge/merge.ts';
export { factsOfWorker } from './merge/own.ts';
export { launch, type Launched, type LaunchOptions } from './launch.ts';
export { endLineage, isEnding, lineageOf, startTimeOf, tracerOf } from './lineage.ts';
export { tracerArguments } from './options.ts';
export { findOnPath, findTracer, probeTracer, type TracerProbe } from './probe.ts';
