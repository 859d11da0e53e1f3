/** Compares what two runs came to, cell by cell and file by file, and says for each what differs. Pure, decoding apart. */
export { compareOutcomes, type Outcome } from './outcomes.ts';
export type { OutcomeFile } from './files.ts';
export { masks, type Mask } from './kinds/masks.ts';
