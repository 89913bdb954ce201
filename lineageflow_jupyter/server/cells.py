"""Answers about cells: their runs, lineage, models, and what is found by a word."""

from __future__ import annotations

from collections.abc import Iterator

from lineageflow_jupyter import wire
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.model.cells import CellRun
from lineageflow_jupyter.server.asking import NOTEBOOK, REVISION, Asked, Route, chosen, limit
from lineageflow_jupyter.server.parameters import Parameter

MOST_RUNS = 1_000
SEARCHED_RUNS = 2_000
"""So many of the latest cell runs are searched."""
SEARCHED_COLUMNS = 100_000
"""So many columns at most are looked at for a word."""
MOST_LINE = 200
"""Characters of a line of code that was found."""


def runs(asked: Asked) -> wire.Document:
    """Cell runs, newest last: the latest, those before one, or those after one."""
    query, repository = asked.query, asked.repository
    after, before, most = query.number("after"), query.number("before"), query.number("limit")
    if after and before:
        raise UsageProblem("both 'after' and 'before' are given", remedy="Give one of them")
    workspace = None if asked.workspace is None else asked.workspace.id
    notebook = asked.around.paths.file(query.text("notebook")) if query.text("notebook") and not workspace else None
    if after:
        found = list(repository.cell_runs_after(after, workspace=workspace, notebook=notebook, limit=most + 1))
        more, found = len(found) > most, found[:most]
        next_page = found[-1].sequence if more else None
    else:
        found = list(
            repository.cell_runs(workspace=workspace, notebook=notebook, before=before or None, limit=most + 1)
        )
        more, found = len(found) > most, found[:most][::-1]
        next_page = found[0].sequence if more else None
    return {"runs": [wire.cell_run(run) for run in found], "next": next_page}


def lineage(asked: Asked) -> wire.Document:
    """What a frame or a column came from, or what came of it; without a name the whole graph, or that of a notebook."""
    query = asked.query
    name = chosen(query.text("name"))
    if name is None and query.text("column"):
        raise UsageProblem("a 'column' is given without a 'name'", remedy="Name the dataset or variable too")
    workspace = asked.workspace.id if asked.workspace is not None and name is None else None
    if query.text("notebook") and asked.workspace is None and name is None:
        return {"start": [], "down": False, "nodes": [], "edges": []}  # no cell of it was recorded
    found = asked.repository.lineage(
        name, column=chosen(query.text("column")), down=query.text("direction") == "down", workspace=workspace
    )
    return found.to_dict()


def models(asked: Asked) -> wire.Document:
    """Models that cells have fitted, the latest last."""
    return {"models": [wire.model(each) for each in asked.repository.models()]}


def search(asked: Asked) -> wire.Document:
    """Datasets, columns, commits and cells in which a word is."""
    query, repository = asked.query, asked.repository
    word, most = query.text("q").strip(), query.number("limit")
    if not word:
        raise UsageProblem("the parameter 'q' is empty", remedy="Give a word to look for")
    part = word.casefold()
    names = repository.dataset_names(query.text("revision"))
    return {
        "q": word,
        "datasets": [name for name in names if part in name.casefold()][:most],
        "columns": list(_columns(asked, part, most)),
        "commits": [wire.commit(record) for record in repository.log(text=word, everything=True, limit=most)],
        "cells": list(_cells(asked, part, most)),
        "runs_searched": SEARCHED_RUNS,
    }


def _columns(asked: Asked, part: str, most: int) -> Iterator[wire.Document]:
    revision, found, looked = asked.query.text("revision"), 0, 0
    for dataset in asked.repository.dataset_names(revision):
        names = asked.repository.column_names(f"{revision}:{dataset}", levels=True)
        looked += len(names)
        for name in names:
            if part in name.casefold():
                found += 1
                yield {"dataset": dataset, "column": name}
            if found == most:
                return
        if looked > SEARCHED_COLUMNS:
            return


def _cells(asked: Asked, part: str, most: int) -> Iterator[wire.Document]:
    """The latest run of each cell in whose code or variables the word is, newest first."""
    found: set[tuple[str, str]] = set()
    for run in asked.repository.cell_runs(limit=SEARCHED_RUNS):
        line = _line(run, part)
        cell = (run.notebook, run.cell or run.run)
        if line is None or cell in found:
            continue
        found.add(cell)
        yield {
            "run": run.run,
            "notebook": asked.around.paths.path(run.notebook),
            "cell": run.cell,
            "number": run.number,
            "line": line,
            **wire.moment(run.started),
        }
        if len(found) == most:
            return


def _line(run: CellRun, part: str) -> str | None:
    """The first line of a cell that the word is in; ``""`` where it is only among its variables."""
    for line in (run.code or "").splitlines():
        if part in line.casefold():
            return line.strip()[:MOST_LINE]
    states = [*run.reads, *(state for write in run.writes for state in (write.before, write.after) if state)]
    names = (name for state in states for name in (state.variable, state.dataset))
    return "" if any(part in name.casefold() for name in names) else None


ROUTES = (
    Route(
        "runs",
        "cell runs, newest last, with what they read, wrote and called",
        runs,
        (
            NOTEBOOK,
            Parameter("after", "only runs with a greater sequence: the oldest of these", "number", 0),
            Parameter("before", "only runs with a smaller sequence: the newest of these", "number", 0),
            limit(100, MOST_RUNS),
        ),
        {"runs": "the runs", "next": "`before`, or with `after` that, of the next page; null: there is none"},
    ),
    Route(
        "lineage",
        "what frames and columns came from, or what came of them",
        lineage,
        (
            Parameter("name", "a dataset, a variable or `REV:DATASET`; all by default"),
            Parameter("column", "a column of it"),
            Parameter("direction", "where to go from it", default="up", choices=("up", "down")),
            NOTEBOOK,
        ),
        {"start": "nodes that were asked for", "down": "the direction", "nodes": "the nodes", "edges": "the edges"},
    ),
    Route("models", "models that cells have fitted, the latest last", models, (), {"models": "the models"}),
    Route(
        "search",
        "datasets, columns, commits and cells in which a word is",
        search,
        (Parameter("q", "the word", required=True), REVISION, limit(20, 100), NOTEBOOK),
        {
            "q": "the word",
            "datasets": "names",
            "columns": "with their datasets",
            "commits": "by their messages",
            "cells": "by code and variables, the latest run of each",
            "runs_searched": "how many of the latest runs were looked at, at most",
        },
    ),
)
