/** Runs a program from an image's root with nothing of this machine but its kernel, and tells what it wrote. One file a runner. */
import { bubblewrap } from './bubblewrap/bubblewrap.ts';
import type { Runner } from './runner.ts';

export { removeTree } from './layer.ts';
export { probeBubblewrap, probeOverlay, probeUserNamespaces } from './probes.ts';
export type { Beside, Command, Probe, Runner, Sandboxed, SandboxedProcess, SandboxOptions, Written } from './runner.ts';

/** In the order of preference. */
export const runners: readonly Runner[] = [bubblewrap];
