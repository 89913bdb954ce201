"""One noticed function: what is made of each of its calls."""

from __future__ import annotations

import inspect
import threading
import types
import weakref
from typing import Any

from lineageflow_jupyter.lineage.operations_drafts import Note, drafted, labelled, where
from lineageflow_jupyter.lineage.operations_files import touched
from lineageflow_jupyter.lineage.operations_flow import FAMILIES
from lineageflow_jupyter.lineage.operations_models import crossed, estimated, measured, split, values
from lineageflow_jupyter.lineage.operations_origins import NONE, Call
from lineageflow_jupyter.lineage.operations_predictions import handed_on
from lineageflow_jupyter.lineage.operations_records import Draft
from lineageflow_jupyter.lineage.operations_run import Run, complain, has_shape, is_frame, is_number, may_be_remembered
from lineageflow_jupyter.lineage.operations_shape import CELLS, shape

_EDITS = frozenset({"set", "set_cell", "set_located", "insert", "delete", "relabel"})
_OTHERS = {
    "fit": estimated,
    "predict": estimated,
    "metric": measured,
    "judge": crossed,
    "split": split,
    "array": values,
}
"""What is made of calls that are no steps of one frame to another."""


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
        if family == "part":
            given = {"data": args[0].data}
            subject = args[1]
        if family == "note_key":
            run.pending = (id(subject), args[1] if len(args) > 1 else None, shape(subject), labelled(subject))
            return None
        if family == "array":
            return Note(run, self, args, given, subject, None, ())
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
        return Note(run, self, args, given, subject, before, labelled(subject), subject.copy() if small else None)

    def failed(self, note: Note) -> None:
        """See `Watch.failed`."""
        note.run.busy = False

    def after(self, note: Note, result: Any) -> None:
        """See `Watch.after`."""
        try:
            if self.family == "show":
                return
            other = _OTHERS.get(self.family)
            if other is not None:
                other(note, result)
            elif self.family == "constructor":
                self._constructed(note)
            elif self.family == "iterate":
                self._iterated(note)
            else:
                self._took_place(note, result)
        except Exception:  # the call of the user has succeeded, and its result is returned
            complain()
        finally:
            note.run.busy = False

    def _took_place(self, note: Note, result: Any) -> None:
        run, given = note.run, note.given
        in_place = given.get("inplace") is True and (result is None or result is note.subject)
        edited = in_place or self.family in _EDITS or self.name == "update"
        out = note.subject if edited else result
        removed = self.name == "pop" and is_frame(note.subject)
        own = run.own_origin(note.subject, note.labels) if removed or (edited and is_frame(out)) else None
        chose = run.chose(given.get("data")) if self.family == "part" else NONE
        origin = FAMILIES[self.family](Call(self.name, note.subject, given, run.origin, out, note.labels, own, chose))
        line, key = where(run)
        if edited and not is_frame(out):
            # A Series that was edited came from what it came from before, and from what went in.
            run.remember(out, origin)
        elif not is_frame(out) and may_be_remembered(out):
            run.remember(out, origin)
        elif is_number(out):
            run.remember_number(out, origin)
        draft = drafted(self._call(note), note, out, origin, line, edited=edited)
        handed_on(note, out, origin)
        if edited or removed:
            run.edited(note.subject)
        if self.family in ("read", "write"):
            direction = "in" if self.family == "read" else "out"
            found = touched(self.name, direction, given, line, run.digests)  # type: ignore[arg-type]
            if found is not None:
                # Ten thousand files of one loop are ten thousand files; the same file is one.
                run.touched[(direction, found.external.location, line)] = found
        run.keep((*key, draft.call), draft)
        if self.name == "pop" and note.before is not None:
            run.keep((*key, draft.call, "left"), _popped(run, note, draft))

    def _iterated(self, note: Note) -> None:
        """Groups are about to be looped over: what `_chop` then cuts off was chosen by their keys."""
        frame, origin = note.subject._selected_obj, note.run.origin(note.subject)
        if origin is not None and has_shape(frame):
            note.run.parts[id(frame)] = weakref.ref(frame), origin.extra

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
        line, key = where(run)
        inner = Note(run, self, (), {k: v for k, v in note.given.items() if k != "self"}, data, None, labelled(data))
        name = "DataFrame" if is_frame(made) else "Series"
        run.keep((*key, name), drafted(name, inner, made, origin, line))
        handed_on(inner, made, origin)


def _popped(run: Run, note: Note, draft: Draft) -> Draft:
    """What is left of a frame from which a column was taken."""
    after, frame = labelled(note.subject), run.number(note.subject)
    left = Draft(draft.call, draft.line, draft.parameters, [], (frame,), frame, draft.rows_in, len(note.subject))
    left.dropped.update(dict.fromkeys(name for name in note.labels if name not in after))
    return left
