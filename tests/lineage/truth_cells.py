"""Truth about cells: edits, aliases, loops, functions, exceptions, order, magics. See `truth` for the notation."""

from __future__ import annotations

from tests.lineage.truth import Book, Cell, book, edit, new

FILTERED = "df.* > new; df.b filter> new"

EDITS: dict[str, Book] = {
    "through an alias": book(
        Cell("alias = df", "df", "+alias"),
        Cell("alias['c'] = alias.b * 2", "alias", "~alias ~df", "alias.* > alias; alias.b > alias.c"),
    ),
    "through a list": book(
        Cell("parts = [df, right]", "df right", "+parts[0] +parts[1]"),
        Cell(
            "parts[0]['c'] = parts[0].b * 2",
            "parts[0] parts[1]",
            "~parts[0] ~df",
            "parts[0].* > parts[0]; parts[0].b > parts[0].c",
        ),
    ),
    "through a dict": book(
        Cell("parts = {'one': df}", "df", "+parts['one']"),
        Cell(
            "for part in parts.values():\n    part['c'] = 1",
            "parts['one']",
            "+part ~parts['one'] ~df",
            "parts['one'].* > parts['one']",
        ),
    ),
    "through a function": book(
        Cell("def marked(frame):\n    frame['c'] = frame.b * 2"),
        Cell("marked(df)", "df", "~df", "df.* > df; df.b > df.c"),
    ),
    "a global of a function": book(
        Cell("def marked():\n    global df\n    df = df.assign(c=df.b)"),
        Cell("marked()", "df", "~df", "df.* > df; df.b > df.c"),
    ),
    "a frame that a function mentions": book(
        Cell("def joined(frame):\n    return frame.merge(right, on='k')"),
        Cell(
            "new = joined(df[['k', 'b']])",
            "df right",
            "+new",
            "df.k,b > new; right.k,z > new; df.k key> new; right.k key> new",
        ),
    ),
    "the same again": book(Cell("df = df", "df", "")),
    "an equal copy": book(Cell("df = df.copy()", "df", "", "df.* > df")),
    "there and back": book(Cell("df['c'] = 1\ndel df['c']", "df", "", "df.* > df")),
    "a read alone": book(Cell("print(len(df), df.shape)", "df")),
    "an attribute": book(
        Cell("class Box:\n    pass\nbox = Box()\nbox.frame = df", "df", "+box.frame"),
        Cell(
            "box.frame['c'] = box.frame.b",
            "box.frame",
            "~box.frame ~df",
            "box.frame.* > box.frame; box.frame.b > box.frame.c",
        ),
    ),
    "a class attribute": book(
        Cell("class Store:\n    frame = df", "df", "+Store.frame"),
        Cell("Store.frame['c'] = 1", "Store.frame", "~Store.frame ~df", "Store.frame.* > Store.frame"),
    ),
    "deleted": book(Cell("old = df.head(1)", "df", "+old", "df.* > old"), Cell("del old", "", "-old")),
    "deleted and used in a cell": book(
        Cell("new = df.head(1)\ndel df", "df", "+new -df", "df.* > new"),
    ),
    "bound to something else": book(Cell("df = len(df)", "df", "-df")),
    "a mask of an earlier cell": book(
        Cell("late = df.b > 4", "df", "+late", "df.b > late"),
        Cell("new = df[late]", "df late", "+new", "df.* > new; late.b filter> new"),
    ),
    "a column of an earlier cell": book(
        Cell("twice = df.b * 2", "df", "+twice", "df.b > twice"),
        Cell("df['c'] = twice", "df twice", "~df", "df.* > df; twice.b > df.c"),
    ),
    "a walrus": book(
        Cell(
            "if (found := df[df.b > 4]) is not None:\n    new = found.head(1)",
            "df",
            "+found +new",
            "df.* > found; df.b filter> found; " + FILTERED,
        ),
    ),
    "a view": book(
        Cell("column = df['b']", "df", "+column", "df.b > column"),
        Cell("column = column + 1", "column", "~column", "column.b > column"),
    ),
    "an alias that goes its own way": book(
        Cell("kept = df", "df", "+kept"),
        Cell("df = df.dropna()", "df", "~df", "df.* > df; df.k,a,b filter> df"),
        Cell("kept['c'] = 1", "kept", "~kept", "kept.* > kept"),
    ),
    "polars made": book(
        Cell("import polars as pl\npolar = pl.DataFrame({'a': [1, 2], 'b': [3, 4]})", "", "+polar"),
        Cell("polar = polar.with_columns(c=pl.col('a') * 2)", "polar", "~polar"),
        Cell("small = polar.filter(pl.col('c') > 2)", "polar", "+small"),
    ),
    "polars in place": book(
        Cell("import polars as pl\npolar = pl.DataFrame({'a': [1, 2]})", "", "+polar"),
        Cell("polar[0, 'a'] = 9", "polar", "~polar"),
        Cell("polar.insert_column(0, pl.Series('z', [5, 6]))\nNone", "polar", "~polar"),
        Cell("polar.extend(polar.clone())\nNone", "polar", "~polar"),
        Cell("polar.height", "polar"),
    ),
    "polars and pandas": book(
        Cell("import polars as pl\npolar = pl.from_pandas(df[['b']])", "df", "+polar"),
        Cell("back = polar.to_pandas()", "polar", "+back"),
    ),
}

CONTROL: dict[str, Book] = {
    "a loop over columns": edit(
        "for name in ['a', 'b']:\n    df[name + '2'] = df[name] * 2", "df.* > df; df.a > df.a2; df.b > df.b2"
    ),
    "a loop that grows": book(
        Cell(
            "new = df[['k', 'b']]\nfor step in range(3):\n    new = new.assign(b=new.b + df.b)",
            "df",
            "+new",
            "df.k,b > new",
        )
    ),
    "a list grown in a loop": new(
        "parts = []\nfor name in ['x', 'y']:\n    parts.append(df[df.k == name])\nnew = pd.concat(parts)\ndel parts",
        "df.* > new; df.k filter> new",
    ),
    "a list of columns": new(
        "new = pd.concat([df[name] for name in ['a', 'b']], axis=1)",
        "df.a,b > new",
    ),
    "groups in a loop": book(
        Cell(
            "parts = {}\nfor name, part in df.groupby('k'):\n    parts[name] = part.b.sum()\nnew = pd.Series(parts)",
            "df",
            "+part +new",
            "df.* > part; df.k key> part; df.b > new.; df.k key> new",
        )
    ),
    "a comprehension": book(
        Cell(
            "parts = [df[df.b > limit] for limit in (3, 4)]",
            "df",
            "+parts[0] +parts[1]",
            "df.* > parts[1]; df.b filter> parts[1]",
        ),
    ),
    "a dict of parts": book(
        Cell(
            "parts = {name: df[df.k == name] for name in 'xy'}",
            "df",
            "+parts['x'] +parts['y']",
            "df.* > parts['y']; df.k filter> parts['y']",
        ),
    ),
    "a lambda called later": book(
        Cell("count = lambda: df.b.sum()"),
        Cell("total = count()", "df"),
    ),
    "within an f-string": book(Cell("text = f'{df.b.sum():.1f} of {len(right)}'", "df right")),
    "only in a comprehension": book(Cell("names = [name for name in df.columns]", "df")),
    "a shadowed name": book(Cell("total = sum(df for df in [1, 2])")),
    "a parameter of that name": book(Cell("def f(df):\n    return df\nf(3)")),
    "a decorator": book(
        Cell("def noted(function):\n    def inner(*args):\n        return function(*args)\n    return inner"),
        Cell("@noted\ndef cleaned(frame):\n    return frame[frame.b > 4]"),
        Cell("new = cleaned(df)", "df", "+new", FILTERED),
    ),
    "a function that calls another": book(
        Cell("def inner():\n    return df[df.b > 4]"),
        Cell("def outer():\n    return inner()"),
        Cell("new = outer()", "df", "+new", FILTERED),
    ),
    "a method": book(
        Cell("class Model:\n    def run(self):\n        return df[df.b > 4]\nmodel = Model()", could="df"),
        Cell("new = model.run()", "df", "+new", FILTERED),
    ),
    "a generator taken up later": book(
        Cell("def parts():\n    for name in 'xy':\n        yield df[df.k == name]\nwaiting = parts()", could="df"),
        Cell("new = pd.concat(list(waiting))", "df", "+new", "df.* > new; df.k filter> new"),
    ),
    "an exception in the middle": book(
        Cell(
            "df['c'] = df.b * 2\n1 / 0\ndf['d'] = 1", "df", "~df", "df.* > df; df.b > df.c", raises="ZeroDivisionError"
        ),
        Cell("new = df[['c']]", "df", "+new", "df.c > new"),
    ),
    "an exception that is caught": new(
        "try:\n    df['missing']\nexcept KeyError:\n    new = df[df.b > 4]\nfinally:\n    done = True", FILTERED
    ),
    "finally with return": book(
        Cell("def odd():\n    try:\n        return df[df.b > 4]\n    finally:\n        df['c'] = 1"),
        Cell("new = odd()", "df", "+new ~df", FILTERED + "; df.* > df"),
    ),
    "with": book(
        Cell(
            "import contextlib\nwith contextlib.nullcontext(df) as inner:\n    new = inner[inner.b > 4]",
            "df",
            "+inner +new",
            FILTERED,
        ),
    ),
    "a condition": new(
        "if len(right) > 1:\n    new = df[df.b > 4]\nelse:\n    new = right", FILTERED, reads="df right"
    ),
    "a star": book(
        Cell("first, *rest = df, right", "df right", "+first +rest[0]"),
        Cell("first['c'] = 1", "first", "~first ~df", "first.* > first"),
    ),
    "a function of another module": book(
        Cell("from operator import itemgetter\nnew = itemgetter('b')(df)", "df", "+new", "df.b > new"),
    ),
    "run again": book(
        Cell("df['b'] = df.b * 2", "df", "~df", "df.* > df"),
        Cell("df['b'] = df.b * 2", "df", "~df", "df.* > df"),
        Cell("new = df[['b']]", "df", "+new", "df.b > new"),
        Cell("new = df[['b']]", "df", "", "df.b > new"),
    ),
    "out of order": book(
        Cell("new = df.dropna()", "df", "+new", "df.* > new; df.k,a,b filter> new"),
        Cell("df = df.assign(a=0)", "df", "~df", "df.k,b > df"),
        Cell("new['c'] = df.a", "df new", "~new", "new.* > new; df.a > new.c"),
        Cell("new = df.dropna()", "df", "~new", "df.* > new; df.k,a,b filter> new"),
    ),
    "two steps in a cell": book(
        Cell(
            "some = df[df.b > 4]\nnew = some.assign(c=some.a)",
            "df",
            "+some +new",
            "df.* > some; df.b filter> some; df.* > new; df.b filter> new; df.a > new.c; df.b filter> new.c",
        ),
    ),
    "a scalar of a frame": book(
        Cell("total = df.b.sum()\ndf['c'] = df.a / total", "df", "~df", "df.* > df; df.a,b > df.c"),
    ),
    "a scalar of an earlier cell": book(
        Cell("total = df.b.sum()", "df"),
        Cell("df['c'] = df.a / total", "df", "~df", "df.* > df; df.a > df.c"),
        unseen="df.b > df.c",
    ),
    "exec": book(
        Cell("exec('df[\"c\"] = df.b')", "df", "~df", "df.* > df; df.b > df.c", marks="exec"),
    ),
    "globals": book(Cell("globals()['new'] = df[df.b > 4]", "df", "+new", FILTERED, marks="globals")),
    "a star import": book(
        Cell("from math import *\nnew = df[df.b > floor(4.5)]", "df", "+new", FILTERED, marks="from math import *")
    ),
}

MAGICS: dict[str, Book] = {
    "%%time": book(Cell("%%time\nnew = df[df.b > 4]", "df", "+new", FILTERED)),
    "%time": book(Cell("%time new = df[df.b > 4]", "df", "+new", FILTERED)),
    "%%capture": book(Cell("%%capture said\nprint(1)\nnew = df[df.b > 4]", "df", "+new", FILTERED)),
    "%%capture of %%time": book(Cell("%%capture\n%%time\nnew = df[df.b > 4]", "df", "+new", FILTERED)),
    "%%capture that raises": book(  # it keeps the exception to itself
        Cell("%%capture\ndf['c'] = df.b\n1 / 0", "df", "~df", "df.* > df; df.b > df.c"),
    ),
    "%timeit": book(Cell("%timeit -n1 -r1 df.dropna()", "df")),
    "!": book(Cell("words = !echo {len(df)}\nnew = df[df.b > 4]", "df", "+new", FILTERED)),
    "lines continued": book(Cell("%time new = \\\n    df[df.b > 4]", "df", "+new", FILTERED)),
    "await": book(
        Cell("import asyncio\nasync def later():\n    await asyncio.sleep(0)\n    return df[df.b > 4]"),
        Cell("new = await later()", "df", "+new", FILTERED),
    ),
    "gather": book(
        Cell(
            "import asyncio\nasync def part(name):\n    await asyncio.sleep(0)\n    return df[df.k == name]\n"
            "new = pd.concat(await asyncio.gather(part('x'), part('y')))",
            "df",
            "+new",
            "df.* > new; df.k filter> new",
        ),
    ),
    "?": book(Cell("df.dropna?")),
}

UNSEEN: dict[str, Book] = {  # what Python, NumPy and indexes do with values between two calls
    "a list computed": edit("df['c'] = [each * 2 for each in df.b]", "df.* > df", opaque="df"),
    "a list of values": edit("df['c'] = df.b.tolist()", "df.* > df", opaque="df"),
    "a list written": edit("df['c'] = [1, 2, 3, 4]\ndf['d'] = [[1], [2], [3], [4]]", "df.* > df"),
    "a list without values": edit("df['c'] = [pd.NA, 2, None, 4]", "df.* > df", opaque="df"),
    "a frame of lists": new("new = pd.DataFrame({'c': [each * 2 for each in df.b]})", opaque="new"),
    "a frame of an array": new("new = pd.DataFrame(df[['b']].to_numpy(), columns=['c'])", "df.b > new.c"),
    "tuples of rows": edit("df['c'] = [row.b for row in df.itertuples()]", "df.* > df", opaque="df"),
    "a number computed of numbers": edit(
        "middle = df.b.mean() * 2\ndf['c'] = df.a / middle", "df.* > df; df.a > df.c", unseen="df.b > df.c"
    ),
    "a length": edit("df['c'] = len(df[df.b > 4])", "df.* > df", unseen="df.b > df.c"),
    "a branch": edit("if df.b.sum() > 20:\n    df['c'] = 1\nelse:\n    df['c'] = 2", "df.* > df", unseen="df.b > df.c"),
    "a dict of two columns": edit(
        "names = dict(zip(right.k, right.z))\ndf['c'] = df.k.map(names)",
        "df.* > df; df.k > df.c",
        reads="df right",
        unseen="right.k,z > df.c",
    ),
    "a set of values": new(
        "new = df[df.k.isin(set(right.k))]",
        "df.* > new; df.k filter> new",
        reads="df right",
        unseen="right.k > new.k; right.k > new.a; right.k > new.b",
    ),
    "rows dropped by label": edit(
        "df = df.drop(index=df.index[df.b > 4])", "df.* > df", unseen="df.b > df.k; df.b > df.a"
    ),
    "a mask of an earlier cell as an array": book(
        Cell("late = (df.b > 4).to_numpy()", "df"),
        Cell("new = df[late]", "df", "+new", FILTERED),
    ),
    "an index of an earlier cell": book(
        Cell("keyed = df.set_index('k')", "df", "+keyed", "df.a,b > keyed; df.k key> keyed.a; df.k key> keyed.b"),
        Cell("new = keyed.reset_index()", "keyed", "+new", "keyed.a,b > new"),
        unseen="df.k > new.k",
    ),
}
