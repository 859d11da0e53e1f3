/** The core's front door: the flows and the words they speak. */
export * from './model/index.ts';
