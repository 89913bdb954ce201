"""What a request asks, as the functions that answer see it: an open repository, a notebook, checked values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineageflow_jupyter import wire
from lineageflow_jupyter.config import settings
from lineageflow_jupyter.errors import NotARepository, UnknownName
from lineageflow_jupyter.model.records import WorkspaceRecord
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.server.kernels import Kernels, workspace_of
from lineageflow_jupyter.server.parameters import Parameter, Query
from lineageflow_jupyter.server.paths import ServerPaths
from lineageflow_jupyter.server.repositories import Opened, Place, Repositories


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the server knows: its files, repositories and kernels."""

    paths: ServerPaths
    repositories: Repositories
    kernels: Kernels

    def place(self, name: str) -> Place:
        """Place of a repository, by its id; looked for again where it is not known yet.

        Raises
        ------
        NotARepository
            If there is none.
        """
        try:
            return self.repositories.place(name)
        except NotARepository:
            self.repositories.discover(self.kernels.folders())
            return self.repositories.place(name)

    def place_of_notebook(self, path: str) -> Place | None:
        """Repository of a notebook: in its folder or above; only where that folder is the server's to show."""
        running = self.kernels.of_path(path)
        folder = Path(self.paths.file(path)).parent
        if running is None and not self.paths.holds(folder):  # a link that leads elsewhere
            return None
        return self.repositories.at(folder)

    def workspace(self, opened: Opened, path: str) -> WorkspaceRecord | None:
        """Workspace of a notebook in a repository that is open; None where it has none there."""
        found, running, file = settings(), self.kernels.of_path(path), self.paths.file(path)
        known = opened.workspaces()
        own = workspace_of(known, running, file, found.user, found.host)
        if own is not None:
            return own
        # One that was given a name of its own, or was opened on another machine, is known by its cells.
        runs = opened.repository.cell_runs(notebook=file if running is None else running.first_file, limit=1)
        return next((each for each in known if runs and each.id == runs[0].workspace), None)


@dataclass(slots=True)
class Asked:
    """One request about a repository.

    Parameters
    ----------
    around : Surroundings
        What the server knows.
    opened : Opened
        The repository, with the HEAD of the notebook that is asked for, if one is.
    workspace : WorkspaceRecord or None
        Workspace of that notebook.
    query : Query
        Checked parameters.
    rest : str
        What the address says behind the name of the route, such as the id of a commit.
    """

    around: Surroundings
    opened: Opened
    workspace: WorkspaceRecord | None
    query: Query
    rest: str = ""

    @property
    def repository(self) -> Repository:
        """The repository."""
        return self.opened.repository

    def place(self, revision: str = "revision", dataset: str = "dataset") -> str:
        """``REV:DATASET`` of two parameters."""
        return f"{self.query.text(revision)}:{self.query.text(dataset)}"


NOTEBOOK = Parameter("notebook", "the server path of a notebook: whose HEAD, and whose cells")
REVISION = Parameter("revision", "a revision, as `%lf` takes it", default="HEAD")
DATASET = Parameter("dataset", "the name of a dataset", required=True)


def limit(default: int, highest: int) -> Parameter:
    """How many entries a page has at most."""
    return Parameter("limit", "how many entries at most", "number", default, lowest=1, highest=highest)


def rows(usual: int, most: int) -> tuple[Parameter, Parameter]:
    """Rows of a page."""
    return (
        Parameter("start", "the first row", "number", 0),
        Parameter(
            "stop", f"the row behind the last one; by default {usual} rows are told, and at most {most}", "number", 0
        ),
    )


Answer = Callable[[Asked], wire.Document]


@dataclass(frozen=True, slots=True)
class Route:
    """One question about a repository: ``lineageflow/repositories/ID/NAME``.

    Parameters
    ----------
    name : str
        Its name in addresses.
    summary : str
        What it tells, for the description.
    answer : callable
        Answers it; on a thread.
    parameters : tuple of Parameter
        What it takes.
    fields : mapping of str to str
        What the answer holds, by name.
    rest : str
        Name of what the address says behind the route's name; ``""``: nothing.
    """

    name: str
    summary: str
    answer: Answer
    parameters: tuple[Parameter, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    rest: str = ""


@contextmanager
def asked(around: Surroundings, route: Route, name: str, query: Query, rest: str) -> Iterator[Asked]:
    """Open what a request is about.

    Raises
    ------
    NotARepository
        If there is no such repository.
    UnknownName
        If it is about a notebook that has nothing to do with the repository.
    """
    place = around.place(name)
    notebook = str(query.values.get("notebook") or "")
    with around.repositories.opened(place) as opened:
        workspace = around.workspace(opened, notebook) if notebook else None
        if workspace is None:
            if notebook and around.place_of_notebook(notebook) not in (place, None):
                raise UnknownName(
                    f"{notebook!r} is a notebook of another repository", remedy="Ask for the repository of its folder"
                )
            yield Asked(around, opened, None, query, rest)
            return
    with around.repositories.opened(place, workspace) as own:
        yield Asked(around, own, workspace, query, rest)


def chosen(value: Any) -> Any:
    """Value of a parameter that may be left out: None instead of nothing."""
    return value or None
