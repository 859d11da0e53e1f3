/** What a `.git` says of the files beside it, read as git writes it: no git is started. SHA-1 repositories. */
export { headOf, repositoryOf, type Repository } from './repository.ts';
export { isCleanIn } from './clean.ts';
