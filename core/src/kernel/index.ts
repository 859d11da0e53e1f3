/**
 * Finds, starts and drives one kernel over the Jupyter protocol: code in, outputs out. Kernels are started here untraced;
 * whoever starts one in another way hands its process to `openSession`.
 */
export { askApart } from './apart.ts';
export { chooseKernel, kernelCommand, type KernelWish } from './specs/choose.ts';
export { createConnection, type Connection } from './connection.ts';
export { findKernelspecs, type BrokenKernelspec, type Kernelspec } from './specs/kernelspecs.ts';
export { startProcess } from './process.ts';
export type { ExecuteOptions, Execution } from './running.ts';
export { openSession, type Session, type SessionOptions } from './session.ts';
