/** A kind of secret that can be told from other text by its own letters, or by what stands before it. */
export interface SecretKind {
	/** For a person, and in the mask. */
	readonly kind: string;
	/** Global, with indices; where it has a group `secret`, that is the secret, else all of it. Its cost is linear in the text. */
	readonly pattern: RegExp;
	/**
	 * Its own letters tell it: no other text looks so, and a small file that holds one is a credential. The others are told by
	 * what stands before them.
	 */
	readonly sure: boolean;
	/** Looks closer at what the pattern has found. */
	readonly holds?: (secret: string) => boolean;
}

/** What stands for a value where there is none yet, or where a program shows none. */
const placeholder =
	/^(?:[.*x•…_-]+|none|null|true|false|password|passwd|secret|token|changeme|example|redacted|required|optional|undefined|string|str|your[\w-]*|my[_-]?\w*|test(?:ing)?)$|^(?:[<[{$%‹(]|\\u2039)|^(?:os\.|getpass|getenv|environ|self\.|config|settings|keyring|input\()/i;

/** A key, not a word or a number: letters and digits, or letters of both cases in no pattern that a word has. */
function isRandom(text: string): boolean {
	if (placeholder.test(text) || !/[A-Za-z]/.test(text)) return false;
	if (/\d/.test(text)) return true;
	return text.length >= 20 && /[a-z][A-Z]+[a-z]/.test(text);
}

const isGiven = (text: string): boolean => !placeholder.test(text);

/** A name's end, quotes and the sign that gives it its value; a command's option (`--token X`) too. */
const gives = String.raw`\\?["']?(?:\]|\))?\s{0,4}(?:=>|:=|[:=])\s{0,4}(?:[bru]?\\?["'])?`;

function kind(
	name: string,
	source: string,
	o: { readonly sure: boolean; readonly holds?: SecretKind['holds']; readonly flags?: string },
) {
	const { sure, holds, flags = '' } = o;
	return { kind: name, pattern: new RegExp(source, `dg${flags}`), sure, ...(holds === undefined ? {} : { holds }) };
}

/** Before it stands no letter or digit, nor what stands between those of base64. */
const start = '(?<![A-Za-z0-9+/])';
const end = '(?![A-Za-z0-9])';
/** For beginnings with a sign that base64 does not have. */
const apart = '(?<![A-Za-z0-9])';
const sure = { sure: true };

/**
 * The one list of what a secret looks like (docs/secrets.md tells it to users). The first that finds something names it. A kind
 * is added where its makers gave it a form; what is only random, such as 40 hexadecimal digits, is nobody's.
 */
export const secretKinds: readonly SecretKind[] = [
	kind(
		'private key',
		String.raw`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,20000}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\,:.-]*)`,
		sure,
	),
	kind('PuTTY key', String.raw`PuTTY-User-Key-File-\d: [\s\S]{0,20000}?Private-MAC: [0-9a-f]+`, sure),
	kind('age key', `${apart}AGE-SECRET-KEY-1[0-9A-Z]{58}${end}`, sure),
	kind('AWS key id', `${start}(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}${end}`, sure),
	kind(
		'AWS secret key',
		`(?:aws_?|amz_?)?(?:secret_?access_?key|secret_?key|session_?token)${gives}(?<secret>[A-Za-z0-9/+]{40,2000}={0,2})(?![A-Za-z0-9/+])`,
		{ sure: false, flags: 'i', holds: isRandom },
	),
	kind('GitHub token', `${apart}(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{50,250})${end}`, sure),
	kind('GitLab token', String.raw`${apart}gl(?:pat|dt|rt|ft|soat|agent|cbt|ptt)-[\w-]{20,300}${end}`, sure),
	kind('Slack token', `${apart}xox[abeoprs](?:\\.xox[bp])?-[A-Za-z0-9-]{10,250}${end}`, sure),
	kind('Slack webhook', `hooks\\.slack\\.com/(?:services|workflows)/(?<secret>[A-Za-z0-9+/]{30,100})`, sure),
	kind('Hugging Face token', `${apart}(?:hf|api_org)_[A-Za-z]{30,60}${end}`, {
		sure: true,
		holds: (text) => /[A-Z]/.test(text) && /_.*[a-z]/.test(text),
	}),
	kind('Anthropic key', String.raw`${apart}sk-ant-[\w-]{20,200}${end}`, sure),
	kind('OpenAI key', String.raw`${start}(?<!-)sk-(?:(?:proj|svcacct|admin|None|or-v1)-[\w-]{20,250}|[A-Za-z0-9]{20,64})${end}`, {
		sure: true,
		holds: (text) => /\d/.test(text) && /[A-Za-z]{2}/.test(text.slice(3)),
	}),
	kind('Google key', String.raw`${start}AIza[\w-]{35}(?![\w-])`, sure),
	kind('Google token', String.raw`${apart}(?:ya29\.[\w-]{30,500}|GOCSPX-[\w-]{28}|1//0[\w-]{30,150})(?![\w-])`, sure),
	kind('Stripe key', `${apart}(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,250}${end}`, sure),
	kind('npm token', `${apart}npm_[A-Za-z0-9]{36}${end}`, sure),
	kind('PyPI token', String.raw`${apart}pypi-AgE[\w-]{50,500}(?![\w-])`, sure),
	kind('DigitalOcean token', `${apart}do[opr]_v1_[a-f0-9]{64}${end}`, sure),
	kind('Databricks token', `${apart}dapi[a-f0-9]{32}(?:-\\d)?${end}`, sure),
	kind('SendGrid key', String.raw`${apart}SG\.[\w-]{20,24}\.[\w-]{39,50}(?![\w-])`, sure),
	kind('Telegram token', String.raw`${start}\d{8,10}:AA[\w-]{33}(?![\w-])`, sure),
	kind('Vault token', String.raw`${apart}hv[sbr]\.[\w-]{24,300}(?![\w-])`, sure),
	kind('web token', String.raw`${apart}eyJ[\w-]{10,2000}\.eyJ[\w-]{10,6000}\.[\w-]{10,1000}`, sure),
	kind('Azure account key', String.raw`(?:AccountKey|SharedAccessKey|SharedSecret)=(?<secret>[A-Za-z0-9+/]{43,100}={0,2})`, sure),
	kind('Azure signature', String.raw`[?&;](?:amp;)?sig=(?<secret>[A-Za-z0-9%+/]{40,120}(?:%3[dD]|=)?)`, sure),
	kind(
		'Kaggle key',
		String.raw`\\?["']username\\?["']\s{0,4}:\s{0,4}\\?["'][^"'\n]{1,100}\\?["']\s{0,4},\s{0,4}\\?["']key\\?["']\s{0,4}:\s{0,4}\\?["'](?<secret>[0-9a-f]{32})\\?["']`,
		sure,
	),
	kind(
		'login',
		String.raw`(?:Authorization|Proxy-Authorization|X-Api-Key|X-Auth-Token|Private-Token)${gives}(?:(?:Bearer|Basic|Token|Digest|ApiKey)\s{1,4})?(?<secret>[A-Za-z0-9._~+/=-]{8,4000})`,
		{ sure: false, flags: 'i', holds: isGiven },
	),
	kind('login', String.raw`\bBearer\s{1,4}(?<secret>[A-Za-z0-9._~+/-]{16,4000}={0,2})`, { sure: false, holds: isRandom }),
	kind('password', String.raw`:\/\/[^\s/:@"'<>]{0,200}:(?<secret>[^\s/@"'<>]{3,300})@[\w.-]`, { sure: false, holds: isGiven }),
	kind('password', String.raw`\b(?:login|account)\s{1,9}\S{1,200}\s{1,9}password\s{1,9}(?<secret>\S{3,300})`, {
		sure: false,
		holds: isGiven,
	}),
	kind(
		'password',
		String.raw`(?:password|passwd|passphrase|_pass|_pwd|\bpwd)\\?["']?(?:\]|\))?\s{0,4}(?:=>|:=|=|:)\s{0,4}[bru]?(?<quote>\\?["'])(?<secret>(?:(?!\k<quote>)[^\n]){4,300})\k<quote>`,
		{
			sure: false,
			flags: 'i',
			holds: isGiven,
		},
	),
	kind(
		'password',
		String.raw`(?:password|passwd|passphrase|_pass|_pwd|\bpwd)(?:=|:\s{0,4})(?<secret>[^\s"'()[\]{}<>,;\\=]{6,300})(?![\w(.[])`,
		{
			sure: false,
			flags: 'i',
			holds: (text) => isGiven(text) && /[^A-Za-z/.~-]/.test(text) && !/^[\d.,+-]+$/.test(text) && !/^[/~.]/.test(text),
		},
	),
	kind(
		'token',
		String.raw`(?:secret|api_?-?key|apikey|access_?-?key|account_?-?key|private_?-?key(?!_?id)|secret_?-?key|client_?-?secret|client-key-data|credentials?|encryption_?-?key|signing_?-?key|(?:auth|access|api|refresh|bearer|session|bot|private|deploy|github|gitlab|slack|hf|huggingface|npm|pypi|id|personal)_?-?token|_authToken|(?<=["'])auth)${gives}(?<secret>[\w\-.~+/=$!@#%^&*]{8,4000})(?![(\w[])`,
		{ sure: false, flags: 'i', holds: (text) => isRandom(text) && !/^[/~.]/.test(text) },
	),
	kind('token', String.raw`token${gives}(?<secret>[\w\-.~+/=]{16,4000})(?![(\w[])`, {
		sure: false,
		flags: 'i',
		holds: (text) => isRandom(text) && !/^[/~.]/.test(text),
	}),
	kind('token', String.raw`--?(?:password|passwd|token|secret|api-?key|access-?key)\s{1,4}["']?(?<secret>[^\s"']{8,300})`, {
		sure: false,
		flags: 'i',
		holds: isRandom,
	}),
];

/**
 * Stands in every text that holds a secret of a known form: a text without it need not be looked through for each of them.
 * A new kind needs its letters here, too.
 */
export const mayHoldSecret =
	/-----BEGIN|PuTTY-User|AGE-SECRET|A[KSBC][IC]A[A-Z2-7]{4}|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox|hooks\.slack|hf_|api_org_|sk-|AIza|ya29\.|GOCSPX|1\/\/0|[sr]k_(?:live|test)_|whsec_|npm_|pypi-|do[opr]_v1_|dapi[a-f0-9]{8}|SG\.|:AA|hv[sbr]\.|eyJ|AccountKey|SharedAccess|SharedSecret|sig=|username|Authorization|bearer|X-Api-Key|:\/\/[^\s/]{1,300}@|pass|_pwd|\bpwd|secret|api_?-?key|access_?-?key|account_?-?key|private_?-?key|client-key|credential|encryption_?-?key|signing_?-?key|token|["']auth\\?["']/i;
