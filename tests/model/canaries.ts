import { createHash } from 'node:crypto';

/** Random words that are the same for the same seed. */
export interface Draw {
	/** A whole number from 0, below `limit`. */
	number(limit: number): number;
	/** So many letters of an alphabet. */
	word(length: number, alphabet?: string): string;
	one<T>(items: readonly T[]): T;
}

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const lower = upper.toLowerCase();
const digits = '0123456789';
export const letters = upper + lower;
export const alphanumeric = letters + digits;
const url = `${alphanumeric}-_`;
const base64 = `${alphanumeric}+/`;
const hex = `${digits}abcdef`;

export function draw(seed: number): Draw {
	let [block, at, count] = [Buffer.alloc(0), 0, 0];
	const byte = () => {
		if (at === block.length) [block, at] = [createHash('sha256').update(`${seed} ${count++}`).digest(), 0];
		return block[at++]!;
	};
	const number = (limit: number) => ((byte() << 16) | (byte() << 8) | byte()) % limit;
	const word = (length: number, alphabet = alphanumeric) =>
		Array.from({ length }, () => alphabet[number(alphabet.length)]).join('');
	return { number, word, one: (items) => items[number(items.length)]! };
}

/** A secret that was made up, in the words in which it is met. */
export interface Canary {
	readonly kind: string;
	/** What a program shows, or what stands in a file. */
	readonly text: string;
	/** What must be found nowhere: pieces of the secret, each by itself enough to know it. */
	readonly secrets: readonly string[];
}

type Make = (d: Draw) => Omit<Canary, 'kind'>;
const alone = (secret: string) => ({ text: secret, secrets: [secret] });
const within = (before: string, secret: string, after = '') => ({ text: before + secret + after, secrets: [secret] });
/** A word with a digit and both cases in it, as keys have them. */
const key = (d: Draw, length: number, alphabet = alphanumeric) => `a7Q${d.word(length - 3, alphabet)}`;

/** A private key as OpenSSL and OpenSSH write one. */
function pem(d: Draw, what: string) {
	const lines = Array.from({ length: 6 }, () => d.word(64, base64));
	return { text: `-----BEGIN ${what}PRIVATE KEY-----\n${lines.join('\n')}\n-----END ${what}PRIVATE KEY-----\n`, secrets: lines };
}

/** The kinds that docs/secrets.md says are known by their form. */
export const listed: Readonly<Record<string, Make>> = {
	'RSA key': (d) => pem(d, 'RSA '),
	'PKCS 8 key': (d) => pem(d, ''),
	'OpenSSH key': (d) => pem(d, 'OPENSSH '),
	'EC key, as JSON writes it': (d) => {
		const { text, secrets } = pem(d, 'EC ');
		return { text: JSON.stringify({ private_key: text }), secrets };
	},
	'AWS key id': (d) => alone(`${d.one(['AKIA', 'ASIA'])}${d.word(16, `${upper}234567`)}`),
	'AWS secret key': (d) => within('aws_secret_access_key = ', key(d, 40, base64)),
	'AWS secret key in JSON': (d) => within('{"SecretAccessKey": "', key(d, 40, base64), '"}'),
	'GitHub token': (d) => alone(`${d.one(['ghp', 'gho', 'ghu', 'ghs', 'ghr'])}_${d.word(36)}`),
	'GitHub fine-grained token': (d) => alone(`github_pat_${d.word(22)}_${d.word(59)}`),
	'GitLab token': (d) => alone(`glpat-${d.word(20, url)}`.replace(/[-_]$/, 'x')),
	'Slack token': (d) => alone(`xox${d.one(['b', 'p', 'a'])}-${d.word(12, digits)}-${d.word(12, digits)}-${d.word(24)}`),
	'Slack webhook': (d) => within('https://hooks.slack.com/services/', `T${d.word(8, upper)}/B${d.word(8, upper)}/${d.word(24)}`),
	'Hugging Face token': (d) => alone(`hf_aQ${d.word(32, letters)}`),
	'OpenAI key': (d) => alone(`sk-proj-${d.word(74, url)}T3BlbkFJ${d.word(74)}`),
	'OpenAI key of old': (d) => alone(`sk-a7${d.word(18)}T3BlbkFJ${d.word(20)}`),
	'Anthropic key': (d) => alone(`sk-ant-api03-${d.word(93, url)}AA`),
	'Google key': (d) => alone(`AIza${d.word(35, url)}`),
	'Stripe key': (d) => alone(`${d.one(['sk', 'rk'])}_${d.one(['live', 'test'])}_${d.word(24)}`),
	'npm token': (d) => alone(`npm_${d.word(36)}`),
	'PyPI token': (d) => alone(`pypi-AgEIcHlwaS5vcmc${d.word(150, url)}`),
	'JSON web token': (d) => {
		const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
		return alone(`${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: d.word(10) })}.${d.word(43, url)}`);
	},
	'Azure account key': (d) =>
		within(
			'DefaultEndpointsProtocol=https;AccountName=lab;AccountKey=',
			`${d.word(86, base64)}==`,
			';EndpointSuffix=core.example',
		),
	'Azure signature': (d) => within('https://lab.example/data?sv=2024&sig=', `${d.word(42)}%3D`, '&se=2027'),
	'Kaggle key': (d) => within('{"username":"ada","key":"', d.word(32, hex), '"}'),
	'password in an address': (d) => within('postgresql://ada:', key(d, 14), '@db.example.org:5432/lab'),
	'password that is assigned': (d) => within('DB_PASSWORD=', key(d, 12)),
	'password in quotes': (d) => within('{"password": "', `${d.word(6, lower)} ${d.word(6, lower)}`, '"}'),
	'password in YAML': (d) => within('  password: ', key(d, 12)),
	'password of a .netrc': (d) => within('machine example.org login ada password ', key(d, 10)),
	'token that is assigned': (d) => within('API_TOKEN=', key(d, 24)),
	'token in YAML': (d) => within('  token: ', key(d, 32)),
	'api key': (d) => within("api_key='", key(d, 20), "'"),
	'client secret': (d) => within('"client_secret": "', key(d, 32), '"'),
	bearer: (d) => within('Authorization: Bearer ', key(d, 30)),
	basic: (d) => within("{'Authorization': 'Basic ", Buffer.from(`ada:${key(d, 12)}`).toString('base64'), "'}"),
	'login of Docker': (d) => within('{"auths": {"docker.example": {"auth": "', `${key(d, 26)}==`, '"}}}'),
	'key of a cluster': (d) => within('    client-key-data: ', key(d, 200, base64)),
	'DigitalOcean token': (d) => alone(`dop_v1_${d.word(64, hex)}`),
	'Databricks token': (d) => alone(`dapi${d.word(32, hex)}`),
	'SendGrid key': (d) => alone(`SG.${d.word(22, url)}.${d.word(43, url)}`),
	'Telegram token': (d) => alone(`${d.word(9, '123456789')}:AA${d.word(33, url)}`),
	'Vault token': (d) => alone(`hvs.${d.word(90, url)}`),
	'Google client secret': (d) => alone(`GOCSPX-${d.word(28, url)}`),
	'age key': (d) => alone(`AGE-SECRET-KEY-1${d.word(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`),
};

/** Kinds that are not on the list: what is found of them is measured, and told in docs/secrets.md. */
export const unlisted: Readonly<Record<string, Make>> = {
	'40 hexadecimal digits alone (Weights & Biases)': (d) => alone(d.word(40, hex)),
	'32 hexadecimal digits alone (Datadog)': (d) => alone(d.word(32, hex)),
	'a UUID alone (Heroku)': (d) => alone([8, 4, 4, 4, 12].map((length) => d.word(length, hex)).join('-')),
	'40 letters of base64 alone (an AWS secret key without its name)': (d) => alone(key(d, 40, base64)),
	'a pass phrase of four words alone': (d) => alone(Array.from({ length: 4 }, () => d.word(6, lower)).join(' ')),
	'a number of a card': (d) => alone(`4${d.word(15, digits)}`),
	'a name that says nothing: X=…': (d) => within('X=', key(d, 24)),
	'Twilio key (SK and 32 digits)': (d) => alone(`SK${d.word(32, hex)}`),
	'Mailgun key (key- and 32 digits)': (d) => alone(`key-${d.word(32, hex)}`),
	'Docker Hub token (dckr_pat_)': (d) => alone(`dckr_pat_${d.word(27, url)}`),
	'Grafana token (glsa_)': (d) => alone(`glsa_${d.word(32)}_${d.word(8, hex)}`),
	'Linear key (lin_api_)': (d) => alone(`lin_api_${d.word(40)}`),
	'Replicate token (r8_)': (d) => alone(`r8_${d.word(37)}`),
	'token under a longer name: MY_TOKEN_FOR_LAB=…': (d) => within('MY_TOKEN_FOR_LAB=', key(d, 24)),
	'a secret in a table: password and value in two columns': (d) => within('| password | ', key(d, 16), ' |'),
	'a session cookie: Set-Cookie: session=…': (d) => within('Set-Cookie: session=', key(d, 40)),
};

export function make(kinds: Readonly<Record<string, Make>>, kind: string, d: Draw): Canary {
	return { kind, ...kinds[kind]!(d) };
}
