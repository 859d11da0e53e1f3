import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSecrets, credentialsIn, findSecrets, maskJson, maskOutputs, secretValues } from '../../core/src/model/index.ts';
import { draw, listed, make, unlisted } from './canaries.ts';

const none = createSecrets();
const masked = /‹secret: [^›]+›/;

/** How often of `times` nothing of a secret is left, in each of the surroundings. */
function recall(kind: string, times: number): number {
	const surroundings = [
		(text: string) => text,
		(text: string) => `it is ${text} and so on`,
		(text: string) => `[1] ${JSON.stringify({ a: [text] })}\n`,
		(text: string) => `<td>${text}</td>`,
	];
	let [found, tried] = [0, 0];
	for (let seed = 0; seed < times; seed++) {
		const { text, secrets } = make(listed, kind, draw(seed));
		for (const around of surroundings) {
			// An assignment in a cell of HTML, or within quotes that are escaped, is said in other words.
			const whole = around(text);
			const left = none.mask(whole);
			tried += 1;
			if (
				masked.test(left) &&
				!secrets.some((secret) => left.includes(secret) || left.includes(JSON.stringify(secret).slice(1, -1)))
			)
				found += 1;
		}
	}
	return found / tried;
}

for (const kind of Object.keys(listed)) {
	test(`${kind}: every one is found`, () => {
		expect(recall(kind, 50)).toBe(1);
	});
}

test('what is no secret stays as it is', () => {
	const d = draw(1);
	const plain = [
		...[
			'commit 3f786850e387550fdab836ed7e6dc881de23001b',
			'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
		],
		...['max_tokens=1024', 'tokens: 12345678', "pad_token='[PAD]'", 'eos_token: <|endoftext|>', 'tokenizer = AutoTokenizer()'],
		...['password: ', 'password = getpass.getpass()', "password = os.environ['DB_PASSWORD']", 'Enter your password: ********'],
		...['api_key=None', 'api_key = os.getenv("API_KEY")', 'token = self.tokens.pop(position)', 'secret santa: Grace Hopper'],
		...['the secret: always measure twice', 'password: required', 'https://example.org:8080/a@b', 'user@example.org', 'a:b@c'],
		...['token_count: 123456789', 'key: value', 'primary_key=customer_id', 'public_key: 12345', 'sort_key="region"'],
		...[
			'sk-learn',
			'sk-image 0.22',
			'scikit-learn==1.4.2',
			'task-1234567890abcdefghij1234',
			'risk-adjusted-returns-of-2024-and-more',
		],
		...['0x7f3a5c0012d0', '2026-11-27T06:52:37.123456Z', '3.141592653589793238', '[[0.123 0.456]\n [0.789 0.012]]'],
		...[
			'-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
			'-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
		],
		...[
			'basic statistics: mean 3',
			'Bearer of good news',
			'hf_hub_download',
			'npm_config_cache',
			'pypi-server',
			'AIzawl Mizoram',
		],
		...['eyJ is how a web token begins', 'postgresql://localhost:5432/db', 'http://[::1]:8888/?a=1', 'ghp_short', 'xoxo, Ada'],
		...['auth_token_path=/etc/app', 'secret_file: ~/secrets', 'credentials=/home/ada/.aws', 'access_key_path: ./keys/key1.txt'],
		`data:image/png;base64,${d.word(5000)}==`,
	];
	for (const text of plain) expect(none.mask(text), text).toBe(text);
});

test('hashes, UUIDs, numbers and base64 are never taken for secrets', () => {
	const some = fc.oneof(
		fc.uint8Array({ minLength: 1 }).map((bytes) => createHash('sha256').update(bytes).digest('hex')),
		fc.uint8Array({ minLength: 1 }).map((bytes) => createHash('sha1').update(bytes).digest('hex')),
		fc.uuid(),
		fc.double().map(String),
		fc.bigInt().map(String),
		fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
		fc.uint8Array({ minLength: 100, maxLength: 3000 }).map((bytes) => Buffer.from(bytes).toString('base64')),
	);
	fc.assert(
		fc.property(fc.array(some), (words) => {
			expect(findSecrets(words.join(' '))).toEqual([]);
		}),
		{ numRuns: 300 },
	);
});

test('a picture of a megabyte, a million numbers and lines without end are looked through in a moment', () => {
	const texts = [
		randomBytes(1_500_000).toString('base64'),
		Array.from({ length: 200_000 }, (_, at) => at / 7).join(' '),
		'password'.repeat(200_000),
		'-----BEGIN PRIVATE KEY-----'.repeat(2000),
		'eyJ'.repeat(300_000),
		'://a:'.repeat(200_000),
		Array.from({ length: 20_000 }, () => randomUUID()).join('\n'),
	];
	for (const text of texts) {
		const before = performance.now();
		none.mask(text);
		expect(performance.now() - before, text.slice(0, 30)).toBeLessThan(5000);
	}
});

test('a value that is known is masked whatever it looks like, and as JSON, HTML, addresses and base64 write it', () => {
	const value = 'pa"ss & <word>\n9';
	const secrets = createSecrets([value]);
	const written = [
		value,
		JSON.stringify(value),
		encodeURIComponent(value),
		'pa"ss &amp; &lt;word&gt;\n9',
		Buffer.from(value).toString('base64'),
	];
	for (const text of written) expect(secrets.mask(`before ${text} after`)).toMatch(/^before "?‹secret: known value›"?=* after$/);
	expect(secrets.mask('nothing')).toBe('nothing');
});

test('which variables hold secrets is told by their names, and by values that are neither paths nor numbers nor short', () => {
	const values = secretValues({
		...{ GITHUB_TOKEN: 'value-one', DB_PASSWORD: 'value two', OPENAI_API_KEY: 'value3-three', MY_SECRET: 'short' },
		...{
			SSH_AUTH_SOCK: '/run/agent.1234',
			TOKENIZERS_PARALLELISM: 'disabled',
			GIT_AUTHOR_NAME: 'Ada Lovelace',
			XAUTHORITY: '/home/ada/.X',
		},
		AWS_SECRET_ACCESS_KEY: `/aB3${'dE6/'.repeat(9)}`,
		...{ SECRET_PORT: '123456789', PATH: '/usr/bin:/bin', USE_AUTH: 'enabled' },
	});
	expect(values).toEqual(['value-one', 'value two', 'value3-three', `/aB3${'dE6/'.repeat(9)}`]);
});

test('of a file of credentials the values are known', () => {
	const texts: Readonly<Record<string, readonly string[]>> = {
		'API_KEY=k-12345678\nMODE=fast-and-slow\nexport DB_PASSWORD="two words"\n': ['k-12345678', 'two words'],
		'machine example.org login ada password hunter-77\n': ['hunter-77'],
		'db.example.org:5432:lab:ada:hunter-78\n': ['hunter-78'],
		'{"username":"ada","key":"0123456789abcdef0123456789abcdef"}': ['0123456789abcdef0123456789abcdef'],
		'{"auths":{"docker.example":{"auth":"YWRhOmh1bnRlcg=="}}}': ['YWRhOmh1bnRlcg=='],
		'only-one-word-4711\n': ['only-one-word-4711'],
		'[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\nregion = eu-central-1\n': ['AKIAABCDEFGHIJKLMNOP'],
	};
	for (const [text, values] of Object.entries(texts)) expect(credentialsIn(text).toSorted()).toEqual(values.toSorted());
});

test('colours in the middle of a secret hide nothing', () => {
	const { text, secrets } = make(listed, 'password in quotes', draw(3));
	const coloured = text
		.replace('": "', '"\u001B[38;5;241m:\u001B[39m \u001B[31m"')
		.replace(secrets[0]!, (all) => `${all.slice(0, 3)}\u001B[1m${all.slice(3)}`);
	const left = none.mask(`\u001B[0;31mError\u001B[0m ${coloured} end`);
	expect(left.startsWith('\u001B[0;31mError\u001B[0m ')).toBe(true);
	expect(left).toMatch(/‹secret: password›.* end$/);
	expect(left).not.toContain(secrets[0]!.slice(4));
});

test('of outputs texts, tables, documents and errors are masked, pictures and what has no secret stay as they are', () => {
	const token = make(listed, 'GitHub token', draw(5)).text;
	const picture = Buffer.from(`picture ${token}`).toString('base64');
	const seen = new Set<string>();
	const [stream, shown, raised] = maskOutputs(
		[
			{ output_type: 'stream', name: 'stdout', text: `token ${token}\n` },
			{
				output_type: 'display_data',
				metadata: { note: token },
				data: {
					'text/html': `<b>${token}</b>`,
					'image/png': picture,
					'application/json': { api_key: 'abcd-1234', list: [token, 1, null] },
				},
			},
			{ output_type: 'error', ename: 'ValueError', evalue: token, traceback: ['line', `at ${token}`] },
		],
		none,
		seen,
	);
	const mask = '‹secret: GitHub token›';
	expect(stream).toMatchObject({ text: `token ${mask}\n` });
	expect(shown).toMatchObject({
		metadata: { note: mask },
		data: {
			'text/html': `<b>${mask}</b>`,
			'image/png': picture,
			'application/json': { api_key: '‹secret: token›', list: [mask, 1, null] },
		},
	});
	expect(raised).toMatchObject({ ename: 'ValueError', evalue: mask, traceback: ['line', `at ${mask}`] });
	expect([...seen].toSorted()).toEqual(['GitHub token', 'token']);
	expect(maskJson({ a: 'nothing', secret: 'short' }, none)).toEqual({ a: 'nothing', secret: 'short' });
});

test('what is masked stays as it is when it is masked again', () => {
	fc.assert(
		fc.property(fc.constantFrom(...Object.keys(listed)), fc.nat(1000), (kind, seed) => {
			const once = none.mask(make(listed, kind, draw(seed)).text);
			expect(none.mask(once)).toBe(once);
		}),
	);
});

test('docs/secrets.md tells how many of each kind that is not on the list are found', () => {
	const docs = readFileSync(join(import.meta.dirname, '../../docs/secrets.md'), 'utf8');
	const told = [...docs.matchAll(/^\| (.+?) +\| (\d+) of 100 +\|$/gm)].map(([, kind, count]) => [kind, Number(count)]);
	const measured = Object.keys(unlisted).map((kind) => {
		const found = Array.from({ length: 100 }, (_, seed) => make(unlisted, kind, draw(seed))).filter(
			({ text, secrets }) => !secrets.some((secret) => none.mask(text).includes(secret)),
		);
		return [kind, found.length];
	});
	expect(told).toEqual(measured);
});
