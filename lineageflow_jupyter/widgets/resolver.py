"""Conflicts of a half-done merge, to be decided one by one or many at a time, and to go on with.

What is decided goes into the frames that `%lf merge --continue` takes, so that what was typed and what was clicked are
one thing.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.gathering import is_missing
from lineageflow_jupyter.kernel.diff_page import NAME_LENGTH, NULL, VALUE_LENGTH, clipped_value
from lineageflow_jupyter.kernel.display import clipped, visible
from lineageflow_jupyter.resolving import UNRESOLVED

SIDES = ("base", "ours", "theirs")
MOST_ROWS = 100
"""So many conflicts are told at once."""
FIXED = frozenset({"conflict", "row_ours", "row_theirs", "column", "base", "ours", "theirs", "resolved"})


class Resolver:
    """What the resolver shows.

    Parameters
    ----------
    frames : callable
        Gives the frames of what is open, by dataset: always the same ones, until they are about something else.
    go_on : callable
        Goes on with the merge, and returns what is to be said, in lines.
    """

    kind = "resolver"

    def __init__(self, frames: Callable[[], Mapping[str, Any]], go_on: Callable[[], str]) -> None:
        self._frames, self._go_on = frames, go_on
        self._known = frames()

    def answers(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        """See `Source`."""
        told = {"open": self.rows, "choose": self.choose, "all": self.choose_all, "continue": self.go_on}
        return {name: self._if_known(answer) for name, answer in told.items()}

    def _if_known(self, answer: Callable[[Mapping[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        gone = {"gone": "this merge is not what is open any more; `%lf merge --conflicts` shows what is"}
        return lambda question: answer(question) if self._frames() is self._known and self._known else gone

    def rows(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Tell some conflicts, and how many are decided."""
        start = max(int(question.get("start", 0)), 0)
        decided = sum(sum(_decided(frame)) for frame in self._known.values())
        shown = islice(self._places(), start, start + MOST_ROWS)
        columns = dict.fromkeys(str(c) for frame in self._known.values() for c in frame["column"] if c is not None)
        return {
            "count": sum(map(len, self._known.values())),
            "decided": decided,
            "start": start,
            "rows": [self._row(name, at) for name, at in shown],
            "columns": [[name, visible(clipped(name, NAME_LENGTH))] for name in columns],
        }

    def choose(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Decide one conflict: for a side, or with a value as text."""
        name, at = str(question["dataset"]), int(question["at"])
        if name not in self._known or not 0 <= at < len(self._known[name]):
            raise UsageProblem("there is no such conflict", remedy="Run the cell again")
        side, text = question.get("side"), question.get("text")
        self._decide(name, at, _side(side) if text is None else None, text)
        return self.rows(question)

    def choose_all(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Decide all that are open for a side, or those in a column."""
        side, column = _side(question.get("side")), question.get("column")
        for frame in self._known.values():
            open_ = [not each for each in _decided(frame)]
            wanted = [column in (None, each) for each in frame["column"]]
            cells = [kind == "cell" for kind in frame["conflict"]]
            answers = [
                (value if cell else side) if is_open and asked else before
                for value, cell, is_open, asked, before in zip(
                    frame[side], cells, open_, wanted, frame["resolved"], strict=True
                )
            ]
            frame["resolved"] = pd.Series(answers, index=frame.index, dtype=object)
        return self.rows(question)

    def go_on(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Go on with the merge; what is open then is told, if there is something."""
        said = self._go_on()
        self._known = self._frames()
        return {"said": visible(said), "rows": self.rows({}) if self._known else None}

    # --- one conflict ------------------------------------------------------------------------------------------------

    def _places(self) -> Iterator[tuple[str, int]]:
        for name, frame in self._known.items():
            for at in range(len(frame)):
                yield name, at

    def _decide(self, name: str, at: int, side: str | None, text: Any) -> None:
        frame = self._known[name]
        if frame.at[at, "conflict"] != "cell":
            if side is None:
                raise UsageProblem("a row or a column takes one of the sides", remedy="Choose base, ours or theirs")
            frame.at[at, "resolved"] = side
        elif side is not None:
            frame.at[at, "resolved"] = frame.at[at, side]
        else:
            frame.at[at, "resolved"] = typed(str(text), [frame.at[at, each] for each in ("ours", "theirs", "base")])

    def _row(self, name: str, at: int) -> dict[str, Any]:
        frame = self._known[name]
        found = frame.iloc[at]
        keys = [f"{key} = {_text(found[key])}" for key in frame.columns if key not in FIXED]
        place = found["row_ours"] if not is_missing(found["row_ours"]) else found["row_theirs"]
        where = ", ".join(keys) or ("" if is_missing(place) else f"row {int(place):,}")
        resolved = found["resolved"]
        cell = found["conflict"] == "cell"
        sides = ("ours", "theirs", "base")
        chosen = (side for side in sides if (resolved is found[side] if cell else resolved == side))
        column = found["column"]
        return {
            "dataset": name,
            "at": at,
            "kind": str(found["conflict"]),
            "where": visible(clipped(where)),
            "column": "" if column is None else visible(clipped(str(column), NAME_LENGTH)),
            **{side: _text(found[side]) for side in SIDES},
            "resolved": None if resolved is UNRESOLVED else _text(resolved),
            "side": next(chosen, None),
        }


def _decided(frame: Any) -> list[bool]:
    return [each is not UNRESOLVED for each in frame["resolved"]]


def typed(text: str, examples: list[Any]) -> Any:
    """Return the value that a text stands for, of the type of the first example that is not missing.

    Raises
    ------
    UsageProblem
        If it stands for none.

    Examples
    --------
    >>> typed("7", [None, 3]), typed("7", ["a"]), typed("null", [3])
    (7, '7', None)
    """
    example = next((value for value in examples if not is_missing(value)), None)
    if text == NULL:
        return None
    for kinds, read in _READERS:
        if isinstance(example, kinds):
            try:
                return read(text.strip())
            except (ValueError, ArithmeticError):
                raise UsageProblem(
                    f"{text!r} is no value of the type {type(example).__name__}",
                    remedy=f"Type one like {clipped(str(example), NAME_LENGTH)}, or null",
                ) from None
    if example is None or isinstance(example, str):
        return text
    raise UsageProblem(
        f"values of the type {type(example).__name__} cannot be typed here",
        remedy="Choose a side, or fill the column `resolved` of the frame in Python",
    )


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _no_flag()


def _no_flag() -> bool:
    raise ValueError


_READERS: tuple[tuple[Any, Callable[[str], Any]], ...] = (
    ((bool, np.bool_), _flag),
    ((int, np.integer), int),
    ((float, np.floating), float),
    ((decimal.Decimal,), decimal.Decimal),
    ((pd.Timestamp, datetime.datetime), pd.Timestamp),
    ((datetime.date,), datetime.date.fromisoformat),
    ((pd.Timedelta, datetime.timedelta), pd.Timedelta),
)


def _side(side: Any) -> str:
    if side not in SIDES:
        raise UsageProblem(f"a side was expected, {side!r} found", remedy="Choose base, ours or theirs")
    return str(side)


def _text(value: Any) -> str:
    return clipped_value(None if is_missing(value) else str(value), VALUE_LENGTH)
