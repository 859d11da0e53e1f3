import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPipSettings } from '../../core/src/flows/exporting/settings.ts';
import { readers } from './some.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'cellar-pip-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(path: string, text: string): string {
	const whole = join(folder, path);
	mkdirSync(dirname(whole), { recursive: true });
	writeFileSync(whole, text);
	return whole;
}

/** What pip itself would ask with these settings. */
function pipSays(env: Record<string, string>): string[] {
	const code = `
import json
from pip._internal.commands import create_command
command = create_command('install')
options, _ = command.parser.parse_args(['x'])
print(json.dumps(([] if options.no_index else [options.index_url] + options.extra_index_urls)))
`;
	const said = execFileSync(readers, ['-I', '-c', code], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...env } });
	return JSON.parse(said) as string[]; // printed just above
}

const home = () => ({ HOME: folder, XDG_CONFIG_DIRS: join(folder, 'xdg') });

test('with nothing set it is the index that pip is made with', async () => {
	const env = { HOME: join(folder, 'nobody'), XDG_CONFIG_DIRS: join(folder, 'nowhere') };
	expect((await readPipSettings(env, [])).indexes).toEqual(pipSays(env));
});

test('the file of the user, with sections, comments and values of several lines, says what pip reads in it', async () => {
	const text =
		'# mine\n[global]\nindex-url = http://one.example.org/simple\nextra-index-url =\n    http://two.example.org/simple\n' +
		'    # not this\n    http://three.example.org/simple\n[install]\nindex_url: http://four.example.org/simple\n[list]\nindex-url = http://no.example.org\n';
	file('.config/pip/pip.conf', text);
	const { indexes } = await readPipSettings(home(), []);
	expect(indexes).toEqual(['http://four.example.org/simple', 'http://two.example.org/simple', 'http://three.example.org/simple']);
	expect(indexes).toEqual(pipSays(home()));
});

test('the named file is laid over that of the user, and the environment over both', async () => {
	file('.config/pip/pip.conf', '[global]\nindex-url = http://one.example.org/simple\n');
	const named = { ...home(), PIP_CONFIG_FILE: file('named.conf', '[global]\nindex-url = http://two.example.org/simple\n') };
	const told = { ...named, PIP_INDEX_URL: 'http://three.example.org/simple' };
	for (const [env, index] of [
		[named, 'http://two.example.org/simple'],
		[told, 'http://three.example.org/simple'],
	] as const) {
		expect((await readPipSettings(env, [])).indexes).toEqual([index]);
		expect(pipSays(env)).toEqual([index]);
	}
});

test("the file of the Python's own prefix counts, over that of the user", async () => {
	file('.config/pip/pip.conf', '[global]\nindex-url = http://one.example.org/simple\n');
	file('venv/pip.conf', '[global]\nindex-url = http://venv.example.org/simple\n');
	expect((await readPipSettings(home(), [join(folder, 'venv')])).indexes).toEqual(['http://venv.example.org/simple']);
});

test('no-index means none, and /dev/null as the file means none of the files', async () => {
	file('.config/pip/pip.conf', '[global]\nindex-url = http://one.example.org/simple\n');
	const without = { ...home(), PIP_NO_INDEX: '1' };
	expect((await readPipSettings(without, [])).indexes).toEqual(pipSays(without));
	const none = { ...home(), PIP_CONFIG_FILE: '/dev/null' };
	expect((await readPipSettings(none, [])).indexes).toEqual(pipSays(none));
});
