"""How far histories have moved apart: ahead and behind of many tips, counted in one walk."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from itertools import islice

import numpy as np

from lineageflow_jupyter.catalog.graph import Graph
from lineageflow_jupyter.model.ids import ObjectId

ROWS = 1024
"""How many sets of tips are counted at once: a thousand tips then take eight megabytes, each bit eight bytes."""


def diverged(graph: Graph, base: ObjectId, tips: Collection[ObjectId]) -> Mapping[ObjectId, tuple[int, int]]:
    """Return what `Catalog.divergence` promises."""
    order = list(dict.fromkeys(tips))
    own = np.zeros(len(order), np.int64)  # commits of each tip that base has not
    shared = np.zeros(len(order), np.int64)  # commits of each tip that base has too
    of_base = 0
    found = iter(_reached(graph, [base, *order]).items())
    while batch := list(islice(found, ROWS)):
        bits = _bits([marks for marks, _ in batch], 1 + len(order))
        counts = np.array([count for _, count in batch], np.int64)
        in_base = counts * bits[:, 0]
        own += (counts - in_base) @ bits[:, 1:]
        shared += in_base @ bits[:, 1:]
        of_base += int(in_base.sum())
    return {tip: (int(own[number]), of_base - int(shared[number])) for number, tip in enumerate(order)}


def _reached(graph: Graph, tips: list[ObjectId]) -> Counter[int]:
    """Number of commits by the set of tips that reach them, a bit for each; those that all reach are left out.

    Commits are met by generation, so that a commit's set is complete before it is handed to its parents. When all that
    is waiting is reached by all tips, so is everything before it.
    """
    everyone = (1 << len(tips)) - 1
    marks: defaultdict[ObjectId, int] = defaultdict(int)
    for number, tip in enumerate(tips):
        marks[tip] |= 1 << number
    waiting = [(-graph.place(oid)[0], oid) for oid in marks]
    heapq.heapify(waiting)
    apart = sum(found != everyone for found in marks.values())  # waiting commits that not all tips are known to reach
    counts: Counter[int] = Counter()
    while apart:
        _, oid = heapq.heappop(waiting)
        found = marks.pop(oid)
        if found != everyone:
            apart -= 1
            counts[found] += 1
        for parent in graph.parents(oid):
            known = marks.get(parent)
            if known is None:
                heapq.heappush(waiting, (-graph.place(parent)[0], parent))
            both = marks[parent] = (known or 0) | found
            apart += (both != everyone) - (known is not None and known != everyone)
    return counts


def _bits(sets: list[int], width: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """One row for each set, a 0 or 1 for each bit, the lowest first."""
    size = -(-width // 8)
    raw = np.frombuffer(b"".join(number.to_bytes(size, "little") for number in sets), np.uint8)
    return np.unpackbits(raw.reshape(len(sets), size), axis=1, count=width, bitorder="little").astype(np.int64)
