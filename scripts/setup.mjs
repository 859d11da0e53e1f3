// Makes a clone ready to use: says what is missing and what it will do about it, then does it.
// Plain Node without packages, because it runs before `npm ci`; written so that an old Node still gets as far as being told so.
import { setUp } from './setup/plan.mjs';

const usage = `node scripts/setup.mjs [--tests] [--full] [--example NAME]… [--python PATH] [--dry-run]

Installs what is missing: npm's packages, the build, strace and bubblewrap.
  --tests         what the tests need too: gcc, skopeo, umoci, python3-venv, a user cellar-test, TaskVine, their Python environments
  --full          what the full tests and the benches need too: Node 24, Slurm, more Python environments
  --example NAME  the Python environment of examples/NAME
  --python PATH   the Python (3.11 to 3.14) that new environments are made with; CELLAR_PYTHON says the same
  --dry-run       says what is missing, and stops

Exit codes: 0 all is there · 1 a step failed · 2 usage · 4 you have to install something first (it says what to type)
`;

/** @returns {import('./setup/plan.mjs').Wish | null} null where the words make no sense */
function readWords(words) {
	/** @type {import('./setup/plan.mjs').Wish} */
	const wish = { tests: false, full: false, examples: [], python: process.env['CELLAR_PYTHON'] || null, dryRun: false };
	for (let i = 0; i < words.length; i++) {
		const word = words[i];
		if (word === '--tests') wish.tests = true;
		else if (word === '--full') wish.full = true;
		else if (word === '--dry-run') wish.dryRun = true;
		else if (word === '--example' && words[i + 1]) wish.examples.push(words[++i]);
		else if (word === '--python' && words[i + 1]) wish.python = words[++i];
		else return null;
	}
	return wish;
}

const words = process.argv.slice(2);
const wish = readWords(words);
if (words.includes('--help')) {
	process.stdout.write(usage);
} else if (wish === null) {
	process.stderr.write(usage);
	process.exitCode = 2;
} else {
	process.exitCode = await setUp(wish);
}
