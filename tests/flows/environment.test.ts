import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recordedEnvironment } from '../../core/src/flows/run/environment.ts';

/** The variables that docs/run-format.md lists as kept; a `*` stands for the rest of a name. */
const listed = [
	...readFileSync(new URL('../../docs/run-format.md', import.meta.url), 'utf8').matchAll(
		/^\| (?:where|how|language|threads)[^|]*\| ([^|]*) \|$/gm,
	),
].flatMap(([, cell]) => [...cell!.split(', but ')[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.replace('*', 'X')));

test('the variables that the docs list are kept, and no others but those asked for', () => {
	expect(listed.length).toBeGreaterThan(40);
	const others = [
		'PYTHONPYCACHEPREFIX',
		'PYTHON_LAB',
		'R_LAB',
		'HF_LAB',
		'XDG_RUNTIME_DIR',
		'SSH_AUTH_SOCK',
		'MY_NO_COLOR',
		'TERMINAL',
		'ASKED',
	];
	const all = Object.fromEntries([...listed, ...others].map((name) => [name, '1']));
	const { environment, environmentNames } = recordedEnvironment(all, new Set(['ASKED']));
	expect(Object.keys(environment)).toEqual([...listed, 'ASKED'].toSorted());
	expect(environmentNames).toEqual(others.filter((name) => name !== 'ASKED').toSorted());
});

test('no secret is kept, whoever asks for it', () => {
	const token = `ghp_${'a1B2'.repeat(9)}`;
	const { environment, environmentNames } = recordedEnvironment(
		{ JULIA_TOKEN: 'x', PYTHONPATH: '/a', R_PROFILE: token, MY_PASSWORD: 'y' },
		new Set(['MY_PASSWORD']),
	);
	expect(environment).toEqual({ PYTHONPATH: '/a' });
	expect(environmentNames).toEqual(['JULIA_TOKEN', 'MY_PASSWORD', 'R_PROFILE']);
});
