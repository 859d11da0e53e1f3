import { wordSet } from './words.ts';

/** Names that every cell finds without binding them: Python's builtins (3.11 to 3.14) and what IPython puts beside them. */
const names = wordSet(`
	ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError
	BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
	ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup
	False FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError
	ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError
	MemoryError ModuleNotFoundError NameError None NotADirectoryError NotImplemented NotImplementedError OSError
	OverflowError PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError RecursionError
	ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning
	SystemError SystemExit TabError TimeoutError True TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError
	UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError abs aiter all anext
	any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex copyright credits delattr dict
	dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help hex id input int
	isinstance issubclass iter len license list locals map max memoryview min next object oct open ord pow print property
	quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip
	__annotations__ __build_class__ __builtins__ __debug__ __doc__ __file__ __import__ __name__ __package__ __spec__
	In Out display exit get_ipython quit
`);

/** Whether a name needs no binding. `_`, `__`, `_3`, `_i3` are IPython's memory of what was shown and typed. */
export function isAlwaysThere(name: string): boolean {
	return names.has(name) || /^(_{1,3}|_i{0,3}|_i?\d+|_ih|_oh|_dh|_exit_code)$/.test(name);
}
