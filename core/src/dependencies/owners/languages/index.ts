import type { OwnerFinder } from '../owner.ts';
import { compiled } from './compiled.ts';
import { julia } from './julia.ts';
import { npm } from './npm.ts';
import { r } from './r.ts';

/** Packages of languages other than Python, asked one after another. A new language is one file and one word here. */
export const languages: readonly OwnerFinder[] = [r, npm, julia, compiled];
