/** A project's own rules, from its `cellar.toml` (docs/cellar-toml.md). */
export { readProjectRules } from './read.ts';
export { openProject, type ProjectMatcher } from './match.ts';
