import { readFileSync } from 'node:fs';
import { story } from './story.ts';

// Options on stdin, what became of it on stdout.
process.stdout.write(JSON.stringify(await story(JSON.parse(readFileSync(0, 'utf8')))));
