"""A record in the making: what a call did to a frame, and which columns fed which."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lineageflow_jupyter.lineage.operations_origins import Origin
from lineageflow_jupyter.lineage.operations_records import Draft
from lineageflow_jupyter.lineage.operations_run import Run, has_shape, held, is_frame
from lineageflow_jupyter.lineage.operations_shape import Shape, changed, labels_of, same_values, shape
from lineageflow_jupyter.lineage.operations_text import shown

_FILLS = frozenset({"fillna", "ffill", "bfill", "interpolate"})
_COMPARED = frozenset({"derive", "map", "apply", "evaluate"})
_CONSTANTS = frozenset({bool, int, float, str})
_DEEPEST = 200
"""Frames of the stack that are looked through for the cell."""


class Noticed(Protocol):
    """What is known of a function whose calls are noticed."""

    name: str
    family: str


@dataclass(slots=True)
class Note:
    """What is known of a call before it runs."""

    run: Run
    point: Noticed
    args: tuple[Any, ...]
    given: dict[str, Any]
    subject: Any
    before: Shape | None
    labels: tuple[str, ...]
    copy: Any = None
    """For small frames that a call may edit in their own memory: their values before."""


def drafted(
    call: str,
    note: Note,
    out: Any,
    origin: Origin,
    line: int | None,
    *,
    edited: bool = False,
    parameters: str | None = None,
) -> Draft:
    """Record of one call, as far as it is told from what went in and what came out."""
    run = note.run
    text = shown(note.given, note.subject, note.args) if parameters is None else parameters
    draft = Draft(call, line, text, [origin], opaque=origin.opaque)
    numbers: dict[int, None] = {}
    for thing in _frames(note):
        found = run.origin(thing)
        if found is not None:
            numbers.update(dict.fromkeys(found.numbers))
        if found is not None and not found.columns and has_shape(thing):
            numbers[run.number(thing, used=True)] = None
    numbers.update(dict.fromkeys(origin.numbers))
    draft.inputs = tuple(numbers)
    _compare(draft, note, out, origin, edited=edited)
    if has_shape(out):
        draft.output = run.number(out)
    return draft


def _compare(draft: Draft, note: Note, out: Any, origin: Origin, *, edited: bool) -> None:
    """Fill in rows, columns and missing values of before and after."""
    subject = note.subject
    inner: Any = subject if has_shape(subject) else held(subject) if subject is not None else None
    if inner is None and note.given:
        inner = next(iter(_frames(note)), None)
        inner = inner if has_shape(inner) else None
    framed = inner is not None and is_frame(out) and is_frame(inner)
    # Where rows stay, columns are compared with what they were; all else is told by labels.
    compared = framed and note.point.family in _COMPARED and len(inner) == len(out)
    before = note.before or shape(inner, nulls=framed or inner is out, places=compared)
    after = shape(out, nulls=framed or edited, places=compared)
    if before is not None:
        draft.rows_in, draft.nulls_in = before.rows, before.nulls
    if after is not None:
        draft.rows_out, draft.nulls_out = after.rows, after.nulls
    if not is_frame(out) or after is None:
        return
    if before is None or not is_frame(inner):
        draft.added = dict.fromkeys(after.columns)
        return
    old, new = dict.fromkeys(before.columns), dict.fromkeys(after.columns)
    draft.added = {name: None for name in new if name not in old}
    draft.dropped = {name: None for name in old if name not in new}
    if note.point.family in ("set", "set_cell", "set_located", "insert", "assign"):
        touched_ones = note.given.get("kwargs", {}) if note.point.family == "assign" else origin.columns
        draft.changed = {name: None for name in touched_ones if name in old and name in new}
        return
    if not compared:
        return
    # In place, memory says little: a small frame is compared with its copy, of a larger one what can be told is told.
    old_values = note.copy if edited else inner
    differs = tuple(new) if note.copy is not None else changed(before, after, fills=note.point.name in _FILLS)
    if old_values is not None and differs:
        equal = same_values(old_values, out, differs)
        differs = tuple(name for name in differs if name not in equal)
    draft.changed = dict.fromkeys(differs)


def labelled(thing: Any) -> tuple[str, ...]:
    """Labels of a frame or Series; none of anything else."""
    return labels_of(thing) if has_shape(thing) else ()


def _frames(note: Note) -> list[Any]:
    """Frames, Series, groups that went into a call, one level deep."""
    found: list[Any] = []
    for thing in (note.subject, *note.given.values()):
        if thing is None or type(thing) in _CONSTANTS:
            continue
        inner = (
            thing.values() if isinstance(thing, Mapping) else thing if isinstance(thing, (list, tuple)) else (thing,)
        )
        for one in list(inner)[:1000]:
            if (has_shape(one) or note.run.origin(one) is not None) and not any(one is other for other in found):
                found.append(one)
    return found


def where(run: Run, depth: int = 3) -> tuple[int | None, tuple[Any, ...]]:
    """Line of the cell from which the call came, and what tells this place in the code from others."""
    frame = sys._getframe(depth)  # ours are above: this function, the family's, `after`; then the exchanged code
    caller = frame.f_back or frame
    key: tuple[Any, ...] = (caller.f_code, caller.f_lasti)
    walked: types.FrameType | None = caller
    for _ in range(_DEEPEST):
        if walked is None:
            break
        lines = run.lines.get(walked.f_code.co_filename)
        if lines is not None:
            return lines + walked.f_lineno, (*key, walked.f_code, walked.f_lasti)
        walked = walked.f_back
    return None, key
