"""One measurement in a process of its own: `run.py` starts it as ``python worker.py JOB RESULT``, two JSON files.

A process a measurement keeps peaks of memory apart, and caches of one tool from helping another. What is timed is the
one call that a user would wait for: imports, opening the store and building the frame come before it, and a small frame
went through the tool elsewhere already.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffs
import limits
import pandas as pd
import pyarrow as pa
import sampling
from tables import Change, Shape, build, difference, load, to_frame, version
from tools import TOOLS, Tool, warm_up

MEGABYTE = 1e6


def main() -> None:
    """Do the job and write its result."""
    job = json.loads(Path(sys.argv[1]).read_text())
    result = COMMANDS[job["command"]](job)
    Path(sys.argv[2]).write_text(json.dumps(result))


def build_table(job: dict[str, Any]) -> dict[str, Any]:
    """Build one of the benchmark's frames as a file."""
    return build(job["frame"], job["rows"], Path(job["table"]))


def versions(job: dict[str, Any]) -> dict[str, str]:
    """Return the versions of Python, of what all tools share and of the tools asked for."""
    found = {"python": sys.version.split()[0], "pandas": pd.__version__, "pyarrow": pa.__version__}
    found["polars"] = importlib.metadata.version("polars")  # what is read from a store is joined by it
    for name in job["tools"]:
        if name in TOOLS:
            found[name] = TOOLS[name]().version()
        elif name == "datacompy":
            found[name] = importlib.metadata.version(name)
    return found


def measure_limits(job: dict[str, Any]) -> dict[str, float]:
    """Measure the limits on the first version."""
    return limits.measure(first_version(job)[0])


def measure_history(job: dict[str, Any]) -> dict[str, Any]:
    """Measure verbs in a repository with a long history."""
    import history  # IPython, and an engine of SQL: nothing that should lie in memory while tools are measured

    return history.measure(job)


def store_merge(job: dict[str, Any]) -> None:
    """Make a repository whose branches are to be merged."""
    import merges

    merges.store(job)


def measure_merge(job: dict[str, Any]) -> dict[str, Any]:
    """Measure one part of a merge once."""
    import merges

    return merges.measure(job, lambda: Stopwatch(job["profile"]))


def measure_blame(job: dict[str, Any]) -> dict[str, Any]:
    """Measure how long it takes to tell where values come from."""
    import blames

    return blames.measure(job)


def measure_tracking(job: dict[str, Any]) -> dict[str, Any]:
    """Measure what tracking adds to cells."""
    import tracking

    return tracking.measure(job)


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Run one work with one tool and return seconds, bytes added on disk and peak memory in bytes.

    Parameters
    ----------
    job : dict
        ``tool``, ``work``, ``store`` (folder), ``table`` (file), ``shape``, ``scratch`` (a folder to be made),
        ``turns`` (how often the work is done; the median counts), ``verify`` and ``profile``.
    """
    tool = TOOLS[job["tool"]]()
    warm_up(tool, Path(job["scratch"]))
    store = Path(job["store"])
    if job["work"] in ("read", "reread"):
        return measure_read(tool, store, job)
    table, shape = load(Path(job["table"])), Shape(**job["shape"])
    written = [version(table, shape, job["work"], turn) for turn in range(job["turns"])]
    frames = [(labelled(to_frame(new), change), change) for new, change in written]
    raw_bytes = frames[0][1].raw_bytes
    del table, written
    tool.open(store)
    tool.close()
    # An empty store is not the first version's, nor are files that last only while the store is open.
    before = size_on_disk(store)
    tool.open(store)
    act = (lambda frame, _: tool.first(frame)) if job["work"] == "first" else tool.write
    seconds, above = [], []
    for frame, change in frames:
        with Stopwatch(job["profile"]) as watch:
            act(frame, change)
        seconds.append(watch.seconds)
        above.append(watch.peak)
    tool.close()
    result = {
        "seconds": statistics.median(seconds),
        "bytes": (size_on_disk(store) - before) / len(frames),
        "raw_bytes": raw_bytes,
        "memory": max(above),
        "profile": watch.profile,
    }
    if job["verify"]:
        tool.open(store)
        result["difference"] = difference(tool.read(first=False), frames[-1][0])
        tool.close()
    return result


def labelled(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return the frame with the labels that its rows had before, if the change keeps them."""
    return frame if change.labels is None else frame.set_axis(pd.Index(change.labels), axis=0)


def measure_read(tool: Tool, store: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Time reading the first of two versions, from the disk, or once more after it was read and all is quiet again."""
    tool.open(store)
    tool.forget()
    found = None
    if job["work"] == "reread":
        tool.read(first=True)
        tool.settle()
        cold = ""
    else:
        cold = empty_page_cache(store)
    with Stopwatch(job["profile"]) as watch:
        found = tool.read(first=True)
    tool.close()
    # The frame that is handed over is not counted as memory above it; Arrow's size of it is the same for all tools.
    result = {
        "seconds": watch.seconds,
        "bytes": 0,
        "memory": max(watch.peak - job["frame_bytes"], 0),
        "cold": cold,
        "profile": watch.profile,
    }
    if job["verify"]:
        result["difference"] = difference(found, first_version(job)[0])
    return result


def first_version(job: dict[str, Any]) -> tuple[pd.DataFrame, Shape]:
    """Return the first version's frame."""
    shape = Shape(**job["shape"])
    return to_frame(load(Path(job["table"])).slice(0, shape.rows)), shape


class Stopwatch:
    """Measures the seconds and the peak of memory, above what was in use before, of a ``with`` block.

    Attributes
    ----------
    seconds : float
        Wall-clock time.
    peak : int
        Bytes of the resident set's high-water mark above the resident set at the start. Mapped files count.
    profile : str
        Where the time went, when asked for.
    """

    def __init__(self, profile: bool) -> None:
        self._sampler = sampling.Sampler() if profile else None
        self.profile = ""

    def __enter__(self) -> Stopwatch:
        gc.collect()
        pa.default_memory_pool().release_unused()
        release_free_memory()
        self._before = reset_peak()
        if self._sampler:
            self._sampler.start()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self.peak = max(peak() - self._before, 0)
        if self._sampler:
            self.profile = self._sampler.stop()


def release_free_memory() -> None:
    """Give freed memory back to the system, where the C library can: otherwise its reuse would go unseen."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def reset_peak() -> int:
    """Start a new high-water mark, where Linux allows it, and return the resident set in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak()
    return status("VmRSS")


def peak() -> int:
    """Return the high-water mark of the resident set in bytes."""
    if Path("/proc/self/status").exists():
        return status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def status(field: str) -> int:
    """Return a field of ``/proc/self/status`` in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def size_on_disk(folder: Path) -> int:
    """Return the bytes of all files below `folder`; of sparse ones only what is allocated."""
    total = 0
    for path in folder.rglob("*"):
        if path.is_file():
            facts = path.stat()
            total += min(facts.st_size, facts.st_blocks * 512)
    return total


def empty_page_cache(folder: Path) -> str:
    """Make the next read of the folder's files come from the disk, and return how that was done."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        for path in folder.rglob("*"):
            if path.is_file():
                with path.open("rb") as source:
                    os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return "posix_fadvise(DONTNEED) on the store's files"
    return "the system's page cache emptied"


def store_diff(job: dict[str, Any]) -> None:
    """Write both versions into the folder of one tool, which is made."""
    folder = Path(job["folder"])
    folder.mkdir()
    diffs.TOOLS[job["tool"]].stored(folder, diffs.tables(job["rows"], job["work"])[:2])


def measure_diff(job: dict[str, Any]) -> dict[str, Any]:
    """Measure how long one tool takes to tell how two versions differ, and compare its answer with the truth.

    Parameters
    ----------
    job : dict
        ``tool``, ``work``, ``rows``, ``folder`` (with the stored versions), ``scratch`` (a folder to be made) and
        ``profile``.
    """
    tool, work = diffs.TOOLS[job["tool"]], job["work"]
    warm_up_diff(tool, work, Path(job["scratch"]))
    old, new, truth = diffs.tables(job["rows"], work)
    compare = tool.opened(Path(job["folder"]), (old, new) if tool.in_memory else None)
    del old, new
    with Stopwatch(job["profile"]) as watch:
        found = compare()
    return {
        "seconds": watch.seconds,
        "memory": watch.peak,
        "wrong": diffs.wrong(found, truth),
        "profile": watch.profile,
    }


def warm_up_diff(tool: diffs.Tool, work: str, scratch: Path) -> None:
    """Compare two small tables first, so that imports and thread pools are not part of what is measured."""
    scratch.mkdir()
    small = diffs.tables(2_000, work)[:2]
    tool.stored(scratch, small)
    tool.opened(scratch, small)()


COMMANDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "build": build_table,
    "versions": versions,
    "limits": measure_limits,
    "measure": measure,
    "history": measure_history,
    "blame": measure_blame,
    "tracking": measure_tracking,
    "store-merge": store_merge,
    "merge": measure_merge,
    "store-diff": store_diff,
    "diff": measure_diff,
}

if __name__ == "__main__":
    main()
