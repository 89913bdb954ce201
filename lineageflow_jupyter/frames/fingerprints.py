"""Whether a live frame is still what it was: a quick hash of its memory, many times quicker than the id of its table.

A fingerprint lives as long as the process. Equal fingerprints mean equal content; other ones only that it is worth a
look: one content may lie in memory in several ways. Python objects count by identity: one that was changed in place,
such as a list, goes unseen.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from lineageflow_jupyter.frames.convert import library_of

Digest = Any
"""An xxh3 of 128 bits that is being computed."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fingerprints of the parts of a frame, so that each can be compared alone with a copy of it.

    Parameters
    ----------
    head : bytes
        Of labels, shape and attributes; 16 bytes.
    columns : tuple of bytes
        Of each data column.
    """

    head: bytes
    columns: tuple[bytes, ...]


def fingerprint(frame: Any) -> Fingerprint | None:
    """Hash of a frame: values, labels, dtypes and attributes.

    Parameters
    ----------
    frame : pandas, polars or pyarrow object
        The frame. Nothing of it is copied but what does not lie in one piece.

    Returns
    -------
    Fingerprint or None
        None where there is a column whose memory cannot be looked at, and for what is no frame.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": [1, 2]})
    >>> before = fingerprint(frame)
    >>> frame.loc[0, "x"] = 3
    >>> fingerprint(frame) == before
    False
    """
    library = library_of(frame)
    if library is None:
        return None
    try:
        square = _square(frame) if library == "pandas" else None
        if square is not None:
            columns = _square_marks(square, column_of(frame, 0).dtype)
        else:
            columns = tuple(column_mark(column_of(frame, number)) for number in range(width_of(frame)))
        return Fingerprint(head_mark(frame), columns)
    except (TypeError, ValueError, NotImplementedError, pa.ArrowException):
        return None


def width_of(frame: Any) -> int:
    """Number of data columns of a frame."""
    return int(frame.shape[1]) if len(frame.shape) > 1 else 1


def column_of(frame: Any, number: int) -> Any:
    """Values of a data column, on the frame's memory: a pandas array, a polars Series or Arrow values."""
    library = library_of(frame)
    if library == "arrow":
        return frame.column(number)
    if library == "polars":
        return frame.to_series(number) if len(frame.shape) > 1 else frame
    return (frame.iloc[:, number] if len(frame.shape) > 1 else frame).array


def head_mark(frame: Any) -> bytes:
    """Fingerprint of what a frame has besides the values of its columns."""
    digest = xxhash.xxh3_128()
    library = library_of(frame)
    if library == "pandas":
        _pandas_head(digest, frame)
    elif library == "polars":
        _told(digest, type(frame).__name__, frame.shape, frame.name if len(frame.shape) == 1 else frame.columns)
    else:
        _told(digest, type(frame).__name__, frame.num_rows, frame.schema.metadata)
        for field in frame.schema:
            _told(digest, field.name, field.type, field.nullable, field.metadata)
    return bytes(digest.digest())


def column_mark(values: Any) -> bytes:
    """Fingerprint of a column as `column_of` gives it."""
    digest = xxhash.xxh3_128()
    if isinstance(values, pa.Array | pa.ChunkedArray):
        _arrow(digest, values)
    elif library_of(values) == "polars":
        _polars_column(digest, values)
    else:
        _column(digest, values)
    return bytes(digest.digest())


class PiecesMark:
    """The same of a pandas column that comes in pieces, such as `comes_in_pieces` tells.

    Parameters
    ----------
    dtype : dtype
        The dtype of the column.
    """

    def __init__(self, dtype: Any) -> None:
        self._digest = xxhash.xxh3_128()
        _told(self._digest, dtype)

    def add(self, piece: Any) -> None:
        """Add the next rows."""
        _memory(self._digest, _plain(piece))

    def mark(self) -> bytes:
        """Fingerprint of what was added so far."""
        return bytes(self._digest.digest())


def comes_in_pieces(values: Any) -> bool:
    """Whether a pandas array is numbers or times in a numpy array, of which a slice means the same as in the whole."""
    import pandas as pd

    if isinstance(values, pd.arrays.NumpyExtensionArray):
        return values.to_numpy().dtype.kind != "O"
    return isinstance(values, pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray | pd.arrays.PeriodArray)


# --- pandas ----------------------------------------------------------------------------------------------------------


def _pandas_head(digest: Digest, frame: Any) -> None:
    import pandas as pd

    _told(digest, type(frame).__name__, frame.shape, frame.attrs, frame.flags.allows_duplicate_labels)
    _labels(digest, frame.index)
    if isinstance(frame, pd.Series):
        _told(digest, frame.name)
    else:
        _labels(digest, frame.columns)


def _square(frame: Any) -> Any:
    """Columns of a frame of one dtype as the rows of an array that lies in one piece; None where they do not.

    To ask a frame for each of thousands of columns takes longer than to hash them.
    """
    if len(frame.shape) < 2 or frame.shape[1] < 2:
        return None
    kinds = set(frame.dtypes.tolist())
    kind = kinds.pop() if len(kinds) == 1 else None
    if not isinstance(kind, np.dtype) or kind.kind == "O":
        return None
    values = frame.to_numpy()
    shared = values.base is not None and not values.flags.owndata  # else it was copied together
    return values.T if shared and values.T.flags.c_contiguous and values.dtype == kind else None


def _square_marks(square: Any, dtype: Any) -> tuple[bytes, ...]:
    """What `column_mark` gives for each column."""
    plain = square.view("i8") if square.dtype.kind in "mM" else square
    found = []
    for values in plain:
        digest = xxhash.xxh3_128()
        _told(digest, dtype)
        _memory(digest, values)
        found.append(bytes(digest.digest()))
    return tuple(found)


def _labels(digest: Digest, labels: Any) -> None:
    import pandas as pd

    _told(digest, type(labels).__name__, len(labels), list(labels.names))
    if isinstance(labels, pd.RangeIndex):
        _told(digest, labels.start, labels.stop, labels.step)
    elif isinstance(labels, pd.MultiIndex):
        for codes, level in zip(labels.codes, labels.levels, strict=True):
            _memory(digest, codes)
            _labels(digest, level)
    else:
        _told(digest, getattr(labels, "freqstr", None))
        _column(digest, labels.array)


def _column(digest: Digest, values: Any) -> None:
    import pandas as pd

    _told(digest, values.dtype)
    if isinstance(values, pd.arrays.NumpyExtensionArray) or comes_in_pieces(values):
        _memory(digest, _plain(values))
    elif isinstance(values, pd.Categorical):
        _memory(digest, values.codes)
        _labels(digest, values.categories)
    elif isinstance(values, pd.arrays.IntervalArray):
        for side in (values.left, values.right):
            _labels(digest, side)
    elif hasattr(values, "__arrow_array__"):
        _arrow(digest, values.__arrow_array__())
    else:
        raise TypeError(f"no way to the memory of {values.dtype}")


def _plain(values: Any) -> Any:
    """Memory of numbers, objects or times."""
    import pandas as pd

    return values.to_numpy() if isinstance(values, pd.arrays.NumpyExtensionArray) else values.view("i8")


# --- polars and Arrow ------------------------------------------------------------------------------------------------


def _polars_column(digest: Digest, column: Any) -> None:
    """Polars hashes its rows itself; its texts do not lie in memory as those of Arrow."""
    import polars as pl

    _told(digest, column.dtype)
    plain = column.cast(pl.String) if isinstance(column.dtype, pl.Categorical | pl.Enum) else column
    try:
        _memory(digest, plain.to_frame().hash_rows(seed=7).to_numpy())
    except pl.exceptions.PolarsError:  # early versions hash no lists
        _arrow(digest, plain.to_arrow())


def _arrow(digest: Digest, array: Any) -> None:
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    for chunk in chunks:
        _told(digest, chunk.type, len(chunk), chunk.offset % 8)
        hash_chunk = _hasher(chunk.type)
        hash_chunk(digest, chunk)


def _hasher(kind: Any) -> Callable[[Digest, Any], None]:
    if pa.types.is_dictionary(kind):
        return _dictionary
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return lambda digest, chunk: _texts(digest, chunk, 8)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return lambda digest, chunk: _texts(digest, chunk, 4)
    if (pa.types.is_primitive(kind) or pa.types.is_decimal(kind)) and not pa.types.is_boolean(kind):
        return _fixed
    return _whole


def _fixed(digest: Digest, chunk: Any) -> None:
    validity, values = chunk.buffers()
    width = chunk.type.bit_width // 8
    _bits(digest, validity, chunk)
    _bytes(digest, values, chunk.offset * width, (chunk.offset + len(chunk)) * width)


def _texts(digest: Digest, chunk: Any, width: int) -> None:
    validity, offsets, values = chunk.buffers()
    _bits(digest, validity, chunk)
    if offsets is None or not len(chunk):
        return
    ends = np.frombuffer(offsets, f"<i{width}")[chunk.offset : chunk.offset + len(chunk) + 1]
    _memory(digest, ends)
    _bytes(digest, values, int(ends[0]), int(ends[-1]))


def _dictionary(digest: Digest, chunk: Any) -> None:
    _arrow(digest, chunk.indices)
    _arrow(digest, chunk.dictionary)


def _whole(digest: Digest, chunk: Any) -> None:
    """All memory of an array, also what lies beside a slice: more than needed is never wrong."""
    _told(digest, chunk.offset)
    for buffer in chunk.buffers():
        _told(digest, None if buffer is None else buffer.size)
        if buffer is not None:
            digest.update(memoryview(buffer))


def _bits(digest: Digest, bitmap: Any, chunk: Any) -> None:
    _told(digest, bitmap is not None)
    _bytes(digest, bitmap, chunk.offset // 8, -(-(chunk.offset + len(chunk)) // 8))


def _bytes(digest: Digest, buffer: Any, start: int, stop: int) -> None:
    if buffer is not None and stop > start:
        digest.update(memoryview(buffer)[start:stop])


# --- memory ----------------------------------------------------------------------------------------------------------


def _memory(digest: Digest, values: Any) -> None:
    """Bytes of a numpy array; of Python objects their addresses."""
    values = np.asarray(values)
    if not values.flags.c_contiguous:
        values = np.ascontiguousarray(values)
    if values.dtype.kind == "O":
        size = values.nbytes
        if size:
            digest.update((ctypes.c_char * size).from_address(values.ctypes.data))
    elif values.nbytes:
        digest.update(values.reshape(-1).view(np.uint8).data)


def _told(digest: Digest, *facts: object) -> None:
    digest.update(repr(facts).encode("utf-8", "backslashreplace"))
