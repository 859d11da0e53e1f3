import { posix } from 'node:path';
import { changes, reads, writes } from './ways.mjs';

/** @typedef {import('./cell.mjs').Cell} Cell */

/** @type {readonly import('./ledger.mjs').Content[]} */
const contents = ['text', 'table', 'numbers', 'array', 'raw', 'object', 'packed', 'zip', 'arrays', 'database', 'pickle'];
/** @type {readonly import('./ledger.mjs').Content[]} */
const lines = ['text', 'table', 'numbers', 'object'];

/** Several files in a loop, all in one way. */
function loop(/** @type {Cell} */ cell, paths, way, deeds) {
	cell.import(way.imports);
	cell.done(way.name);
	cell.add(`for p in [${paths.map((path) => cell.expression(path)).join(', ')}]:`, ...way.code.map((line) => `    ${line}`));
	for (const path of paths) cell.note(path, ...deeds);
}

/** The ways to read a content. */
const waysOf = (content) => reads.filter((one) => one.contents.includes(content));

const some = (/** @type {Cell} */ cell, make, least = 2, most = 6) =>
	Array.from({ length: cell.chance.between(least, most) }, make);

const asText = (paths, cell) => `[${paths.map((path) => cell.expression(path)).join(', ')}]`;

/** What a cell of Python may do. Each writes its code and notes what that does to files. */
export const moves = {
	reads(/** @type {Cell} */ cell) {
		const content = cell.chance.one(contents);
		const way = cell.chance.one(waysOf(content));
		loop(
			cell,
			some(cell, () => cell.given(content)),
			way,
			['read'],
		);
	},
	writes(/** @type {Cell} */ cell) {
		const way = cell.chance.one(writes);
		loop(
			cell,
			some(cell, () => cell.fresh(way.contents[0])),
			way,
			['write'],
		);
	},
	'reads what an earlier cell made'(/** @type {Cell} */ cell) {
		const content = cell.chance.one(contents);
		const paths = cell.chance.shuffled(cell.notebook.ledger.made(content, cell.number, cell.notebook.contents)).slice(0, 4);
		const way = cell.chance.one(waysOf(content));
		if (paths.length > 0) loop(cell, paths, way, ['read']);
	},
	changes(/** @type {Cell} */ cell) {
		const way = cell.chance.one(changes);
		const content = cell.chance.one(way.contents);
		loop(
			cell,
			some(cell, () => cell.given(content), 1, 4),
			way,
			way.deeds,
		);
	},
	'glob + open'(/** @type {Cell} */ cell) {
		const folder = posix.join(cell.chance.one(['data', 'data/raw']), `parts_${++cell.notebook.last}`);
		const paths = some(cell, () => cell.given(cell.chance.one(lines), folder));
		const [list, module] = cell.chance.one([
			[(at) => `glob.glob(os.path.join(${at}, '*'))`, 'glob'],
			[(at) => `[os.path.join(${at}, name) for name in os.listdir(${at})]`, 'os'],
			[(at) => `list(pathlib.Path(${at}).iterdir())`, 'pathlib'],
			[(at) => `[entry.path for entry in os.scandir(${at})]`, 'os'],
			[(at) => `[os.path.join(top, name) for top, _, names in os.walk(${at}) for name in names]`, 'os'],
		]);
		cell.import(['os', module]);
		cell.add(`for p in ${list(cell.expression(folder))}:`, '    total += len(open(p).read())');
		cell.note(folder, 'list');
		for (const path of paths) cell.note(path, 'read');
	},
	'a pool of processes'(/** @type {Cell} */ cell) {
		const given = some(cell, () => cell.given(cell.chance.one(lines)), 3, 8);
		const made = given.map(() => cell.fresh('text'));
		const work = `work_${cell.number}_${++cell.notebook.last}`;
		cell.add(
			`def ${work}(pair):`,
			'    with open(pair[0]) as source, open(pair[1], "w") as target:',
			'        target.write(source.read())',
			'    return 1',
			`pairs = list(zip(${asText(given, cell)}, ${asText(made, cell)}))`,
		);
		if (cell.chance.happens(0.5)) {
			cell.import(['multiprocessing']);
			cell.add("with multiprocessing.get_context('fork').Pool(2) as pool:", `    total += sum(pool.map(${work}, pairs))`);
		} else {
			cell.import(['concurrent.futures', 'multiprocessing']);
			cell.add(
				"with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:",
				`    total += sum(pool.map(${work}, pairs))`,
			);
		}
		for (const path of given) cell.note(path, 'read');
		for (const path of made) cell.note(path, 'write');
	},
	'a pool of threads'(/** @type {Cell} */ cell) {
		const given = some(cell, () => cell.given(cell.chance.one(lines)), 3, 8);
		cell.import(['concurrent.futures']);
		cell.add(
			'with concurrent.futures.ThreadPoolExecutor(3) as pool:',
			`    total += sum(pool.map(lambda p: len(open(p).read()), ${asText(given, cell)}))`,
		);
		for (const path of given) cell.note(path, 'read');
	},
	'a thread that outlives its cell'(/** @type {Cell} */ cell) {
		if (cell.notebook.pending.length > 0) return;
		const [given, made] = [cell.given('text'), cell.fresh('text')].map((path) => ({
			path,
			at: posix.join(cell.notebook.folder, path),
		}));
		const id = ++cell.notebook.last;
		cell.import(['threading', 'pathlib']);
		cell.add(
			`gate_${id} = threading.Event()`,
			`def late_${id}():`,
			`    gate_${id}.wait()`,
			`    pathlib.Path(${JSON.stringify(made.at)}).write_text(open(${JSON.stringify(given.at)}).read())`,
			`thread_${id} = threading.Thread(target=late_${id})`,
			`thread_${id}.start()`,
		);
		cell.note(given.path, 'read');
		cell.note(made.path, 'write');
		cell.notebook.pending.push(`gate_${id}.set()`, `thread_${id}.join()`);
	},
	'a coroutine that is awaited'(/** @type {Cell} */ cell) {
		const path = cell.given('text');
		const id = ++cell.notebook.last;
		cell.import(['asyncio']);
		cell.add(
			`async def fetch_${id}(p):`,
			'    await asyncio.sleep(0)',
			'    return len(open(p).read())',
			`total += await fetch_${id}(${cell.expression(path)})`,
		);
		cell.note(path, 'read');
	},
	'another working folder for a while'(/** @type {Cell} */ cell) {
		const { notebook } = cell;
		const before = notebook.cwd;
		const into = cell.chance.one(notebook.folders);
		const [given, made] = [cell.given('text'), cell.fresh('text')];
		cell.import(['contextlib']);
		cell.add(`with contextlib.chdir(${JSON.stringify(cell.plain(into))}):`);
		notebook.cwd = into;
		cell.add(
			`    with open(${JSON.stringify(cell.plain(given))}) as source, open(${JSON.stringify(cell.plain(made))}, 'w') as target:`,
			'        target.write(source.read())',
		);
		notebook.cwd = before;
		cell.note(given, 'read');
		cell.note(made, 'write');
	},
	'a folder of its own, renamed'(/** @type {Cell} */ cell) {
		const id = ++cell.notebook.last;
		const [from, to] = [`results/build_${id}`, `results/final_${id}`];
		const paths = some(cell, () => cell.fresh('text', from), 1, 3);
		cell.import(['os', 'pathlib']);
		cell.add(
			`os.makedirs(${cell.expression(from)})`,
			`for p in ${asText(paths, cell)}:`,
			"    pathlib.Path(p).write_text('one\\n')",
			`os.rename(${cell.expression(from)}, ${cell.expression(to)})`,
		);
		for (const path of paths) {
			const target = posix.join(to, posix.basename(path));
			cell.notebook.contents.delete(path);
			cell.notebook.contents.set(target, 'text');
			cell.note(target, 'write');
		}
	},
	'by a link'(/** @type {Cell} */ cell) {
		const id = ++cell.notebook.last;
		const { ledger } = cell.notebook;
		const path = cell.given('text', cell.chance.happens(0.5) ? `data/runs/r${id}` : 'data');
		const isFolder = path.includes('/runs/');
		const link = `data/current_${id}`;
		ledger.link(link, isFolder ? posix.dirname(path) : path);
		const asked = isFolder ? posix.join(link, posix.basename(path)) : link;
		cell.add(`total += len(open(${cell.expression(asked)}).read())`);
		cell.note(path, 'read');
	},
	'a name with spaces'(/** @type {Cell} */ cell) {
		const path = posix.join('data', `run 1 (copy ${++cell.notebook.last}), "b".txt`);
		cell.notebook.ledger.give(path, 'text');
		cell.add(`total += len(open(${cell.expression(path)}).read())`);
		cell.note(path, 'read');
	},
	'!cat'(/** @type {Cell} */ cell) {
		const [given, made] = [cell.given(cell.chance.one(lines)), cell.fresh('text')];
		const [source, target] = [cell.plain(given), cell.plain(made)];
		const [line, ...commands] = cell.chance.one([
			[`!cat ${source} > ${target}`, 'cat'],
			[`!grep -c o ${source} | sort > ${target}`, 'grep', 'sort'],
			[`!sed s/o/0/ < ${source} > ${target}`, 'sed'],
			[`!cp ${source} ${target}`, 'cp'],
			[`!head -n 1 ${source} | tee ${target}`, 'head', 'tee'],
		]);
		cell.add(line);
		for (const command of commands) cell.uses(`!${command}`);
		cell.note(given, 'read');
		cell.note(made, 'write');
	},
	'temporary files'(/** @type {Cell} */ cell) {
		cell.import(['os', 'pathlib', 'tempfile']);
		cell.add(
			'with tempfile.TemporaryDirectory() as folder:',
			"    pathlib.Path(folder, 'a.txt').write_text('one')",
			"    total += len(pathlib.Path(folder, 'a.txt').read_text())",
			"with tempfile.NamedTemporaryFile('w+') as file:",
			"    file.write('one')",
			'with tempfile.TemporaryFile() as file:',
			"    file.write(b'one')",
		);
	},
	'made and removed'(/** @type {Cell} */ cell) {
		const path = cell.fresh('text');
		cell.notebook.contents.delete(path);
		cell.import(['os']);
		cell.add(`p = ${cell.expression(path)}`, "with open(p, 'w') as file:", "    file.write('one')", 'os.remove(p)');
	},
	'only looked at'(/** @type {Cell} */ cell) {
		const paths = some(cell, () => cell.given(cell.chance.one(lines)), 1, 3);
		cell.import(['os', 'pathlib']);
		cell.add(
			`for p in ${asText(paths, cell)}:`,
			'    total += os.path.exists(p) + os.path.getsize(p) + pathlib.Path(p).is_file()',
			"total += os.path.exists('no-such-file.csv')",
		);
	},
	'not there'(/** @type {Cell} */ cell) {
		cell.add('try:', `    open('never_${++cell.notebook.last}.csv')`, 'except FileNotFoundError:', '    total += 1');
	},
};

/** Cells that are no Python: the whole source. */
export const wholeCells = {
	'%%bash'(/** @type {Cell} */ cell) {
		const given = some(cell, () => cell.given(cell.chance.one(lines)), 2, 6);
		const made = given.map(() => cell.fresh('text'));
		for (const path of given) cell.note(path, 'read');
		for (const path of made) cell.note(path, 'write');
		cell.uses('!cat');
		return ['%%bash', ...given.map((path, at) => `cat ${cell.plain(path)} > ${cell.plain(made[at])}`)].join('\n');
	},
	'%%writefile'(/** @type {Cell} */ cell) {
		const path = cell.fresh('text');
		cell.note(path, 'write');
		return `%%writefile ${cell.plain(path)}\none\ntwo`;
	},
};
