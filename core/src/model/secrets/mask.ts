import type { CellOutput, Json, JsonObject, MimeBundle } from '../run.ts';
import { findSecrets, patternOf } from './find.ts';
import { isSecretVariable, isTelling } from './names.ts';

/** What is known to be secret in one run: forms, and values. The values live in memory and are never written, nor hashed. */
export interface Secrets {
	/** From now on these values are masked, whatever they look like. */
	learn(values: Iterable<string>): void;
	/**
	 * A text with `‹secret: KIND›` in the place of each secret: the same in every run, so that two runs compare as the same.
	 *
	 * @param seen gets the kinds
	 */
	mask(text: string, seen?: Set<string>): string;
}

/** What stands in a secret's place. */
export function maskOf(kind: string): string {
	return `‹secret: ${kind}›`;
}

/** Whether something in a text was masked. */
export function isMasked(text: string): boolean {
	return /‹secret: [^›]*›/.test(text);
}

/** @param values known to be secret, beside the forms that everybody knows */
export function createSecrets(values: Iterable<string> = []): Secrets {
	const known = new Set(values);
	let pattern = patternOf(known);
	return {
		learn(more) {
			const before = known.size;
			for (const value of more) known.add(value);
			if (known.size > before) pattern = patternOf(known);
		},
		mask: (text, seen) => maskText(text, pattern, seen),
	};
}

// Colours may stand in the middle of a secret, as in the lines of code that a traceback shows.
// oxlint-disable-next-line no-control-regex
const colour = /\u001B\[[\d;?]*[A-Za-z]/g;

function maskText(text: string, known: RegExp | null, seen: Set<string> | undefined): string {
	if (text.length < 6) return text;
	const coloured = text.includes('\u001B[');
	const plain = coloured ? text.replace(colour, '') : text;
	const found = findSecrets(plain, known);
	if (found.length === 0) return text;
	const place = coloured ? placesOf(text) : null;
	let masked = '';
	let at = 0;
	for (const { kind, from, to } of found) {
		seen?.add(kind);
		const [begin, end] = place === null ? [from, to] : [place[from]!, place[to - 1]! + 1];
		masked += text.slice(at, begin) + maskOf(kind);
		at = end;
	}
	return masked + text.slice(at);
}

/** Where each character of a text without its colours stands in the text. */
function placesOf(text: string): Uint32Array {
	const places = new Uint32Array(text.length);
	let [length, at] = [0, 0];
	const upTo = (end: number) => {
		while (at < end) places[length++] = at++;
	};
	for (const match of text.matchAll(colour)) {
		upTo(match.index);
		at = match.index + match[0].length;
	}
	upTo(text.length);
	return places;
}

/** What a value of any kind is without its secrets: the value itself where it has none. A text under the name of a secret is one. */
export function maskJson(value: Json, secrets: Secrets, seen?: Set<string>): Json {
	if (typeof value === 'string') return secrets.mask(value, seen);
	if (typeof value !== 'object' || value === null) return value;
	if (!isList(value)) return maskMembers(value, secrets, seen);
	const list = value.map((one) => maskJson(one, secrets, seen));
	return list.some((one, at) => one !== value[at]) ? list : value;
}

/** `Array.isArray` tells the compiler nothing of a list that is readonly. */
function isList(value: Json): value is readonly Json[] {
	return Array.isArray(value);
}

function maskMembers(from: JsonObject, secrets: Secrets, seen?: Set<string>): JsonObject {
	const members = Object.entries(from).map(([name, value]): [string, Json] => {
		if (isBinary(name) && typeof value === 'string') return [name, value];
		const masked = maskJson(value, secrets, seen);
		if (typeof masked !== 'string' || masked !== value || !isSecretMember(name, masked)) return [name, masked];
		seen?.add('token');
		return [name, maskOf('token')];
	});
	return members.some(([name, value]) => value !== from[name]) ? Object.fromEntries(members) : from;
}

/** A name alone says less in a document than in an environment: the value has to look like a key, too. */
function isSecretMember(name: string, value: string): boolean {
	return isSecretVariable(name) && isTelling(value) && /^\S+$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value);
}

/** Pictures, sounds and the like come as base64, in which anything may stand by chance. */
function isBinary(media: string): boolean {
	return /^(image|audio|video|font)\/(?!svg)|^application\/(pdf|octet-stream|zip|gzip|vnd\.apache\.)/.test(media);
}

/** What a cell shows, without the secrets in it. Pictures are as they were. */
export function maskOutputs(outputs: readonly CellOutput[], secrets: Secrets, seen?: Set<string>): readonly CellOutput[] {
	const text = (value: string) => secrets.mask(value, seen);
	const object = (value: JsonObject | MimeBundle) => maskMembers(value, secrets, seen);
	return outputs.map((output): CellOutput => {
		switch (output.output_type) {
			case 'stream':
				return { ...output, text: text(output.text) };
			case 'error':
				return { ...output, ename: text(output.ename), evalue: text(output.evalue), traceback: output.traceback.map(text) };
			default:
				return { ...output, data: object(output.data), metadata: object(output.metadata) };
		}
	});
}
