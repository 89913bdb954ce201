"""What LineageFlow promises for each work, as checks on a run's results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from results import TOLD_PEERS, Figure, FrameResults, Timing

MEMORY = 200e6
TARGET_ROWS = 5_000_000
LARGE = ("mixed", "flights")
HISTORY = 0.05
"""Seconds that a verb may take in a repository with 10,000 commits."""

BLAME = {"whole table": 1.0, "one value": 0.05}
"""Seconds that blame may take, by what it is asked for."""

TRACKING = {
    "%load_ext": 1.0,
    "a cell without frames": 0.001,
    "a cell that mentions": 0.05,
    "a cell that changes": 0.05,
    "a call within": 0.3e-6,
    "a recorded": 50e-6,
    "the same (": 50e-6,
    "the same, while": 0.05,
}
"""Seconds that tracking may add, by how the name of a work begins."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, what was found, and whether that meets it."""

    work: str
    target: str
    found: str
    met: bool


Check = Callable[[FrameResults, str, Figure], Verdict | None]


def faster(times: float) -> Check:
    """At least `times` as fast as the fastest peer that is given the frame, as LineageFlow is, and gives it back."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        peer = frame.fastest_peer(work)
        if peer is None:
            return None
        ratio = peer[1].seconds / ours.seconds
        found = f"{ratio:.2g} × ({peer[0]})"
        told = frame.fastest_peer(work, TOLD_PEERS)
        if told is not None:
            found += f"; {told[1].seconds / ours.seconds:.2g} × one told what changed ({told[0]})"
        return Verdict(work, f"≥ {times:g} × faster than the fastest peer", found, ratio >= times)

    return check


def of_arctic_and_lance(time: float, size: float) -> Check:
    """At most these shares of the seconds and bytes of the faster of ArcticDB and Lance."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        peer = frame.fastest_peer(work, ("arcticdb", "arcticdb-narrow", "lance"))
        if peer is None:
            return None
        name, figure = peer
        seconds, stored = ours.seconds / figure.seconds, ours.bytes / figure.bytes
        target = f"≤ {time:g} × time and ≤ {size:g} × bytes of the faster of ArcticDB and Lance"
        found = f"{seconds:.2f} × and {stored:.2f} × ({name})"
        return Verdict(work, target, found, seconds <= time and stored <= size)

    return check


def of_limit(limit: str, times: float, text: str) -> Check:
    """At most `times` the seconds of a limit."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        if limit not in frame.limits:
            return None
        ratio = ours.seconds / frame.limits[limit]
        return Verdict(work, f"≤ {times:g} × {text}", f"{ratio:.2f} ×", ratio <= times)

    return check


def bytes_of_first(share: float) -> Check:
    """At most this share of the bytes that the first commit took."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        first = frame.ours("first")
        if first is None or not first.bytes:
            return None
        ratio = ours.bytes / first.bytes
        return Verdict(work, f"≤ {100 * share:g}% of the first commit's bytes", f"{ratio:.3%}", ratio <= share)

    return check


def bytes_of_change(times: float) -> Check:
    """At most `times` the plain size of the values that changed."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        ratio = ours.bytes / ours.raw_bytes
        return Verdict(work, f"≤ {times:g} × the bytes of the new values", f"{ratio:.2f} ×", ratio <= times)

    return check


def bytes_a_row(most: float) -> Check:
    """At most so many bytes for each row of the table."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        found = ours.bytes / frame.rows
        return Verdict(work, f"≤ {most:g} bytes a row", f"{found:.2f}", found <= most)

    return check


def within(milliseconds: float) -> Check:
    """At most so long."""

    def check(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
        found = 1e3 * ours.seconds
        return Verdict(work, f"≤ {milliseconds:g} ms", f"{found:.1f} ms", found <= milliseconds)

    return check


def exact(frame: FrameResults, work: str, ours: Figure) -> Verdict | None:
    """Return a failed verdict where the frame did not come back as it was."""
    return Verdict(work, "the same frame comes back", ours.difference, False) if ours.difference else None


BY_WORK: dict[str, tuple[Check, ...]] = {
    "first": (of_arctic_and_lance(0.8, 0.75),),
    "unchanged": (faster(10), of_limit("blake3-2", 1.5, "one BLAKE3 pass on two threads"), bytes_of_first(0.01)),
    "range": (faster(10), of_limit("blake3-2", 1.5, "one BLAKE3 pass on two threads"), bytes_of_first(0.01)),
    "cells": (faster(5), bytes_of_change(20)),
    "column": (faster(3), bytes_of_change(1)),
    "appended": (faster(3), bytes_of_first(0.05)),
    "inserted": (faster(3), bytes_of_first(0.05)),
    **dict.fromkeys(("dropped", "dropped-labels"), (faster(1.5), bytes_of_first(0.001))),
    **dict.fromkeys(("filtered", "filtered-labels"), (faster(1.5), bytes_of_first(0.01))),
    **dict.fromkeys(("sorted", "sorted-labels", "shuffled", "shuffled-labels"), (faster(1.5), bytes_a_row(5))),
    "read": (faster(2),),
    "reread": (within(20),),
}
SMALL: dict[str, dict[str, tuple[Check, ...]]] = {
    "wide": {"first": (within(1000),), "cell": (within(1000),)},
    "tiny": {"first": (within(20),), "cell": (within(20),)},
}


def quick(timing: Timing) -> bool:
    """Whether a work in a long history keeps to its target."""
    return timing.median <= HISTORY


def verdicts(name: str, frame: FrameResults) -> Iterator[Verdict]:
    """Yield a verdict for each target that the run can tell about."""
    checks = BY_WORK if name in LARGE else SMALL.get(name, {})
    for work in frame.figures:
        ours = frame.ours(work)
        if ours is None:
            continue
        if ours.error:
            yield Verdict(work, "to be measured", ours.error, False)
            continue
        for check in (*checks.get(work, ()), exact):
            verdict = check(frame, work, ours)
            if verdict is not None:
                yield verdict
    yield from _memory(frame)


def _memory(frame: FrameResults) -> Iterator[Verdict]:
    for title, reads in (("every commit", False), ("every read", True)):
        peaks = {
            work: ours.memory
            for work in frame.figures
            if (work in ("read", "reread")) is reads and (ours := frame.ours(work)) is not None and not ours.error
        }
        if peaks:
            worst = max(peaks, key=lambda work: peaks[work])
            found = f"{peaks[worst] / 1e6:.0f} MB ({worst})"
            yield Verdict(title, "memory ≤ the frame + 200 MB", found, peaks[worst] <= MEMORY)
