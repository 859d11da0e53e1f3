import { chmodSync, lstatSync, mkdirSync, readdirSync, readlinkSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { giveToUser, storyAsUser } from './as-user.ts';
import { makeRoot, options, scratch } from './root.ts';
import { story } from './story.ts';

/** A root with a shell and some data in it. */
function ground(): { folder: string; root: string; work: string } {
	const folder = scratch();
	const root = join(folder, 'root');
	makeRoot(root);
	fill(root);
	return { folder, root, work: join(folder, 'work') };
}

function fill(root: string): void {
	mkdirSync(join(root, 'data/old/deep'), { recursive: true });
	mkdirSync(join(root, 'data/kept'));
	for (const name of ['a', 'b', 'old/c', 'old/d', 'old/deep/e', 'kept/f']) writeFileSync(join(root, 'data', name), name);
	symlinkSync('a', join(root, 'data/to-a'));
}

const work = `
	cat a kept/f > /dev/null                # only read: not listed
	echo new > new
	mkdir -p made/below; echo x > made/below/x
	echo more >> a
	rm b
	mv old/c old/renamed
	rm -r old/deep; mkdir old/deep; echo fresh > old/deep/g
	rm to-a; ln -s kept to-kept
	rm -r kept; echo file > kept
	echo gone > temporary; rm temporary
`;
const expected = [
	'/data/a: file "amore\\n" (was there)',
	'/data/b: removed (was there)',
	'/data/kept: file "file\\n" (was there)',
	'/data/made: directory',
	'/data/made/below: directory',
	'/data/made/below/x: file "x\\n"',
	'/data/new: file "new\\n"',
	'/data/old/c: removed (was there)',
	'/data/old/deep/e: removed (was there)',
	'/data/old/deep/g: file "fresh\\n"',
	'/data/old/renamed: file "old/c"',
	'/data/to-a: removed (was there)',
	'/data/to-kept: link',
];

test.each(['overlay', 'copy'] as const)(
	'what was written, changed, renamed, replaced and removed is told exactly (%s)',
	async (layer) => {
		const { root, work: folder } = ground();
		const before = picture(root);
		const told = await story(options(root, folder, ['sh', '-c', work], { layer }));
		expect(told).toMatchObject({ code: 0, words: '', layer, written: expected });
		expect(picture(root)).toEqual(before);
		expect(readdirSync(folder)).toEqual([]);
	},
);

test('an ordinary user who owns the root is told the same, wherever the root lies', async () => {
	const folder = scratch();
	// Each of these characters means something to mount's options, to the shell or to overlays.
	const root = join(folder, 'a root,with:every\\sort "of" $name\n*');
	makeRoot(root);
	fill(root);
	giveToUser(folder);
	const told = await storyAsUser(options(root, join(folder, 'work, too:\\'), ['sh', '-c', work]));
	expect(told).toMatchObject({ code: 0, words: '', layer: 'overlay', written: expected });
	expect(readdirSync(join(folder, 'work, too:\\'))).toEqual([]);
	const copied = await storyAsUser(options(root, join(folder, 'work, too:\\'), ['sh', '-c', work], { layer: 'copy' }));
	expect(copied).toMatchObject({ code: 0, words: '', layer: 'copy', written: expected });
});

test.each(['overlay', 'copy'] as const)(
	'names that are not text, and folders that the program closed, are told and removed (%s)',
	async (layer) => {
		const { folder, root } = ground();
		const text = `printf x > "$(printf 'caf\\351')"; printf y > 'back\\slash'; printf z > "$(printf 'two\\nlines')"; mkdir shut; printf w > shut/in; chmod 000 shut`;
		const written = [
			'/data/back\\\\slash: file "y"',
			'/data/caf\\xe9: file "x"',
			'/data/shut: directory',
			'/data/shut/in: file "w"',
			'/data/two\\x0alines: file "z"',
		];
		const o = options(root, join(folder, 'work'), ['sh', '-c', text], { layer });
		expect((await story(o)).written).toEqual(written);
		expect(readdirSync(join(folder, 'work'))).toEqual([]);
		giveToUser(folder);
		expect((await storyAsUser(o)).written).toEqual(written);
		expect(readdirSync(join(folder, 'work'))).toEqual([]);
	},
);

test('a change of mode alone counts as written; a folder of the root that is only entered or changed inside does not', async () => {
	const { root, work: folder } = ground();
	chmodSync(join(root, 'data/a'), 0o644);
	for (const layer of ['overlay', 'copy'] as const) {
		const told = await story(
			options(root, folder, ['sh', '-c', 'ls old > /dev/null; chmod 600 a; touch old/deep/x; rm old/deep/x'], { layer }),
		);
		expect(told.written).toEqual(['/data/a: file "a" (was there)']);
	}
});

test('what is moved away and back is as it was, though an overlay has a copy of it', async () => {
	const { root, work: folder } = ground();
	const steps =
		'mv -T old/deep away; mv -T away old/deep; mv -T to-a far; mv -T far to-a; mv kept/f kept/g; mv kept/g kept/f; cat a > c; mv c a';
	for (const layer of ['overlay', 'copy'] as const) {
		const told = await story(options(root, folder, ['sh', '-c', steps], { layer }));
		expect(told.written).toEqual(['/data/a: file "a" (was there)']);
	}
});

const names = fc.constantFrom('a', 'b', 'old', 'old/c', 'old/deep', 'old/deep/e', 'new', 'new/x', 'kept', 'kept/f');
const steps = fc.oneof(
	names.map((name) => `echo w >> ${name}`),
	names.map((name) => `rm -rf ${name}`),
	names.map((name) => `mkdir ${name}`),
	fc.constantFrom('old', 'old/deep', 'kept').map((name) => `rm -rf ${name}; mkdir ${name}`),
	names.map((name) => `ln -s t ${name}`),
	fc.tuple(names, names).map(([from, to]) => `mv -T ${from} ${to}`),
);

test('for any sequence of steps an overlay and a copy tell the same, and it leads from the root to what the program left', async () => {
	const { folder, root } = ground();
	await fc.assert(
		fc.asyncProperty(fc.array(steps, { minLength: 2, maxLength: 8 }), async (list) => {
			const text = `${list.map((step) => `${step} 2>/dev/null`).join('\n')}\nexport LC_ALL=C\nls -RA . | cat > /tmp/after`;
			const overlay = await story(options(root, join(folder, 'work'), ['sh', '-c', text], { layer: 'overlay' }));
			const copy = await story(options(root, join(folder, 'work'), ['sh', '-c', text], { layer: 'copy' }));
			expect(overlay.written).toEqual(copy.written);
			const after = new Set(
				overlay.written
					.find((line) => line.startsWith('/tmp/after'))
					?.match(/(?<=: file ).*$/)
					?.map((json) => listed(json))[0],
			);
			const data = new Set(picture(join(root, 'data')).map((line) => line.split(' ')[0] ?? ''));
			for (const line of overlay.written) {
				const [path = '', kind] = line.replace('/data/', '').split(/: ?| /);
				if (line.startsWith('/tmp')) continue;
				// What replaces a path hides what lay below it, unless folder stays folder.
				if (kind !== 'directory') for (const old of data) if (old.startsWith(`${path}/`)) data.delete(old);
				if (kind === 'removed') data.delete(path);
				else data.add(path);
			}
			expect([...data].toSorted()).toEqual([...after].toSorted());
		}),
		{ numRuns: 30 },
	);
});

/** The paths in the text that `ls -RA .` printed, given as JSON. */
function listed(json: string): readonly string[] {
	// It was written by JSON.stringify.
	const text = JSON.parse(json) as string;
	return text.split('\n\n').flatMap((part) => {
		const [title = '', ...entries] = part.trim().split('\n');
		return entries.map((name) => `${title.slice(0, -1)}/${name}`.replace('./', ''));
	});
}

/** Every path of a tree with its mode and its text: two trees with the same picture are the same. */
function picture(tree: string): readonly string[] {
	return readdirSync(tree, { recursive: true, encoding: 'utf8' })
		.map((name) => {
			const stats = lstatSync(join(tree, name));
			const text = stats.isFile() && stats.size < 100 ? readFileSync(join(tree, name), 'utf8') : '';
			return `${name} ${stats.mode.toString(8)} ${stats.mtimeMs} ${stats.isSymbolicLink() ? readlinkSync(join(tree, name)) : text}`;
		})
		.toSorted();
}
