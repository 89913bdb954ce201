"""How columns go through calls that put frames together, group, aggregate and reshape them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.lineage.operations_origins import (
    NONE,
    UNKNOWN,
    Call,
    Origin,
    Sources,
    influencing,
    is_callable,
    is_frame,
    listed,
)
from lineageflow_jupyter.lineage.operations_shape import label


def concat(call: Call) -> Origin:
    """Frames and Series one after or beside the other."""
    objs = call.given.get("objs")
    things = list(objs.values()) if isinstance(objs, Mapping) else objs
    if not isinstance(things, (list, tuple)):
        return UNKNOWN  # an iterator, that pandas has emptied
    columns: dict[str, Sources] = {}
    extra, opaque = NONE, False
    names = call.columns()
    for thing in things:
        found = call.origin(thing)
        if found is None:
            continue
        extra, opaque = extra | found.extra, opaque or found.opaque
        for column, sources in found.columns.items():
            target = column if column in names else names[0] if len(names) == 1 else column
            columns[target] = columns.get(target, NONE) | sources
    return Origin({name: columns[name] for name in names if name in columns} or columns, extra, opaque)


def merge(call: Call) -> Origin:
    """Two frames side by side, matched by keys."""
    given = call.given
    left, right = given.get("left", call.subject), given.get("right", given.get("other"))
    if isinstance(right, (list, tuple)):
        parts = [call.origin(thing) or Origin() for thing in (left, *right)]
        return Origin(
            {name: NONE.union(*(part.columns.get(name, NONE) for part in parts)) for name in call.columns()},
            NONE.union(*(part.extra for part in parts)),
        )
    one, other = call.origin(left) or Origin(), call.origin(right) or Origin()
    left_on: Any
    right_on: Any
    if call.name == "join":
        on: Any = given.get("on")
        keys = call.named(one, on, "key")
        left_on = right_on = ()
    else:
        on = given.get("on")
        left_on, right_on = given.get("left_on", on), given.get("right_on", on)
        by_index = given.get("left_index") or given.get("right_index") or given.get("how") == "cross"
        if left_on is None and right_on is None and not by_index:
            left_on = right_on = [column for column in one.columns if column in other.columns]
        for side in ("by", "left_by"):
            left_on = [*listed(left_on), *listed(given.get(side))]
        for side in ("by", "right_by"):
            right_on = [*listed(right_on), *listed(given.get(side))]
        keys = call.named(one, left_on, "key") | call.named(other, right_on, "key")
    ends = given.get("suffixes")
    if call.name == "join" and ends is None:
        ends = given.get("lsuffix", ""), given.get("rsuffix", "")
    left_end, right_end = ends if isinstance(ends, (list, tuple)) and len(ends) == 2 else ("_x", "_y")
    shared = {name for name in listed(left_on) if isinstance(name, str)}
    shared &= {name for name in listed(right_on) if isinstance(name, str)}
    columns = {}
    for name in call.columns():
        found: Sources = NONE
        for part, rest, end in ((one, other, left_end), (other, one, right_end)):
            plain = name[: len(name) - len(end)] if end and name.endswith(end) else None
            if name in part.columns and (name in shared or name not in rest.columns or not end):
                found |= part.columns[name]
            elif plain is not None and plain in part.columns and plain in rest.columns and name not in part.columns:
                found |= part.columns[plain]
        columns[name] = found
    return Origin(columns, one.extra | other.extra | keys, one.opaque or other.opaque)


def groupby(call: Call) -> Origin:
    """Groups remember the columns of their frame, and their keys."""
    origin = call.subject_origin()
    by = call.given.get("by")
    keys = call.named(origin, call.given.get("on") if call.name == "resample" else by, "key")
    opaque = is_callable(by)
    return Origin(origin.columns, origin.extra | keys, origin.opaque or opaque)


def window(call: Call) -> Origin:
    """Windows remember their column's origin, and what orders them."""
    origin = call.subject_origin()
    return Origin(origin.columns, origin.extra | call.named(origin, call.given.get("on"), "order"), origin.opaque)


def reduce(call: Call) -> Origin:
    """Aggregates: of all rows, of groups, of windows."""
    origin = call.subject_origin()
    if call.name in ("agg", "aggregate"):
        return _aggregate(call, origin)
    if call.name in ("size", "cumcount", "ngroup"):
        return Origin(dict.fromkeys(call.columns(), NONE), origin.extra | influencing(NONE, "key"), origin.opaque)
    keys = {(number, column) for number, column, influence in origin.extra if influence == "key"}
    if is_frame(call.result):
        columns = {}
        for name in call.columns():
            whole = origin.columns.get(name, NONE)
            # A frame with columns of two levels names the column first: ('a', 'mean').
            columns[name] = whole or origin.columns.get(_first_level(name), NONE)
        return Origin(columns, origin.extra, origin.opaque)
    values = frozenset(one for one in origin.all if (one[0], one[1]) not in keys) or origin.all
    return Origin({call.columns()[0]: values}, origin.extra, origin.opaque)


def _first_level(name: str) -> str:
    found = re.match(r"\('((?:[^'\\]|\\.)*)', ", name)
    return found[1] if found else name


def _aggregate(call: Call, origin: Origin) -> Origin:
    func = call.given.get("func")
    columns: dict[str, Sources] = {}
    opaque = origin.opaque
    named = call.given.get("kwargs", {})
    if func is None and named:
        for name, made in named.items():
            column = made[0] if isinstance(made, tuple) and len(made) == 2 else None
            columns[name] = call.named(origin, column, "value") if column is not None else origin.all
        return Origin(columns, origin.extra, opaque)
    names = call.columns()
    for name in names:
        found = origin.columns.get(name) or origin.columns.get(_first_level(name))
        if found is not None:
            columns[name] = found
        elif len(origin.columns) == 1 or not is_frame(call.result):
            columns[name] = origin.all
    return Origin(columns, origin.extra, opaque)


def counts(call: Call) -> Origin:
    """How often each value is there: values become keys."""
    origin = call.subject_origin()
    subset = call.given.get("subset")
    counted = origin.all if subset is None else call.named(origin, subset, "value")
    return Origin(dict.fromkeys(call.columns(), NONE), origin.extra | influencing(counted, "key"), origin.opaque)


def melt(call: Call) -> Origin:
    """Columns one below the other."""
    origin, given = call.subject_origin(), call.given
    ids = [label(name) for name in listed(given.get("id_vars"))]
    values = [label(name) for name in listed(given.get("value_vars"))] or [
        one for one in origin.columns if one not in ids
    ]
    columns = {name: origin.columns.get(name, NONE) for name in ids}
    columns[label(given.get("value_name") or "value")] = call.named(origin, values, "value")
    return Origin(columns, origin.extra, origin.opaque)


def pivot(call: Call) -> Origin:
    """Values side by side, by keys of rows and of columns."""
    origin, given = call.subject_origin(), call.given
    chosen = {name: given.get(name) for name in ("index", "columns", "values")}
    # `pivot` marks what was not given by an object of its own.
    chosen = {
        name: None if type(value).__name__ in ("_NoDefault", "NoDefault") else value for name, value in chosen.items()
    }
    keys = call.named(origin, chosen["index"], "key") | call.named(origin, chosen["columns"], "key")
    named = {column for _, column, _ in keys}
    if chosen["values"] is None:
        values = [name for name in origin.columns if name not in named]
    else:
        values = [label(name) for name in listed(chosen["values"])]
    every = call.named(origin, values, "value")
    columns = {}
    for name in call.columns():
        own = origin.columns.get(name) if name in named else origin.columns.get(_first_level(name))
        columns[name] = own if own is not None and (name in named or _first_level(name) in values) else every
    return Origin(columns, origin.extra | keys, origin.opaque)


def cross(call: Call) -> Origin:
    """Counts, or aggregates, by two keys."""
    given = call.given
    keys = call.fed(given.get("index"), "key") | call.fed(given.get("columns"), "key")
    values = call.sources(given.get("values"))
    return Origin(dict.fromkeys(call.columns(), values), keys)


def dummies(call: Call) -> Origin:
    """A column for each value of a column, its name in front."""
    origin, given = call.subject_origin(), call.given
    sign = given.get("prefix_sep") if isinstance(given.get("prefix_sep"), str) else "_"
    prefix = given.get("prefix")
    names = {column: column for column in origin.columns}
    if isinstance(prefix, str):
        chosen = [label(one) for one in listed(given.get("columns"))] or list(origin.columns)
        names = dict.fromkeys(chosen, prefix)
    elif isinstance(prefix, Mapping):
        names |= {label(column): text for column, text in prefix.items()}
    columns = {}
    for name in call.columns():
        found = origin.columns.get(name)
        if found is None:
            # The longest prefix: of columns "a" and "a_b", "a_b_c" comes from "a_b".
            fits = [column for column, text in names.items() if name.startswith(f"{text}{sign}")]
            longest = max((len(names[column]) for column in fits), default=0)
            best = [column for column in fits if len(names[column]) == longest]
            found = NONE.union(*(origin.columns.get(column, NONE) for column in best)) if best else origin.all
        columns[name] = found
    return Origin(columns, origin.extra, origin.opaque)
