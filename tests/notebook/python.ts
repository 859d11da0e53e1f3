import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The Python of the environment that holds Jupyter's own tools. */
const python = fileURLToPath(new URL('../../.cache/venv/kernel/bin/python', import.meta.url));

/** What a Python program answers, in JSON on its stdout. `program` is a file beside this one, or the text after `-c`. */
export function askPython<Answer>(program: readonly string[], input: unknown): Answer {
	const here = fileURLToPath(new URL('.', import.meta.url));
	const said = execFileSync(python, program, {
		cwd: here,
		input: JSON.stringify(input),
		encoding: 'utf8',
		maxBuffer: 2 ** 29,
		env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' },
	});
	return JSON.parse(said) as Answer; // our own programs; each test names what its program answers
}
