"""What a live frame weighs, found without looking at its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lineageflow_jupyter.frames.convert import library_of

OBJECT_BYTES = 16
"""What a Python object is taken to hold besides its address."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Size of a frame.

    Parameters
    ----------
    bytes : int
        Bytes of its values and labels; of Python objects an estimate.
    objects : int
        How many values are Python objects.
    """

    bytes: int
    objects: int = 0


def weight_of(frame: Any) -> Weight:
    """Return what a frame weighs; nothing of it is converted or copied.

    Parameters
    ----------
    frame : pandas, polars or pyarrow object
        The frame.

    Examples
    --------
    >>> import pandas as pd
    >>> weight_of(pd.DataFrame({"x": [1, 2], "t": pd.Series(["a", "b"], dtype=object)}))
    Weight(bytes=64, objects=2)
    """
    library = library_of(frame)
    if library == "polars":
        return Weight(int(frame.estimated_size()))
    if library != "pandas":
        return Weight(int(frame.nbytes))
    import pandas as pd

    series = isinstance(frame, pd.Series)
    rows, index = len(frame), frame.index
    size = _index_bytes(index)
    objects = 0
    for number, dtype in enumerate([frame.dtype] if series else frame.dtypes.tolist()):
        if isinstance(dtype, np.dtype):
            size += rows * dtype.itemsize
        else:
            size += _array_bytes((frame if series else frame.iloc[:, number]).array)
        objects += rows * _is_object(dtype)
    return Weight(size + OBJECT_BYTES * objects, objects)


def _index_bytes(index: Any) -> int:
    """Bytes of labels."""
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        return 0
    if isinstance(index, pd.MultiIndex):
        return sum(int(codes.nbytes) for codes in index.codes) + sum(map(_index_bytes, index.levels))
    return _array_bytes(index.array)


def _array_bytes(values: Any) -> int:
    """Bytes of a pandas array. Categories that are times with a zone make pandas 3.1 warn when it is asked for them."""
    import pandas as pd

    if isinstance(values, pd.Categorical):
        return int(values.codes.nbytes) + _index_bytes(values.categories)
    return int(values.nbytes)


def _is_object(dtype: Any) -> bool:
    """Whether values of a pandas dtype are Python objects: ``object``, and text that is kept so."""
    if isinstance(dtype, np.dtype):
        return dtype.kind == "O"
    return getattr(dtype, "storage", "") == "python"
