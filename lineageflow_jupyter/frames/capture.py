"""A live frame taken apart piece by piece on another thread, while its owner may change or forget it.

When the cell that made the frame ends, a `Capture` takes fingerprints of its parts, which is quick. Later each column
is copied, in pieces where it is numbers; a column counts only if its private copy has the fingerprint that it had
then. So what comes out is the frame as it was at that moment, or nothing: also where it was changed and changed back.
Between pieces the frame is only referred to weakly, and no lock keeps anybody from changing it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from lineageflow_jupyter.frames.columns import PIECE_ROWS
from lineageflow_jupyter.frames.content import Companions, FrameContent, StoredArray
from lineageflow_jupyter.frames.convert import BODY_VERSION, library_of
from lineageflow_jupyter.frames.fingerprints import (
    Fingerprint,
    PiecesMark,
    column_mark,
    column_of,
    comes_in_pieces,
    fingerprint,
    head_mark,
    width_of,
)

Keep = Callable[[str, str, Iterator[Any]], StoredArray]
"""Stores a column, by its name, its role (``""``: a companion) and its values in pieces."""


class TornFrame(Exception):
    """The frame is not there any more as it was."""


class Capture:
    """A frame as it is now, to be taken apart later.

    Parameters
    ----------
    frame : pandas, polars or pyarrow object
        The frame; it is not kept alive.
    known : Fingerprint, optional
        Its fingerprint as it is now, if that has been taken.

    Raises
    ------
    TornFrame
        If it could not be told later whether it has changed.
    """

    def __init__(self, frame: Any, known: Fingerprint | None = None) -> None:
        self._frame: Callable[[], Any] = weakref.ref(frame)
        found = known or fingerprint(frame)
        if found is None:
            raise TornFrame("it has a column whose memory cannot be looked at")
        self._marks = found
        self._library = library_of(frame)

    def content(self, keep: Keep) -> FrameContent:
        """Take the frame apart: each array is stored as soon as it is there, and is not held.

        Parameters
        ----------
        keep : callable
            Stores a column. What it raises ends the work.

        Returns
        -------
        FrameContent
            With stored arrays only.

        Raises
        ------
        TornFrame
            If the frame was changed since, or is gone.
        UnsupportedData
            If something could not come back exactly.
        """
        if self._library == "pandas":
            from lineageflow_jupyter.frames.pandas_frames import capture_pandas

            return capture_pandas(self, keep, BODY_VERSION)
        if self._library == "polars":
            from lineageflow_jupyter.frames.polars_frames import capture_polars

            return capture_polars(self, keep, BODY_VERSION)
        from lineageflow_jupyter.frames.arrow_frames import capture_arrow

        return capture_arrow(self, keep, BODY_VERSION)

    def frame(self) -> Any:
        """Return the frame. Whoever asks lets go of it before the next piece.

        Raises
        ------
        TornFrame
            If it is gone, or has got other columns or rows.
        """
        frame = self._frame()
        if frame is None:
            raise TornFrame("no variable held it any more")
        if width_of(frame) != len(self._marks.columns):
            raise TornFrame("it was changed meanwhile")
        return frame

    @property
    def width(self) -> int:
        """Number of data columns."""
        return len(self._marks.columns)

    def check_head(self) -> None:
        """Compare labels and attributes with those that the frame had."""
        self._expect(head_mark(self.frame()), self._marks.head)

    def whole(self, number: int) -> Any:
        """Copy of a column, checked; of Arrow values and Python objects it shares what cannot change by itself."""
        values = column_of(self.frame(), number)
        if self._library == "pandas":
            values = values.copy()
        self.check(number, values)
        return values

    def check(self, number: int, values: Any) -> None:
        """Compare what `whole` gave, and may lie on memory of others, once more."""
        self._expect(column_mark(values), self._marks.columns[number])

    def in_pieces(self, number: int) -> bool:
        """Whether `pieces` gives the column."""
        return self._library == "pandas" and comes_in_pieces(column_of(self.frame(), number))

    def pieces(self, number: int) -> Iterator[Any]:
        """Yield private copies of the pieces of a column, one at least; they are checked after the last one."""
        values = column_of(self.frame(), number)
        mark, rows = PiecesMark(values.dtype), len(values)
        del values
        for start in range(0, max(rows, 1), PIECE_ROWS):
            piece = column_of(self.frame(), number)[start : start + PIECE_ROWS].copy()
            mark.add(piece)
            yield piece
        self._expect(mark.mark(), self._marks.columns[number])

    @staticmethod
    def _expect(found: bytes, known: bytes) -> None:
        if found != known:
            raise TornFrame("it was changed meanwhile")


def kept_companions(companions: Companions, first: int, keep: Keep) -> None:
    """Store the companions from a number on."""
    for number in range(first, len(companions.arrays)):
        companions.arrays[number] = keep("", "", iter([companions.arrays[number]]))
