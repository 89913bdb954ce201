"""Cells, and what is true of their names: told by hand."""

# ruff: noqa: E501  # one cell a line is easier to compare

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Truth:
    """What is expected of a cell; names apart by spaces. None: not asked."""

    code: str
    reads: str = ""
    writes: str = ""
    mutated: str = ""
    deleted: str = ""
    surely: str | None = None  # None: as `writes`
    mentioned: str = ""  # beyond what is read, bound and deleted
    opaque: str = ""


def cell(code: str) -> str:
    return dedent(code).strip("\n")


TRUTHS = {
    "assignment": Truth("x = y", "y", "x"),
    "chained assignment": Truth("a = b = y", "y", "a b"),
    "unpacking": Truth("(a, *b), c[0] = y", "y c", "a b", "c"),
    "own value": Truth("x = 1\nz = x", "", "x z"),
    "rebound from itself": Truth("df = df.dropna()", "df", "df", "df"),
    "augmented": Truth("n += step", "n step", "n", "n"),
    "augmented item": Truth("df['a'] += step", "df step", "", "df"),
    "annotated": Truth("x: Kind = y", "Kind y", "x"),
    "annotated without value": Truth("x: Kind", "Kind", ""),
    "annotated with its own name": Truth("x: x = y", "y", "x"),
    "attribute": Truth("df.index = rows", "df rows", "", "df"),
    "deep item": Truth("d['a'].loc[i, 'b'] = v", "d i v", "", "d"),
    "method": Truth("df.dropna(inplace=True)", "df", "", "df"),
    "method on a chain": Truth("df.groupby(k).first().reset_index()", "df k", "", "df"),
    "deleted": Truth("del df", "", "", "", "df", surely=""),
    "deleted after binding": Truth("t = y\ndel t", "y", "t", "", "t", surely=""),
    "read after deletion": Truth("del t\nt", "", "", "", "t", surely=""),
    "deleted item and attribute": Truth("del d['a'], o.b", "d o", "", "d o"),
    "deleted together": Truth("del (a, b), c", "", "", "", "a b c"),
    "if on one side": Truth("if c:\n    x = 1\nx", "c x", "x", surely=""),
    "if on both sides": Truth("if c:\n    x = 1\nelse:\n    x = 2\nx", "c", "x"),
    "if on both sides, one leaves": Truth("if c:\n    x = 1\nelse:\n    raise E\nx", "c E", "x"),
    "if with elif, not all": Truth("if c:\n    x = 1\nelif d:\n    x = 2\nx", "c d x", "x", surely=""),
    "if that always holds": Truth("if True:\n    x = 1\nx", "", "x"),
    "if that never holds": Truth("if 0:\n    x = y\nx", "x", "x", surely="", mentioned="y"),
    "for": Truth("for i in y:\n    x = i\nx, i", "y x i", "i x", surely=""),
    "for over a literal": Truth("for i in (1, 2):\n    x = i\nx, i", "", "i x"),
    "for over one that may be empty": Truth("for i in [*y]:\n    pass\ni", "y i", "i", surely=""),
    "for with a later round": Truth("for i in y:\n    print(x)\n    x = i", "y print x", "i x", surely=""),
    "for into an item": Truth("for d['k'] in y: pass", "d y", "", "d"),
    "for else": Truth("for i in y:\n    if i: break\nelse:\n    x = 1\nx", "y x", "i x", surely=""),
    "for else without break": Truth("for i in y:\n    pass\nelse:\n    x = 1\nx", "y", "i x", surely="x"),
    "continue before binding": Truth(
        "for i in (1,):\n    if c: continue\n    x = 1\nx", "c x", "i x", surely="i"
    ),
    "while": Truth("while c:\n    x = 1\nx", "c x", "x", surely=""),
    "while forever": Truth("while True:\n    x = f()\n    if x: break\nx", "f", "x"),
    "while forever, left early": Truth("while 1:\n    if c: break\n    x = 1\nx", "c x", "x", surely=""),
    "while with a walrus": Truth("while (x := f()):\n    pass\nx", "f", "x"),
    "while else": Truth("while c:\n    pass\nelse:\n    x = 1\nx", "c", "x"),
    "try": Truth("try:\n    x = f()\nexcept E:\n    pass\nx", "f E x", "x", surely=""),
    "try that binds in the handler": Truth("try:\n    x = f()\nexcept E:\n    x = None\nx", "f E", "x"),
    "try that gives up": Truth("try:\n    x = f()\nexcept E:\n    raise\nx", "f E", "x"),
    "handler reads what may not be bound": Truth(
        "try:\n    x = f()\nexcept E as e:\n    print(x, e)", "f E print x", "x e", surely=""
    ),
    "exception's name is gone": Truth(
        "e = 1\ntry:\n    f()\nexcept E as e:\n    pass\nprint(e)", "f E print", "e", surely=""
    ),
    "try else": Truth("try:\n    f()\nexcept E:\n    x = 1\nelse:\n    x = 2\nx", "f E", "x"),
    "finally": Truth("try:\n    x = f()\nfinally:\n    y = 1\nx, y", "f", "x y"),
    "finally reads what may not be bound": Truth("try:\n    x = f()\nfinally:\n    print(x)", "f print x", "x"),
    "exception groups": Truth("try:\n    x = f()\nexcept* E as e:\n    x = e\nx", "f E", "x e", surely="x"),
    "with": Truth("with open(p) as f:\n    x = f.read()\nx", "open p", "f x", "f"),
    "with that swallows": Truth(
        "with contextlib.suppress(E):\n    x = f()\nx", "contextlib E f x", "x", "contextlib", surely=""
    ),
    "with several": Truth("with a() as b, b.c() as (d, e):\n    pass", "a", "b d e", "b"),
    "match": Truth(
        "match v:\n    case [a, *b]:\n        x = a\n    case {'k': c, **d}:\n        x = c\nx",
        "v x",
        "a b c d x",
        surely="",
    ),
    "match that takes all": Truth("match v:\n    case 1:\n        x = 1\n    case other:\n        x = other\nx", "v", "x other", surely="x"),
    "match classes and values": Truth(
        "match v:\n    case pd.DataFrame(shape=s) | Other(s) if s > limit:\n        pass\n    case mod.VALUE:\n        pass",
        "v pd Other limit mod",
        "s",
        surely="",
    ),
    "match reads a capture of a failed case": Truth(
        "match v:\n    case [a] if a > 1:\n        pass\n    case _:\n        print(a)", "v print a", "a", surely=""
    ),
    "comprehension": Truth("x = [i * k for i in y if i]", "k y", "x"),
    "comprehension's variable outside": Truth("[i for i in y]\ni", "y i"),
    "comprehension over its own name": Truth("[x for x in x]", "x"),
    "nested comprehension": Truth("{a: b for a in y for b in a if b in z}", "y z"),
    "walrus": Truth("if (n := len(y)) > 3:\n    print(n)", "len y print", "n"),
    "walrus in a comprehension": Truth("[last := i for i in y]\nlast", "y last", "last", surely=""),
    "walrus behind and": Truth("c and (x := 1)\nx", "c x", "x", surely=""),
    "walrus before and": Truth("(x := c) and x", "c", "x"),
    "walrus in a chain": Truth("a < (b := c) < (d := e)\nb, d", "a c e d", "b d", surely="b"),
    "conditional": Truth("(x := 1) if c else (y := 2)\nx", "c x", "x y", surely=""),
    "assert": Truth("assert c, (x := 1)\nx", "c x", "x", surely=""),
    "lambda": Truth("f = lambda a, b=d: a + b + g", "d", "f"),
    "lambda called": Truth("f = lambda a: a + g\nf(1)", "g", "f"),
    "lambda passed": Truth("y.apply(lambda r: r * rate)", "y rate", "", "y"),
    "function": Truth("def f(a, *b, c=d, **e) -> T:\n    x = a + g\n    return x", "d T", "f"),
    "function called": Truth("def f():\n    return df\nf()", "df", "f"),
    "function called after binding": Truth("def f():\n    return df\ndf = 1\nf()", "", "f df"),
    "function called before binding": Truth("def f():\n    return df\nf()\ndf = 1", "df", "f df"),
    "function passed": Truth("def f(r):\n    return r * rate\ny.apply(f)", "y rate", "f", "y"),
    "function under another name": Truth("def f():\n    return df\ng = f\ng()", "df", "f g"),
    "functions through one another": Truth(
        "def f():\n    return g()\ndef g():\n    return df + f\nf()", "df", "f g"
    ),
    "function of one branch": Truth(
        "if c:\n    def f(): return a\nelse:\n    def f(): return b\nf()", "c a b", "f"
    ),
    "decorated": Truth("@app.route(path)\ndef f():\n    return df", "app path df", "f", "app"),
    "function that binds globally": Truth("def f():\n    global x\n    x = y\nf()\nx", "y", "f x"),
    "function that may bind globally": Truth(
        "def f():\n    global x\n    if c: x = y\nf()\nx", "c y x", "f x", surely="f"
    ),
    "function that deletes globally": Truth("def f():\n    global x\n    del x\nf()", "x", "f", "", "x"),
    "function that changes a global": Truth("def f():\n    df['a'] = 1\nf()", "df", "f", "df"),
    "function that is only defined": Truth("def f():\n    df['a'] = 1", "", "f"),
    "closure": Truth(
        "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += k\n        return n\n    return g\nf()",
        "k",
        "f",
    ),
    "shadowed in a closure": Truth("def f(df):\n    def g(): return df\n    return g\nf(1)", "", "f"),
    "global within a closure": Truth(
        "def f():\n    x = 1\n    def g():\n        global x\n        return x\n    return g\nf()", "x", "f"
    ),
    "generator": Truth("def f():\n    global x\n    x = 1\n    yield x\nf()\nx", "x", "f x", surely="f"),
    "class": Truth("class A(B, metaclass=M):\n    n = k\n    def m(self):\n        return n + rate", "B M k n rate", "A"),
    "class that is only defined": Truth("class A:\n    def m(self):\n        return rate", "", "A"),
    "class used": Truth("class A:\n    def m(self):\n        return rate\nA().m()", "rate", "A"),
    "class reads a global of the same name": Truth("class A:\n    x = x\n    y = x", "x", "A"),
    "class body's comprehension": Truth("class A:\n    k = 1\n    z = [k for _ in y]", "y k", "A"),
    "class that binds globally": Truth("class A:\n    global x\n    x = 1\nx", "", "A x"),
    "import": Truth("import os.path, numpy as np\nfrom a.b import c as d, e", "", "os np d e"),
    "import of a module reached by name": Truth("import os.path\nos.path.join(p)", "p", "os", "os"),
    "await": Truth("x = await f(y)\nasync with a as b:\n    async for i in b: pass", "f y a", "x b i", surely="x b"),
    "await in a comprehension": Truth("[await g(i) async for i in y]", "g y"),
    "f-string": Truth("f'{x!r:>{width}} {y=}'", "x width y"),
    "slice": Truth("x[a:b, ...]", "x a b"),
    "starred call": Truth("f(*a, **b)", "f a b"),
    "after raise": Truth("raise E\nx", "E", mentioned="x", surely=""),
    "query with a variable": Truth("df.query('dep_delay > @limit')", "df limit", "", "df"),
    "query with text from elsewhere": Truth("df.query(text)", "df text", "", "df", opaque="query"),
    "eval of a frame": Truth("df.eval('a = b * @k', inplace=True)", "df k", "", "df"),
    "eval of a model": Truth("model.eval()", "model", "", "model"),
    "SQL over a variable": Truth("duckdb.sql('select * from flights join planes using (id)')", "duckdb", "", "duckdb", mentioned="flights planes"),
    "exec": Truth("exec('x = df')", "exec", mentioned="x df", opaque="exec"),
    "exec under another name": Truth("run = exec", "exec", "run", opaque="exec"),
    "eval as a variable": Truth("eval = 3\neval", "", "eval"),
    "globals": Truth("globals()['x'] = y", "globals y", opaque="globals"),
    "locals": Truth("f(locals())", "f locals", opaque="locals"),
    "locals of a function": Truth("def f():\n    return locals()\nf()", "locals", "f"),
    "vars of the cell": Truth("vars()[n] = 1", "vars n", opaque="vars"),
    "vars of a value": Truth("vars(x)['a'] = 1", "vars x", "", "x"),
    "setattr": Truth("setattr(x.y, n, v)", "setattr x n v", "", "x"),
    "setattr on something": Truth("setattr(f(), n, v)", "setattr f n v", opaque="setattr"),
    "star import": Truth("from numpy import *", opaque="from numpy import *"),
    "importlib": Truth("import importlib\nimportlib.reload(m)", "m", "importlib", "importlib", opaque="importlib"),
    "exec within a function": Truth("def f():\n    exec(code)\nf()", "exec code", "f", opaque="exec"),
    "exec within a function that is not called": Truth("def f():\n    exec(code)", "", "f"),
    "shell's names": Truth("get_ipython().user_ns['x'] = 1", "get_ipython", opaque="user_ns"),
    "shell runs a cell": Truth("get_ipython().run_cell('x = df')", "get_ipython", mentioned="x df", opaque="run_cell"),
    "no Python": Truth("x = (", opaque="not Python"),
    "null byte": Truth("x = '\0'", opaque="not Python"),
    "nested too deeply": Truth("(" * 500 + ")" * 500, opaque="not Python"),
    "empty": Truth(""),
    "comment": Truth("# x = y"),
    # Magics, as IPython hands them on and as typed.
    "%%time": Truth("get_ipython().run_cell_magic('time', '', 'x = df.a\\ny = x\\n')", "get_ipython df", "x y"),
    "%%time as typed": Truth("%%time\nx = df.a\ny = x", "get_ipython df", "x y"),
    "%%time with a magic in it": Truth("%%time\n%matplotlib inline\nx = df", "get_ipython df", "x"),
    "%%time around %%capture": Truth("%%time\n%%capture out\nx = df", "get_ipython df", "x out"),
    "%%capture": Truth("%%capture out --no-stderr\nx = df", "get_ipython df", "x out"),
    "%%timeit binds nothing": Truth("%%timeit -n 3 k = w\nx = df[k]", "get_ipython w df"),
    "%timeit": Truth("%timeit -n 10 -r3 clean(df)", "get_ipython clean df"),
    "%time assigned": Truth("x = %time clean(df)", "get_ipython clean df", "x"),
    "%prun": Truth("%prun -s cumulative -l 5 x = clean(df)", "get_ipython clean df", "x"),
    "%lf": Truth("df = %lf read main:flights\n%lf commit df -m \"it's raw\"", "get_ipython", "df"),
    "%lf in a loop": Truth("for b in names:\n    %lf switch $b\n    f(df)", "get_ipython names f df", "b", surely="", mentioned="b"),
    "several lines": Truth("%lf commit df \\\n  -m first\nx = y", "get_ipython y", "x"),
    "several lines with an open quote": Truth("x = y\n%lf commit df -m \\\n  it's\\\n raw\nz = x", "get_ipython y", "x z"),
    "system command": Truth("files = !ls {folder} $more\n!echo it's", "get_ipython", "files", mentioned="folder more"),
    "help": Truth("df.head?\n?df\nx = y", "get_ipython y", "x"),
    "%%bash": Truth("%%bash --out listing\nls $x", "get_ipython", "listing"),
    "%run": Truth("%run setup.py", "get_ipython", mentioned="setup", opaque="%run"),
    "%%sql": Truth("%%sql result <<\nselect * from flights", "get_ipython", mentioned="result select from flights", opaque="%%sql"),
    "%autoreload": Truth("%load_ext autoreload\n%autoreload 2", "get_ipython"),
    "magic with text from elsewhere": Truth("get_ipython().run_line_magic(name, text)", "get_ipython name text", opaque="%?"),
}  # fmt: skip


NEWER = {
    "type parameters": Truth("def f[T: Base](x: T) -> T:\n    return x\nclass A[S](Box[S]): pass", "Base Box", "f A"),
    "type alias": Truth("type Pair[T] = tuple[T, Other]", "", "Pair"),
}
"""Cells that only Python 3.12 and later can read."""
