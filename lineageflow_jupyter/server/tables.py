"""Answers about datasets: what there are, some rows, what differs, where values come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter import wire
from lineageflow_jupyter.diffing import DatasetDiffs, TableDiff
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.revisions import split_range
from lineageflow_jupyter.server.asking import DATASET, NOTEBOOK, REVISION, Asked, Route, chosen, rows
from lineageflow_jupyter.server.diff_pages import KINDS, DiffPages
from lineageflow_jupyter.server.parameters import Parameter, Query
from lineageflow_jupyter.server.states import last_states

USUAL_SAMPLE, USUAL_ROWS, MOST_ROWS = 20, 100, 1_000
"""Rows of a page."""
MOST_CELLS = 50_000
"""Cells that a page tells at most: of wide tables it has fewer rows."""
MOST_COLUMNS = 10_000

_COLUMNS = Parameter(
    "most", "how many columns of each dataset are listed at most", "number", 200, lowest=0, highest=MOST_COLUMNS
)


def datasets(asked: Asked) -> wire.Document:
    """Datasets of a revision: shape, size, key, columns, and with a notebook whether its frame is another one now."""
    repository, query = asked.repository, asked.query
    revision, wanted = query.text("revision"), query.text("dataset")
    versions = repository.versions(revision)
    if wanted and wanted not in versions:
        raise UnknownName(f"there is no dataset {wanted!r} at {revision!r}", remedy=f"There are {', '.join(versions)}")
    last = last_states(repository, asked.workspace) if asked.workspace is not None else {}
    return {
        "datasets": [
            _dataset(asked, f"{revision}:{name}", entry, last)
            for name, entry in versions.items()
            if not wanted or name == wanted
        ],
        "commit": repository.resolve(revision).id.hex() if versions else None,
    }


def _dataset(asked: Asked, place: str, entry: TreeEntry, last: Mapping[str, FrameState | None]) -> wire.Document:
    schema, most = wire.schema(asked.repository.schema(place)), asked.query.number("most")
    sizes = asked.opened.sizes
    if entry.table not in sizes:
        sizes[entry.table] = asked.repository.stored_bytes(place)
    columns = schema["columns"]
    return {
        "name": entry.dataset,
        "rows": schema["shape"]["rows"],
        "columns": schema["shape"]["columns"],
        "bytes": sizes[entry.table],
        "key": schema["key"],
        "schema": columns[:most],
        "columns_in_all": len(columns),
        "library": schema["library"],
        "table": entry.table.hex(),
        "changed": is_changed(entry, last),
    }


def is_changed(entry: TreeEntry, last: Mapping[str, FrameState | None]) -> bool | None:
    """Whether a notebook's frame is another one than a version; None where it holds none, or that cannot be told."""
    state = last.get(entry.dataset)
    if state is None or state.table is None:
        return None
    return (state.table, state.frame) != (entry.table, entry.frame)


def sample(asked: Asked) -> wire.Document:
    """Some rows of a dataset, as texts."""
    query = asked.query
    names = query.texts("columns")
    start, stop = _rows(query, min(len(names) or MOST_COLUMNS, query.number("most")), USUAL_SAMPLE)
    found = asked.repository.texts(
        asked.place(),
        start=start,
        stop=stop,
        columns=names or None,
        most=query.number("most"),
    )
    return wire.table_texts(found)


def _rows(query: Query, columns: int, usual: int) -> tuple[int, int]:
    """Where a page of rows begins, and where it ends at the latest."""
    start = query.number("start")
    stop = query.number("stop") or start + usual
    if stop < start:
        raise UsageProblem(f"rows {start} to {stop} are no range", remedy="Give a 'stop' that is not before 'start'")
    return start, min(stop, start + MOST_ROWS, start + max(1, MOST_CELLS // max(columns, 1)))


def diff(asked: Asked) -> wire.Document:
    """What differs between two revisions: counts of all datasets, or one dataset with a page of its rows."""
    query = asked.query
    key, found = _diffs(asked)
    if not query.text("dataset"):
        return {
            "datasets": [
                {
                    "dataset": name,
                    "schema": wire.schema_diff(each.schema),
                    "summary": wire.diff_summary(each.summary),
                }
                for name, each in found.items()
            ]
        }
    name = query.text("dataset")
    if name not in found:
        return {"datasets": [], "equal": name}
    return _page(asked, key, found[name])


def _page(asked: Asked, key: Any, found: TableDiff) -> wire.Document:
    query, kept = asked.query, asked.opened
    kind, column, most = query.text("kind"), query.text("column"), query.number("most")
    shown = (key, kind, column)
    pages = kept.kept.get(shown) or kept.keep(shown, DiffPages.of(found, kind, column))
    page = pages.page(*_rows(query, most, USUAL_ROWS), most)
    return wire.diff(found.dataset, found.by, found.key, found.schema, found.summary, page)


def _diffs(asked: Asked) -> tuple[Any, DatasetDiffs]:
    """Diffs of a request, and a key to them; the last ones are kept, since pages of one follow each other."""
    query, repository = asked.query, asked.repository
    a, b = query.text("a"), query.text("b")
    ends: tuple[str, ...]
    if split_range(a) is None and ":" not in f"{a}{b}" and "@{" not in f"{a}{b}":
        ends = (repository.resolve(a).id.hex(), repository.resolve(b or "HEAD").id.hex())
    else:
        ends = (repository.state(), a, b)
    key = (ends, query.text("dataset"))
    found = asked.opened.kept.get(key)
    if found is None:
        named = None if ":" in a else chosen(query.text("dataset"))  # `REV:DATASET` names it itself
        found = asked.opened.keep(key, repository.diff(a, b or None, datasets=named))
    return key, found


def blame(asked: Asked) -> wire.Document:
    """Where values of a dataset come from."""
    query = asked.query
    columns = query.texts("columns")
    names = columns or asked.repository.column_names(asked.place())[: query.number("most")]
    numbers = slice(*_rows(query, len(names), USUAL_ROWS))
    found = asked.repository.blame(asked.place(), columns=names, rows=numbers)
    return dict(found.to_json())


ROUTES = (
    Route(
        "datasets",
        "datasets of a revision, with shapes, sizes and columns",
        datasets,
        (REVISION, Parameter("dataset", "only this dataset"), _COLUMNS, NOTEBOOK),
        {
            "datasets": "name, rows, columns, bytes, key, schema, and `changed`: whether the notebook's frame differs",
            "commit": "the commit of the revision, or null",
        },
    ),
    Route(
        "sample",
        "some rows of a dataset as texts",
        sample,
        (
            REVISION,
            DATASET,
            *rows(USUAL_SAMPLE, MOST_ROWS),
            Parameter("columns", "only these columns", "texts", ()),
            Parameter("most", "how many columns at most", "number", 100, lowest=1, highest=MOST_COLUMNS),
            NOTEBOOK,
        ),
        {
            "dataset": "its name",
            "rows_in_all": "how many it has",
            "columns_in_all": "how many it has, index levels included",
            "columns": "those that are told",
            "start": "number of the first row",
            "rows": "texts, or null, of each row",
        },
    ),
    Route(
        "diff",
        "what differs between two revisions",
        diff,
        (
            Parameter("a", "the older revision, a range, or `REV:DATASET`", default="HEAD~1"),
            Parameter("b", "the newer revision, HEAD by default"),
            Parameter("dataset", "only this dataset, with a page of its rows"),
            Parameter("kind", "only rows of this kind", choices=("", *KINDS)),
            Parameter("column", "only rows in which this column differs"),
            *rows(USUAL_ROWS, MOST_ROWS),
            Parameter("most", "how many columns at most: keys and those that differ first", "number", 100, lowest=1),
            NOTEBOOK,
        ),
        {
            "datasets": "without a dataset: counts of each that differs",
            "equal": "the dataset that was asked for, where it does not differ",
            "dataset": "its name",
            "by": "what rows were matched by",
            "key": "columns that identify rows",
            "schema": "how columns differ",
            "summary": "counts of rows and cells",
            "page": "rows that differ",
        },
    ),
    Route(
        "blame",
        "the commit that gave each value of some rows",
        blame,
        (
            REVISION,
            DATASET,
            Parameter("columns", "only these columns", "texts", ()),
            *rows(USUAL_ROWS, MOST_ROWS),
            Parameter("most", "how many columns at most, where none are named", "number", 50, lowest=1, highest=500),
            NOTEBOOK,
        ),
        {
            "dataset": "its name",
            "commit": "the commit at which it was looked up",
            "columns": "those that are told",
            "rows": "numbers of the rows",
            "commits": "those that gave values, with how many",
            "codes": "by column, of each row: the place of its commit among these",
        },
    ),
)
