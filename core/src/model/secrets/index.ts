/** What a secret looks like, where it stands in a text, and the text without it. The one list of kinds is kinds.ts. */
export { credentialsIn } from './credentials.ts';
export { findSecrets, type Found } from './find.ts';
export { createSecrets, isMasked, maskJson, maskOf, maskOutputs, type Secrets } from './mask.ts';
export { isSecretParameter, isSecretVariable, isTelling, secretValues } from './names.ts';
