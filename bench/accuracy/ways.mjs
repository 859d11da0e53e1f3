/**
 * The ways in which a person reads and writes one file. `code` gives lines of Python for a file whose path the variable `p` holds.
 *
 * @typedef {import('./ledger.mjs').Content} Content
 * @typedef {{ name: string, contents: readonly Content[], imports: readonly string[], code: readonly string[] }} Way
 */

/** @type {(name: string, contents: readonly Content[], imports: readonly string[], ...code: string[]) => Way} */
const way = (name, contents, imports, ...code) => ({ name, contents, imports, code });

/** @type {readonly Content[]} */
const lines = ['text', 'table', 'numbers', 'object'];
/** @type {readonly Content[]} */
const any = [...lines, 'array', 'raw', 'packed', 'zip', 'arrays', 'pickle'];

/** Every content can be read in at least two ways. */
export const reads = [
	way('open', lines, [], 'with open(p) as file:', '    total += len(file.read())'),
	way('open, line by line', lines, [], 'for line in open(p):', '    total += len(line)'),
	way('pathlib', any, ['pathlib'], 'total += len(pathlib.Path(p).read_bytes())'),
	way('io.FileIO', any, ['io'], 'total += len(io.FileIO(p).readall())'),
	way('os.open', any, ['os'], 'number = os.open(p, os.O_RDONLY)', 'total += len(os.read(number, 100))', 'os.close(number)'),
	way(
		'os.open below a folder',
		any,
		['os'],
		"folder = os.open(os.path.dirname(p) or '.', os.O_RDONLY | os.O_DIRECTORY)",
		'number = os.open(os.path.basename(p), os.O_RDONLY, dir_fd=folder)',
		'total += len(os.read(number, 100))',
		'os.close(number)',
		'os.close(folder)',
	),
	way(
		'mmap',
		any,
		['mmap'],
		"with open(p, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:",
		'    total += len(mapped[:])',
	),
	way('csv', ['table'], ['csv'], "with open(p, newline='') as file:", '    total += len(list(csv.reader(file)))'),
	way('json', ['object'], ['json'], 'with open(p) as file:', '    total += len(json.load(file))'),
	way('fileinput', lines, ['fileinput'], 'with fileinput.input(files=[str(p)]) as file:', '    total += len(list(file))'),
	way('linecache', lines, ['linecache'], 'total += len(linecache.getline(str(p), 1))'),
	way('codecs', lines, ['codecs'], "with codecs.open(p, encoding='utf-8') as file:", '    total += len(file.read())'),
	way('pandas.read_csv', ['table'], ['pandas'], 'total += len(pd.read_csv(p))'),
	way('numpy.loadtxt', ['numbers'], ['numpy'], 'total += int(np.loadtxt(p).size)'),
	way('numpy.genfromtxt', ['numbers'], ['numpy'], 'total += int(np.genfromtxt(p).size)'),
	way('numpy.load', ['array'], ['numpy'], 'total += int(np.load(p).size)'),
	way('numpy.load, mapped', ['array'], ['numpy'], "total += int(np.load(p, mmap_mode='r').sum())"),
	way('numpy.load of several', ['arrays'], ['numpy'], 'with np.load(p) as several:', "    total += int(several['a'].size)"),
	way('numpy.fromfile', ['raw'], ['numpy'], "total += int(np.fromfile(p, dtype='u1').sum())"),
	way('numpy.memmap', ['raw'], ['numpy'], "total += int(np.memmap(p, dtype='u1', mode='r').sum())"),
	way('gzip', ['packed'], ['gzip'], "with gzip.open(p, 'rt') as file:", '    total += len(file.read())'),
	way('zipfile', ['zip'], ['zipfile'], 'with zipfile.ZipFile(p) as packed:', "    total += len(packed.read('a.txt'))"),
	way('pickle', ['pickle'], ['pickle'], "with open(p, 'rb') as file:", '    total += len(pickle.load(file))'),
	way(
		'sqlite3',
		['database'],
		['sqlite3'],
		'base = sqlite3.connect(p)',
		"total += len(base.execute('select * from t').fetchall())",
		'base.close()',
	),
	way(
		'sqlite3, for reading alone',
		['database'],
		['os', 'sqlite3'],
		"base = sqlite3.connect(f'file:{os.path.abspath(p)}?mode=ro', uri=True)",
		"total += len(base.execute('select * from t').fetchall())",
		'base.close()',
	),
	way('subprocess', any, ['subprocess'], "total += len(subprocess.run(['cat', p], capture_output=True).stdout)"),
	way('subprocess by a shell', any, ['subprocess'], "total += len(subprocess.check_output(f'head -c 50 < {p}', shell=True))"),
	way(
		'subprocess, another Python',
		any,
		['subprocess', 'sys'],
		'code = \'import sys; print(len(open(sys.argv[1], "rb").read()))\'',
		"total += int(subprocess.check_output([sys.executable, '-c', code, p]))",
	),
	way(
		'C library: fopen',
		any,
		['ctypes', 'os'],
		'libc = ctypes.CDLL(None)',
		'libc.fopen.restype = ctypes.c_void_p',
		'libc.fclose.argtypes = [ctypes.c_void_p]',
		"stream = libc.fopen(os.fsencode(p), b'r')",
		'libc.fgetc.argtypes = [ctypes.c_void_p]',
		'total += libc.fgetc(stream)',
		'libc.fclose(stream)',
	),
	way(
		'thread',
		any,
		['pathlib', 'threading'],
		'thread = threading.Thread(target=lambda p=p: pathlib.Path(p).read_bytes())',
		'thread.start()',
		'thread.join()',
	),
	way(
		'fork',
		any,
		['os'],
		'child = os.fork()',
		'if child == 0:',
		"    open(p, 'rb').read()",
		'    os._exit(0)',
		'os.waitpid(child, 0)',
	),
	way('shutil.copyfile to nowhere', any, ['shutil'], "shutil.copyfile(p, '/dev/null')"),
];

/** What each leaves fits `contents[0]`. */
export const writes = [
	way('open', ['text'], [], "with open(p, 'w') as file:", "    file.write('one\\ntwo\\n')"),
	way('open, new alone', ['text'], [], "with open(p, 'x') as file:", "    file.write('one\\ntwo\\n')"),
	way('open, unbuffered', ['raw'], [], "with open(p, 'wb', buffering=0) as file:", "    file.write(b'0123456789')"),
	way('print', ['text'], [], "with open(p, 'w') as file:", "    print('one', file=file)"),
	way('pathlib', ['text'], ['pathlib'], "pathlib.Path(p).write_text('one\\n')"),
	way('append', ['text'], [], "with open(p, 'a') as file:", "    file.write('one\\n')"),
	way(
		'csv',
		['table'],
		['csv'],
		"with open(p, 'w', newline='') as file:",
		"    csv.writer(file).writerows([['a', 'b'], [1, 2]])",
	),
	way('json', ['object'], ['json'], "with open(p, 'w') as file:", "    json.dump({'a': 1}, file)"),
	way('pickle', ['pickle'], ['pickle'], "with open(p, 'wb') as file:", '    pickle.dump([1, 2], file)'),
	way('pandas.to_csv', ['table'], ['pandas'], "pd.DataFrame({'a': [1, 2], 'b': [3, 4]}).to_csv(p, index=False)"),
	way('numpy.save', ['array'], ['numpy'], 'np.save(p, np.arange(6))'),
	way('numpy.savez', ['arrays'], ['numpy'], 'np.savez(p, a=np.arange(6))'),
	way('numpy.savetxt', ['numbers'], ['numpy'], 'np.savetxt(p, np.eye(2))'),
	way('numpy.tofile', ['raw'], ['numpy'], "np.arange(9, dtype='u1').tofile(p)"),
	way(
		'numpy.memmap',
		['raw'],
		['numpy'],
		"mapped = np.memmap(p, dtype='u1', mode='w+', shape=9)",
		'mapped[:] = 3',
		'mapped.flush()',
		'del mapped',
	),
	way('gzip', ['packed'], ['gzip'], "with gzip.open(p, 'wt') as file:", "    file.write('one\\n')"),
	way('zipfile', ['zip'], ['zipfile'], "with zipfile.ZipFile(p, 'w') as packed:", "    packed.writestr('a.txt', 'one')"),
	way(
		'sqlite3',
		['database'],
		['sqlite3'],
		'base = sqlite3.connect(p)',
		"base.execute('create table t (a, b)')",
		"base.execute('insert into t values (1, 2)')",
		'base.commit()',
		'base.close()',
	),
	way('subprocess by a shell', ['text'], ['subprocess'], "subprocess.run(f'echo one > {p}', shell=True, check=True)"),
	way(
		'subprocess into a file',
		['text'],
		['subprocess'],
		"with open(p, 'w') as file:",
		"    subprocess.run(['echo', 'one'], stdout=file)",
	),
	way(
		'C library: fopen',
		['text'],
		['ctypes', 'os'],
		'libc = ctypes.CDLL(None)',
		'libc.fopen.restype = ctypes.c_void_p',
		'libc.fputs.argtypes = [ctypes.c_char_p, ctypes.c_void_p]',
		'libc.fclose.argtypes = [ctypes.c_void_p]',
		"stream = libc.fopen(os.fsencode(p), b'w')",
		"libc.fputs(b'one\\n', stream)",
		'libc.fclose(stream)',
	),
	way(
		'thread',
		['text'],
		['pathlib', 'threading'],
		"thread = threading.Thread(target=lambda p=p: pathlib.Path(p).write_text('one\\n'))",
		'thread.start()',
		'thread.join()',
	),
	way(
		'temporary name, then os.replace',
		['text'],
		['os'],
		"with open(f'{p}.part', 'w') as file:",
		"    file.write('one\\n')",
		"os.replace(f'{p}.part', p)",
	),
	way(
		'tempfile in the folder, then os.rename',
		['text'],
		['os', 'tempfile'],
		"number, name = tempfile.mkstemp(dir=os.path.dirname(p) or '.')",
		"os.write(number, b'one\\n')",
		'os.close(number)',
		'os.rename(name, p)',
	),
	way(
		'tempfile elsewhere, then shutil.move',
		['text'],
		['shutil', 'tempfile'],
		"with tempfile.NamedTemporaryFile('w', delete=False) as file:",
		"    file.write('one\\n')",
		'shutil.move(file.name, p)',
	),
];

/** Changes of a file of lines that is there before; `deeds` are what they do, in order. */
export const changes = [
	{ ...way('append', lines, [], "with open(p, 'a') as file:", "    file.write('more\\n')"), deeds: ['append'] },
	{
		...way(
			'read, then overwrite',
			lines,
			['pathlib'],
			'text = pathlib.Path(p).read_text()',
			'pathlib.Path(p).write_text(text * 2)',
		),
		deeds: ['read', 'write'],
	},
	{
		...way('r+', lines, [], "with open(p, 'r+') as file:", "    file.write('X' + file.read(1))"),
		deeds: ['change'],
	},
	{
		...way(
			'read, then replaced',
			lines,
			['os'],
			'with open(p) as file:',
			'    text = file.read()',
			"with open(f'{p}.new', 'w') as file:",
			'    file.write(text * 2)',
			"os.replace(f'{p}.new', p)",
		),
		deeds: ['read', 'write'],
	},
	{
		...way(
			'mmap, written to',
			lines,
			['mmap'],
			"with open(p, 'r+b') as file, mmap.mmap(file.fileno(), 0) as mapped:",
			"    mapped[:1] = b'Z'",
		),
		deeds: ['change'],
	},
	{ ...way('overwritten unread', lines, [], "with open(p, 'w') as file:", "    file.write('anew\\n')"), deeds: ['write'] },
	{
		...way('sed -i', ['text'], ['subprocess'], "subprocess.run(['sed', '-i', 's/o/0/', p], check=True)"),
		deeds: ['read', 'write'],
	},
];
