"""What CPython's own symbol table says of sources: the oracle for which global names a piece of Python binds and reads.

    python symbols.py < FILES.json     where FILES.json is {"name": "source", ...}
    python symbols.py --library N      N files of this interpreter's own library, every k-th by name

Answers with JSON: {"name": {"source", "defines": [...], "uses": [...]}}; a source that does not compile is left out. What the symbol
table does not say, or not in every version, is spelled out first: `x += 1` reads x too, so it is asked about `x = x + 1`.
"""

import ast
import json
import symtable
import sys
import sysconfig
from pathlib import Path


class SpelledOut(ast.NodeTransformer):
    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        read = ast.Name(node.target.id, ast.Load())
        return ast.Assign([node.target], ast.BinOp(read, node.op, node.value))

    # From Python 3.12 on, the table of a module lists what its comprehensions bind for themselves; a generator's stays apart.
    def visit_ListComp(self, node):
        self.generic_visit(node)
        return ast.List([ast.Starred(ast.GeneratorExp(node.elt, node.generators), ast.Load())], ast.Load())

    def visit_SetComp(self, node):
        self.generic_visit(node)
        return ast.Set([ast.Starred(ast.GeneratorExp(node.elt, node.generators), ast.Load())])

    def visit_DictComp(self, node):
        self.generic_visit(node)
        pair = ast.Tuple([node.key, node.value], ast.Load())
        return ast.Set([ast.Starred(ast.GeneratorExp(pair, node.generators), ast.Load())])


def symbols(source):
    tree = ast.fix_missing_locations(SpelledOut().visit(ast.parse(source)))
    # Annotations that are never evaluated have tables of their own, out of reach; here a name in one is a name that is used.
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == '__future__']
    tree.body = [node for node in tree.body if node not in future]
    defines = {alias.asname or alias.name for node in future for alias in node.names}
    uses = set()
    todo = [symtable.symtable(ast.unparse(tree), 'cell', 'exec')]
    while todo:
        table = todo.pop()
        todo.extend(table.get_children())
        for symbol in table.get_symbols():
            name = symbol.get_name()
            bound = symbol.is_assigned() or symbol.is_imported()
            if table.get_type() == 'module':
                if bound:
                    defines.add(name)
                if symbol.is_referenced():
                    uses.add(name)
            else:
                if bound and symbol.is_declared_global():
                    defines.add(name)
                # Not is_global(): it takes every function that is called `top` for the module.
                if symbol.is_referenced() and symbol._Symbol__scope in (symtable.GLOBAL_IMPLICIT, symtable.GLOBAL_EXPLICIT):
                    uses.add(name)
    # Bookkeeping of the compiler, by no one's hand: `.0`, `__classdict__`, `__conditional_annotations__`.
    made = {'__classdict__', '__class__', '__conditional_annotations__', '__annotate__', '__static_attributes__'}
    keep = lambda names: sorted(name for name in names if not name.startswith('.') and name not in made)
    return {'source': source, 'defines': keep(defines), 'uses': keep(uses)}


def library(wanted):
    files = sorted(Path(sysconfig.get_path('stdlib')).glob('*.py'))
    step = max(1, len(files) // wanted)
    return {path.name: path.read_text(encoding='utf-8') for path in files[::step]}


def main():
    sources = library(int(sys.argv[2])) if sys.argv[1:2] == ['--library'] else json.load(sys.stdin)
    answers = {}
    for name, source in sources.items():
        try:
            answers[name] = symbols(source)
        except SyntaxError:
            continue
    json.dump(answers, sys.stdout)


main()
