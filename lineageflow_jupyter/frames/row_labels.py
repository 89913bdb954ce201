"""What the row labels of a described frame are good for: identifying rows, or only hinting at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.frames.content import Encoded, flavours_at, reading
from lineageflow_jupyter.frames.convert import library_of_body
from lineageflow_jupyter.frames.derived import Counted, counted_labels


def label_range(body: Encoded) -> tuple[int, int] | None:
    """First label and step of a pandas RangeIndex, else None.

    Parameters
    ----------
    body : list
        Body of a frame description.
    """
    rows = _rows(body)
    if rows is None or rows[0] != "range":
        return None
    with reading():
        return int(rows[1]), int(rows[2])


def counted_labels_of(body: Encoded, name: str, rows: int) -> Any:
    """Labels of a pandas RangeIndex of that name, as an array of int64; None where there is none.

    Parameters
    ----------
    body : list
        Body of a frame description.
    name : str
        Name of the index.
    rows : int
        Rows of the frame.
    """
    counted = label_range(body)
    if counted is None or label_name(body) != name:
        return None
    return counted_labels(Counted(*counted), np.arange(rows, dtype=np.int64))


def label_name(body: Encoded) -> Encoded:
    """Encoded name of a pandas index of one level; None where it has none, or there is no such index."""
    rows = _rows(body)
    if rows is None or rows[0] == "multi":
        return None
    with reading():
        return rows[3] if rows[0] == "range" else rows[1]


def labels_identify(body: Encoded, types: Sequence[pa.DataType]) -> bool:
    """Whether row labels mean something besides the place of a row, so that they may serve as a key.

    Labels that have names do, and labels that are not integers; plain integers may be what a filter left of places.

    Parameters
    ----------
    body : list
        Body of a frame description.
    types : sequence of pyarrow.DataType
        Types of its index levels.
    """
    rows = _rows(body)
    if rows is None or rows[0] == "range":
        return False
    with reading():
        names = [rows[1]] if rows[0] == "index" else [name for name, *_ in rows[1]]
        flavours = flavours_at(body[3][3], range(len(types)))  # periods are integers, too, but mean times
        periods = [each is not None and each[0] == "period" for each in flavours]
    plain = [pa.types.is_integer(kind) and not period for kind, period in zip(types, periods, strict=True)]
    return any(name is not None for name in names) or not all(plain)


def _rows(body: Encoded) -> Encoded:
    if library_of_body(body) != "pandas":
        return None
    with reading():
        return body[3][1]
