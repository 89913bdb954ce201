"""Compare LineageFlow with ArcticDB, Lance, Delta and Parquet files, side by side in one run; and measure its verbs in
a repository with a long history, blame, merges, and what tracking adds to cells.

    python tests/benchmarks/run.py --quick
    python tests/benchmarks/run.py --frames history
    python tests/benchmarks/run.py --write docs/benchmarks.md
    python tests/benchmarks/run.py --profile first --frames mixed

Each (tool, work) runs `repeat` times, in a process of its own, on a fresh copy of a store that holds the first version;
the tools take turns within a work, so that a machine that is busy for a while is busy for all of them. ArcticDB needs
an older pandas and so an environment of its own, where LineageFlow is measured once more.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffs
import merges
import report
import results
from tools import TOOLS as TOOL_CLASSES

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
LARGE_WORKS = (
    "first",
    "unchanged",
    "cells",
    "range",
    "column",
    "appended",
    "inserted",
    "dropped",
    "dropped-labels",
    "filtered",
    "filtered-labels",
    "sorted",
    "sorted-labels",
    "shuffled",
    "shuffled-labels",
    "read",
    "reread",
)
WORKS = {
    "mixed": LARGE_WORKS,
    "flights": LARGE_WORKS,
    "wide": ("first", "cell", "read"),
    "tiny": ("first", "cell", "read"),
}
ARCTIC = ("arcticdb", "arcticdb-narrow", "arcticdb-told", "lineageflow-pandas2")
TOOLS = tuple(dict.fromkeys((*report.TOOL_TITLES, *diffs.TOOLS)))
HISTORY = "history"
DIFF = "diff"
BLAME = "blame"
MERGE = "merge"
TRACKING = "tracking"
PARTS = [*WORKS, DIFF, HISTORY, BLAME, MERGE, TRACKING]
TINY_TURNS = 20
# Beyond, one segment a column takes 2.6 MB of memory each: 13 GB for 40 MB in 5,000 columns.
NARROW_COLUMNS = 1_000
PATIENCE = 900


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do: the command line, resolved."""

    rows: int
    diff_rows: int
    repeat: int
    tools: tuple[str, ...]
    frames: tuple[str, ...]
    works: tuple[str, ...]
    python: str
    arctic_python: str
    scratch: Path
    verify: bool


class Failed(Exception):
    """A worker ended without a result; the text is the last line that it wrote."""


class Workers:
    """Runs jobs in processes of the environment that a tool needs."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._jobs = plan.scratch / "jobs"
        self._jobs.mkdir()
        self._count = 0

    def run(self, tool: str, job: dict[str, Any]) -> Any:
        """Run one job and return its result; raise `Failed` where there is none."""
        self._count += 1
        job_path, result_path = (self._jobs / f"{self._count}.{part}.json" for part in ("job", "result"))
        job_path.write_text(json.dumps({**job, "tool": tool}))
        python = self._plan.arctic_python if tool in (*ARCTIC, *diffs.ARCTIC) else self._plan.python
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        command = [python, str(WORKER), str(job_path), str(result_path)]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"took longer than {PATIENCE} s") from None
        if done.returncode or not result_path.exists():
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            (self._jobs / f"{self._count}.stderr").write_text(done.stderr)
            raise Failed(lines[-1][:300] if lines else f"ended with status {done.returncode}")
        return json.loads(result_path.read_text())


class FrameRun:
    """All works of all tools on one frame."""

    def __init__(self, plan: Plan, workers: Workers, frame: str) -> None:
        self._plan, self._workers, self._frame = plan, workers, frame
        self._folder = plan.scratch / frame
        self._folder.mkdir()
        self._table = self._folder / "frame.arrow"
        self.facts = workers.run("", {"command": "build", "frame": frame, "rows": plan.rows, "table": str(self._table)})
        self._stores: dict[tuple[str, str], Path] = {}
        self.broken: dict[str, str] = {}

    def prepare(self, tool: str, works: Sequence[str]) -> None:
        """Make the stores that the works start from: of the first version, and of two versions."""
        try:
            if set(works) - {"first"}:
                base = self._folder / f"{tool}.base"
                base.mkdir()
                self._measure(tool, "first", base)
                self._stores[tool, "base"] = base
            if {"read", "reread"} & set(works):
                history = self._folder / f"{tool}.history"
                shutil.copytree(base, history)
                self._measure(tool, "cell" if "cell" in WORKS[self._frame] else "cells", history)
                self._stores[tool, "history"] = history
        except Failed as failed:
            self.broken[tool] = str(failed)

    def once(self, tool: str, work: str, *, verify: bool, profile: bool = False) -> dict[str, Any]:
        """Do one work with one tool on a copy of its store, and return the figures, or the error."""
        stores = stores_of(tool)
        if stores in self.broken:
            return {"error": self.broken[stores]}
        store = self._folder / "store"
        try:
            if work in ("read", "reread"):
                return self._measure(tool, work, self._stores[stores, "history"], verify=verify, profile=profile)
            if work == "first":
                store.mkdir()
            else:
                shutil.copytree(self._stores[stores, "base"], store)
            os.sync()
            turns = TINY_TURNS if (self._frame, work) == ("tiny", "cell") else 1
            return self._measure(tool, work, store, turns=turns, verify=verify, profile=profile)
        except Failed as failed:
            return {"error": str(failed)}
        finally:
            shutil.rmtree(store, ignore_errors=True)

    def limits(self) -> dict[str, float]:
        """Measure the limits once."""
        job = {"command": "limits", "table": str(self._table), "shape": self.facts["shape"]}
        limits: dict[str, float] = self._workers.run("", job)
        return limits

    def close(self) -> None:
        """Remove the frame's file and stores."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _measure(
        self, tool: str, work: str, store: Path, *, turns: int = 1, verify: bool = False, profile: bool = False
    ) -> dict[str, Any]:
        scratch = self._folder / "warm-up"
        shutil.rmtree(scratch, ignore_errors=True)
        job = {
            "command": "measure",
            "work": work,
            "store": str(store),
            "table": str(self._table),
            "shape": self.facts["shape"],
            "frame_bytes": self.facts["bytes"],
            "scratch": str(scratch),
            "turns": turns,
            "verify": verify,
            "profile": profile,
        }
        figures: dict[str, Any] = self._workers.run(tool, job)
        return figures


def run(plan: Plan) -> results.Results:
    """Do the whole plan, telling on standard output how far it is."""
    workers = Workers(plan)
    facts = machine_facts(plan, workers)
    frames = {}
    for name in plan.frames:
        works = [work for work in WORKS.get(name, ()) if not plan.works or work in plan.works]
        if works:
            frames[name] = measure_frame(plan, workers, name, works)
    history = measure_history(plan, workers, facts) if HISTORY in plan.frames and not plan.works else {}
    compared = [work for work in diffs.WORKS if DIFF in plan.frames and (not plan.works or work in plan.works)]
    diff_timings = measure_diffs(plan, workers, compared, facts) if compared and diff_tools(plan) else {}
    colds = {f.cold for frame in frames.values() for tools in frame.figures.values() for f in tools.values() if f.cold}
    if colds:
        facts["cold read after"] = "; ".join(sorted(colds))
    blames = measure_blames(plan, workers, facts) if BLAME in plan.frames and not plan.works else {}
    merged = measure_merges(plan, workers, facts) if MERGE in plan.frames and not plan.works else {}
    tracked = measure_tracking(plan, workers, facts) if TRACKING in plan.frames and not plan.works else {}
    return results.Results(facts, frames, history, diff_timings, blames, merged, tracked)


def measure_diffs(
    plan: Plan, workers: Workers, works: Sequence[str], facts: dict[str, str]
) -> dict[str, dict[str, results.DiffTiming]]:
    """Measure how long it takes to tell how two versions differ; say in `facts` of how many rows."""
    facts["diff"] = f"{plan.diff_rows:,} × 5, keyed; median of {plan.repeat}, each in a fresh process"
    found: dict[str, dict[str, results.DiffTiming]] = {}
    for work in works:
        with DiffRun(plan, workers, work) as diff_run:
            runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in diff_tools(plan)}
            for turn in range(plan.repeat):
                for tool in rotated(list(runs), turn):
                    runs[tool].append(diff_run.once(tool))
        found[work] = {tool: results.summarise_diff(done) for tool, done in runs.items()}
        shown = ", ".join(f"{tool} {each.error or f'{1e3 * each.seconds:.0f}'}" for tool, each in found[work].items())
        print(f"diff, {work} (ms): {shown}", flush=True)
    return found


class DiffRun:
    """All tools on one pair of versions, which each stores once."""

    def __init__(self, plan: Plan, workers: Workers, work: str) -> None:
        self._workers = workers
        self._job = {"work": work, "rows": plan.diff_rows}
        self._folder = plan.scratch / DIFF
        self._broken: dict[str, str] = {}

    def __enter__(self) -> DiffRun:
        self._folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def once(self, tool: str, *, profile: bool = False) -> dict[str, Any]:
        """Measure one tool once, and return the figures, or the error."""
        folder, scratch = self._folder / tool, self._folder / "warm-up"
        try:
            if tool in self._broken:
                raise Failed(self._broken[tool])
            if not folder.exists():
                self._workers.run(tool, {**self._job, "command": "store-diff", "folder": str(folder)})
                os.sync()
            job = {"command": "diff", "folder": str(folder), "scratch": str(scratch), "profile": profile}
            figures: dict[str, Any] = self._workers.run(tool, {**self._job, **job})
            return figures
        except Failed as failed:
            self._broken[tool] = str(failed)
            return {"error": str(failed)}
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def diff_tools(plan: Plan) -> list[str]:
    """Return the tools that are to tell how versions differ, without those whose environment is not there."""
    there = Path(plan.arctic_python).exists()
    return [tool for tool in diffs.TOOLS if tool in plan.tools and (there or tool not in diffs.ARCTIC)]


def measure_history(plan: Plan, workers: Workers, facts: dict[str, str]) -> dict[str, results.Timing]:
    """Measure verbs in a long history; say in `facts` how long it is."""
    folder = plan.scratch / HISTORY
    try:
        found = workers.run("", {"command": "history", "folder": str(folder)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    size = ", ".join(f"{number:,} {name}" for name, number in found["size"].items())
    facts["history"] = (
        f"{size}; made in {found['made']:.0f} s; each work once after opening, and then {found['again']} times"
    )
    timings = {work: results.Timing(**timing) for work, timing in found["timings"].items()}
    for work, timing in timings.items():
        print(f"history, {work} (ms): {1e3 * timing.first:.1f} first, {1e3 * timing.median:.1f} then", flush=True)
    return timings


def measure_blames(plan: Plan, workers: Workers, facts: dict[str, str]) -> dict[str, results.Timing]:
    """Measure how long it takes to tell where values come from; say in `facts` of what table."""
    folder = plan.scratch / BLAME
    try:
        found = workers.run("", {"command": "blame", "folder": str(folder)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    facts["blame"] = f"{found['size']}; each work once after opening, and then {found['again']} times"
    timings = {work: results.Timing(**timing) for work, timing in found["timings"].items()}
    for work, timing in timings.items():
        print(f"blame, {work} (ms): {1e3 * timing.first:.1f} first, {1e3 * timing.median:.1f} then", flush=True)
    return timings


def measure_tracking(plan: Plan, workers: Workers, facts: dict[str, str]) -> dict[str, results.Added]:
    """Measure what tracking adds to cells and calls; say in `facts` how a long session goes on."""
    folder = plan.scratch / TRACKING
    try:
        found = workers.run("lineageflow", {"command": "tracking", "folder": str(folder)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    session = found["session"]
    facts["tracking"] = (
        f"medians; {session['cells']:,} cells that change a small frame take {1e3 * session['first']:.1f} ms at first"
        f" and {1e3 * session['last']:.1f} ms at last, and {session['memory'] / 1e6:.1f} MB more"
    )
    print(facts["tracking"], flush=True)
    works = {work: results.Added(*seconds) for work, seconds in found["works"].items()}
    for work, added in works.items():
        print(f"tracking, {work} (ms): {1e3 * added.plain:.4f} without, {1e3 * added.tracked:.4f} with", flush=True)
    return works


def measure_merges(plan: Plan, workers: Workers, facts: dict[str, str]) -> dict[str, results.MergeTiming]:
    """Measure merges beside what they cannot do without; say in `facts` of how many rows."""
    folder, copy = plan.scratch / MERGE, plan.scratch / "merged"
    facts["merge"] = f"{plan.diff_rows:,} × 5, keyed; median of {plan.repeat}, each in a fresh process on a copy"
    found: dict[str, results.MergeTiming] = {}
    for work in merges.WORKS:
        job = {"work": work, "rows": plan.diff_rows, "profile": False}
        runs: dict[str, list[dict[str, Any]]] = {part: [] for part in merges.PARTS}
        try:
            workers.run("", {**job, "command": "store-merge", "folder": str(folder)})
            for turn in range(plan.repeat):
                for part in rotated(list(runs), turn):
                    shutil.copytree(folder, copy)
                    os.sync()
                    runs[part].append(workers.run("", {**job, "command": "merge", "part": part, "folder": str(copy)}))
                    shutil.rmtree(copy)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(copy, ignore_errors=True)
        timing = found[work] = results.MergeTiming(**merges.summary(runs))
        shown = ", ".join(f"{part} {1e3 * getattr(timing, part):.0f}" for part in merges.PARTS)
        print(f"merge, {work} (ms): {shown} {timing.wrong}", flush=True)
    return found


def measure_frame(plan: Plan, workers: Workers, name: str, works: list[str]) -> results.FrameResults:
    """Measure all works on one frame, the tools taking turns."""
    frame_run = FrameRun(plan, workers, name)
    try:
        commits = [tool for tool in plan.tools if tool in TOOL_CLASSES]
        able = [tool for tool in commits if any(takes_part(tool, work, frame_run.facts) for work in works)]
        for tool in dict.fromkeys(stores_of(tool) for tool in able):
            frame_run.prepare(tool, works)
            if tool in frame_run.broken:
                print(f"{name}: {tool} failed: {frame_run.broken[tool]}", flush=True)
        limits: list[dict[str, float]] = []
        figures: dict[str, dict[str, results.Figure]] = {}
        for work in works:
            runs: dict[str, list[dict[str, Any]]] = {
                tool: [] for tool in able if takes_part(tool, work, frame_run.facts)
            }
            for turn in range(plan.repeat):
                for tool in rotated(list(runs), turn):
                    runs[tool].append(frame_run.once(tool, work, verify=plan.verify and turn == 0))
            limits.append(frame_run.limits())
            figures[work] = {tool: results.summarise(found) for tool, found in runs.items()}
            shown = ", ".join(
                f"{tool} –" if figure.error else f"{tool} {1e3 * figure.seconds:.0f}"
                for tool, figure in figures[work].items()
            )
            print(f"{name}, {work} (ms): {shown}", flush=True)
            for tool, figure in figures[work].items():
                if (figure.error or figure.difference) and stores_of(tool) not in frame_run.broken:
                    print(f"    {tool}: {figure.error or figure.difference}", flush=True)
        facts = frame_run.facts
        medians = {key: statistics.median(found[key] for found in limits) for key in limits[0]}
        return results.FrameResults(facts["shape"]["rows"], facts["columns"], facts["bytes"], medians, figures)
    finally:
        frame_run.close()


def stores_of(tool: str) -> str:
    """Return the tool whose stores this one works on."""
    return tool.removesuffix("-told").removesuffix("-upsert")


def takes_part(tool: str, work: str, facts: dict[str, Any]) -> bool:
    """Whether the tool has a way of its own to do the work on a frame with these facts."""
    ways = TOOL_CLASSES[tool]().ways
    if "upsert" in tool and not facts["shape"]["key"]:
        return False
    if tool == "arcticdb-narrow" and facts["columns"] > NARROW_COLUMNS:
        return False
    return "" in ways or work in ways


def rotated(items: list[str], by: int) -> list[str]:
    """Return the list begun at another item each time, so that none is always the first."""
    by %= max(len(items), 1)
    return items[by:] + items[:by]


def profile(plan: Plan, work: str) -> None:
    """Print where LineageFlow's time goes in one work."""
    workers = Workers(plan)
    tool = "lineageflow"
    if DIFF in plan.frames and work in diffs.WORKS:
        with DiffRun(plan, workers, work) as diff_run:
            for ours in diffs.OURS:
                found = diff_run.once(ours, profile=True)
                print(f"diff, {work}, {ours}: {found.get('error') or found['wrong'] or found['profile']}")
    for name in plan.frames:
        if work not in WORKS.get(name, ()):
            continue
        frame_run = FrameRun(plan, workers, name)
        frame_run.prepare(tool, [work])
        found = frame_run.once(tool, work, verify=False, profile=True)
        print(f"{name}, {work}: {found.get('error') or found['profile']}")
        frame_run.close()


def machine_facts(plan: Plan, workers: Workers) -> dict[str, str]:
    """Return the date, the machine and the versions, in words."""
    facts = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} CPUs ({processor()}), {platform.system()} {platform.machine()}",
        "runs": f"median of {plan.repeat}, each in a fresh process; memory is the greatest of them",
    }
    for title, tools in (
        ("versions", tuple(tool for tool in plan.tools if tool not in (*ARCTIC, *diffs.ARCTIC))),
        ("versions beside ArcticDB", tuple(tool for tool in plan.tools if tool in (*ARCTIC, *diffs.ARCTIC))),
    ):
        if tools:
            try:
                found = workers.run(tools[0], {"command": "versions", "tools": tools})
            except Failed as failed:
                found = {"unknown": str(failed)}
            skipped = ("arcticdb-narrow", "parquet", "lineageflow-afresh", "polars-streaming")
            names = (name for name in found if name not in skipped and not name.endswith("-told"))
            facts[title] = ", ".join(f"{name} {found[name]}" for name in names)
    return facts


def processor() -> str:
    """Return the processor's name, where the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


@contextmanager
def scratch_folder(parent: str | None, *, keep: bool) -> Iterator[Path]:
    """Give a folder for stores and frames, removed at the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="lineageflow-benchmark-", dir=parent))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every_work = sorted({work for works in (*WORKS.values(), diffs.WORKS) for work in works})
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of the large frames (default: %(default)s)")
    parser.add_argument("--diff-rows", type=int, help="rows of the tables whose versions are compared (default: twice)")
    parser.add_argument("--quick", action="store_true", help="200,000 rows and one run each")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each work (default: %(default)s)")
    parser.add_argument("--frames", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--works", nargs="+", choices=every_work, default=[])
    parser.add_argument("--no-verify", action="store_true", help="do not read back and compare what the tools stored")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has all tools but ArcticDB")
    parser.add_argument(
        "--arctic-python",
        default=str(ROOT / ".venv-bench-arctic" / "bin" / "python"),
        help="interpreter that has ArcticDB and a pandas below 3 (default: %(default)s)",
    )
    parser.add_argument("--scratch", help="folder on the disk to be measured (default: the system's temporary one)")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder")
    parser.add_argument("--json", type=Path, help="also write the results here, to be reported on again with --from")
    parser.add_argument("--from", type=Path, dest="saved", help="measure nothing: report on results saved by --json")
    parser.add_argument("--write", type=Path, help="put the report into this Markdown document")
    parser.add_argument("--profile", choices=every_work, help="only show where LineageFlow's time goes in this work")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rows, options.repeat = 200_000, 1
    if options.rows < 1_000 or options.repeat < 1:
        parser.error("--rows must be at least 1000, --repeat at least 1")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status is 1 where LineageFlow was to be measured and failed."""
    options = parse(arguments)
    if options.saved:
        found = results.load(options.saved)
    else:
        tools = tuple(options.tools)
        if set(tools) & set(ARCTIC) and not Path(options.arctic_python).exists():
            print(f"no ArcticDB: there is no interpreter at {options.arctic_python} (see --arctic-python)")
            tools = tuple(tool for tool in tools if tool not in ARCTIC)
        with scratch_folder(options.scratch, keep=options.keep) as scratch:
            plan = Plan(
                rows=options.rows,
                diff_rows=options.diff_rows or 2 * options.rows,
                repeat=options.repeat,
                tools=tools,
                frames=tuple(options.frames),
                works=tuple(options.works),
                python=options.python,
                arctic_python=options.arctic_python,
                scratch=scratch,
                verify=not options.no_verify,
            )
            if options.profile:
                profile(plan, options.profile)
                return 0
            found = run(plan)
    if options.json:
        found.save(options.json)
    for part, text in report.parts(found).items():
        if options.write:
            report.update(options.write, part, text)
        else:
            print(text)
    ours = [figure for frame in found.frames.values() for work in frame.figures if (figure := frame.ours(work))]
    return int(any(figure.error for figure in ours))


if __name__ == "__main__":
    sys.exit(main())
