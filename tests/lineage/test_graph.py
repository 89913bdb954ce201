"""The graph of what came from what: built of records, asked for what lies up- and downstream, and drawn."""

# one record a line is easier to compare

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.lineage.building import graph_of
from lineageflow_jupyter.lineage.drawing import dot, svg, with_operations
from lineageflow_jupyter.lineage.graph import Graph, Node
from lineageflow_jupyter.model.cells import (
    CellRun,
    ColumnEdge,
    External,
    FrameState,
    FrameWrite,
    OperationRecord,
)
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from tests.lineage.notebooks import Notebook
from tests.lineage.test_slices import MADE, OPERATIONS, PANDAS


def oid(text: str) -> ObjectId:
    return object_id(Kind.TABLE, [text.encode()])


def state(text: str, dataset: str = "") -> FrameState:
    """``df@1``: a variable and which table it holds; ``df@``: one that was not looked at."""
    variable, _, table = text.partition("@")
    return FrameState(variable, dataset or variable, oid(table) if table else None, None, 3, 2)


def run(
    number: int,
    reads: str = "",
    writes: str = "",
    operations: Sequence[OperationRecord] = (),
    external: Sequence[External] = (),
    notebook: str = "a.ipynb",
    cell: str = "",
) -> CellRun:
    """A run; in `writes`, ``df@1>2`` is a change and ``df@1>`` a deletion."""
    made = []
    for each in writes.split():
        before, change, after = each.partition(">")
        variable = before.partition("@")[0]
        if not change:
            made.append(FrameWrite(None, state(each)))
        else:
            made.append(FrameWrite(state(before), state(f"{variable}@{after}") if after else None))
    return CellRun(
        f"{notebook}{number}", "", notebook, cell, number, "", "ada", number, 1, "ok",
        tuple(state(each) for each in reads.split()), tuple(made), tuple(external), tuple(operations),
    )  # fmt: skip


def version(graph: Graph, name: str, table: str = "") -> Node:
    found = graph.find(name, table=oid(table).hex() if table else "")
    assert found is not None
    return found


def labels(graph: Graph, kind: str = "") -> list[str]:
    return [node.label for node in graph.nodes.values() if kind in ("", node.kind)]


CHAIN = [
    run(1, writes="raw@1", external=[External("in", "csv", "flights.csv")]),
    run(2, "raw@1", "clean@2"),
    run(3, writes="other@3"),
    run(4, "clean@2", "result@4", external=[External("out", "csv", "result.csv")]),
]


def test_up_and_downstream_of_tables() -> None:
    graph = graph_of(CHAIN)
    up = graph.upstream(version(graph, "clean").id)
    assert labels(up) == ["flights.csv", "a.ipynb [1]", "raw", "a.ipynb [2]", "clean"]
    down = graph.downstream(version(graph, "clean").id)
    assert labels(down) == ["clean", "a.ipynb [4]", "result.csv", "result"]
    with pytest.raises(KeyError):
        graph.upstream("nothing")


def test_a_name_bound_again_is_another_version() -> None:
    graph = graph_of([run(1, writes="df@1"), run(2, "df@1", "df@1>2"), run(3, "df@2", "df@2>1"), run(4, "df@1", "x@5")])
    assert len([node for node in graph.nodes.values() if node.label == "df"]) == 3
    # What held table 1 when x was made is that of run 3, although run 1 had made it too.
    assert labels(graph.upstream(version(graph, "x").id), "run") == [f"a.ipynb [{n}]" for n in (1, 2, 3, 4)]
    assert [node.current for node in graph.nodes.values() if node.label == "df"] == [False, False, True]


def test_a_frame_that_nobody_is_known_to_have_made() -> None:
    graph = graph_of([run(1, "df@1", "x@2"), run(2, "df@1", "y@3")])
    assert labels(graph.downstream(version(graph, "df").id), "version") == ["df", "x", "y"]


def test_a_table_that_goes_into_another_notebook() -> None:
    graph = graph_of(
        [run(1, writes="df@1"), run(1, "df@1", "x@2", notebook="b.ipynb"), run(2, "df@9", "z@3", notebook="b.ipynb")]
    )
    assert labels(graph.upstream(version(graph, "x").id), "run") == ["a.ipynb [1]", "b.ipynb [1]"]
    assert labels(graph.upstream(version(graph, "z").id), "run") == ["b.ipynb [2]"]


def test_frames_without_ids_are_followed_by_name() -> None:
    graph = graph_of([run(1, writes="df@"), run(2, "df@", "x@")])
    assert labels(graph.upstream(version(graph, "x").id), "run") == ["a.ipynb [1]", "a.ipynb [2]"]


def test_a_change_that_no_cell_explains_is_opaque() -> None:
    unseen = FrameWrite(state("df@1"), state("df@2"), seen=False)
    graph = graph_of([run(1, writes="df@1"), replace(run(2), writes=(unseen,)), run(3, "df@2", "x@3")])
    up = graph.upstream(version(graph, "x").id)
    assert labels(up, "run") == ["a.ipynb [1]", "a.ipynb [3]"]
    assert [edge.evidence for edge in up.edges if edge.kind == "step"] == ["opaque"]


def test_what_was_made_of_an_older_input_is_stale_and_what_came_of_it_too() -> None:
    again = run(5, writes="raw@1>9", cell="load")
    graph = graph_of([*CHAIN, again])
    assert {node.label for node in graph.nodes.values() if node.stale} == {
        "clean", "result", "a.ipynb [2]", "a.ipynb [4]", "result.csv",
    }  # fmt: skip
    assert version(graph, "result").stale[0].startswith("raw is ")
    fresh = graph_of([*CHAIN, again, run(6, "raw@9", "clean@2>7"), run(7, "clean@7", "result@4>8")])
    assert version(fresh, "result").stale == ()
    assert version(fresh, "clean").stale == ()


def test_a_frame_that_is_changed_step_by_step_is_not_stale() -> None:
    steps = [run(1, writes="df@1"), run(2, "df@1", "df@1>2 n@5"), run(3, "df@2", "df@2>3")]
    graph = graph_of(steps)
    assert version(graph, "df").stale == ()
    # But what was made of an earlier step is.
    assert version(graph, "n").stale != ()
    assert version(graph_of(steps[:2]), "n").stale == ()


def test_an_input_that_is_as_it_was_again_is_not_stale() -> None:
    graph = graph_of([*CHAIN, run(5, "raw@1", "raw@1>9"), run(6, "raw@9", "raw@9>1")])
    assert not any(node.stale for node in graph.nodes.values())


def test_a_committed_table_that_has_moved_on_makes_stale() -> None:
    heads = {"raw": [oid("1"), oid("8")]}
    assert version(graph_of(CHAIN, heads=heads), "result").stale[0].startswith("raw was committed as ")
    assert version(graph_of(CHAIN, heads={"raw": [oid("0"), oid("1")]}), "result").stale == ()
    assert version(graph_of(CHAIN, heads={"raw": [oid("7"), oid("8")]}), "result").stale == ()


def test_runs_of_a_cell_that_has_run_again_are_old() -> None:
    graph = graph_of([run(1, writes="df@1", cell="c"), run(2, cell="c", writes="df@1>2")])
    assert [node.current for node in graph.nodes.values() if node.kind == "run"] == [False, True]


def test_files_between_runs_make_no_cycle() -> None:
    out, back = External("out", "csv", "t.csv"), External("in", "csv", "t.csv")
    graph = graph_of([run(1, writes="a@1", external=[out]), run(2, writes="b@2", external=[back, out])])
    assert labels(graph.upstream(version(graph, "b").id), "run") == ["a.ipynb [1]", "a.ipynb [2]"]
    assert labels(graph, "file") == ["t.csv", "t.csv"]


VALUE, FILTER = "value", "filter"
FILL = OperationRecord(
    "DataFrame.fillna", 1, inputs=("raw",), output="df", changed=("b",), edges=(ColumnEdge(0, "b", "b", VALUE),)
)
KEEP = OperationRecord(
    "DataFrame.query",
    2,
    inputs=("df",),
    output="df",
    edges=(ColumnEdge(0, "a", "*", FILTER), ColumnEdge(0, "b", "c", VALUE)),
)
COLUMNS = {
    oid("1"): {"a": oid("a1"), "b": oid("b1")},
    oid("2"): {"a": oid("a1"), "b": oid("b2")},
    oid("3"): {"a": oid("a3"), "b": oid("b3"), "c": oid("b2")},
}


def column_graph() -> Graph:
    return graph_of(
        [run(1, writes="raw@1"), run(2, "raw@1", "df@2", [FILL]), run(3, "df@2", "df@2>3", [KEEP])], COLUMNS
    )


def column_edges(graph: Graph) -> set[tuple[str, str, str, str]]:
    shown = {name: node.label for name, node in graph.nodes.items()}
    return {
        (shown[each.source], shown[each.target], each.influence, each.evidence)
        for each in graph.edges
        if each.kind == "column"
    }


def test_columns_are_proved_where_they_are_equal_and_an_operation_was_seen() -> None:
    assert column_edges(column_graph()) == {
        ("raw.b", "df.b", "value", "recorded"),
        ("raw.a", "df.a", "value", "proved"),  # left alone
        ("df.b", "df.c", "value", "proved"),
        ("df.a", "df.a", "filter", "recorded"),
        ("df.a", "df.b", "filter", "recorded"),
        ("df.a", "df.c", "filter", "recorded"),
    }


def test_equal_columns_prove_nothing_without_an_operation() -> None:
    graph = graph_of([run(1, writes="raw@1"), run(2, "raw@1", "df@2")], COLUMNS)
    assert column_edges(graph) == set()


def test_up_and_downstream_of_columns() -> None:
    graph = column_graph()
    c, b = graph.find("df", column="c"), graph.find("raw", column="b")
    assert c is not None
    assert b is not None
    assert labels(graph.upstream(c.id), "column") == ["raw.a", "raw.b", "df.a", "df.b", "df.c"]
    assert labels(graph.upstream(c.id), "operation") == ["DataFrame.fillna", "DataFrame.query"]
    assert labels(graph.downstream(b.id), "column") == ["raw.b", "df.b", "df.c"]


def test_operations_within_one_run_follow_one_another() -> None:
    first = OperationRecord(
        "DataFrame.dropna", 1, inputs=("raw",), output="~1", edges=(ColumnEdge(0, "a", "a", VALUE),)
    )
    second = OperationRecord(
        "DataFrame.assign", 1, inputs=("~1",), output="df", edges=(ColumnEdge(0, "a", "z", VALUE),)
    )
    third = OperationRecord(
        "DataFrame.sort_values", 2, inputs=("df",), output="df", edges=(ColumnEdge(0, "z", "z", VALUE),)
    )
    graph = graph_of([run(1, writes="raw@1"), run(2, "raw@1", "df@2", [first, second, third])])
    z = graph.find("df", column="z")
    assert z is not None
    assert labels(graph.upstream(z.id), "operation") == [each.call for each in (first, second, third)]
    assert labels(graph.upstream(z.id), "column")[0] == "raw.a"
    assert graph.tables().find("df") == version(graph, "df")
    assert not [
        node for node in graph.tables().nodes.values() if node.kind in ("operation", "column") or node.detail("within")
    ]


def test_what_an_operation_did_to_columns_unseen_is_opaque() -> None:
    hidden = replace(FILL, call="DataFrame.apply", opaque=True)
    graph = graph_of([run(1, writes="raw@1"), run(2, "raw@1", "df@2", [hidden])], COLUMNS)
    assert column_edges(graph) == set()
    assert {edge.evidence for edge in graph.edges if edge.kind == "step"} == {"opaque"}


FIT = OperationRecord(
    "LinearRegression.fit", 1, "alpha=1", inputs=("df", "y"), output="model",
    edges=(ColumnEdge(0, "a", "*", VALUE), ColumnEdge(1, "t", "*", VALUE)),
)  # fmt: skip


def test_models_hang_on_what_they_were_fitted_with() -> None:
    runs = [run(1, writes="raw@1 y@6"), run(2, "raw@1", "df@2", [FILL]), run(3, "df@2 y@6", "", [FIT])]
    graph = graph_of(runs, COLUMNS)
    (model,) = [node for node in graph.nodes.values() if node.kind == "model"]
    assert (model.label, model.detail("parameters"), model.stale) == ("LinearRegression", "alpha=1", ())
    a, b = graph.find("raw", column="a"), graph.find("raw", column="b")
    assert a is not None
    assert b is not None
    assert model.id in graph.downstream(a.id).nodes
    assert model.id not in graph.downstream(b.id).nodes
    assert model.id in graph.downstream(version(graph, "raw").id).nodes
    moved = graph_of([*runs, run(4, writes="df@2>9")], COLUMNS)
    assert [node.label for node in moved.nodes.values() if node.kind == "model" and node.stale] == ["LinearRegression"]


NASTY = 'a"b\\c<d>&\n"]; x\x00\x1b</title><script>'


def test_drawings_escape_what_users_type() -> None:
    graph = graph_of(
        [replace(run(1), writes=(FrameWrite(None, replace(state("x@1"), variable=NASTY)),), notebook=NASTY)]
    )
    tree = ElementTree.fromstring(svg(graph))
    assert [each.tag for each in tree.iter() if each.tag.endswith("script")] == []
    assert any("<script>" in (each.text or "") for each in tree.iter())
    unescaped = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot(graph), flags=re.S)
    assert "script" not in unescaped
    assert unescaped.count("\n") == len(graph.nodes) + len(graph.edges) + 3


def test_a_drawing_has_the_colours_of_its_surroundings_and_every_node_once() -> None:
    graph = column_graph()
    tree = ElementTree.fromstring(svg(graph))
    colours = {each.get(name) for each in tree.iter() for name in ("fill", "stroke")} - {None}
    assert colours == {"none", "currentColor"}
    boxes = [
        tuple(int(each.get(name, "")) for name in ("x", "y", "width", "height"))
        for each in tree.iter()
        if each.tag.endswith("rect")
    ]
    assert len(boxes) == len(with_operations(graph).nodes)
    size = int(tree.get("width", "")), int(tree.get("height", ""))
    assert all(0 <= x <= size[0] - wide and 0 <= y <= size[1] - high for x, y, wide, high in boxes)
    for (x1, y1, wide1, high1), (x2, y2, wide2, high2) in combinations(boxes, 2):
        assert x1 + wide1 < x2 or x2 + wide2 < x1 or y1 + high1 < y2 or y2 + high2 < y1, "they overlap"


def test_an_empty_graph_can_be_drawn() -> None:
    graph = graph_of([])
    ElementTree.fromstring(svg(graph))
    assert dot(graph) == "digraph lineage {\n  rankdir=LR;\n}\n"


def test_records_that_contradict_one_another_are_drawn_all_the_same() -> None:
    same = run(1, "a@1", "b@2")
    graph = graph_of([same, replace(same, reads=(state("b@2"),), writes=(FrameWrite(None, state("a@1")),))])
    assert len(graph.upstream(version(graph, "a").id).nodes) == len(graph.nodes)
    ElementTree.fromstring(svg(graph))


def test_json_holds_all_of_it() -> None:
    graph = column_graph()
    read = json.loads(json.dumps(graph.to_dict()))
    assert [node["id"] for node in read["nodes"]] == list(graph.nodes)
    assert len(read["edges"]) == len(graph.edges)
    assert {edge["evidence"] for edge in read["edges"]} == {"proved", "recorded"}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 5)), max_size=10))
def test_every_node_stands_behind_what_it_came_from(steps: list[tuple[str, int]]) -> None:
    """Real notebooks, with names bound again and again: no cycle, and every drawn edge leads to the right."""
    kernel = Notebook()
    kernel.run_all([PANDAS, "k = 1\nxs = []", MADE, "e = df * 2", "def f(x): return x"])
    kernel.run_all([operation.format(n=n) for operation, n in steps])
    graph = graph_of([*kernel.runs, *kernel.runs])
    places = {name: place for place, name in enumerate(graph.nodes)}
    assert all(places[edge.source] < places[edge.target] for edge in graph.edges if edge.source != edge.target)
    starts = re.findall(r'<path d="M(\d+) \d+ C\d+ \d+ \d+ \d+ (\d+) ', svg(graph))
    assert len(starts) == len([edge for edge in graph.edges if edge.kind != "holds"])
    assert all(int(left) < int(right) for left, right in starts)
