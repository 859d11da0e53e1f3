import { findSecrets, type Name } from '../../model/index.ts';
import { baseOf, keepingLast, readStart } from '../paths.ts';

/** Files that hold credentials, by their own name. */
const byBase: readonly RegExp[] = [
	/^\.(netrc|pypirc|git-credentials|pgpass|my\.cnf|npmrc|cdsapirc|boto|s3cfg|databrickscfg|vault-token|htpasswd|dockercfg|Renviron)$/,
	/^_netrc$/,
	/^\.env(\.(?!(example|sample|template|dist)$).+)?$/,
	/^(x509up_u\d|krb5cc_)/,
	/credentials.*\.json$/i,
	/^(client_secret|service[-_]account).*\.json$/i,
	/^secrets?\.(json|ya?ml|toml|ini|env)$/i,
	/^(.*\.)?kubeconfig$/,
	/\.(pem|p12|pfx|keytab|ppk|jks|keystore|kdbx)$/i,
	/^id_(rsa|dsa|ecdsa|ed25519)$/,
];

/** What all names of `byBase` have in them: asked first, for nearly no file is so called. */
const mayBeNamed = /^[._xki]|credentials|secret|account|kubeconfig|\.(pem|p12|pfx|keytab|ppk|jks|keystore|kdbx)$/i;

/** Files that hold credentials, by where they lie: all of them in or below a name that begins with a dot. */
const byPlace: readonly RegExp[] = [
	/\/\.ssh\/(?!config$|known_hosts(\.old)?$|[^/]*\.pub$)./,
	/\/\.aws\/(credentials$|sso\/|cli\/cache\/)/,
	/\/\.(kube|azure|gnupg|globus)\/./,
	/\/\.docker\/config\.json$/,
	/\/\.kaggle\/kaggle\.json$/,
	/\/\.cache\/huggingface\/(token|stored_tokens)$/,
	/\/\.config\/(gcloud|gh|hub|glab-cli|rclone|doctl|sops)\/./,
	/\/\.(oci|fly|terraform\.d|cloudflared)\/./,
	/\/\.streamlit\/secrets\.toml$/,
	/\/\.ray\/auth_token$/,
];

/** True for a path that is known to hold a credential, by its name alone: what is so named is never hashed, kept or packed. */
export const isSecretName = keepingLast((path: Name): boolean => {
	const base = baseOf(path);
	if (!mayBeNamed.test(base) && !path.includes('/.')) return false;
	return byBase.some((pattern) => pattern.test(base)) || (path.includes('/.') && byPlace.some((pattern) => pattern.test(path)));
});

const keyInside = /-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY/;
const publicInside = /-----BEGIN (CERTIFICATE|TRUSTED CERTIFICATE|PUBLIC KEY|X509 CRL|DH PARAMETERS)/;
/** A key stands by itself, or after what says whose it is; bytes. */
const lookedAt = 1 << 16;
/** A file up to this size that holds a token is there for the token; in a larger one it may be one of many things. */
const smallFile = 8192;

/**
 * Why a file is a secret: by its name, by a private key in its first 64 KB, or, where it is small, by a token of a known form. They
 * are looked for and not kept. A `.pem` that holds certificates alone is none.
 *
 * @returns null where it is none
 */
export function whySecret(path: Name): { readonly rule: 'secret by name' | 'secret by content'; readonly reason: string } | null {
	const named = isSecretName(path);
	if (!named && !mayHoldKey(path)) return null;
	const start = readStart(path, lookedAt)?.toString('latin1') ?? '';
	if (keyInside.test(start)) return { rule: 'secret by content', reason: 'a private key is in it' };
	const token = start.length > 0 && start.length <= smallFile ? findSecrets(start, null, true)[0] : undefined;
	if (token !== undefined) return { rule: 'secret by content', reason: `it looks like it holds a secret (${token.kind})` };
	if (!named || (/\.pem$/i.test(path) && publicInside.test(start))) return null;
	return { rule: 'secret by name', reason: 'a known name of a file with credentials' };
}

/** Only these are looked into: a folder of a hundred thousand tables is not opened file by file. */
function mayHoldKey(path: Name): boolean {
	const base = baseOf(path);
	return (
		base.lastIndexOf('.') <= 0 ||
		/\.(key|pem|crt|cer|txt|asc|ppk|der|priv|private|json|ya?ml|toml|ini|cfg|conf|token|properties)$/i.test(base)
	);
}
