"""A sampling profiler of all threads, for `run.py --profile`: the standard one sees only the thread that started it."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from types import FrameType

PACKAGE = "lineageflow_jupyter"


class Sampler:
    """Looks every two milliseconds at what each thread is doing.

    A call into C (hashing, encoding, writing) is seen as the Python line that made it. A thread that waits for others
    is listed too: its lines say so by their names (``wait``, ``result``).
    """

    def __init__(self, interval: float = 0.002) -> None:
        self._interval = interval
        self._lines: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._begun = time.perf_counter()
        self._samples = 0
        self._thread.start()

    def stop(self) -> str:
        """End, and return the report: by own line and by function with what it calls, in thread-seconds."""
        seconds = time.perf_counter() - self._begun
        self._ended.set()
        self._thread.join()
        each = seconds / max(self._samples, 1)
        parts = [f"{1e3 * seconds:.0f} ms, {self._samples} samples; thread-milliseconds"]
        for title, counter in (("with what it calls", self._functions), ("own line", self._lines)):
            parts.append(f"-- {title}")
            parts += [f"{1e3 * count * each:8.0f}  {place}" for place, count in counter.most_common(25)]
        return "\n".join(parts)

    def _watch(self) -> None:
        me = threading.get_ident()
        while not self._ended.wait(self._interval):
            self._samples += 1
            for thread, frame in sys._current_frames().items():
                if thread != me:
                    self._count(frame)

    def _count(self, innermost: FrameType | None) -> None:
        ours = []
        frame = innermost
        while frame is not None:
            if PACKAGE in frame.f_code.co_filename:
                ours.append(frame)
            frame = frame.f_back
        if not ours:
            return
        called = "" if ours[0] is innermost or innermost is None else f" -> {innermost.f_code.co_qualname}"
        self._lines[f"{_place(ours[0])}:{ours[0].f_lineno} {ours[0].f_code.co_qualname}{called}"] += 1
        for place in {f"{_place(frame)} {frame.f_code.co_qualname}" for frame in ours}:
            self._functions[place] += 1


def _place(frame: FrameType) -> str:
    return frame.f_code.co_filename.rpartition(f"{PACKAGE}/")[2]
