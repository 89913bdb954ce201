"""A run's results as text: Markdown tables for the documentation, which read well in a terminal too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import diffs
import merges
from results import TOLD_PEERS, DiffTiming, Figure, FrameResults, Results
from targets import BLAME, HISTORY, LARGE, TARGET_ROWS, TRACKING, quick, verdicts
from tools import TOOLS

TOOLS_PART, HISTORY_PART, DIFF_PART = "make bench", "make bench, history", "make bench, diff"
BLAME_PART, MERGE_PART, TRACKING_PART = "make bench, blame", "make bench, merge", "make bench, tracking"
TITLES = {
    "mixed": "Mixed columns",
    "flights": "Flights",
    "wide": "Wide",
    "tiny": "Tiny",
}
WORK_TITLES = {
    "first": "first version",
    "unchanged": "nothing changed",
    "cells": "0.1 % of one column's cells, at random",
    "range": "0.1 % of one column's cells, one range",
    "cell": "one cell",
    "column": "a new column",
    "appended": "1 % of rows appended",
    "inserted": "100 rows inserted at one third",
    "dropped": "0.01 % of rows dropped at random, index reset",
    "dropped-labels": "0.01 % of rows dropped at random",
    "filtered": "5 % of rows dropped at random, index reset",
    "filtered-labels": "5 % of rows dropped at random",
    "sorted": "sorted by a float column, index reset",
    "sorted-labels": "sorted by a float column",
    "shuffled": "shuffled, index reset",
    "shuffled-labels": "shuffled",
    "read": "read the first version, cold",
    "reread": "read it again",
}
TOOL_TITLES = {
    "lineageflow": "LineageFlow",
    "lineageflow-pandas2": "LineageFlow, pandas 2",
    "arcticdb": "ArcticDB",
    "arcticdb-narrow": "ArcticDB, 1 column a segment",
    "lance": "Lance",
    "delta": "Delta",
    "parquet": "Parquet",
    "arcticdb-told": "ArcticDB, told",
    "lance-told": "Lance, told",
    "lance-upsert-told": "Lance, told, upsert",
    "delta-told": "Delta, told",
    "parquet-told": "Parquet, told",
}


def parts(results: Results) -> dict[str, str]:
    """Return the parts of the report that a run can tell about, each with its name in the document."""
    found = {TOOLS_PART: markdown(results)} if results.frames else {}
    if results.diffs:
        found[DIFF_PART] = diff(results)
    if results.history:
        found[HISTORY_PART] = history(results)
    if results.blames:
        found[BLAME_PART] = blame(results)
    if results.merges:
        found[MERGE_PART] = merge(results)
    if results.tracking:
        found[TRACKING_PART] = tracking(results)
    return found


def diff(results: Results) -> str:
    """Return the report on diffs of two versions."""
    tools = [tool for tool in diffs.TITLES if any(tool in timings for timings in results.diffs.values())]
    header = [diffs.TITLES[tool] for tool in tools]
    figures = [
        table((title, *header), [_diff_row(results, work, tools, show) for work in results.diffs])
        for title, show in (
            ("time", lambda timing: _milliseconds(timing.seconds)),
            ("peak memory above what was in use", lambda timing: _size(timing.memory)),
        )
    ]
    judged = table(("two versions", "", "as fast as polars' full join", "found", ""), _diff_verdicts(results))
    facts = _facts(results, "date", "machine", "versions", "versions beside ArcticDB", "diff")
    return "\n\n".join((facts, judged, *figures)) + "\n"


def _diff_row(results: Results, work: str, tools: list[str], show: Callable[[DiffTiming], str]) -> list[str]:
    timings = results.diffs[work]
    row = [diffs.WORKS[work]]
    for tool in tools:
        timing = timings.get(tool)
        row.append("" if timing is None else timing.error or show(timing))
    return row


def _diff_verdicts(results: Results) -> Iterator[Sequence[str]]:
    """A row for each target that the run can tell about; without an answer, or with a wrong one, it is missed."""
    for work, timings in results.diffs.items():
        peers = [timings.get(name) for name in (diffs.REFERENCE, diffs.STREAMED)]
        for tool in diffs.OURS:
            ours, wanted = timings.get(tool), diffs.TARGETS[work]
            row = (diffs.WORKS[work], diffs.TITLES[tool], f"≥ {wanted:g} ×")
            if ours is not None and ours.error:
                yield (*row, ours.error, "**missed**")
            elif ours is not None and peers[0] is not None and not peers[0].error:
                ratio = peers[0].seconds / ours.seconds
                found = f"{ratio:.2g} ×"
                if peers[1] is not None and not peers[1].error:
                    found += f"; {peers[1].seconds / ours.seconds:.2g} × the streaming one"
                yield (*row, found, "met" if ratio >= wanted else "**missed**")


def history(results: Results) -> str:
    """Return the report on verbs in a long history."""
    rows = []
    for work, timing in results.history.items():
        seconds = (timing.first, timing.median, timing.slowest)
        met = "met" if quick(timing) else "**missed**"
        rows.append((f"`{work}`", *(f"{1e3 * found:.1f} ms" for found in seconds), met))
    header = ("work", "right after opening", "again: median", "slowest", f"median ≤ {1e3 * HISTORY:g} ms")
    facts = _facts(results, "date", "machine", "versions", "history")
    return f"{facts}\n\n{table(header, rows)}\n"


def blame(results: Results) -> str:
    """Return the report on blame."""
    rows = []
    for work, timing in results.blames.items():
        seconds = (timing.first, timing.median, timing.slowest)
        wanted = BLAME.get(work.partition(":")[0])
        met = "" if wanted is None else "met" if timing.median <= wanted else "**missed**"
        target = "" if wanted is None else f"≤ {1e3 * wanted:g} ms"
        rows.append((work, *(f"{1e3 * found:.1f} ms" for found in seconds), target, met))
    header = ("work", "right after opening", "again: median", "slowest", "median", "")
    facts = _facts(results, "date", "machine", "versions", "blame")
    return f"{facts}\n\n{table(header, rows)}\n"


def merge(results: Results) -> str:
    """Return the report on merges."""
    rows = []
    for work, timing in results.merges.items():
        title, _, wanted = merges.WORKS[work]
        ratio = timing.merge / (timing.diffs + timing.write)
        target = "" if wanted is None else f"≤ {wanted:g} ×"
        met = "" if wanted is None else "met" if ratio <= wanted else "**missed**"
        seconds = (timing.diffs, timing.write, timing.merge)
        times = [_milliseconds(found) for found in seconds]
        rows.append((title, *times, f"{ratio:.2g} ×", target, timing.wrong or met, _size(timing.memory)))
    parts = ("both diffs", "the write, by hand", "the merge", "merge ÷ (diffs + write)")
    header = ("merge", *parts, "", "", "peak memory above what was in use")
    return f"{_facts(results, 'date', 'machine', 'versions', 'merge')}\n\n{table(header, rows)}\n"


def tracking(results: Results) -> str:
    """Return the report on what tracking adds."""
    rows = []
    for work, added in results.tracking.items():
        more = added.tracked - added.plain
        wanted = next(seconds for start, seconds in TRACKING.items() if work.startswith(start))
        met = "met" if more <= wanted else "**missed**"
        rows.append((work, *map(_short, (added.plain, added.tracked, more)), f"≤ {_short(wanted)}", met))
    facts = _facts(results, "date", "machine", "versions", "tracking")
    return f"{facts}\n\n{table(('work', 'without', 'with', 'more', '', ''), rows)}\n"


def markdown(results: Results) -> str:
    """Return the report on the comparison of tools."""
    parts = [_facts(results)]
    for name, frame in results.frames.items():
        parts += [_heading(name, frame), _verdicts(name, frame), *_figures(frame)]
    parts.append(_ways(results))
    return "\n\n".join(part for part in parts if part) + "\n"


def update(path: Path, part: str, text: str) -> None:
    """Replace a part of the document between its two marks, keeping what people wrote around it."""
    opening, closing = f"<!-- begin: written by {part} -->", f"<!-- end: written by {part} -->"
    document = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    if opening not in document:
        document = f"{document.rstrip()}\n\n{opening}\n{closing}\n"
    before, _, rest = document.partition(opening)
    _, end, after = rest.partition(closing)
    if not end:
        raise SystemExit(f"{path}: expected the line {closing!r} after {opening!r}, between which the tables go")
    path.write_text(f"{before}{opening}\n\n{text}\n{closing}{after}", encoding="utf-8")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are figures."""
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _facts(results: Results, *names: str) -> str:
    chosen = {name: results.facts[name] for name in names if name in results.facts} if names else results.facts
    return "\n".join(f"- {name}: {value}" for name, value in chosen.items())


def _heading(name: str, frame: FrameResults) -> str:
    limits = ", ".join(
        f"{title} {_milliseconds(frame.limits[key])}"
        for key, title in (
            ("blake3-1", "BLAKE3 of its buffers on one thread"),
            ("blake3-2", "on two"),
            ("copy", "one copy of them"),
        )
        if key in frame.limits
    )
    shape = f"{frame.rows:,} × {frame.columns:,}, {_size(frame.bytes)} in memory."
    return f"## {TITLES[name]}\n\n{shape} Limits: {limits}." if limits else f"## {TITLES[name]}\n\n{shape}"


def _verdicts(name: str, frame: FrameResults) -> str:
    rows = [
        (WORK_TITLES.get(v.work, v.work), v.target, v.found, "met" if v.met else "**missed**")
        for v in verdicts(name, frame)
    ]
    if not rows:
        return ""
    small = name in LARGE and frame.rows < TARGET_ROWS
    note = f"The targets are meant for {TARGET_ROWS:,} rows, this run had fewer.\n\n" if small else ""
    return note + table(("LineageFlow", "target", "found", ""), rows)


def _figures(frame: FrameResults) -> list[str]:
    used = [tool for tool in TOOLS if any(tool in figures for figures in frame.figures.values())]
    tools = [tool for tool in used if tool not in TOLD_PEERS]
    told = [tool for tool in used if tool in TOLD_PEERS]
    works = list(frame.figures)
    commits = [work for work in works if work not in ("read", "reread")]
    parts = [
        _table("time", frame, tools, works, lambda figure: _milliseconds(figure.seconds), ratio=True),
        _table("bytes added on disk", frame, tools, commits, lambda figure: _size(figure.bytes)),
        _table("peak memory above the frame", frame, tools, works, lambda figure: _size(figure.memory)),
    ]
    if told:
        works = [work for work in works if set(told) & set(frame.figures[work])]
        parts.append(
            _table(
                "told what changed",
                frame,
                told,
                works,
                lambda figure: f"{_milliseconds(figure.seconds)}, {_size(figure.bytes)}",
            )
        )
    return parts


def _table(
    title: str,
    frame: FrameResults,
    tools: list[str],
    works: list[str],
    show: Callable[[Figure], str],
    *,
    ratio: bool = False,
) -> str:
    rows = []
    for work in works:
        row = [WORK_TITLES[work]]
        for tool in tools:
            figure = frame.figures[work].get(tool)
            row.append("" if figure is None else "failed" if figure.error else show(figure) + _mark(figure))
        if ratio:
            ours, peer = frame.ours(work), frame.fastest_peer(work)
            known = ours is not None and peer is not None and not ours.error
            row.append(f"{peer[1].seconds / ours.seconds:.2g}" if known and ours and peer else "")
        rows.append(row)
    header = [title, *(TOOL_TITLES[tool] for tool in tools)] + (["fastest peer ÷ LineageFlow"] if ratio else [])
    return table(header, rows)


def _mark(figure: Figure) -> str:
    if not figure.difference:
        return ""
    return " †" if figure.counts else " ‡"


def _ways(results: Results) -> str:
    used = {tool for frame in results.frames.values() for figures in frame.figures.values() for tool in figures}
    lines = ["## How each tool was used", ""]
    for tool, make in TOOLS.items():
        if tool not in used:
            continue
        ways = make().ways
        others = "; ".join(f"{WORK_TITLES[work]}: `{way}`" for work, way in ways.items() if work)
        general = f"`{ways['']}`; " if "" in ways else ""
        lines.append(f"- {TOOL_TITLES[tool]}: {general}{others}")
    lines += ["", "† Gives back the columns in another order."]
    differences = "; ".join(_differences(results))
    if differences:
        lines.append(f"‡ Does not give back the frame's rows and is not counted as a peer ({differences}).")
    return "\n".join(lines)


def _differences(results: Results) -> list[str]:
    return sorted(
        {
            f"{TOOL_TITLES[tool]}, {WORK_TITLES[work]}: {figure.difference}"
            for frame in results.frames.values()
            for work, figures in frame.figures.items()
            for tool, figure in figures.items()
            if figure.difference and not figure.counts
        }
    )


def _milliseconds(seconds: float) -> str:
    value = 1e3 * seconds
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def _short(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{1e6 * seconds:.3g} µs" if seconds else ""
    return _milliseconds(seconds)


def _size(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:,.0f} MB" if value >= 1e8 else f"{value / 1e6:,.1f} MB"
    return f"{value / 1e3:,.1f} kB" if value >= 1 else "0"
