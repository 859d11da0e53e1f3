import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { draw, listed, make, type Canary, type Draw } from '../model/canaries.ts';
import type { Place } from './cellar.ts';

/** A notebook with secrets all around it, and how it is to be audited. */
export interface Laid {
	readonly notebook: string;
	/** For the command. */
	readonly env: Readonly<Record<string, string>>;
	/** Options of `cellar audit`. */
	readonly options: readonly string[];
	readonly canaries: readonly Canary[];
	/** Files that hold nothing but secrets: their hashes are not to be found either. */
	readonly files: readonly string[];
}

const key = (d: Draw, length = 18) => `c4N${d.word(length - 3)}`;

/** Files of a listed name below the home folder (or, without `~`, beside the notebook), with what such a file says. */
const named: readonly (readonly [string, (secret: string) => string])[] = [
	['~/.netrc', (secret) => `machine example.org login ada password ${secret}\n`],
	['~/.pgpass', (secret) => `db.example.org:5432:lab:ada:${secret}\n`],
	['~/.aws/credentials', (secret) => `[default]\naws_access_key_id = none\naws_secret_access_key = ${secret}\n`],
	['~/.kube/config', (secret) => `users:\n- name: ada\n  user:\n    token: ${secret}\n`],
	[
		'~/.config/gcloud/application_default_credentials.json',
		(secret) => JSON.stringify({ refresh_token: secret, type: 'authorized_user' }),
	],
	['~/.docker/config.json', (secret) => JSON.stringify({ auths: { 'docker.example': { auth: secret } } })],
	['~/.kaggle/kaggle.json', (secret) => JSON.stringify({ username: 'ada', key: secret })],
	['~/.cache/huggingface/token', (secret) => secret],
	['~/.git-credentials', (secret) => `https://ada:${secret}@git.example.org\n`],
	['~/.pypirc', (secret) => `[pypi]\nusername = __token__\npassword = ${secret}\n`],
	['~/.npmrc', (secret) => `//registry.example.org/:_authToken=${secret}\n`],
	['~/.ssh/id_ed25519', (secret) => `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----\n`],
	['.env', (secret) => `MODE=fast\nAPI_KEY=${secret}\n`],
	['.env.production', (secret) => `export DB_PASSWORD="${secret}"\n`],
	['.streamlit/secrets.toml', (secret) => `db_password = "${secret}"\n`],
	['service-credentials.json', (secret) => JSON.stringify({ client_secret: secret })],
];

/** Files of other names with a private key in them. */
const keyed = ['deploy.txt', 'signing.key', 'settings', 'server.pem', 'lab.cfg', 'keys.json'];

const variables = [
	'GITHUB_TOKEN',
	'AWS_SECRET_ACCESS_KEY',
	'DB_PASSWORD',
	'OPENAI_API_KEY',
	'LAB_SECRET',
	'SESSION_COOKIE',
	'MY_AUTH',
	'ACCESS_KEY',
	'DEPLOY_PAT',
];
/** No value of any other variable is kept either; what is shown of these no rule would know. */
const others = ['LAB_SETTING', 'EXTRA', 'STAGE_NAME'];

/** Reads what the others made ready, written backwards so that nothing but its own form tells what is shown. */
const cells = [
	`
import json, os, subprocess, sys
from IPython.display import display, HTML, JSON
made = json.loads(open('.env.made').read())
back = lambda text: text[::-1]
shown = [back(text) for text in made['shown']]
read = [open(path).read() for path in made['files']]
len(read)`,
	// Half of what was read is shown: some of it has no form by which it could be told.
	`
for text in read[::2]:
    print(text)
repr(read[0])`,
	// A stream comes in pieces.
	`
for text in shown[::3]:
    for at in range(0, len(text), 3):
        sys.stdout.write(text[at:at + 3])
        sys.stdout.flush()
    sys.stdout.write('\\n')
print(shown[1::3], file=sys.stderr)`,
	`
display(HTML(''.join(f'<p>{text}</p>' for text in shown[::2])))
display(JSON({'list': shown[::3], 'api_key': shown[0]}))
handle = display('nothing yet', display_id=True)
shown[-1]`,
	`
handle.update(HTML(f'<b>{shown[2 % len(shown)]}</b>'))
for name in made['variables']:
    print(name, os.environ[name])
!env | grep -v -e LAB_SETTING -e EXTRA -e STAGE_NAME`,
	`
words = [back(text) for text in made['words']]
forms = [lambda w: ['true', w], lambda w: ['true', '--password', w], lambda w: ['true', '-p' + w], lambda w: ['true', '--token=' + w],
         lambda w: ['sh', '-c', f'KEY={w} true; : {w}'], lambda w: ['env', f'KEY={w}', 'true'], lambda w: ['/no/such/program', w]]
for at, word in enumerate(words):
    try:
        subprocess.run(forms[at % len(forms)](word))
    except FileNotFoundError:
        pass
open('/proc/self/environ', 'rb').read().count(b'=') > 3`,
	`
with open('made.txt', 'w') as file:
    file.write(back(made['pem']))
open('result.txt', 'w').write('42\\n')`,
	`raise RuntimeError('could not log in with ' + shown[0] + ' at ' + shown[-1])`,
];

/** Lays about `count` canaries around a notebook, of every kind; the same for the same seed. */
export function layCanaries(place: Pick<Place, 'folder'>, seed: number, count: number): Laid {
	const d = draw(seed);
	const folder = join(place.folder, 'work');
	const home = join(folder, 'someone');
	const canaries: Canary[] = [];
	const files: string[] = [];
	const add = (canary: Canary) => {
		canaries.push(canary);
		return canary.text;
	};
	const write = (path: string, text: string) => {
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, text, { mode: 0o600 });
		files.push(path);
	};
	const share = Math.ceil(count / 5);
	for (let at = 0; at < share; at++) {
		const [name, form] = named[at % named.length]!;
		const secret = key(d, name.includes('kaggle') ? 24 : name.includes('aws') ? 40 : 20);
		const path = name.startsWith('~') ? join(home, name.slice(2)) : join(folder, at < named.length ? name : `more-${at}/${name}`);
		write(path, add({ kind: `file ${name}`, text: form(secret), secrets: [secret] }));
	}
	const pems = Object.keys(listed).filter((kind) => kind.endsWith(' key') && /^(RSA|PKCS|OpenSSH)/.test(kind));
	for (let at = 0; at < share; at++) {
		const name = keyed[at % keyed.length]!;
		const preface = d.one(['', 'for the cluster in the cellar\n', '# '.repeat(3000)]);
		write(join(folder, at < keyed.length ? name : `keys-${at}/${name}`), preface + add(make(listed, d.one(pems), d)));
	}
	const env: Record<string, string> = { HOME: home };
	for (let at = 0; at < share; at++) {
		const other = at % 4 === 3;
		const name = `${other ? d.one(others) : d.one(variables).replace('LAB', `LAB_${at}`)}${at < 4 || !other ? '' : `_${at}`}`;
		const unique = name in env ? `X${at}_${name}` : name;
		env[unique] = add({ kind: `variable ${unique}`, text: key(d), secrets: [] }).trim();
	}
	const words = Array.from({ length: share }, () => add({ kind: 'word of a command', text: key(d, 20), secrets: [] }));
	const kinds = Object.keys(listed);
	const first = d.number(kinds.length);
	const shown = Array.from({ length: share }, (_, at) => add(make(listed, kinds[(first + at) % kinds.length]!, d)));
	const pem = add(make(listed, 'RSA key', d));
	const given = add(make(listed, 'GitHub token', d));
	const [parameter, asked] = [key(d), key(d)].map((text) => add({ kind: 'option', text, secrets: [] }));

	const backwards = (text: string) => [...text].toReversed().join('');
	const made = {
		...{ files: files.toSorted(), shown: shown.map(backwards), words: words.map(backwards), pem: backwards(pem) },
		variables: Object.keys(env).filter((name) => name !== 'HOME' && !others.some((other) => name.includes(other))),
	};
	write(join(folder, '.env.made'), JSON.stringify(made));
	return {
		notebook: writeNotebook(join(folder, 'canaries.ipynb'), given),
		env,
		options: ['--allow-errors', '--param', `db_password=${parameter}`, '--env', `EXTRA_TOKEN=${asked}`],
		canaries: canaries.map((canary) => (canary.secrets.length > 0 ? canary : { ...canary, secrets: [canary.text] })),
		files,
	};
}

/** The notebook's cells; an earlier execution has left a secret in its outputs and metadata. */
function writeNotebook(path: string, given: string): string {
	const code = cells.map((source, at) => ({
		...{ cell_type: 'code', id: `cell-${at + 1}`, execution_count: null, metadata: {} },
		outputs: at === 0 ? [{ output_type: 'stream', name: 'stdout', text: ['before\n', `${given}\n`] }] : [],
		source: source.replace(/^\n/, ''),
	}));
	const metadata = {
		kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' },
		papermill: { parameters: { token: given } },
	};
	writeFileSync(path, JSON.stringify({ cells: code, metadata, nbformat: 4, nbformat_minor: 5 }));
	return path;
}

/** What is looked for of the canaries: each piece, its base64 and its hash; and the hashes of the files of secrets. */
export function needlesOf({ canaries, files }: Laid): Map<string, string> {
	const needles = new Map<string, string>();
	const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
	for (const { kind, text, secrets } of canaries) {
		for (const secret of secrets) {
			needles.set(secret, kind);
			needles.set(Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1), `${kind}, as base64`);
			needles.set(sha256(secret), `${kind}, as a hash`);
			needles.set([...secret].toReversed().join(''), `${kind}, backwards`);
		}
		needles.set(sha256(text), `${kind}, as a hash`);
	}
	for (const path of files) needles.set(sha256(readFileSync(path)), `the hash of ${path}`);
	return needles;
}

/** Which needles stand in which files below some folders: in their bytes, and in everything that is compressed by gzip in them. */
export function foundBelow(folders: readonly string[], needles: ReadonlyMap<string, string>): string[] {
	const search = searcher(needles);
	const found: string[] = [];
	for (const path of folders.flatMap(filesBelow)) {
		const bytes = readFileSync(path);
		for (const piece of [bytes, ...unpacked(bytes)]) for (const kind of search(piece)) found.push(`${path}: ${kind}`);
	}
	return found;
}

export function filesBelow(path: string): string[] {
	if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
		return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? [path] : [];
	return readdirSync(path, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name));
}

/** Pages of tables, logs and layers: each begins with gzip's own bytes, wherever it stands. */
function unpacked(bytes: Buffer): Buffer[] {
	const found: Buffer[] = [];
	const magic = Buffer.from([0x1f, 0x8b, 0x08]);
	for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 3)) {
		if ((bytes[at + 3]! & 0xe0) !== 0) continue;
		try {
			found.push(gunzipSync(bytes.subarray(at)));
		} catch {
			// Three bytes that only look so, or what was cut short by a kill.
			continue;
		}
	}
	return found;
}

/** One pass over the bytes, however many needles there are. */
function searcher(needles: ReadonlyMap<string, string>): (bytes: Buffer) => string[] {
	const beginnings = new Uint8Array(1 << 16);
	const byStart = new Map<number, { readonly needle: Buffer; readonly kind: string }[]>();
	for (const [text, kind] of needles) {
		const needle = Buffer.from(text);
		beginnings[needle.readUInt16BE(0)] = 1;
		byStart.set(needle.readUInt32BE(0), [...(byStart.get(needle.readUInt32BE(0)) ?? []), { needle, kind }]);
	}
	return (bytes) => {
		const found = new Set<string>();
		for (let at = 0; at < bytes.length - 4; at++) {
			if (beginnings[(bytes[at]! << 8) | bytes[at + 1]!] === 0) continue;
			for (const { needle, kind } of byStart.get(bytes.readUInt32BE(at)) ?? []) {
				if (bytes.subarray(at, at + needle.length).equals(needle)) found.add(kind);
			}
		}
		return [...found];
	};
}
