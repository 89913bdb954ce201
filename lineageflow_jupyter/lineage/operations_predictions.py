"""Predictions stay those of their model: as columns of frames, in parts of them, in what is computed of them alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.lineage.operations_drafts import Note
from lineageflow_jupyter.lineage.operations_memory import Maker
from lineageflow_jupyter.lineage.operations_origins import Origin
from lineageflow_jupyter.lineage.operations_run import Run, has_shape, is_frame
from lineageflow_jupyter.lineage.operations_shape import label, labels_of

_OF_ONE = frozenset({"constructor", "select", "located", "labels", "filter", "sort", "map", "query"})
"""Families in which values come from the subject alone; what else is given chooses, orders or names them."""
_SETS = frozenset({"set", "insert"})


def handed_on(note: Note, out: Any, origin: Origin) -> None:
    """Remember of what a call gave which model it is a prediction of, if it is one."""
    memory = note.run.memory
    if not (len(memory.makers) or len(memory.columns)) or not has_shape(out):
        return
    if is_frame(out):
        _to_columns(note, out, origin)
        return
    maker = note.run.maker_of(origin.all) or _of_all(note)
    if maker is not None and maker.predicts:
        memory.makers.put(out, maker)
    else:
        memory.makers.pop(out)


def _of_all(note: Note) -> Maker | None:
    """The one model that made all the columns and arrays that went into a call."""
    things = [note.subject] if note.point.family in _OF_ONE else [note.subject, *note.given.values()]
    makers = {note.run.maker(thing) for thing in things if getattr(thing, "shape", ())}
    return makers.pop() if len(makers) == 1 else None


def _to_columns(note: Note, out: Any, origin: Origin) -> None:
    run, memory = note.run, note.run.memory
    known = memory.columns.get(out) or {}
    direct = {label(name): run.maker(thing) for name, thing in _put(note, origin).items()}
    if not known and not any(direct.values()) and not len(memory.columns):
        return
    labels = set(labels_of(out))
    columns = {name: maker for name, maker in known.items() if name in labels}
    for name, sources in origin.columns.items():
        maker = direct.get(name) or run.maker_of(sources)
        if name in labels and maker is not None and maker.predicts:
            columns[name] = maker
        else:
            columns.pop(name, None)
    if columns or known:
        memory.columns.put(out, columns)


def _put(note: Note, origin: Origin) -> Mapping[Any, Any]:
    """Values that became columns as they are."""
    given, family, subject = note.given, note.point.family, note.subject
    if family in _SETS or (family == "set_located" and _all_rows(given.get("key"))):
        return dict.fromkeys(origin.columns, given.get("value"))
    if family == "assign":
        return dict(given.get("kwargs", {}))
    if family == "constructor" and isinstance(given.get("data"), Mapping):
        return dict(given["data"])
    if has_shape(subject) and not is_frame(subject):
        return dict.fromkeys(origin.columns, subject)
    # What `concat`, `join` and `merge` put beside the others.
    things = [one for thing in given.values() for one in (thing if isinstance(thing, (list, tuple)) else (thing,))]
    return {one.name: one for one in things if has_shape(one) and not is_frame(one) and one.name is not None}


def _all_rows(key: Any) -> bool:
    return isinstance(key, tuple) and isinstance(key[0], slice) and key[0] == slice(None)


def made_from(run: Run, thing: Any, of: Any) -> None:
    """Remember that something holds the same values as something else."""
    maker = run.maker(of)
    if maker is not None:
        run.memory.makers.put(thing, maker)
