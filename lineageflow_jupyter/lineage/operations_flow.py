"""How columns go through a call: from what went in to what came out, one function for each family of calls.

What cannot be seen is opaque and never guessed.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lineageflow_jupyter.lineage.operations_origins import (
    NONE,
    Call,
    Origin,
    Sources,
    by_name,
    influencing,
    is_callable,
    is_frame,
    is_group,
    is_index,
    kept,
    listed,
    mixed,
    opaque,
)
from lineageflow_jupyter.lineage.operations_reads import reads, sees_frames
from lineageflow_jupyter.lineage.operations_shape import label
from lineageflow_jupyter.lineage.operations_shaping import (
    concat,
    counts,
    cross,
    dummies,
    groupby,
    melt,
    merge,
    pivot,
    reduce,
    window,
)


def _select(call: Call) -> Origin:
    """Rows or columns of the subject: by label, by list, by mask, by position."""
    key = call.given.get("key", call.given.get("item"))
    if call.name == "get":
        key = None
    return _selected(call, key)


def _selected(call: Call, key: Any) -> Origin:
    origin = call.subject_origin()
    if is_callable(key):
        seen = reads(key, origin.columns)
        if seen is None:
            return opaque(kept(call))
        return kept(call, call.named(origin, sorted(seen), "filter"))
    extra: Sources = NONE
    for part in key if isinstance(key, tuple) else (key,):
        extra |= call.fed(part, "filter")
    if is_group(call.result):
        wanted = [label(name) for name in listed(key)]
        return Origin(by_name(origin, wanted), origin.extra, origin.opaque)
    if not is_frame(call.result) and len(origin.columns) > 1:
        name = call.columns()[0]
        if name in origin.columns:
            return Origin({name: origin.columns[name]}, origin.extra | extra, origin.opaque)
        return Origin({name: origin.all}, origin.extra | extra, origin.opaque)  # a row: values of all columns
    return kept(call, extra)


def _located(call: Call) -> Origin:
    """What ``loc``, ``iloc``, ``at`` and ``iat`` give."""
    key = call.given.get("key")
    if not hasattr(call.result, "ndim") or not hasattr(call.result, "index"):
        return _one_value(call, key)
    return _selected(call, key)


def _one_value(call: Call, key: Any) -> Origin:
    """One value of a frame or Series: of the column that the key names, or of any."""
    origin = call.subject_origin()
    named = key[-1] if isinstance(key, tuple) and key and isinstance(key[-1], str) else None
    sources = origin.all if named is None or named not in origin.columns else origin.columns[named]
    return Origin({"": sources}, origin.extra, origin.opaque)


def _part(call: Call) -> Origin:
    """One group of a frame, in a loop over groups."""
    return kept(call, call.chose)


_RELABELS = frozenset({"rename", "add_prefix", "add_suffix", "set_axis", "droplevel"})


def _labels(call: Call) -> Origin:
    """Columns that may get other names, places or rows, with the values they had."""
    if call.name in _RELABELS:
        return _relabel(call)
    if call.name == "set_index":
        # Rows are matched by these from now on, wherever the frame goes.
        return kept(call, call.named(call.subject_origin(), call.given.get("keys"), "key"))
    return kept(call)


def _derive(call: Call) -> Origin:
    """Values made of the subject's and the arguments', row by row."""
    origin = call.subject_origin()
    extra, every = origin.extra, NONE
    frames: list[Origin] = []
    opaque = origin.opaque
    for name, thing in call.given.items():
        if name == "cond":
            extra |= call.fed(thing, "filter")
            continue
        if thing is call.subject:
            continue
        found = call.origin(thing)
        if found is not None and is_frame(thing):
            frames.append(found)
            extra |= found.extra
        elif is_callable(thing) and name not in ("ufunc", "level"):
            opaque = True
        else:
            values, rest = call.value_and_rest(thing)
            every, extra = every | values, extra | rest
    if not is_frame(call.result):
        values = origin.all.union(every, *(one.all for one in frames))
        return Origin({call.columns()[0]: values}, extra, opaque)
    own = by_name(origin, call.columns())
    if not every and not frames and len(own) == len(call.columns()):
        return Origin(own, extra, opaque)
    columns = {
        column: own.get(column, NONE).union(every, *(one.columns.get(column, NONE) for one in frames))
        for column in call.columns()
    }
    return Origin(columns, extra, opaque)


def _filter(call: Call) -> Origin:
    subset = call.given.get("subset")
    origin = call.subject_origin()
    over_columns = call.given.get("axis") in (1, "columns")
    chose = influencing(origin.all, "filter") if subset is None else call.named(origin, subset, "filter")
    return kept(call, NONE if over_columns else chose)


def _sort(call: Call) -> Origin:
    origin = call.subject_origin()
    by = call.given.get("by", call.given.get("columns"))
    if call.name == "sort_index":
        return kept(call)
    order = influencing(origin.all, "order") if len(origin.columns) == 1 else call.named(origin, by, "order")
    if call.name in ("nlargest", "nsmallest"):
        order |= influencing(order, "filter")
    return kept(call, order)


_WORD = re.compile(r"`([^`]+)`|(?<![\w@.])([^\W\d]\w*)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")


def _mentioned(text: str, columns: Iterable[str]) -> list[str]:
    """Columns that an expression of `query` or `eval` names; texts in quotes and ``@variables`` are none."""
    known = set(columns)
    words = (found[1] or found[2] for found in _WORD.finditer(text))
    return [word for word in dict.fromkeys(words) if word in known]


def _query(call: Call) -> Origin:
    origin, text = call.subject_origin(), call.given.get("expr")
    if not isinstance(text, str):
        return opaque(kept(call))
    return kept(call, call.named(origin, _mentioned(text, origin.columns), "filter"))


def _evaluate(call: Call) -> Origin:
    origin, text = call.subject_origin(), call.given.get("expr")
    if not isinstance(text, str):
        return opaque(kept(call))
    columns = dict(by_name(origin, call.columns())) if is_frame(call.result) else {}
    assigned = False
    for line in text.splitlines():
        target, sign, made = line.partition("=")
        if sign and re.fullmatch(r"[^\W\d]\w*|`[^`]+`", target.strip()) and not made.startswith("="):
            assigned = True
            # A later line sees what an earlier one made.
            known = Origin({**origin.columns, **columns})
            columns[target.strip().strip("`")] = call.named(known, _mentioned(made, known.columns), "value")
    if not assigned:
        found = call.named(origin, _mentioned(text, origin.columns), "value")
        columns = dict.fromkeys(call.columns(), found)
    return Origin(columns, origin.extra, origin.opaque or "@" in text)


def _assign(call: Call) -> Origin:
    origin = call.subject_origin()
    columns = dict(by_name(origin, call.columns()))
    extra, opaque = origin.extra, origin.opaque
    for name, made in call.given.get("kwargs", {}).items():
        known = Origin({**origin.columns, **columns})  # later ones see earlier ones
        found, rest, unseen = _made(call, known, made)
        columns[name], extra, opaque = found, extra | rest, opaque or unseen
    return Origin(columns, extra, opaque)


def _made(call: Call, known: Origin, made: Any) -> tuple[Sources, Sources, bool]:
    """What fed a column that is being set, what chose its rows, and whether that cannot be seen."""
    if is_callable(made):
        seen = reads(made, known.columns)
        return (NONE if seen is None else call.named(known, sorted(seen), "value")), NONE, seen is None
    values, rest = call.value_and_rest(made)
    found = call.origin(made)
    hidden = found.opaque if found is not None else not values and not _is_constant(made)
    return values, rest, hidden


def _is_constant(thing: Any) -> bool:
    """Whether a value says itself where it came from: written in the cell, not computed out of sight."""
    if thing is None or isinstance(thing, (str, bytes, bool, int, float, complex)):
        return True
    if isinstance(thing, range):
        return True
    if isinstance(thing, (list, tuple)):
        return len(thing) <= 1000 and all(map(_is_constant, thing)) and _is_written(thing)
    # Timestamps, NA, dates and the like; arrays may hold anything's values.
    return not hasattr(thing, "__array__") and not hasattr(thing, "__iter__") and not hasattr(thing, "dtype")


def _is_written(things: Sequence[Any]) -> bool:
    """Whether plain values stand as they are in the code that called pandas, and were not computed by it."""
    if things and all(isinstance(one, (list, tuple)) for one in things):
        return True  # each was asked by itself
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _NOT_THE_CALLER:
        frame = frame.f_back
    constants = frame.f_code.co_consts if frame is not None else ()
    try:
        # Python keeps three or more values as one constant.
        return tuple(things) in constants if len(things) > 2 else all(one in constants for one in things)
    except (TypeError, ValueError):  # such as NA, which is neither equal to anything nor not
        return False


_NOT_THE_CALLER = frozenset({"pandas", "lineageflow_jupyter"})


def _insert(call: Call) -> Origin:
    return _set_columns(call, [call.given.get("column")], call.given.get("value"), NONE)


def _set(call: Call) -> Origin:
    """``frame[key] = value``."""
    key: Any = call.given.get("key", call.given.get("loc"))
    value = call.given.get("value")
    if call.name == "isetitem":
        places = key if isinstance(key, (list, tuple)) else [key]
        return _set_columns(call, [call.before[place] for place in places if isinstance(place, int)], value, NONE)
    mask = call.fed(key, "filter")
    if mask or isinstance(key, slice) or is_frame(key) or getattr(getattr(key, "dtype", None), "kind", "") == "b":
        return _set_columns(call, list(call.before), value, mask, partly=True)
    return _set_columns(call, list(key) if isinstance(key, list) or is_index(key) else [key], value, NONE)


def _set_located(call: Call) -> Origin:
    """``frame.loc[rows, columns] = value``."""
    key, value = call.given.get("key"), call.given.get("value")
    rows, columns = key if isinstance(key, tuple) and len(key) == 2 and len(call.before) else (key, None)
    if not is_frame(call.result):
        return _set_columns(call, list(call.columns()), value, call.fed(rows, "filter"), partly=True)
    after = call.columns()
    if columns is None or (isinstance(columns, slice) and columns == slice(None)):
        targets = list(after)
    else:
        targets = _targets(call, columns, after)
    whole = isinstance(rows, slice) and rows == slice(None)
    origin = _set_columns(call, targets, value, call.fed(rows, "filter"), partly=not whole)
    return opaque(origin) if is_callable(rows) and reads(rows, call.before) is None else origin


def _targets(call: Call, columns: Any, after: tuple[str, ...]) -> list[str]:
    """Labels that the second part of a key stands for."""
    positions = call.given.get("positional", False)
    if isinstance(columns, slice):
        if positions:
            return list(after[columns])
        first = after.index(label(columns.start)) if columns.start is not None else 0
        last = after.index(label(columns.stop)) if columns.stop is not None else len(after) - 1
        return list(after[first : last + 1])
    several = isinstance(columns, (list, tuple)) or is_index(columns) or getattr(columns, "ndim", 0) == 1
    found = list(columns) if several else [columns]
    if found and all(isinstance(one, bool) or type(one).__name__ in ("bool_", "bool") for one in found):
        return [name for name, wanted in zip(after, found, strict=False) if wanted]
    return [after[one] if positions else label(one) for one in found]


def _set_cell(call: Call) -> Origin:
    """One value of a frame, or values of a Series."""
    targets = list(call.columns())
    if is_frame(call.result):
        column = call.given.get("col")
        targets = [call.before[column] if call.given.get("takeable") else column]  # type: ignore[list-item, index]
    return _set_columns(call, targets, call.given.get("value"), call.fed(call.given.get("key"), "filter"), partly=True)


def _relabel(call: Call) -> Origin:
    """``frame.columns = labels``: place by place."""
    if len(call.before) != len(call.columns()):
        return kept(call)
    origin = call.subject_origin()
    pairs = zip(call.columns(), call.before, strict=True)
    return Origin({new: origin.columns.get(old, NONE) for new, old in pairs}, origin.extra, origin.opaque)


def _set_columns(call: Call, targets: list[Any], value: Any, mask: Sources, *, partly: bool = False) -> Origin:
    """The frame with some columns set: to values, where the mask says so."""
    frame = call.subject_origin()
    found = call.origin(value)
    columns: dict[str, Sources] = {}
    opaque, extra = False, NONE
    for place, target in enumerate(map(label, targets)):
        if found is not None and is_frame(value):
            names = list(found.columns)
            values = (
                found.columns[target]
                if target in found.columns and len(targets) > len(names)
                else (found.columns[names[place]] if place < len(names) and len(names) == len(targets) else found.all)
            )
            rest, unseen = found.extra, found.opaque
        else:
            values, rest, unseen = _made(call, frame, value)
        kept = frame.columns.get(target, NONE) if partly else NONE
        # What chose rows of the value or of the frame fed these columns, and no others.
        columns[target] = columns.get(target, NONE) | values | rest | mask | kept
        opaque |= unseen
    return Origin(columns, extra, opaque)


def _nothing(_: Call) -> Origin:
    return Origin()


def _make(call: Call) -> Origin:
    """A frame or Series made of columns: of a mapping, another frame, a list of Series."""
    data = call.given.get("data")
    chosen = call.origin(data)
    if chosen is not None:
        return Origin(by_name(chosen, call.columns()), chosen.extra, chosen.opaque)
    if isinstance(data, Mapping) and is_frame(call.result):
        parts = {label(name): _made(call, Origin(), made) for name, made in data.items()}
        columns = {name: values | rest for name, (values, rest, _) in parts.items()}
        computed = any(hidden for name, (_, _, hidden) in parts.items() if isinstance(data.get(name), (list, tuple)))
        return Origin(columns, NONE, computed)
    found = call.sources(data)
    return Origin(dict.fromkeys(call.columns(), found) if found else {})


def _apply(call: Call) -> Origin:
    """Unknown code: seen only where a function of one row reads columns by name and does nothing else with it."""
    func, origin = call.given.get("func"), call.subject_origin()
    if isinstance(func, str) and not is_frame(call.result) and len(origin.columns) > 1:
        return Origin(dict.fromkeys(call.columns(), origin.all), origin.extra, origin.opaque)
    if isinstance(func, str) or len(origin.columns) == 1:
        return _map(call)
    if call.given.get("axis") in (1, "columns"):
        seen = reads(func, origin.columns)
        if seen is not None:
            found = call.named(origin, sorted(seen), "value")
            return Origin(dict.fromkeys(call.columns(), found), origin.extra, origin.opaque)
    return opaque(Origin({}, origin.extra))


def _map(call: Call) -> Origin:
    """Each value, or each column, by itself: a function sees nothing else unless it is a closure."""
    func = call.given.get("func", call.given.get("arg"))
    found = kept(call, call.sources(func) if not is_callable(func) else NONE)
    return opaque(found) if is_callable(func) and sees_frames(func) else found


def _pipe(call: Call) -> Origin:
    return opaque(Origin())


def _mix(call: Call) -> Origin:
    return mixed(call)


FAMILIES: Mapping[str, Callable[[Call], Origin]] = types.MappingProxyType(
    {
        "select": _select,
        "located": _located,
        "labels": _labels,
        "derive": _derive,
        "filter": _filter,
        "sort": _sort,
        "query": _query,
        "evaluate": _evaluate,
        "assign": _assign,
        "insert": _insert,
        "set": _set,
        "set_cell": _set_cell,
        "relabel": _relabel,
        "set_located": _set_located,
        "delete": _nothing,
        "make": _make,
        "read": _nothing,
        "write": _nothing,
        "concat": concat,
        "merge": merge,
        "groupby": groupby,
        "part": _part,
        "iterate": _nothing,
        "window": window,
        "reduce": reduce,
        "counts": counts,
        "melt": melt,
        "pivot": pivot,
        "cross": cross,
        "dummies": dummies,
        "apply": _apply,
        "map": _map,
        "pipe": _pipe,
        "mix": _mix,
    }
)
"""How each family passes columns on."""
