"""The JSON that describes a cell run and an environment: as rows of the catalog, and in the journal.

What is as by default is left out, and what a later version added is passed over: fields are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from blake3 import blake3

from lineageflow_jupyter.catalog.journal import to_json
from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.cells import (
    CellRun,
    ColumnEdge,
    Environment,
    External,
    FrameState,
    FrameWrite,
    OperationRecord,
)
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import RunBatch

RUNS_FORMAT = 1
"""Version of a journal object of cell runs."""

T = TypeVar("T")


def spelled(name: str) -> str:
    r"""Name as JSON spells it, without the quotes: a text that every database can hold, whatever the name holds.

    Examples
    --------
    >>> spelled("flights"), spelled("größe\0")
    ('flights', 'gr\\u00f6\\u00dfe\\u0000')
    """
    return json.dumps(name)[1:-1]


def unspelled(text: str) -> str:
    """Inverse of `spelled`."""
    return str(json.loads(f'"{text}"')) if "\\" in text else text


def run_to_json(run: CellRun) -> str:
    """A cell run as JSON; without its sequence, which is a column beside it."""
    said = _said(run)
    said.pop("sequence", None)
    return to_json(said)


def run_from_json(text: str, sequence: int, *, edges: bool = True) -> CellRun:
    """Inverse of `run_to_json`; without the edges between columns, of which there are most, if they are not wanted.

    Raises
    ------
    CorruptData
        If the text is no such run.
    """
    try:
        said = json.loads(text) | {"sequence": sequence}
        for operation in () if edges else said.get("operations", ()):
            operation.pop("edges", None)
        return _made(CellRun, said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(f"cell run {sequence}") from error


def environment_to_json(environment: Environment) -> str:
    """An environment as JSON."""
    return to_json(_said(environment))


def environment_from_json(text: str) -> Environment:
    """Inverse of `environment_to_json`.

    Raises
    ------
    CorruptData
        If the text is no such environment.
    """
    try:
        return _made(Environment, json.loads(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged("an environment") from error


def run_batch(
    runs: Sequence[tuple[int, int, str]], environments: Sequence[tuple[str, str]], *, catalog: str
) -> RunBatch:
    """Journal object of some runs: one file for many, since each costs a synced file of its own.

    Parameters
    ----------
    runs : sequence of (int, int, str)
        Sequence, version and JSON of each; at least one, or an environment.
    environments : sequence of (str, str)
        Id and JSON of each.
    catalog : str
        Identity of the catalog.
    """
    # Put together from the texts that are there: to read and to write a thousand runs anew takes a tenth of a second.
    told = dict(sorted(environments))
    data = (
        f'{{"catalog":{to_json(catalog)}'
        f',"environments":{{{",".join(f"{to_json(environment)}:{text}" for environment, text in told.items())}}}'
        f',"format":{RUNS_FORMAT},"runs":['
        + ",".join(f'{{"run":{text},"sequence":{sequence},"version":{version}}}' for sequence, version, text in runs)
        + "]}"
    ).encode("ascii")
    first = min((sequence for sequence, _, _ in runs), default=0)
    # Two processes may gather different batches that begin alike: each has a name of its own.
    key = f"journal/cells/{first:020d}-{blake3(data).hexdigest()[:32]}.json"
    versions = tuple((sequence, version) for sequence, version, _ in runs)
    return RunBatch(key, data, versions, tuple(environment for environment, _ in environments))


# --- values as what JSON knows, and back -----------------------------------------------------------------------------


def _said(value: Any) -> dict[str, Any]:
    """Fields of a value that are not as by default."""
    return {
        each.name: _plain(getattr(value, each.name))
        for each in _FIELDS[type(value)]
        if each.default is MISSING or getattr(value, each.name) != each.default
    }


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case ColumnEdge():  # there may be thousands: without names
            return [value.source, value.column, value.target, value.influence]
        case tuple():
            return [_plain(each) for each in value]
        case Mapping():
            return dict(value)
        case FrameState() | FrameWrite() | External() | OperationRecord():
            return _said(value)
    return value


def _made(kind: type[T], said: Mapping[str, Any]) -> T:
    readers, names = _READERS.get(kind, {}), _NAMES[kind]
    return kind(**{name: _read(readers.get(name), value) for name, value in said.items() if name in names})


def _read(reader: Callable[[Any], Any] | None, value: Any) -> Any:
    if reader is not None and value is not None:
        return reader(value)
    return tuple(value) if isinstance(value, list) else value


def _id(text: str) -> ObjectId:
    return ObjectId(bytes.fromhex(text))


def _one(kind: type[T]) -> Callable[[Mapping[str, Any]], T]:
    return lambda said: _made(kind, said)


def _each(kind: type[T]) -> Callable[[Sequence[Mapping[str, Any]]], tuple[T, ...]]:
    return lambda said: tuple(_made(kind, each) for each in said)


def _edges(said: Sequence[Sequence[Any]]) -> tuple[ColumnEdge, ...]:
    return tuple(ColumnEdge(*each[:4]) for each in said)


_FIELDS: dict[type, tuple[Field[Any], ...]] = {
    kind: fields(kind) for kind in (CellRun, Environment, External, FrameState, FrameWrite, OperationRecord)
}
_NAMES = {kind: frozenset(each.name for each in known) for kind, known in _FIELDS.items()}
_READERS: dict[type, dict[str, Callable[[Any], Any]]] = {
    FrameState: {"table": _id, "frame": _id},
    FrameWrite: {"before": _one(FrameState), "after": _one(FrameState)},
    OperationRecord: {"edges": _edges},
    CellRun: {
        "reads": _each(FrameState),
        "writes": _each(FrameWrite),
        "external": _each(External),
        "operations": _each(OperationRecord),
    },
}
"""By kind: how those of its fields are read that JSON does not give back as they are."""


def _damaged(what: str) -> CorruptData:
    return CorruptData(
        f"the catalog's copy of {what} is damaged",
        remedy="Restore the catalog from a backup, or recover it from the object store",
    )
