/**
 * Notebooks as files and as text: .ipynb read and written as nbformat does it, results and parameters put in, and what each cell
 * names. Nothing here runs anything.
 */
export { formatNotebook } from './format.ts';
export { withParameters } from './parameters.ts';
export { codeCells, parseNotebook, type CodeCell, type Notebook, type NotebookCell, type NotebookMetadata } from './parse.ts';
export { loadAnalyser, readerApart } from './python/analyser.ts';
export { modulesByCell } from './python/modules.ts';
export { namesReader } from './languages/index.ts';
export { withResults, type KernelName } from './results.ts';
