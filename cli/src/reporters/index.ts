/** How a command speaks: progress and messages on stderr, results on stdout. Nothing else in the project knows a terminal. */
export { errorDocument, jsonDocument } from './json.ts';
export { junitDocument } from './junit.ts';
export { progressReporter, type ProgressMode, type ProgressReporter } from './progress.ts';
export { errorText } from './text.ts';
