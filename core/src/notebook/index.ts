/**
 * Notebooks as files and as text: .ipynb read and written as nbformat does it, results and parameters put in, and what each cell
 * names. Nothing here runs what a notebook holds.
 */
export { formatNotebook } from './format.ts';
export { namesIn, pythonNames } from './names.ts';
export { withParameters } from './parameters.ts';
export { codeCells, parseNotebook, type CodeCell, type Notebook, type NotebookCell, type NotebookMetadata } from './parse.ts';
export { loadAnalyser } from './python/analyser.ts';
export { modulesByCell } from './python/modules.ts';
export { withResults, type KernelName } from './results.ts';
