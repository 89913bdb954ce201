"""Answers that need no id of a repository: which there are, and what is known of a notebook."""

from __future__ import annotations

from dataclasses import asdict

from lineageflow_jupyter import wire
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.server.asking import Surroundings
from lineageflow_jupyter.server.kernels import RunningNotebook
from lineageflow_jupyter.server.parameters import Parameter, Query
from lineageflow_jupyter.server.repositories import Place
from lineageflow_jupyter.server.states import last_states, session_runs
from lineageflow_jupyter.server.tables import is_changed

LANGUAGE = "python"

REPOSITORIES_FIELDS = {"repositories": "id, path and name of each"}
NOTEBOOK_PARAMETERS = (Parameter("path", "the server path of a notebook", required=True),)
NOTEBOOK_FIELDS = {
    "path": "as it was asked",
    "repository": "id of its repository, or null",
    "problem": "why that cannot be used, or null",
    "workspace": "id of its workspace there, or null",
    "head": "branch and latest commit, or null",
    "branch": "the branch it is on, or null",
    "tracked": "whether cells of its kernel, as it runs now, were recorded",
    "kernel": "id of its kernel, or null",
    "offers_loading": "whether loading the magics would help",
    "runs": "how many runs of its latest session were recorded, of the latest 500",
    "dirty": "how many of its datasets differ from what was committed",
    "seen": "cells that the server saw it run, newest last; only where cells are not tracked",
}


def repositories(around: Surroundings, query: Query) -> wire.Document:
    """Repositories that this server knows of."""
    found = around.repositories.discover(around.kernels.folders())
    return {"repositories": [_place(place) for place in found]}


def _place(place: Place) -> wire.Document:
    return {"id": place.id, "path": str(place.root), "name": place.root.name or str(place.root)}


def notebook(around: Surroundings, query: Query) -> wire.Document:
    """What is known of a notebook."""
    path = query.text("path")
    running = around.kernels.of_path(path)
    place = around.place_of_notebook(path)
    told: wire.Document = {
        "path": path,
        "repository": None if place is None else place.id,
        "problem": None,
        "workspace": None,
        "head": None,
        "branch": None,
        "tracked": False,
        "kernel": None if running is None else running.kernel,
        "offers_loading": False,
        "runs": 0,
        "dirty": 0,
        "seen": [],
    }
    loaded = False
    if place is not None:
        try:
            loaded = _ask_repository(around, place, path, running, told)
        except LineageFlowError as problem:  # the kernel is there all the same
            told["problem"] = wire.error(problem)
    sight = None if running is None else around.kernels.sight(running.kernel)
    if running is not None and not told["tracked"]:
        told["seen"] = [] if sight is None else [asdict(run) for run in sight.runs]
        loaded = loaded or (sight is not None and sight.loaded)
        told["offers_loading"] = not loaded and running.language == LANGUAGE
    return told


def _ask_repository(
    around: Surroundings, place: Place, path: str, running: RunningNotebook | None, told: wire.Document
) -> bool:
    """Add what the repository knows of a notebook; whether its kernel has loaded the magics."""
    with around.repositories.opened(place) as opened:
        workspace = around.workspace(opened, path)
    with around.repositories.opened(place, workspace) as opened:
        repository = opened.repository
        branch = repository.head.branch
        versions = repository.versions()
        tip = next(iter(repository.log(limit=1)), None)
        told |= {"branch": branch, "head": {"branch": branch, "commit": None if tip is None else wire.commit(tip)}}
        if workspace is None:
            return False
        runs, last = session_runs(repository, workspace), last_states(repository, workspace)
        told |= {
            "workspace": workspace.id,
            "runs": len(runs),
            "dirty": sum(is_changed(entry, last) is True for entry in versions.values()),
            "tracked": running is not None and bool(runs) and runs[0].started >= running.started,
        }
        return told["tracked"] or (running is not None and running.opened(workspace))
