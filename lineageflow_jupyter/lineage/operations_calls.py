"""One noticed function: what is made of each of its calls."""

from __future__ import annotations

import inspect
import sys
import threading
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.lineage.operations_files import touched
from lineageflow_jupyter.lineage.operations_flow import FAMILIES
from lineageflow_jupyter.lineage.operations_origins import ALL, UNKNOWN, Call, Origin, Source
from lineageflow_jupyter.lineage.operations_run import (
    Draft,
    Run,
    complain,
    has_shape,
    held,
    is_frame,
    may_be_remembered,
)
from lineageflow_jupyter.lineage.operations_shape import (
    CELLS,
    WIDEST,
    Shape,
    changed,
    labels_of,
    same_values,
    shape,
)
from lineageflow_jupyter.lineage.operations_text import shown
from lineageflow_jupyter.model.cells import Influence

_EDITS = frozenset({"set", "set_cell", "set_located", "insert", "delete", "relabel"})
_FILLS = frozenset({"fillna", "ffill", "bfill", "interpolate"})
_COMPARED = frozenset({"derive", "map", "apply", "evaluate"})
_DEEPEST = 200
"""Frames of the stack that are looked through for the cell."""


@dataclass(slots=True)
class Note:
    """What is known of a call before it runs."""

    run: Run
    point: Point
    args: tuple[Any, ...]
    given: dict[str, Any]
    subject: Any
    before: Shape | None
    labels: tuple[str, ...]
    copy: Any = None
    """For small frames that a call may edit in their own memory: their values before."""


class Point:
    """One function whose calls are noticed."""

    __slots__ = ("_names", "_rest", "family", "name", "owner")

    def __init__(self, function: types.FunctionType, owner: str, name: str, family: str) -> None:
        self.owner, self.name, self.family = owner, name, family
        # Decorators of pandas take *args; what they are around knows the names.
        code = getattr(inspect.unwrap(function), "__code__", function.__code__)
        self._names = code.co_varnames[: code.co_argcount]
        self._rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 0x04 else ""

    def before(self, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Note | None:
        """See `Watch.before`."""
        if run.thread != threading.get_ident():
            return None
        try:
            run.busy = True  # what we ask of pandas is nobody's operation
            note = self._note(run, args, kwargs)
        except Exception:  # the call of the user is made unrecorded
            complain()
            note = None
        if note is None:
            run.busy = False
        return note

    def _note(self, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Note | None:
        if self.family == "show":
            return Note(run, self, (), {}, None, None, ())
        given = dict(zip(self._names, args, strict=False))
        if self._rest and len(args) > len(self._names):
            given[self._rest] = args[len(self._names) :]
        if kwargs:
            rest = {name: value for name, value in kwargs.items() if name not in self._names}
            given.update(kwargs)
            given["kwargs"] = rest
        subject: Any = args[0] if args else given.get(self._names[0]) if self._names else None
        family = self.family
        if family in ("located", "note_key", "set_located"):
            subject = subject.obj if hasattr(subject, "obj") else None
        if family == "note_key":
            run.pending = (id(subject), args[1] if len(args) > 1 else None, shape(subject), _labels(subject))
            return None
        if family != "set_located":
            run.pending = None  # a key that was not used: it may hold a mask
        else:
            given["key"] = given.get("indexer")
            positional = given.get("name", "iloc") in ("iloc", "iat")
            given["positional"] = positional
            if run.pending is not None and run.pending[0] == id(subject):
                _, given["key"], before, labels = run.pending
                run.pending = None
                return Note(run, self, args, given, subject, before, labels)
        in_place = given.get("inplace") is True or self.name == "update"
        edits = family in _EDITS or in_place or self.name == "pop" or family == "evaluate"
        before = shape(subject, places=in_place or family == "evaluate") if edits else None
        small = in_place and family == "derive" and is_frame(subject) and subject.size <= CELLS
        return Note(run, self, args, given, subject, before, _labels(subject), subject.copy() if small else None)

    def failed(self, note: Note) -> None:
        """See `Watch.failed`."""
        note.run.busy = False

    def after(self, note: Note, result: Any) -> None:
        """See `Watch.after`."""
        try:
            if self.family == "show":
                return
            if self.family == "split":
                self._split(note, result)
            elif self.family == "constructor":
                self._constructed(note)
            elif self.family in ("fit", "predict"):
                self._estimated(note, result)
            else:
                self._took_place(note, result)
        except Exception:  # the call of the user has succeeded, and its result is returned
            complain()
        finally:
            note.run.busy = False

    def _took_place(self, note: Note, result: Any, *, call: str = "", subject: Any = None) -> None:
        run, given = note.run, note.given
        in_place = given.get("inplace") is True and (result is None or result is note.subject)
        edited = in_place or self.family in _EDITS or self.name == "update"
        out = note.subject if edited else result
        removed = self.name == "pop" and is_frame(note.subject)
        own = run.own_origin(note.subject, note.labels) if removed or (edited and is_frame(out)) else None
        origin = FAMILIES[self.family](Call(self.name, note.subject, given, run.origin, out, note.labels, own))
        line, key = _where(run)
        if edited and not is_frame(out):
            # A Series that was edited came from what it came from before, and from what went in.
            run.remember(out, origin)
        elif not is_frame(out) and may_be_remembered(out):
            run.remember(out, origin)
        draft = self._draft(note, out, origin, line, edited=edited)
        if self.family in ("read", "write"):
            direction = "in" if self.family == "read" else "out"
            found = touched(self.name, direction, given, line, run.digests)  # type: ignore[arg-type]
            if found is not None:
                # Ten thousand files of one loop are ten thousand files; the same file is one.
                run.touched[(direction, found.external.location, line)] = found
        self._keep(run, (*key, draft.call), draft)
        if self.name == "pop" and note.before is not None:
            _popped(run, note, draft)

    def _keep(self, run: Run, key: tuple[Any, ...], draft: Draft) -> None:
        known = run.drafts.get(key)
        if known is None:
            run.drafts[key] = draft
        else:
            known.join(draft)

    def _draft(self, note: Note, out: Any, origin: Origin, line: int | None, *, edited: bool) -> Draft:
        run = note.run
        draft = Draft(self._call(note), line, shown(note.given, note.subject, note.args), opaque=origin.opaque)
        numbers: dict[int, None] = {}
        for thing in _frames(note):
            found = run.origin(thing)
            for number, _, _ in sorted((found.all | found.extra) if found else ()):
                numbers[number] = None
            if found is not None and not found.columns and has_shape(thing):
                numbers[run.number(thing, used=True)] = None
        for sources in (*origin.columns.values(), origin.extra):
            for number, _, _ in sources:
                numbers[number] = None
        draft.inputs = tuple(numbers)
        draft.edges = _edges(origin)
        _compare(draft, note, out, origin, edited=edited)
        if has_shape(out):
            draft.output = run.number(out)
        return draft

    def _call(self, note: Note) -> str:
        if self.owner:
            return f"{self.owner}.{self.name}"
        subject, held = note.subject, note.args[0] if note.args else note.subject
        owner = {1: "Series", 2: "DataFrame"}[subject.ndim] if has_shape(subject) else type(subject).__name__
        if self.family in ("located", "set_located"):
            name = getattr(held, "name", "iloc")
            name = note.given.get("name", name) if self.family == "set_located" else name
            return f"{owner}.{name}.{self.name}"
        return f"{owner}.{self.name}"

    def _constructed(self, note: Note) -> None:
        run, made = note.run, note.args[0]
        data = note.given.get("data")
        if not has_shape(made):  # the accessor of categories
            origin = run.origin(data)
            if origin is not None:
                run.remember(made, origin)
            return
        call = Call(self.name, data, {**note.given, "data": data}, run.origin, made)
        origin = FAMILIES["make"](call)
        if not is_frame(made):
            run.remember(made, origin) if origin.columns and origin.all else None
        line, key = _where(run)
        inner = Note(run, self, (), {k: v for k, v in note.given.items() if k != "self"}, data, None, _labels(data))
        draft = self._draft(inner, made, origin, line, edited=False)
        draft.call = "DataFrame" if is_frame(made) else "Series"
        self._keep(run, (*key, draft.call), draft)

    def _estimated(self, note: Note, result: Any) -> None:
        """A model learns from columns, or makes values of them."""
        run, given = note.run, note.given
        model = note.args[0]
        features = run.origin(given.get("X", note.args[1] if len(note.args) > 1 else None)) or UNKNOWN
        target = run.origin(given.get("y", given.get("Y")))
        if self.name == "score":
            edges_of = {"score": features.all}
        elif self.name == "fit":
            edges_of = {"X": features.all}
        else:
            edges_of = _transformed(result, features)
        if target is not None and self.family == "fit":
            edges_of["y"] = target.all
        origin = Origin(edges_of, features.extra, features.opaque)
        line, key = _where(run)
        inner = Note(run, self, (), {k: v for k, v in given.items() if k != "self"}, given.get("X"), None, ())
        made = model if self.name == "fit" else result
        draft = self._draft(inner, made, origin, line, edited=False)
        draft.call = f"{type(model).__name__}.{self.name}"
        if self.name == "fit":
            draft.output = run.number(model)
        elif self.name != "score" and may_be_remembered(result) and not is_frame(result):
            run.remember(result, Origin({"": features.all}, features.extra, features.opaque))
        self._keep(run, (*key, draft.call), draft)

    def _split(self, note: Note, result: Any) -> None:
        """Each array gives two: one record for each that is a frame or a Series."""
        run, arrays = note.run, note.args
        line, key = _where(run)
        for place, part in enumerate(result):
            whole = arrays[place // 2]
            origin = run.origin(whole) or UNKNOWN
            inner = Note(run, self, (whole,), {"arrays": (whole,), **note.given.get("kwargs", {})}, whole, None, ())
            if not is_frame(part) and may_be_remembered(part):
                run.remember(part, origin)
            draft = self._draft(inner, part, origin, line, edited=False)
            draft.call = "train_test_split"
            self._keep(run, (*key, draft.call, place), draft)


def _transformed(result: Any, features: Origin) -> dict[str, frozenset[Source]]:
    if not is_frame(result):
        return {ALL: features.all}
    return {name: features.columns.get(name, features.all) for name in labels_of(result)}


def _popped(run: Run, note: Note, draft: Draft) -> None:
    after = _labels(note.subject)
    draft.dropped.update(dict.fromkeys(name for name in note.labels if name not in after))
    draft.output = run.number(note.subject)


def _edges(origin: Origin) -> dict[tuple[int, str, str, Influence], None]:
    edges: dict[tuple[int, str, str, Influence], None] = {}
    same: dict[int, int] = {}
    wide = len(origin.columns) > WIDEST
    for target, sources in origin.columns.items():
        for number, column, influence in sorted(sources):
            if wide and column == target and influence == "value":
                same[number] = same.get(number, 0) + 1
                continue
            edges[number, column, target, influence] = None
    for number in same:
        edges[number, ALL, ALL, "value"] = None
    for number, column, influence in sorted(origin.extra):
        edges[number, column, ALL, influence] = None
    return edges


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


def _labels(thing: Any) -> tuple[str, ...]:
    return labels_of(thing) if has_shape(thing) else ()


def _frames(note: Note) -> list[Any]:
    """Frames, Series, groups that went into a call, one level deep."""
    found: list[Any] = []
    things = [note.subject, *note.given.values()]
    for thing in things:
        inner = (
            thing.values() if isinstance(thing, Mapping) else thing if isinstance(thing, (list, tuple)) else (thing,)
        )
        for one in list(inner)[:1000]:
            if (has_shape(one) or note.run.origin(one) is not None) and not any(one is other for other in found):
                found.append(one)
    return found


def _where(run: Run) -> tuple[int | None, tuple[Any, ...]]:
    """Line of the cell from which the call came, and what tells this place in the code from others."""
    frame = sys._getframe(3)  # ours are above: this function, the family's, `after`; then the exchanged code
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
