/** The words of Cellar as types: runs, facts, dependencies, verdicts, events, errors. Imports nothing of the other rooms. */
export * from './cell.ts';
export * from './columns.ts';
export * from './dependency.ts';
export * from './error.ts';
export * from './events.ts';
export * from './facts.ts';
export * from './machine/disk.ts';
export * from './machine/process.ts';
export * from './mark.ts';
export * from './names.ts';
export * from './redaction/address.ts';
export * from './redaction/argv.ts';
export * from './redaction/lookup.ts';
export * from './run.ts';
export * from './secrets/index.ts';
export * from './verdict.ts';
export * from './workspace.ts';
