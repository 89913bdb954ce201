"""Frames taken apart while others may change them: the same content as at once, or nothing."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from lineageflow_jupyter.frames.capture import Capture, TornFrame
from lineageflow_jupyter.frames.columns import PIECE_ROWS, chunk_column, chunk_pieces
from lineageflow_jupyter.frames.content import StoredArray
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.weighing import Weight, weight_of
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.testing.strategies import frames

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
ROWS = PIECE_ROWS + 1000


class Kept:
    """Holds what is captured; something may happen after a piece."""

    def __init__(self, after: Callable[[str, int], object] = lambda name, piece: None) -> None:
        self.after = after

    def __call__(self, name: str, role: str, pieces: Iterator[Any]) -> StoredArray:
        held = []
        for number, piece in enumerate(pieces):
            held.append(normalise(piece))
            self.after(name, number)
        found = pa.chunked_array(held)
        return StoredArray(ObjectId(b""), lambda: found)


def text(array: Any) -> str:
    values = normalise(array)
    return f"{values.type} {values.to_pylist()}"


@few
@given(frames())
def test_it_is_what_the_frame_is_at_once(frame: Any) -> None:
    at_once = to_content(frame)
    found = Capture(frame).content(Kept())
    assert (found.rows, found.body) == (at_once.rows, at_once.body)
    assert [(each.name, each.role) for each in found.columns] == [(each.name, each.role) for each in at_once.columns]
    for one, other in zip(found.columns, at_once.columns, strict=True):
        assert text(one.array.read()) == text(other.array)
    assert [text(each.read()) for each in found.companions] == [text(each) for each in at_once.companions]


def numbers() -> tuple[np.ndarray[Any, Any], pd.DataFrame]:
    """A frame of two columns, and the memory that it lies on."""
    memory = np.arange(2.0 * ROWS).reshape(2, ROWS)
    return memory, pd.DataFrame(memory.T, columns=["x", "y"], copy=False)


def test_what_is_changed_meanwhile_is_torn() -> None:
    memory, frame = numbers()
    captured = Capture(frame)

    def change(name: str, piece: int) -> None:
        if (name, piece) == ("x", 0):
            memory[0, ROWS - 1] = -1

    with pytest.raises(TornFrame, match="changed meanwhile"):
        captured.content(Kept(change))


def test_also_where_it_is_changed_back() -> None:
    """The frame is what it was in the end, and what was copied is not."""
    memory, frame = numbers()
    captured = Capture(frame)

    def change(name: str, piece: int) -> None:
        memory[0, ROWS - 1] += 1 if (name, piece) == ("x", 0) else -1 if name == "x" else 0

    with pytest.raises(TornFrame, match="changed meanwhile"):
        captured.content(Kept(change))
    assert memory[0, ROWS - 1] == ROWS - 1


@pytest.mark.parametrize(
    "code",
    [
        "df.index = df.index + 1",
        "df.attrs['unit'] = 'km'",
        "df.columns = ['x', 'z', 't', 'o']",
        "df['new'] = 1",
        "del df['y']",
        "df.loc[0, 't'] = 'zzz'",
        "df.loc[0, 'o'] = 7",
        "df.loc[len(df)] = df.loc[0]",
    ],
)
def test_any_change_before_it_begins(code: str) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [1, 2], "t": ["a", "b"], "o": pd.Series(["a", 1], dtype=object)})
    captured = Capture(frame)
    exec(code, {"df": frame})
    with pytest.raises(TornFrame):
        captured.content(Kept())


def test_memory_of_arrow_tables_is_not_trusted() -> None:
    memory = np.arange(10.0)
    table = pa.table({"x": pa.array(memory)})
    captured = Capture(table)

    def change(name: str, piece: int) -> None:
        memory[3] = 7

    with pytest.raises(TornFrame):
        captured.content(Kept(change))


def test_no_frame_is_kept_alive() -> None:
    """Nor its memory: also not while it is half copied."""
    held = dict(zip(("memory", "frame"), numbers(), strict=True))
    captured, gone = Capture(held["frame"]), weakref.ref(held["memory"])

    def drop(name: str, piece: int) -> None:
        held.clear()
        gc.collect()
        assert gone() is None

    with pytest.raises(TornFrame, match="no variable held it"):
        captured.content(Kept(drop))


@pytest.mark.parametrize("values", [np.zeros(PIECE_ROWS * 2 + 5), np.random.default_rng(1).normal(size=PIECE_ROWS * 2)])
def test_pieces_give_the_chunks_of_the_whole(values: Any) -> None:
    def pieces(array: Any) -> Iterator[Any]:
        return (pa.array(array[start : start + PIECE_ROWS]) for start in range(0, len(array), PIECE_ROWS))

    whole = chunk_column(pa.array(values)).column
    assert tuple(chunk.ref for chunk in chunk_pieces(pieces(values))) == whole.chunks
    edited = np.delete(values, 1000)
    edited[PIECE_ROWS + 7] = 3
    expected = chunk_column(pa.array(edited)).column
    found = list(chunk_pieces(pieces(edited), whole))
    assert tuple(chunk.ref for chunk in found) == expected.chunks
    assert all(chunk.content.id() == chunk.ref.id for chunk in found)


def test_little_memory_is_taken() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=8 * PIECE_ROWS)})  # 34 MB

    def keep(name: str, role: str, pieces: Iterator[Any]) -> StoredArray:
        for _ in chunk_pieces(pieces):
            pass
        return StoredArray(ObjectId(b""), lambda: None)

    captured = Capture(frame)
    tracemalloc.start()
    try:
        captured.content(keep)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * PIECE_ROWS * 8


def test_what_frames_weigh() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "t": pd.Series(["a", "b"], dtype=object), "c": pd.Categorical(["a", "b"])})
    assert weight_of(frame).objects == 2
    assert 66 <= weight_of(frame).bytes < 100
    assert weight_of(frame.set_index("x")["t"]) == Weight(64, 2)
    assert weight_of(pl.DataFrame({"x": [1.0, 2.0]})) == Weight(16)
    assert weight_of(pa.table({"x": [1.0, 2.0]})) == Weight(16)
