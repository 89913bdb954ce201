"""What no commit or checkout can beat: one BLAKE3 pass over a frame's buffers, one copy of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import blake3
import numpy as np
import pandas as pd
import pyarrow as pa

PIECE = 1 << 20
SHARES = 16


def pieces(frame: pd.DataFrame) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return the buffers in pieces of 1 MiB, about a chunk; nothing is copied where pandas keeps plain ones."""
    found = []
    for name in frame.columns:
        values = frame[name]
        if values.dtype.kind in "ifbM":
            buffers = [np.ascontiguousarray(values.to_numpy()).view("u1")]
        else:
            array = pa.array(values, pa.large_string(), from_pandas=True)
            whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            buffers = [np.frombuffer(buffer, "u1") for buffer in whole.buffers() if buffer is not None]
        found += [buffer[at : at + PIECE] for buffer in buffers for at in range(0, len(buffer), PIECE)]
    return found


def measure(frame: pd.DataFrame) -> dict[str, float]:
    """Return seconds for ``blake3-1`` (one thread), ``blake3-2`` (two) and ``copy``."""
    every = pieces(frame)

    def digest(piece: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
        return blake3.blake3(piece.data).digest()

    def digests(pieces: list[np.ndarray[Any, np.dtype[np.uint8]]]) -> list[bytes]:
        return [digest(piece) for piece in pieces]

    def timed(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    with ThreadPoolExecutor(2) as pool:
        shares = [every[i::SHARES] for i in range(SHARES)]
        list(pool.map(digest, every[:4]))
        return {
            "blake3-1": timed(lambda: digests(every)),
            "blake3-2": timed(lambda: list(pool.map(digests, shares))),
            "copy": timed(lambda: [piece.copy() for piece in every]),
        }
