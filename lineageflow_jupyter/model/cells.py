"""What is recorded of a notebook's cells: which frames a run read and wrote, what it called, what came from outside.

A *cell run* is one execution of one cell. A *frame state* is what a variable held at one moment, as the ids of its
table and of its description. Of calls only the outermost is recorded: an *operation*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from blake3 import blake3

from lineageflow_jupyter.model.ids import ObjectId

Influence = Literal["value", "filter", "key", "order"]
"""How a column fed another: its values went in, chose rows, matched or grouped rows, or ordered them."""

OK = "ok"
"""Outcome of a run that raised nothing; else it is the name of the exception's class."""


@dataclass(frozen=True, slots=True)
class FrameState:
    """What a variable held at one moment.

    Parameters
    ----------
    variable : str
        How the notebook calls it: a name, or an expression such as ``frames['jan']`` or ``model.data``.
    dataset : str
        The dataset that the variable stood for.
    table, frame : ObjectId or None
        Ids of the table and of its description; None where they were not computed, and then `note` says why.
    rows, columns : int
        Its shape; index levels that are stored count as columns.
    nulls : int
        Missing values (null and NaN) in all columns.
    note : str
        Why ids or data are missing; ``""`` where nothing is.
    kept : bool
        Whether a snapshot was kept of it; snapshots expire.
    """

    variable: str
    dataset: str
    table: ObjectId | None
    frame: ObjectId | None
    rows: int
    columns: int
    nulls: int = 0
    note: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True)
class FrameWrite:
    """A frame that a cell run changed, made or deleted.

    Parameters
    ----------
    before, after : FrameState or None
        What the variable held before and after the run; None: nothing that is a frame.
    seen : bool
        False: the change was found at a later look, and no tracked cell explains it.
    """

    before: FrameState | None
    after: FrameState | None
    seen: bool = True


@dataclass(frozen=True, slots=True)
class External:
    """Something outside the notebook that a run read or wrote.

    Parameters
    ----------
    direction : str
        ``"in"`` or ``"out"``.
    kind : str
        Such as ``"csv"``, ``"parquet"``, ``"sql"``, ``"http"``.
    location : str
        Path, URL or statement, without secrets.
    size : int or None
        Bytes, where that is known.
    digest : str or None
        BLAKE3 of the content in hexadecimal, where that was computed.
    line : int or None
        Line of the cell, from 1.
    """

    direction: Literal["in", "out"]
    kind: str
    location: str
    size: int | None = None
    digest: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ColumnEdge:
    """One column that fed another in an operation.

    Parameters
    ----------
    source : int
        Which of the operation's inputs, from 0.
    column : str
        Column of that input; ``"*"``, with a target of ``"*"``: each column fed the one of its own name. Only for
        frames of very many columns; of all others each is named.
    target : str
        Column of the output; ``"*"``: all of them, as a filter or an order feeds all.
    influence : str
        How.
    """

    source: int
    column: str
    target: str
    influence: Influence


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One outermost call of a library of frames or models within a cell run.

    Parameters
    ----------
    call : str
        Such as ``"DataFrame.fillna"`` or ``"LinearRegression.fit"``.
    line : int or None
        Line of the cell, from 1; None where the call came from elsewhere.
    parameters : str
        Arguments as short text, without secrets.
    inputs : tuple of str
        How the notebook calls the frames that went in; ``""`` for those without a name. ``~1``, ``~2``… are objects
        without a name that stay recognizable within the run: what one call gave and the next took.
    output : str
        How it calls what came out, as in `inputs`; ``""`` where nothing came out that is a frame, Series or model.
    rows_in, rows_out : int or None
        Rows of the first input and of the output.
    added, dropped, changed : tuple of str
        Columns.
    nulls_in, nulls_out : int or None
        Missing values in the first input and in the output, where they were counted.
    edges : tuple of ColumnEdge
        Which columns fed which; empty and `opaque`: that could not be seen.
    opaque : bool
        Whether columns cannot be told.
    count : int
        How many calls of one place in the code this stands for.
    model : str
        How the notebook calls the model that was fitted, asked or judged, as in `inputs`; ``""``: none was.
    metric : str
        Name of the number that came out, such as ``"score"`` or ``"mean_squared_error"``; ``""``: none did.
    value : float or None
        That number; of several calls the last one's. None where none came out, or one that is not finite.
    """

    call: str
    line: int | None
    parameters: str = ""
    inputs: tuple[str, ...] = ()
    output: str = ""
    rows_in: int | None = None
    rows_out: int | None = None
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    nulls_in: int | None = None
    nulls_out: int | None = None
    edges: tuple[ColumnEdge, ...] = ()
    opaque: bool = False
    count: int = 1
    model: str = ""
    metric: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class CellRun:
    """One execution of one notebook cell.

    Parameters
    ----------
    run : str
        Random id, 32 hexadecimal digits.
    workspace : str
        Id of the workspace; ``""``: none.
    notebook : str
        Path of the notebook or script.
    cell : str
        Stable id of the cell; ``""`` where the front end gives none.
    number : int or None
        Execution count.
    code : str or None
        Its source; None where capturing it is switched off.
    user : str
        Who ran it.
    started, duration : int
        Microseconds; `started` since 1970-01-01 UTC.
    outcome : str
        ``"ok"``, or the name of the exception's class.
    reads : tuple of FrameState
        Frames that it used, as they were before it ran.
    writes : tuple of FrameWrite
        Frames that it changed.
    external : tuple of External
        What came from outside, and went there.
    operations : tuple of OperationRecord
        In the order of their first calls.
    opaque : tuple of str
        Why reads or writes may be incomplete, such as ``"exec"``.
    environment : str
        Id of the environment; ``""`` where none was recorded.
    sequence : int
        Place in the catalog's log, increasing; 0 before it is recorded.
    session : str
        Random id of the kernel process that ran it: its variables live and die together. ``""`` where that is unknown.
    """

    run: str
    workspace: str
    notebook: str
    cell: str
    number: int | None
    code: str | None
    user: str
    started: int
    duration: int
    outcome: str
    reads: tuple[FrameState, ...] = ()
    writes: tuple[FrameWrite, ...] = ()
    external: tuple[External, ...] = ()
    operations: tuple[OperationRecord, ...] = ()
    opaque: tuple[str, ...] = ()
    environment: str = ""
    sequence: int = 0
    session: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What code ran in.

    Parameters
    ----------
    python : str
        Version of Python.
    packages : mapping of str to str
        Versions of installed packages, by name.
    git : str or None
        Commit of the Git repository around the notebook; None outside one.
    dirty : bool
        Whether that had uncommitted changes.
    """

    python: str
    packages: Mapping[str, str] = field(default_factory=dict)
    git: str | None = None
    dirty: bool = False

    @property
    def id(self) -> str:
        """Its id: BLAKE3-256 of its JSON in hexadecimal, the same for equal environments.

        Examples
        --------
        >>> one, same = Environment("3.12.1", {"a": "1", "b": "2"}), Environment("3.12.1", {"b": "2", "a": "1"})
        >>> one.id == same.id, one.id == Environment("3.12.2").id
        (True, False)
        """
        said = [self.python, sorted(self.packages.items()), self.git, self.dirty]
        return blake3(json.dumps(said, separators=(",", ":")).encode("ascii")).hexdigest()


Use = Literal["read", "before", "after"]
"""How a run met a table: it read it, or held it before or after in what it changed, made or deleted."""


@dataclass(frozen=True, slots=True)
class TableUse:
    """That a cell run read or wrote a table.

    Parameters
    ----------
    sequence : int
        Place of the run in the log.
    run : str
        Its id.
    dataset : str
        What the table was a state of.
    use : str
        ``"read"``, ``"before"`` or ``"after"``.
    """

    sequence: int
    run: str
    dataset: str
    use: Use


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which cell runs are wanted: those to which all of this applies.

    Parameters
    ----------
    workspace, notebook, cell : str, optional
        Where they ran.
    number : int, optional
        Their execution count.
    dataset : str, optional
        They read or wrote it.
    written : bool
        Of `dataset`: only those that wrote it, which includes deleting it.
    """

    workspace: str | None = None
    notebook: str | None = None
    cell: str | None = None
    number: int | None = None
    dataset: str | None = None
    written: bool = False


EVERY_RUN = RunFilter()
