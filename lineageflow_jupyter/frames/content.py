"""What a frame consists of once it is taken apart, and what its converters share.

A `FrameContent` is columns of Arrow values, companions and a body. The layout of the body belongs to `convert`; the
values' canonical bytes to `canonical`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lineageflow_jupyter.errors import CorruptData, NewerFormat, UnsupportedData
from lineageflow_jupyter.model.ids import ObjectId

Encoded = Any
"""Nested lists of None, bool, int, float, str and bytes."""

EVERY_COLUMN = -1
"""Position of a companion that is needed whatever columns are read."""

_REPR_LENGTH = 80


@dataclass(frozen=True, slots=True, eq=False)
class StoredArray:
    """Stands where an array does, for a column that is stored already: whoever stores the frame need not read it.

    Parameters
    ----------
    id : ObjectId
        The column.
    read : callable
        Gives its values.
    """

    id: ObjectId
    read: Callable[[], Any]


def values_of(array: Any) -> Any:
    """An array, read if it is stored already."""
    return array.read() if isinstance(array, StoredArray) else array


@dataclass(frozen=True, slots=True, eq=False)
class ColumnContent:
    """One column of a frame.

    Parameters
    ----------
    name : str
        Text of the label.
    role : str
        ``"index"`` or ``"data"``.
    array : pyarrow.Array, pyarrow.ChunkedArray or StoredArray
        The values, of any Arrow type that `normalise.normalise` takes.
    """

    name: str
    role: str
    array: Any


@dataclass(frozen=True, slots=True, eq=False)
class FrameContent:
    """A frame taken apart.

    Parameters
    ----------
    rows : int
        Number of rows.
    columns : tuple of ColumnContent
        Index levels first, then data columns in order.
    companions : tuple of pyarrow.Array, pyarrow.ChunkedArray, StoredArray or None
        Extra columns that `body` refers to by position: category orders, masks of missing kinds, exponents of
        decimals. None stands for one that a reader did not need (`convert.companions_for`).
    body : list
        The frame description's body.
    """

    rows: int
    columns: tuple[ColumnContent, ...]
    companions: tuple[Any, ...]
    body: list[Any]


@dataclass(slots=True, eq=False)
class Companions:
    """Companions collected while a frame is taken apart.

    Parameters
    ----------
    arrays : list of pyarrow.Array
        The companions.
    owners : list of [bool, int]
        For each, whether its rows are the frame's rows, and the position of the column that needs it.
    """

    arrays: list[Any] = field(default_factory=list)
    owners: list[list[Any]] = field(default_factory=list)

    def add(self, array: Any, position: int, *, aligned: bool) -> int:
        """Keep a companion; its number."""
        self.arrays.append(array)
        self.owners.append([aligned, position])
        return len(self.arrays) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the values sit that are being taken apart.

    Parameters
    ----------
    companions : Companions
        Takes what the values need besides themselves.
    position : int
        Position of the column, or `EVERY_COLUMN`.
    aligned : bool
        Whether the values are one a row of the frame (categories and labels are not).
    what : str
        For messages, such as ``"column 'x'"``.
    expression : str
        Code that names the values, such as ``'df["x"]'``; ``""`` where there is none.
    labels : sequence or None
        Row labels, for messages.
    """

    companions: Companions
    position: int
    aligned: bool
    what: str
    expression: str = ""
    labels: Any = None

    def beside(self, what: str) -> Place:
        """Place of values that describe the column but are not one a row."""
        return Place(self.companions, self.position, False, f"{what} of {self.what}")

    def add(self, array: Any) -> int:
        """Keep a companion of these values; its number."""
        return self.companions.add(array, self.position, aligned=self.aligned)

    def refusal(self, why: str, remedy: str, *, row: int | None = None, value: object = None) -> UnsupportedData:
        """The error that names column, row, value and remedy."""
        where = self.what
        if row is not None:
            where += f", row {row}"
            if self.labels is not None:
                where += f" (label {shown(self.labels[row : row + 1].tolist()[0])})"
            where += f": {shown(value)}"
        return UnsupportedData(f"{where}: {why}", remedy=remedy)

    def remedy(self, call: str) -> str:
        """Code that mends the values by a method call, such as ``astype("str")``."""
        if self.expression:
            return f"Convert it first: {self.expression} = {self.expression}.{call}"
        return f"Convert it first with .{call}"


def shown(value: object) -> str:
    """Text of a value for messages, at most 80 characters, whatever its ``repr`` does."""
    try:
        text = repr(value)
    except Exception:  # a broken __repr__ must not hide the message it is wanted for
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _REPR_LENGTH else text[: _REPR_LENGTH - 1] + "…"


def runs(flavours: Sequence[Encoded]) -> list[Encoded]:
    """Run-length form of one flavour a column: ``[first, count, flavour]`` where the flavour is not None."""
    found: list[list[Any]] = []
    for position, flavour in enumerate(flavours):
        if flavour is None:
            continue
        if found and found[-1][0] + found[-1][1] == position and found[-1][2] == flavour:
            found[-1][1] += 1
        else:
            found.append([position, 1, flavour])
    return found


def flavours_at(encoded: Encoded, positions: Sequence[int]) -> list[Encoded]:
    """Flavours of the columns at some positions; inverse of `runs`."""
    by_position: dict[int, Encoded] = {}
    wanted = set(positions)
    for first, count, flavour in encoded:
        if count > len(wanted):
            by_position.update((position, flavour) for position in wanted if first <= position < first + count)
        else:
            by_position.update((position, flavour) for position in range(first, first + count))
    return [by_position.get(position) for position in positions]


def unreadable(what: str, encoded: Encoded, known: frozenset[str]) -> Exception:
    """Error for an encoded value that matches none of the known forms."""
    tag = encoded[0] if isinstance(encoded, list) and encoded else encoded
    if isinstance(tag, str) and tag not in known:
        return NewerFormat(
            f"the frame description uses the {what} {shown(tag)}, which this version does not know",
            remedy="Update LineageFlow: pip install -U lineageflow-jupyter",
        )
    return damaged(f"{what} {shown(encoded)}")


def damaged(what: str) -> CorruptData:
    """Error for a description that cannot be right."""
    return CorruptData(f"the frame description does not decode: {what}", remedy="Run fsck to see what is damaged")


@contextmanager
def reading() -> Iterator[None]:
    """Turn what a body that does not fit its columns sets off into `CorruptData`."""
    try:
        yield
    except (
        TypeError, ValueError, LookupError, AttributeError, ArithmeticError, NotImplementedError, AssertionError,
        RecursionError,
    ) as error:  # fmt: skip
        raise damaged(f"{type(error).__name__}: {shown(str(error))}") from error


def companion(companions: Sequence[Any], number: Encoded) -> Any:
    """A companion by number, as one contiguous array."""
    if type(number) is not int or not 0 <= number < len(companions) or companions[number] is None:
        raise damaged(f"companion {shown(number)} is missing")
    return contiguous(companions[number])


def contiguous(array: Any) -> Any:
    """One array of a possibly chunked array."""
    import pyarrow as pa

    if not isinstance(array, pa.ChunkedArray):
        return array
    if array.num_chunks == 1:
        return array.chunk(0)
    combined = array.combine_chunks()
    return combined if not isinstance(combined, pa.ChunkedArray) else pa.concat_arrays(combined.chunks)
