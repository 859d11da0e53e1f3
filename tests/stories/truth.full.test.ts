import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('three witnesses of unaudited runs still say what the committed truth says', { timeout: 300_000 }, () => {
	const python = join(import.meta.dirname, '../../.cache/venv/stories/bin/python');
	const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
	const said = execFileSync(python, [join(import.meta.dirname, 'truth.py'), '--check'], { encoding: 'utf8', env });
	expect(said.trim().split('\n')).toEqual([
		'late-work: as committed',
		'matplotlib-figures: as committed',
		'pandas-helper: as committed',
		'raises-third: as committed',
		'shell-cells: as committed',
	]);
});
