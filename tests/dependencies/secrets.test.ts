import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closure, isSecretName } from '../../core/src/dependencies/index.ts';
import { folder, installed, record } from './facts.ts';

const secret = [
	'.netrc',
	'.pypirc',
	'.git-credentials',
	'.pgpass',
	'.env',
	'.env.production',
	'.ssh/id_ed25519',
	'.ssh/authorized_keys',
	'.aws/credentials',
	'.aws/sso/cache/a.json',
	'.kube/config',
	'.docker/config.json',
	'.kaggle/kaggle.json',
	'.cache/huggingface/token',
	'.config/gcloud/access_tokens.db',
	'.streamlit/secrets.toml',
	'.ray/auth_token',
	'my-credentials.json',
	'client_credentials_2.json',
	'x509up_u1000',
	'krb5cc_1000',
	'server.pem',
	'store.p12',
	'.htpasswd',
	'.Renviron',
	'client_secret_42.json',
	'service-account.json',
	'secrets.yaml',
	'kubeconfig',
	'lab.kubeconfig',
	'.terraform.d/credentials.tfrc.json',
	'site.keystore',
];
const open = [
	'.env.example',
	'.ssh/config',
	'.ssh/known_hosts',
	'.ssh/id_rsa.pub',
	'.aws/config',
	'secrets_study.csv',
	'token_counts.json',
	'chess.key',
	'environment.yml',
	'.docker/daemon.json',
	'keys.csv',
	'credentials.md',
	'secretsanta.json',
	'service_accounts.csv',
	'.config/matplotlib/matplotlibrc',
];

test('known names of files with credentials are secrets, names that only sound so are not', () => {
	expect(secret.filter((name) => !isSecretName(`/home/ada/${name}`))).toEqual([]);
	expect(open.filter((name) => isSecretName(`/home/ada/${name}`))).toEqual([]);
});

test('a secret that was read is said to have been, and is neither hashed nor packed nor data', async () => {
	const run = record();
	const paths = secret.map((name) => run.given(join(run.home, name), 'canary-4711'));
	for (const path of paths) run.use('read', path, { cell: 1 });
	const judged = await run.judge();
	const document = judged.document();
	expect(document.setAside.map((one) => [one.path, one.as])).toEqual(paths.toSorted().map((path) => [path, 'secret']));
	expect([document.data, document.unknown, document.software]).toEqual([[], [], []]);
	const packed = await closure(judged.judgement, judged.files, { without: [], with: [] });
	expect(packed.paths.filter((one) => paths.includes(one.path))).toEqual([]);
	expect(packed.leftOut.filter((one) => paths.includes(one.path)).length).toBe(paths.length);
	expect(JSON.stringify([document, packed, [...judged.files.values()]])).not.toContain(
		createHash('sha256').update('canary-4711').digest('hex'),
	);
});

test('bytes tell what a name does not: a private key in a .key, a public one in a .pem', async () => {
	const run = record();
	const place = folder();
	const { privateKey, publicKey } = generateKeyPairSync('ec', {
		namedCurve: 'P-256',
		privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
		publicKeyEncoding: { type: 'spki', format: 'pem' },
	});
	writeFileSync(join(place, 'a.key'), privateKey);
	writeFileSync(join(place, 'cert.pem'), publicKey);
	run.use('read', join(place, 'a.key'));
	run.use('read', join(place, 'cert.pem'));
	run.use('read', run.given('chess.key', 'e2e4'));
	run.use('read', run.given('id', '-----BEGIN OPENSSH PRIVATE KEY-----\nx'));
	const judged = await run.judge();
	expect(judged.rule(join(place, 'a.key'))).toBe('secret by content');
	expect(judged.verdict(join(place, 'cert.pem'))).toBe('input');
	expect(judged.verdict('chess.key')).toBe('input');
	expect(judged.verdict('id')).toBe('secret');
});

test('what a package brought is public whatever its name, what was put in its place is not', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	const hash = (text: string) => `sha256=${createHash('sha256').update(text).digest('base64url')}`;
	installed(
		site,
		'certs',
		'1',
		{ 'certs/cacert.pem': 'ours', 'certs/changed.pem': 'by hand' },
		{
			record: `certs/cacert.pem,${hash('ours')},4\ncerts/changed.pem,${hash('theirs')},6\n`,
		},
	);
	run.use('read', join(site, 'certs/cacert.pem'));
	run.use('read', join(site, 'certs/changed.pem'));
	const judged = await run.judge();
	expect(judged.verdict(join(site, 'certs/cacert.pem'))).toBe('software');
	expect(judged.verdict(join(site, 'certs/changed.pem'))).toBe('secret');
});

test('a secret beside a listed folder’s files is not packed with them', async () => {
	const run = record();
	run.given('data/a.csv');
	run.given('data/.env', 'TOKEN=1');
	run.use('list', 'data', { cell: 1 });
	const judged = await run.judge();
	const packed = await closure(judged.judgement, judged.files, { without: [], with: [] });
	const paths = packed.paths.map((one) => one.path);
	expect(paths).toContain(join(run.folder, 'data/a.csv'));
	expect(paths).not.toContain(join(run.folder, 'data/.env'));
	expect(packed.leftOut).toContainEqual({
		path: join(run.folder, 'data/.env'),
		reason: expect.stringContaining('a secret'),
		lost: false,
	});
});

test('a secret that the user names by --with is packed', async () => {
	const run = record();
	const path = run.given('.env', 'TOKEN=1');
	run.use('read', path);
	const judged = await run.judge();
	const packed = await closure(judged.judgement, judged.files, { without: [], with: [path] });
	expect(packed.paths.map((one) => one.path)).toContain(path);
});

test('a small file that holds a token of a sure form is a secret, a large one and one with words like it is not', async () => {
	const run = record();
	const token = `hf_${'aBcDeF'.repeat(6)}`;
	const cases: Readonly<Record<string, readonly [string, string]>> = {
		'lab.token': [`${token}\n`, 'secret'],
		'settings.json': [JSON.stringify({ token }), 'secret'],
		'late.txt': [`${'a line\n'.repeat(5000)}-----BEGIN RSA PRIVATE KEY-----\n`, 'secret'],
		'tweets.txt': [`${'a line\n'.repeat(5000)}${token}\n`, 'input'],
		'table.csv': [`name,token\nada,${token}\n`, 'input'],
		'config.yaml': ['max_tokens: 1024\npassword: required\ncommit: 3f786850e387550fdab836ed7e6dc881de23001b\n', 'input'],
	};
	const paths = Object.entries(cases).map(([name, [text]]) => run.given(name, text));
	for (const path of paths) run.use('read', path);
	const judged = await run.judge();
	expect(paths.map((path) => judged.verdict(path))).toEqual(Object.values(cases).map(([, verdict]) => verdict));
});
