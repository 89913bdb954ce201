"""The graph of what the recorder of operations writes: real code, run cell by cell."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.lineage.building import graph_of, without_collector
from lineageflow_jupyter.lineage.drawing import collapsed, svg, with_operations
from lineageflow_jupyter.lineage.graph import Graph, Node
from lineageflow_jupyter.lineage.operations import Recorder
from tests.lineage.notebooks import Notebook

MADE = "df = pd.DataFrame({'a': [1, 2, 3], 'b': [4.0, None, 6.0], 'c': ['x', 'y', 'z']})"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    made.install()
    yield made
    made.uninstall()


@pytest.fixture
def kernel(recorder: Recorder) -> Notebook:
    made = Notebook(recorder=recorder)
    made.run_all(["import pandas as pd", MADE])
    return made


def graph(kernel: Notebook, *, ids: bool = True) -> Graph:
    return graph_of(kernel.runs, kernel.columns if ids else None)


def column(graph: Graph, name: str, label: str) -> Node:
    found = graph.find(name, column=label)
    assert found is not None, (name, label)
    return found


def up(graph: Graph, name: str, label: str) -> set[str]:
    """Edges behind a column, as texts; labels with the cell's number where several states have one name."""
    part = graph.upstream(column(graph, name, label).id)
    return told(part)


def down(graph: Graph, name: str, label: str, made: str = "") -> set[str]:
    nodes = [node for node in graph.nodes.values() if node.kind == "column" and node.label == f"{name}.{label}"]
    (start,) = [node for node in nodes if made in ("", node.detail("made"))]
    return told(graph.downstream(start.id))


def told(part: Graph) -> set[str]:
    return {
        f"{part.labels[edge.source]} -> {part.labels[edge.target]} {edge.influence} {edge.evidence}".replace("  ", " ")
        for edge in part.edges
        if edge.kind != "holds"
    }


def test_a_chain_of_calls_within_a_cell_and_over_cells(kernel: Notebook) -> None:
    kernel.run("clean = df.dropna(subset=['b']).assign(d=lambda t: t.a * t.b)")
    kernel.run("e = clean[clean.a > 1].rename(columns={'d': 'e'})")
    found = up(graph(kernel), "e", "e")
    assert {"df.a -> dropna [3].a value recorded", "df.b -> dropna [3].a filter recorded"} <= found
    assert {"dropna [3].a -> clean.d value recorded", "clean.a -> select [4].d filter recorded"} <= found
    assert "select [4].d -> e.e value recorded" in found
    assert not any("df.c" in each or "clean.c" in each for each in found)


def test_series_and_arrays_that_have_a_name_are_versions_too(kernel: Notebook) -> None:
    kernel.run("y = df.a * 2")
    kernel.run("other = 5")
    kernel.run("df2 = pd.DataFrame({'z': y})")
    assert up(graph(kernel), "df2", "z") == {
        "DataFrame -> df.a recorded",
        "df.a -> y.a value recorded",
        "y.a -> df2.z value recorded",
    }


def test_a_name_that_was_bound_to_what_nobody_saw_tells_nothing(kernel: Notebook) -> None:
    kernel.run("y = df.a * 2")
    kernel.run("y = eval('type(y)([7, 8, 9])')")
    kernel.runs[-1] = replace(kernel.runs[-1], operations=())
    kernel.run("df2 = pd.DataFrame({'z': y})")
    found = up(graph(kernel), "df2", "z")
    assert not any("df.a" in each for each in found)
    (unseen,) = [node for node in graph(kernel).nodes.values() if node.label == "y" and node.detail("note")]
    assert unseen.detail("note") == "where it came from was not seen"


def test_what_an_edit_left_alone_is_followed_through_it(kernel: Notebook) -> None:
    kernel.run("df['d'] = df.a + 1")
    kernel.run("df['e'] = df.b")
    kernel.run("out = df[['c']]")
    proved = up(graph(kernel), "out", "c")
    assert proved == {
        "DataFrame -> df.c [2] recorded",
        "df.c [2] -> df.c [3] value proved",
        "df.c [3] -> df.c [4] value proved",
        "df.c [4] -> out.c value proved",
    }
    # Without the ids it is as it was recorded, and as complete.
    assert up(graph(kernel, ids=False), "out", "c") == {each.replace("proved", "recorded") for each in proved}
    assert "df.c [4] -> out.c value proved" in down(graph(kernel), "df", "c", "2")


def test_a_column_that_changed_beside_an_edit_of_another_is_opaque(kernel: Notebook) -> None:
    block = "next(block for block in df._mgr.blocks if block.values.dtype == 'int64')"
    kernel.run(f"df['d'] = 'new'\n{block}.values[0, 0] = 9")
    assert kernel.names["df"]["a"].tolist() == [9, 2, 3]
    assert up(graph(kernel), "df", "a") == {"DataFrame -> df.a [2] recorded", "df.a [2] -> df.a [3] value opaque"}


def test_a_call_that_nobody_can_look_into(kernel: Notebook) -> None:
    kernel.run("def f(row): return sum(map(str, row), '')")
    kernel.run("out = df.apply(lambda row: [str(x) for x in row], axis=1).to_frame('t')")
    kernel.run("last = out.assign(u=1)")
    found = graph(kernel)
    behind = down(found, "df", "c")
    assert any(each.startswith("df.c -> DataFrame.apply") and each.endswith("opaque") for each in behind)
    assert "last" in " ".join(behind)
    before = up(found, "last", "t")
    assert any("df -> DataFrame.apply" in each and each.endswith("opaque") for each in before)


def test_a_frame_of_which_no_call_tells_may_be_of_all_that_the_run_read(kernel: Notebook) -> None:
    kernel.run("import copy\nother = copy.deepcopy(df)\nother.attrs['x'] = 1")
    kernel.runs[-1] = replace(kernel.runs[-1], operations=())
    kernel.run("out = other[['a']]")
    found = up(graph(kernel), "out", "a")
    assert {"df.a -> other.a value opaque", "other.a -> out.a value proved"} <= found
    without = up(graph(kernel, ids=False), "out", "a")
    assert {"df -> a.ipynb [3] opaque", "a.ipynb [3] -> other.a opaque"} <= {
        each.replace("recorded", "opaque") for each in without
    }
    assert "other" in " ".join(down(graph(kernel, ids=False), "df", "b"))


def test_loops_and_functions(kernel: Notebook) -> None:
    kernel.run("for n in range(3):\n    part = df.assign(k=df.a * n)\n    df = part.drop(columns=['k'])")
    kernel.run("def add(frame):\n    frame['s'] = frame.a + 1\n    return frame\ndf = add(df)")
    found = up(graph(kernel), "df", "s")
    assert any(each.startswith("df.a") and "df.s value recorded" in each for each in found)


def test_objects_of_which_nothing_came_are_left_out(kernel: Notebook) -> None:
    kernel.run("df.a.sum()\ndf.head()\ndf[df.a > 1].describe()")
    kernel.run("out = df[['a']]")
    assert down(graph(kernel), "df", "a") == {"df.a -> out.a value proved"}


STEPS = [
    "df = df.dropna()",
    "df['a'] = df.a + {n}",
    "df = df.copy()",
    "df = df[df.a > {n}]",
    "e = df.sort_values('a')",
    "df = e.merge(df[['a']].drop_duplicates(), on='a')",
    "y = df.a\ndf['z{n}'] = y",
    "df = pd.concat([df, e]).reset_index(drop=True)",
    "for k in range({n}):\n    df = df.assign(w=df.a * k)\n    e = df.drop(columns=['w'])",
    "e = df",
    "df, e = e, df",
    "df.loc[0:{n}, 'b'] = df.a",
    "s = df.groupby('a').b.sum()\ndf['g'] = df.a.map(s)",
    "df = df.apply(lambda row: row, axis=1)",
]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), max_size=6))
def test_no_cycles_and_proofs_only_of_equal_columns(recorder: Recorder, steps: list[tuple[str, int]]) -> None:
    kernel = Notebook(recorder=recorder)
    kernel.run_all(["import pandas as pd", MADE, "e = df * 2", *(step.format(n=n) for step, n in steps)])
    found = graph(kernel)
    for part in (found, with_operations(found), collapsed(with_operations(found), most=12)):
        places = {name: place for place, name in enumerate(part.nodes)}
        assert all(places[edge.source] < places[edge.target] for edge in part.edges)
    tables = {node.id: node.detail("table") for node in found.nodes.values() if node.kind == "version"}
    ids = {table.hex(): columns for table, columns in kernel.columns.items()}

    def held(name: str) -> object:
        node = found.nodes[name]
        return ids[tables[node.detail("version")]][node.detail("column")]

    for edge in found.edges:
        if edge.evidence == "proved":
            assert edge.by
            assert held(edge.source) == held(edge.target)
    assert svg(found).startswith("<svg")


@pytest.mark.parametrize("on", [True, False])
def test_the_cycle_collector_is_afterwards_as_it_was(on: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(KeyError), without_collector():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == on
    finally:
        (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("target", [("e", "e"), ("y", ""), ("df", "d")])
def test_columns_of_the_runs_on_the_way_are_enough(kernel: Notebook, target: tuple[str, str]) -> None:
    kernel.run("y = df.a * 2")
    kernel.run("apart = df[['c']].drop_duplicates()")
    kernel.run("df['d'] = y + df.b")
    kernel.run("e = df.dropna().sort_values('a').rename(columns={'d': 'e'})")
    kernel.run("late = e[e.e > 2]")
    whole = graph_of(kernel.runs, kernel.columns)
    bare = [replace(run, operations=tuple(replace(o, edges=()) for o in run.operations)) for run in kernel.runs]
    outline = graph_of(bare, told=())
    assert not [node for node in outline.nodes.values() if node.kind == "column"]
    name, label = target
    start = outline.find(name)
    assert start is not None
    way = {node.detail("run") or node.id.partition(":")[2] for node in outline.upstream(start.id).nodes.values()}
    assert kernel.runs[-1].run not in way
    runs = [full if full.run in way else short for full, short in zip(kernel.runs, bare, strict=True)]
    part = graph_of(runs, kernel.columns, told=way)
    assert up(part, name, label) == up(whole, name, label) != set()
