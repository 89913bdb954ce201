"""Where columns came from: an `Origin` for everything that goes into a call, and a `Call` as its family sees it.

A frame is the origin of its own columns; a Series, a mask or a group remembers where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lineageflow_jupyter.lineage.operations_shape import label, labels_of
from lineageflow_jupyter.model.cells import Influence

ALL = "*"

Source = tuple[int, str, Influence]
"""Number of a frame in the run, a column of it, how it fed."""
Sources = frozenset[Source]
NONE: Sources = frozenset()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where columns came from.

    Parameters
    ----------
    columns : mapping of str to frozenset
        What fed each column.
    extra : frozenset
        What fed all of them: filters, orders, keys.
    opaque : bool
        Whether something that cannot be seen fed them.
    """

    columns: Mapping[str, Sources] = field(default_factory=dict)
    extra: Sources = NONE
    opaque: bool = False
    _all: Sources | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: tuple[int, ...] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def all(self) -> Sources:
        """What fed any column."""
        if self._all is None:  # a frame's own origin is asked for it in each call
            object.__setattr__(self, "_all", NONE.union(*self.columns.values()))
        return self._all  # type: ignore[return-value]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Frames that fed any column in any way."""
        if self._numbers is None:
            found = {number for sources in self.columns.values() for number, _, _ in sources}
            found.update(number for number, _, _ in self.extra)
            object.__setattr__(self, "_numbers", tuple(sorted(found)))
        return self._numbers  # type: ignore[return-value]


UNKNOWN = Origin(opaque=True)


@dataclass(slots=True)
class Call:
    """One call, as a family's function sees it.

    Parameters
    ----------
    name : str
        Public name of the function.
    subject : object
        What it was called on; of a module's function its first argument.
    given : dict
        Its arguments by name, without `self`.
    origin : callable
        Origin of an object: a frame, Series, group, window or accessor; None of anything else.
    result : object
        What came out; of a call in place, what was changed.
    before : tuple of str
        Columns of the subject before the call.
    own : Origin or None
        Of a frame that the call edited: its origin before.
    chose : frozenset
        Of a group in a loop: the keys of the groups.
    """

    name: str
    subject: Any
    given: dict[str, Any]
    origin: Callable[[Any], Origin | None]
    result: Any
    before: tuple[str, ...] = ()
    own: Origin | None = None
    chose: Sources = NONE

    def subject_origin(self) -> Origin:
        """Origin of the subject, as it was before the call."""
        return self.own or self.origin(self.subject) or Origin()

    def fed(self, thing: Any, influence: Influence) -> Sources:
        """What a value, Series, mask, or list of those fed, as this kind of influence."""
        return frozenset((number, column, influence) for number, column, _ in self.sources(thing))

    def sources(self, thing: Any) -> Sources:
        """Columns that an argument came from, whatever it is."""
        found = self.origin(thing)
        if found is not None:
            return found.all | found.extra
        if isinstance(thing, dict):
            return NONE.union(*map(self.sources, thing.values()))
        if isinstance(thing, (list, tuple)):
            return NONE.union(*map(self.sources, thing[:1000]))
        return NONE

    def value_and_rest(self, thing: Any) -> tuple[Sources, Sources]:
        """Of an argument whose values go in: its values' columns, and what chose or grouped its rows."""
        found = self.origin(thing)
        if found is not None:
            return found.all, found.extra
        return self.sources(thing), NONE

    def named(self, origin: Origin, labels: Any, influence: Influence) -> Sources:
        """What columns of an origin feed that are named by labels (one or a list), or given as Series."""
        if labels is None:
            return NONE
        found: set[Source] = set()
        for one in labels if isinstance(labels, (list, tuple)) or is_index(labels) else (labels,):
            if self.origin(one) is not None or isinstance(one, (list, Mapping)):
                found |= self.fed(one, influence)
            elif is_grouper(one):
                found |= self.named(origin, one.key, influence)
            else:
                found |= {(number, column, influence) for number, column, _ in origin.columns.get(label(one), NONE)}
        return frozenset(found)

    def columns(self) -> tuple[str, ...]:
        """Labels of the result."""
        return labels_of(self.result)


def is_index(thing: Any) -> bool:
    """Whether an object is labels of pandas."""
    return type(thing).__name__.endswith("Index") and hasattr(thing, "get_level_values")


def is_grouper(thing: Any) -> bool:
    """Whether an object is a `pandas.Grouper`."""
    return type(thing).__name__ in ("Grouper", "TimeGrouper") and hasattr(thing, "key")


def is_frame(thing: Any) -> bool:
    """Whether an object has columns and rows."""
    return getattr(thing, "ndim", 0) == 2 and hasattr(thing, "columns")


def influencing(sources: Iterable[Source], influence: Influence) -> Sources:
    """The same columns, feeding as this kind of influence."""
    return frozenset((number, column, influence) for number, column, _ in sources)


def kept(call: Call, extra: Sources = NONE) -> Origin:
    """The subject's columns under their names, or all that fed a subject that is one column."""
    origin = call.subject_origin()
    return Origin(by_name(origin, call.columns()), origin.extra | extra, origin.opaque)


def by_name(origin: Origin, columns: Iterable[str]) -> dict[str, Sources]:
    """What fed columns of these names; all of them where there is one column only."""
    if len(origin.columns) == 1:
        (only,) = origin.columns.values()
        return {column: origin.columns.get(column, only) for column in columns}
    return {column: origin.columns[column] for column in columns if column in origin.columns}


def mixed(call: Call, extra: Sources = NONE) -> Origin:
    """Every column of the result may hold any of the subject's."""
    origin = call.subject_origin()
    found = origin.all
    return Origin(dict.fromkeys(call.columns(), found), origin.extra | extra, origin.opaque)


def is_group(thing: Any) -> bool:
    """Whether an object is groups or windows of a frame."""
    # A frame answers to the names of its columns.
    return getattr(thing, "_mgr", None) is None and hasattr(thing, "obj") and hasattr(thing, "agg")


def is_callable(thing: Any) -> bool:
    """Whether an object is a function or the like, and no class."""
    return callable(thing) and not isinstance(thing, type)


def opaque(origin: Origin) -> Origin:
    """The origin, fed by something that cannot be seen."""
    return Origin(origin.columns, origin.extra, True)


def listed(thing: Any) -> list[Any]:
    """A list of one or several labels."""
    if thing is None:
        return []
    return list(thing) if isinstance(thing, (list, tuple)) else [thing]
