"""What a run measured, as values: medians by frame, work and tool, and the facts needed to read them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PEERS = ("arcticdb", "arcticdb-narrow", "lance", "delta", "parquet")
# Told what changed, and so with less to do; each works on the stores of the tool without "-told".
TOLD_PEERS = ("arcticdb-told", "lance-told", "lance-upsert-told", "delta-told", "parquet-told")
SAME_ROWS = ("", "columns in another order")


@dataclass(frozen=True, slots=True)
class Figure:
    """One tool's figures for one work: medians of its runs.

    Parameters
    ----------
    seconds, fastest, slowest : float
        Wall-clock seconds: median, least, greatest.
    bytes, raw_bytes : float
        Bytes added on disk; bytes of what changed in Arrow's plain form (0 where it is not a matter of values).
    memory : float
        Peak above the frame in bytes: the greatest of the runs.
    difference : str
        What reading back gave that differs from the frame; "" when nothing does.
    error : str
        Why there are no figures, or "".
    cold : str
        How the page cache was emptied, for reads.
    """

    seconds: float = 0.0
    fastest: float = 0.0
    slowest: float = 0.0
    bytes: float = 0.0
    raw_bytes: float = 0.0
    memory: float = 0.0
    difference: str = ""
    error: str = ""
    cold: str = ""

    @property
    def counts(self) -> bool:
        """Whether the tool did the work: it gave back every value in the same row."""
        return not self.error and self.difference in SAME_ROWS


def summarise(runs: Iterable[Mapping[str, Any]]) -> Figure:
    """Return the medians of the runs of one tool and work; an error of any run is the outcome of all."""
    runs = list(runs)
    errors = [run["error"] for run in runs if "error" in run]
    if errors:
        return Figure(error=errors[0])
    seconds = [run["seconds"] for run in runs]
    return Figure(
        seconds=statistics.median(seconds),
        fastest=min(seconds),
        slowest=max(seconds),
        bytes=statistics.median(run["bytes"] for run in runs),
        raw_bytes=runs[0].get("raw_bytes", 0),
        memory=max(run["memory"] for run in runs),
        difference=next((run["difference"] for run in runs if "difference" in run), ""),
        cold=runs[0].get("cold", ""),
    )


@dataclass(frozen=True, slots=True)
class FrameResults:
    """All figures of one frame.

    Parameters
    ----------
    rows, columns, bytes : int
        The first version's shape, and its size in Arrow's plain form.
    limits : mapping of str to float
        Seconds for ``blake3-1``, ``blake3-2`` and ``copy``; medians.
    figures : mapping of str to mapping of str to Figure
        By work, then by tool.
    """

    rows: int
    columns: int
    bytes: int
    limits: Mapping[str, float]
    figures: Mapping[str, Mapping[str, Figure]]

    def ours(self, work: str) -> Figure | None:
        """Return LineageFlow's figures, of the newest pandas where there is a choice."""
        tools = self.figures.get(work, {})
        return tools.get("lineageflow") or tools.get("lineageflow-pandas2")

    def fastest_peer(self, work: str, among: tuple[str, ...] = PEERS) -> tuple[str, Figure] | None:
        """Return the fastest of the peers that did the work."""
        tools = self.figures.get(work, {})
        able = [(name, figure) for name, figure in tools.items() if name in among and figure.counts]
        return min(able, key=lambda item: item[1].seconds, default=None)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that a work took in a long history: right after opening the repository, and then."""

    first: float
    median: float
    slowest: float


@dataclass(frozen=True, slots=True)
class DiffTiming:
    """What a tool took to tell how two versions differ.

    Parameters
    ----------
    seconds : float
        Wall-clock seconds: the median of its runs.
    memory : float
        Peak in bytes above what was in use before: the greatest of its runs.
    error : str
        Why there are no figures, or "". An answer that is not the truth is an error, too.
    """

    seconds: float = 0.0
    memory: float = 0.0
    error: str = ""


def summarise_diff(runs: Iterable[Mapping[str, Any]]) -> DiffTiming:
    """Return the figures of the runs of one tool and work; an error or a wrong answer of any is the outcome of all."""
    runs = list(runs)
    errors = [told for run in runs if (told := run.get("error") or run.get("wrong"))]
    if errors:
        return DiffTiming(error=errors[0])
    return DiffTiming(statistics.median(run["seconds"] for run in runs), max(run["memory"] for run in runs))


@dataclass(frozen=True, slots=True)
class MergeTiming:
    """What a merge took, and what it cannot do without.

    Parameters
    ----------
    merge, diffs, write : float
        Wall-clock seconds, medians: the merge; both diffs from the common version; the merged frame, committed by hand.
    memory : float
        Peak of the merge in bytes above what was in use before: the greatest of its runs.
    wrong : str
        What is wrong with the merged table, or "".
    """

    merge: float
    diffs: float
    write: float
    memory: float
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """Seconds that a work took without and with tracking, medians."""

    plain: float
    tracked: float


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run.

    Parameters
    ----------
    facts : mapping of str to str
        The machine and the versions.
    frames : mapping of str to FrameResults
        Versions of frames, by frame.
    history : mapping of str to Timing
        Verbs in a long history.
    diffs : mapping of str to mapping of str to DiffTiming
        Diffs of two versions, by work, then by tool.
    blames : mapping of str to Timing
        Blame, by work.
    merges : mapping of str to MergeTiming
        Merges, by work.
    tracking : mapping of str to Added
        Cells and calls without and with tracking.
    """

    facts: Mapping[str, str]
    frames: Mapping[str, FrameResults]
    history: Mapping[str, Timing] = field(default_factory=dict)
    diffs: Mapping[str, Mapping[str, DiffTiming]] = field(default_factory=dict)
    blames: Mapping[str, Timing] = field(default_factory=dict)
    merges: Mapping[str, MergeTiming] = field(default_factory=dict)
    tracking: Mapping[str, Added] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Results:
    """Read what `Results.save` wrote."""
    data = json.loads(path.read_text())
    frames = {}
    for name, frame in data["frames"].items():
        figures = {
            work: {tool: Figure(**figure) for tool, figure in tools.items()} for work, tools in frame["figures"].items()
        }
        frames[name] = FrameResults(**{**frame, "figures": figures})
    history = {work: Timing(**timing) for work, timing in data.get("history", {}).items()}
    diffs = {
        work: {tool: DiffTiming(**timing) for tool, timing in tools.items()}
        for work, tools in data.get("diffs", {}).items()
    }
    blames = {work: Timing(**timing) for work, timing in data.get("blames", {}).items()}
    merges = {work: MergeTiming(**timing) for work, timing in data.get("merges", {}).items()}
    tracking = {work: Added(**added) for work, added in data.get("tracking", {}).items()}
    return Results(data["facts"], frames, history, diffs, blames, merges, tracking)
