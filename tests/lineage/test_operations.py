"""What is recorded of calls: a table of code and what must be found, one line a family and an awkward case."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pandas as pd
import pytest

from lineageflow_jupyter.model.cells import OperationRecord
from tests.lineage.recorded import Notebook, edges, notebook


def frame() -> pd.DataFrame:
    return pd.DataFrame({"k": ["x", "y", "x"], "a": [1.0, 2.0, None], "b": [6, 5, 4]})


def other() -> pd.DataFrame:
    return pd.DataFrame({"k": ["x", "y"], "a": [7, 8], "z": [10, 20]})


@pytest.fixture
def book():
    with notebook(df=frame(), right=other()) as made:
        yield made


def same(*columns: str, of: str = "df") -> set[str]:
    return {f"{of}.{column} -> {column} value" for column in columns}


ALL = same("k", "a", "b")


def value(*pairs: str) -> set[str]:
    """Value edges from df: ``a>b`` is from its column a to b."""
    return {f"df.{source} -> {target} value" for source, _, target in (pair.partition(">") for pair in pairs)}


# code; call of the last record; its output; added; dropped; changed; edges
TABLE = {
    "column": ('s = df["a"]', "DataFrame.__getitem__", "s", "", "", "", value("a>a")),
    "attribute": ("s = df.a", "DataFrame.__getitem__", "s", "", "", "", value("a>a")),
    "columns": ('new = df[["a", "b"]]', "DataFrame.__getitem__", "new", "", "k", "", value("a>a", "b>b")),
    "mask": ("new = df[df.b > 4]", "DataFrame.__getitem__", "new", "", "", "", ALL | {"df.b -> * filter"}),
    "two masks": (
        "new = df[(df.b > 4) & ~df.a.isna()]",
        "DataFrame.__getitem__",
        "new",
        "",
        "",
        "",
        ALL | {"df.b -> * filter", "df.a -> * filter"},
    ),
    "rows by slice": ("new = df[1:]", "DataFrame.__getitem__", "new", "", "", "", ALL),
    "loc": (
        'new = df.loc[df.b > 4, ["a"]]',
        "DataFrame.loc.__getitem__",
        "new",
        "",
        "k b",
        "",
        value("a>a") | {"df.b -> * filter"},
    ),
    "loc of a column": ('s = df.loc[:, "a"]', "DataFrame.loc.__getitem__", "s", "", "", "", value("a>a")),
    "loc of a function": (
        "new = df.loc[lambda d: d.b > 4]",
        "DataFrame.loc.__getitem__",
        "new",
        "",
        "",
        "",
        ALL | {"df.b -> * filter"},
    ),
    "iloc": ("new = df.iloc[:2, :2]", "DataFrame.iloc.__getitem__", "new", "", "b", "", value("k>k", "a>a")),
    "new column": (
        'df["speed"] = df.a / df["b"]',
        "DataFrame.__setitem__",
        "df",
        "speed",
        "",
        "",
        value("a>speed", "b>speed"),
    ),
    "over an old column": ('df["b"] = df.b * 2', "DataFrame.__setitem__", "df", "", "", "b", value("b>b")),
    "in place by operator": ('df["b"] += df.a', "DataFrame.__setitem__", "df", "", "", "b", value("b>b", "a>b")),
    "constant": ('df["c"] = 1', "DataFrame.__setitem__", "df", "c", "", "", set()),
    "several columns": (
        'df[["c", "d"]] = df[["a", "b"]]',
        "DataFrame.__setitem__",
        "df",
        "c d",
        "",
        "",
        {"~1.a -> c value", "~1.b -> d value"},
    ),
    "by NumPy": ('df["c"] = np.log(df.b)', "DataFrame.__setitem__", "df", "c", "", "", value("b>c")),
    "set where": (
        'df.loc[df.b > 4, "a"] = df.b',
        "DataFrame.loc.__setitem__",
        "df",
        "",
        "",
        "a",
        value("a>a", "b>a") | {"df.b -> a filter"},
    ),
    "set by position": ("df.iloc[0, 1] = 9", "DataFrame.iloc.__setitem__", "df", "", "", "a", value("a>a")),
    "set one": ('df.at[0, "a"] = 9', "DataFrame.__setitem__", "df", "", "", "a", value("a>a")),
    "new by loc": ('df.loc[:, "c"] = df.b', "DataFrame.loc.__setitem__", "df", "c", "", "", value("b>c")),
    "delete": ('del df["b"]', "DataFrame.__delitem__", "df", "", "b", "", set()),
    "pop": ('s = df.pop("b")', "DataFrame.pop", "df", "", "b", "", set()),
    "insert": ('df.insert(0, "c", df.b)', "DataFrame.insert", "df", "c", "", "", value("b>c")),
    "new labels": (
        'df.columns = ["x", "y", "z"]',
        "DataFrame.set_axis",
        "df",
        "x y z",
        "k a b",
        "",
        value("k>x", "a>y", "b>z"),
    ),
    "assign": (
        "new = df.assign(c=df.a + df.b, d=lambda it: it.c * it['b'])",
        "DataFrame.assign",
        "new",
        "c d",
        "",
        "",
        ALL | value("a>c", "b>c", "a>d", "b>d"),
    ),
    "drop": ('new = df.drop(columns="b")', "DataFrame.drop", "new", "", "b", "", value("k>k", "a>a")),
    "rename": (
        'new = df.rename(columns={"a": "c"})',
        "DataFrame.rename",
        "new",
        "c",
        "a",
        "",
        value("k>k", "a>c", "b>b"),
    ),
    "rename in place": (
        'df.rename(columns={"a": "c"}, inplace=True)',
        "DataFrame.rename",
        "df",
        "c",
        "a",
        "",
        value("k>k", "a>c", "b>b"),
    ),
    "fillna": ("new = df.fillna(0)", "DataFrame.fillna", "new", "", "", "a", ALL),
    "fillna in place": ("df.fillna(0, inplace=True)", "DataFrame.fillna", "df", "", "", "a", ALL),
    "replace in place": ("df.replace(5, 6, inplace=True)", "DataFrame.replace", "df", "", "", "b", ALL),
    "dropna": (
        'new = df.dropna(subset=["a"])',
        "DataFrame.dropna",
        "new",
        "",
        "",
        "",
        ALL | {"df.a -> * filter"},
    ),
    "drop_duplicates": (
        'new = df.drop_duplicates("k")',
        "DataFrame.drop_duplicates",
        "new",
        "",
        "",
        "",
        ALL | {"df.k -> * filter"},
    ),
    "clip": ('s = df["b"].clip(lower=df.a)', "Series.clip", "s", "", "", "", value("b>b", "a>b")),
    "astype": ('new = df.astype({"b": "float64"})', "DataFrame.astype", "new", "", "", "b", ALL),
    "where": (
        "s = df.a.where(df.b > 4, df.b)",
        "Series.where",
        "s",
        "",
        "",
        "",
        value("a>a", "b>a") | {"df.b -> * filter"},
    ),
    "sort": ('new = df.sort_values("b")', "DataFrame.sort_values", "new", "", "", "", ALL | {"df.b -> * order"}),
    "query": (
        "limit = 1\nnew = df.query('a > @limit and k != \"b\"')",
        "DataFrame.query",
        "new",
        "",
        "",
        "",
        ALL | {"df.a -> * filter", "df.k -> * filter"},
    ),
    "eval": ('new = df.eval("c = a + b")', "DataFrame.eval", "new", "c", "", "", ALL | value("a>c", "b>c")),
    "merge": (
        'new = df.merge(right, on="k")',
        "DataFrame.merge",
        "new",
        "a_x a_y z",
        "a",
        "",
        value("k>k", "a>a_x", "b>b")
        | {"right.k -> k value", "right.a -> a_y value", "right.z -> z value", "df.k -> * key", "right.k -> * key"},
    ),
    "merge without on": (
        'new = pd.merge(df[["k", "b"]], right[["k", "z"]])',
        "pandas.merge",
        "new",
        "z",
        "",
        "",
        {
            "~1.k -> k value",
            "~1.b -> b value",
            "~2.k -> k value",
            "~2.z -> z value",
            "~1.k -> * key",
            "~2.k -> * key",
        },
    ),
    "join": (
        'new = df.join(right.set_index("k"), on="k", rsuffix="_r")',
        "DataFrame.join",
        "new",
        "a_r z",
        "",
        "",
        ALL | {"~1.a -> a_r value", "~1.z -> z value", "df.k -> * key"},
    ),
    "concat": (
        "new = pd.concat([df, right])",
        "pandas.concat",
        "new",
        "z",
        "",
        "",
        ALL | same("k", "a", "z", of="right"),
    ),
    "group mean": (
        's = df.groupby("k")["a"].mean()',
        "SeriesGroupBy.mean",
        "s",
        "",
        "",
        "",
        value("a>a") | {"df.k -> * key"},
    ),
    "named aggregation": (
        'new = df.groupby("k").agg(top=("a", "max"), n=("b", "size"))',
        "DataFrameGroupBy.agg",
        "new",
        "top n",
        "k a b",
        "",
        value("a>top", "b>n") | {"df.k -> * key"},
    ),
    "aggregation of several": (
        'new = df.groupby("k")[["a", "b"]].agg(["min", "max"])',
        "DataFrameGroupBy.agg",
        "new",
        "('a', 'min') ('a', 'max') ('b', 'min') ('b', 'max')",
        "k a b",
        "",
        value("a>('a', 'min')", "a>('a', 'max')", "b>('b', 'min')", "b>('b', 'max')") | {"df.k -> * key"},
    ),
    "group transform": (
        'df["m"] = df.groupby("k")["b"].transform("mean")',
        "DataFrame.__setitem__",
        "df",
        "m",
        "",
        "",
        value("b>m") | {"df.k -> m key"},
    ),
    "rolling": ("s = df.b.rolling(2).sum()", "Rolling.sum", "s", "", "", "", value("b>b")),
    "melt": (
        'new = df.melt(id_vars="k", value_vars=["a", "b"])',
        "DataFrame.melt",
        "new",
        "variable value",
        "a b",
        "",
        value("k>k", "a>value", "b>value"),
    ),
    "pivot_table": (
        'new = df.pivot_table(index="k", values="b")',
        "DataFrame.pivot_table",
        "new",
        "",
        "k a",
        "",
        value("b>b") | {"df.k -> * key"},
    ),
    "get_dummies": (
        'new = pd.get_dummies(df, columns=["k"])',
        "pandas.get_dummies",
        "new",
        "k_x k_y",
        "k",
        "",
        value("a>a", "b>b", "k>k_x", "k>k_y"),
    ),
    "crosstab": (
        "new = pd.crosstab(df.k, df.b)",
        "pandas.crosstab",
        "new",
        "4 5 6",
        "",
        "",
        {"df.k -> * key", "df.b -> * key"},
    ),
    "cut": ("s = pd.cut(df.b, 2)", "pandas.cut", "s", "", "", "", value("b>b")),
    "to_numeric": ("s = pd.to_numeric(df.b)", "pandas.to_numeric", "s", "", "", "", value("b>b")),
    "to_datetime": ("s = pd.to_datetime(df.b)", "pandas.to_datetime", "s", "", "", "", value("b>b")),
    "str": ("s = df.k.str.upper()", "Series.str.upper", "s", "", "", "", value("k>k")),
    "dt": ("s = pd.to_datetime(df.b).dt.year", "Series.dt.year", "s", "", "", "", value("b>b")),
    "cat": ('s = df.k.astype("category").cat.codes', "Series.cat.codes", "s", "", "", "", value("k>")),
    "map": ('s = df.k.map({"x": 1})', "Series.map", "s", "", "", "", value("k>k")),
    "apply by row": (
        's = df.apply(lambda row: row["a"] + row.b, axis=1)',
        "DataFrame.apply",
        "s",
        "",
        "",
        "",
        value("a>", "b>"),
    ),
    "constructor": (
        'new = pd.DataFrame({"c": df.a, "d": df.b * 2})',
        "DataFrame",
        "new",
        "c d",
        "",
        "",
        value("a>c", "b>d"),
    ),
    "explode": ('new = df.explode("b")', "DataFrame.explode", "new", "", "", "", ALL),
    "reduce": ("s = df[['a', 'b']].sum()", "DataFrame.sum", "s", "", "", "", {"~1.a ->  value", "~1.b ->  value"}),
}


# These arguments go, in some later version; as long as they are there they are used.
@pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:The 'lsuffix' and 'rsuffix'")
@pytest.mark.parametrize("case", TABLE)
def test_columns_go_through_calls(book: Notebook, case: str) -> None:
    code, call, output, added, dropped, changed, wanted = TABLE[case]
    labels = ("('a', 'min')", "('a', 'max')", "('b', 'min')", "('b', 'max')")
    found = book.run(code).operations[-1]
    assert (found.call, found.output) == (call, output)
    if output in book.variables and isinstance(book.variables[output], pd.DataFrame):
        expected = labels if added.startswith("(") else tuple(added.split())
        assert (found.added, found.dropped, found.changed) == (expected, tuple(dropped.split()), tuple(changed.split()))
    assert edges(found) == wanted
    assert not found.opaque


@pytest.mark.parametrize(
    "code",
    [
        "new = df.pipe(lambda d: d)",
        "new = df.assign(c=lambda d: d.count(axis=1))",
        "s = df.apply(lambda row: len(row), axis=1)",
        'df["c"] = np.array([1, 2, 3])',
        "new = df.loc[lambda d: d.notna().all(axis=1)]",
        "s = df.k.map(lambda k: right.z[0])",
    ],
)
def test_what_cannot_be_seen_is_opaque(book: Notebook, code: str) -> None:
    assert book.run(code).operations[-1].opaque


def test_rows_nulls_lines_and_parameters(book: Notebook) -> None:
    found = book.run("\n\nnew = df.dropna(subset=['a'], how='any')").operations
    assert found == (
        OperationRecord(
            "DataFrame.dropna",
            3,
            "subset=['a'], how='any'",
            ("df",),
            "new",
            3,
            2,
            nulls_in=1,
            nulls_out=0,
            edges=found[0].edges,
        ),
    )


def test_only_the_outermost_call_counts(book: Notebook) -> None:
    found = book.run("text = df.describe()\ns = df.pivot_table(index='k', values='b', aggfunc='sum')").operations
    assert [record.call for record in found] == ["DataFrame.describe", "DataFrame.pivot_table"]


def test_chained_calls_are_joined_by_temporaries(book: Notebook) -> None:
    found = book.run("new = df.dropna().assign(c=1).sort_values('b')").operations
    assert [(record.call, record.inputs, record.output) for record in found] == [
        ("DataFrame.dropna", ("df",), "~1"),
        ("DataFrame.assign", ("~1",), "~2"),
        ("DataFrame.sort_values", ("~2",), "new"),
    ]


def test_a_name_that_is_bound_anew_names_what_went_in(book: Notebook) -> None:
    found = book.run("df = df.dropna()\ndf = df.sort_values('b')").operations
    assert [(record.inputs, record.output) for record in found] == [(("df",), "df"), (("df",), "df")]


def test_a_loop_is_one_record(book: Notebook) -> None:
    found = book.run("for i in range(10_000):\n    df.at[0, 'b'] = i").operations
    assert [(record.call, record.count, record.line) for record in found] == [("DataFrame.__setitem__", 10_000, 2)]


def test_two_calls_of_one_line_are_two_records(book: Notebook) -> None:
    found = book.run("s = df.a.abs() + df.b.abs()").operations
    assert [record.call for record in found].count("Series.abs") == 2


def test_calls_in_functions_of_earlier_cells_have_the_line_that_called_them(book: Notebook) -> None:
    exec(compile("def clean(d):\n\n\n\n    return d.dropna()", "<earlier>", "exec"), book.variables)
    (found,) = book.run("\nnew = clean(df)").operations
    assert (found.call, found.line) == ("DataFrame.dropna", 2)


def test_an_exception_is_the_users_and_recording_goes_on(book: Notebook) -> None:
    code = "try:\n    df['missing']\nexcept KeyError as error:\n    seen = error\nnew = df.dropna()"
    found = book.run(code).operations
    assert [record.call for record in found] == ["DataFrame.dropna"]
    assert book.variables["seen"].args == ("missing",)


@pytest.mark.filterwarnings("ignore:Passing a BlockManager")  # pandas 2 says so of its own calls
def test_a_subclass_is_recorded_and_stays_itself(book: Notebook) -> None:
    class Special(pd.DataFrame):
        @property
        def _constructor(self):
            return Special

        def fillna(self, *args, **kwargs):
            return super().fillna(*args, **kwargs)

    book.variables["df"] = Special(frame())
    (found,) = book.run("new = df.fillna(0)").operations
    assert (found.call, found.changed) == ("DataFrame.fillna", ("a",))
    assert type(book.variables["new"]) is Special


def test_generators_are_recorded_where_they_run(book: Notebook) -> None:
    found = book.run(
        "def parts():\n    for k in 'xy':\n        yield df[df.k == k]\nnew = pd.concat(parts())"
    ).operations
    assert [record.call for record in found][-1] == "pandas.concat"
    assert found[-1].opaque  # pandas has emptied the generator: nobody can say of what


def test_views_and_edits_of_series(book: Notebook) -> None:
    found = book.run("s = df['b'] * 1\ns[0] = 9\ndf['c'] = s").operations
    assert [record.call for record in found] == [
        "DataFrame.__getitem__",
        "Series.__mul__",
        "Series.__setitem__",
        "DataFrame.__setitem__",
    ]
    assert edges(found[-1]) == value("b>c")


def test_a_series_of_an_earlier_cell_is_an_input_of_its_own(book: Notebook) -> None:
    book.run("s = df.a.rename('q')")
    found = book.run("df['c'] = s * 2").operations[-1]
    assert edges(found) == {"s.q -> c value"}


def test_groups_of_an_earlier_cell_lead_to_their_frame(book: Notebook) -> None:
    book.run("groups = df.groupby('k')")
    found = book.run("new = groups.sum()").operations[-1]
    assert {"df.a -> a value", "df.b -> b value"} <= edges(found)


def test_labels_of_several_levels_and_no_texts(book: Notebook) -> None:
    book.variables["wide"] = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]))
    found = book.run("wide[('b', 1)] = wide[('a', 1)] + 1").operations[-1]
    assert found.added == ("('b', 1)",)
    assert edges(found) == {"wide.('a', 1) -> ('b', 1) value"}


def test_columns_that_are_called_like_parts_of_pandas(book: Notebook) -> None:
    names = ["obj", "agg", "key", "freq", "orig", "_parent", "name", "ndim", "columns", "fn"]
    book.variables["df"] = pd.DataFrame([range(10), range(10)], columns=names)
    found = book.run("new = df[['obj', 'agg', 'name']]\ndf['z'] = df.key + df['ndim']").operations
    assert edges(found[0]) == value("obj>obj", "agg>agg", "name>name")
    assert edges(found[-1]) == value("key>z", "ndim>z")


def test_very_many_columns_are_one_edge(book: Notebook) -> None:
    book.variables["wide"] = pd.DataFrame(np.zeros((2, 1_000)))
    found = book.run("new = wide[wide[3] > 0]").operations[-1]
    assert edges(found) == {"wide.* -> * value", "wide.3 -> * filter"}


def test_no_frame_is_kept_alive(book: Notebook) -> None:
    with book.recorder.recording("<cell>") as found:
        made = frame()
        derived = made.assign(c=made.a / made.b)
        groups = derived.groupby("k")
        groups["c"].mean()
        made.fillna(0, inplace=True)
        watched = [weakref.ref(thing) for thing in (made, derived, groups)]
        del made, derived, groups
        gc.collect()
        assert [reference() for reference in watched] == [None, None, None]
    assert found.operations
    assert not found.objects


def test_objects_of_the_recording_can_be_found_again(book: Notebook) -> None:
    found = book.run("new = df.dropna()")
    assert any(reference() is book.variables["new"] for reference in found.objects.values())


def test_a_failure_of_ours_is_logged_once_and_never_seen(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineageflow_jupyter.lineage.operations_run._complained", False)
    monkeypatch.setattr("lineageflow_jupyter.lineage.operations_drafts.shown", lambda *_: 1 / 0)
    caplog.set_level("INFO")
    with notebook(fails=True, df=frame()) as book:
        found = book.run("first = df.dropna()\nsecond = df.fillna(0)")
    assert (len(book.variables["first"]), len(book.variables["second"])) == (2, 3)
    assert found.operations == ()
    assert [record.levelname for record in caplog.records if record.name == "lineageflow_jupyter"] == ["WARNING"]


def test_names_that_cannot_be_told_cost_no_record() -> None:
    def name(_: int) -> str:
        raise RuntimeError("no names today")

    with notebook(fails=True) as book, book.recorder.recording("<cell>", name=name) as found:
        frame().dropna()
    assert [(record.call, record.output) for record in found.operations] == [
        ("DataFrame", "~1"),
        ("DataFrame.dropna", "~2"),
    ]


def test_a_key_that_failed_is_not_kept(book: Notebook) -> None:
    with book.recorder.recording("<cell>"):
        data = book.variables["df"]
        mask = pd.Series([True, False], index=[7, 8])
        with pytest.raises(TypeError, match="unhashable"):
            data.loc[mask, "a"] = 1
        watched = weakref.ref(mask)
        del mask
        data.dropna()
        gc.collect()
        assert watched() is None
