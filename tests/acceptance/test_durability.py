"""A commit that was reported is never lost: not by kill -9, not by a power failure, not by others who commit."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from multiprocessing.connection import wait
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.store.identity import create_identity
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.testing.stores import FragileFiles, PowerFailure
from tests.acceptance.committers import Committer, commit_on_and_on, content, count_up, merge_on_and_on, priced
from tests.acceptance.soundness import check_logs, check_sound
from tests.frames.stored_content import assert_same

COMMITS, WORKERS = 200, 4
KILLS = 10
ADA = lf.WorkspaceName("ada", "box", "check.ipynb")


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    """Ends every process that a test starts, whatever becomes of it."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.slow
class TestKill:
    def test_workers_are_killed_in_the_middle_of_200_commits(self, tmp_path: Path, processes: ExitStack) -> None:
        lf.init(tmp_path).close()
        seed = time.time_ns()
        print("seed", seed)  # noqa: T201 - shown where the test fails
        chance = random.Random(seed)
        turns = itertools.count()
        reported: list[tuple[str, int, int]] = []

        def start(worker: int) -> Committer:
            # A commit of a killed worker may have taken effect without being reported: turns are never used twice.
            committer = Committer(commit_on_and_on, tmp_path, worker, next(turns) * 1_000)
            processes.callback(committer.close)
            return committer

        workers = [start(worker) for worker in range(WORKERS)]
        kills = 0
        # Many commits may be reported in one round, while a victim is replaced: the last kills then come after the 200.
        while len(reported) < COMMITS or kills < COMMITS // 6:
            wait([worker.connection for worker in workers], timeout=10)
            for worker in workers:
                reported += worker.reports()
            if kills < len(reported) // 6:
                time.sleep(chance.uniform(0, 0.08))  # somewhere in the next commits
                victim = chance.randrange(WORKERS)
                workers[victim].kill()
                reported += workers[victim].reports()  # it had said so before it died
                workers[victim] = start(victim)
                kills += 1
        for worker in workers:
            worker.kill()
            reported += worker.reports()

        with lf.open(tmp_path, workspace=ADA) as repo:
            history = {record.id.hex(): record for record in repo.log()}
            for oid, worker, turn in reported:
                assert history[oid].commit.message == f"{worker}/{turn}"
                pd.testing.assert_frame_equal(
                    content(worker, turn), repo.read(f"{oid}:data-{worker}"), check_exact=True
                )
            assert kills >= COMMITS // 6
            assert len(history) >= len(reported) >= COMMITS
            repo.commit({"data-0": content(0, 999_999_999)}, message="and on it goes")
            check_sound(repo)
            check_logs(repo)

    def test_mergers_are_killed_in_the_middle(self, tmp_path: Path, processes: ExitStack) -> None:
        """What was reported half done is half done, or was ended since; and it can be ended or forgotten."""
        seed = time.time_ns()
        print("seed", seed)  # noqa: T201 - shown where the test fails
        chance = random.Random(seed)
        workers = range(2)
        with lf.init(tmp_path, workspace=ADA) as repo:
            start = {f"t{worker}": priced(0) for worker in workers}
            repo.commit(start, message="start", keys={name: ["id"] for name in start})
            for worker in workers:
                repo.branch(f"side-{worker}")
                repo.branch(f"own-{worker}")
            turns = itertools.count()
            told: list[list[tuple[str, ...]]] = [[] for _ in workers]
            found_half = 0

            def start_one(worker: int) -> Committer:
                number = next(turns)
                committer = Committer(merge_on_and_on, tmp_path, worker, 1_000 * (number + 1) + number % 2)
                processes.callback(committer.close)
                return committer

            def kill(worker: int, after: str) -> None:
                """Kill it a moment after it reported something, or at any time."""
                known = len(told[worker])
                while after and not any(what == after for what, *_ in told[worker][known:]):
                    assert running[worker].connection.poll(30)
                    told[worker] += running[worker].reports()
                time.sleep(chance.uniform(0, 0.02 if after else 0.4))
                running[worker].kill()
                told[worker] += running[worker].reports()

            running = [start_one(worker) for worker in workers]
            for number in range(KILLS):
                worker = number % len(workers)
                kill(worker, chance.choice(("", "half", "half", "merged")))
                running[worker] = start_one(worker)
            for worker in workers:
                kill(worker, "found")

            history = {record.id.hex(): record for record in repo.log(everything=True)}
            merges = {record.commit.parents[1].hex() for record in history.values() if len(record.commit.parents) == 2}
            for worker in workers:
                for (what, *before), (now, *after) in itertools.pairwise(told[worker]):
                    if now == "found" and what == "half":
                        assert after == before or before[0] in merges, "it is as it was reported, or it is ended"
                    found_half += now == "found" and after != [None]
                for what, oid, *price in told[worker]:
                    if what == "merged":
                        parents = [history[parent.hex()] for parent in history[oid].commit.parents]
                        assert len(parents) == 2
                        assert parents[1].commit.message == str(price[0])
                        pd.testing.assert_frame_equal(repo.read(f"{oid}:t{worker}"), priced(int(price[0])))
            assert found_half > 0, "some were killed with a merge half done"
            check_sound(repo)
            check_logs(repo)


VERSIONS = (
    {"t": pd.DataFrame({"x": [1, 2, 3], "s": ["a", None, "c"]})},
    {"t": pd.DataFrame({"x": [1, 2, 9], "s": ["a", None, "c"]}), "u": pd.DataFrame({"y": [0.5] * 5_000})},
    {"u": pd.DataFrame({"y": [0.5] * 5_000 + [1.5]})},
)


@pytest.mark.slow
class TestPowerFailure:
    """The machine stops at any call that changes the object store, and what was not synced is gone.

    The store's folder is a model of a disk (`FragileFiles`): only synced content and synced names are sure to survive.
    The catalog is a real SQLite database with ``synchronous=FULL``, which syncs its log before a transaction ends; a
    copy of its files at the moment of the failure therefore holds just the transactions that had ended, and perhaps
    unfinished ones that SQLite ignores. Whether SQLite and the disk keep that promise is not tested here.
    """

    @pytest.fixture
    def template(self, tmp_path: Path) -> Path:
        """A new catalog, to be copied: creating one takes most of the time."""
        path = tmp_path / "catalog.sqlite"
        SqlCatalog.create(path, uuid="11111111-2222-3333-4444-555555555555").close()
        return path

    def test_at_every_call(self, tmp_path: Path, template: Path) -> None:
        for fail_at in itertools.count():
            machine = tmp_path / f"{fail_at}" / ".lineageflow"
            machine.mkdir(parents=True)
            shutil.copy(template, machine)
            files = FragileFiles(machine, fail_at=fail_at)
            reported, stopped = commit_until_failure(machine, files)
            outcomes = ({}, {"names": True} if fail_at % 2 else {"seed": fail_at}) if stopped else ({},)
            for number, outcome in enumerate(outcomes):
                self.check(machine, files, tmp_path / f"{fail_at}-{number}", reported, outcome)
            shutil.rmtree(machine.parent)
            if not stopped:
                break
        assert len(reported) == len(VERSIONS)
        assert fail_at > 40

    def check(
        self, machine: Path, files: FragileFiles, after: Path, reported: list[str], outcome: dict[str, int]
    ) -> None:
        power_on(machine, files, after, outcome)
        with lf.open(after, workspace=ADA) as repo:
            for number, oid in enumerate(reported):
                for name, frame in VERSIONS[number].items():
                    assert_same(frame, repo.read(f"{oid}:{name}"))
            done = len(repo.log())
            assert len(reported) <= done <= len(reported) + 1, (
                "what was under way took effect as a whole, or not at all"
            )
            if done:
                repo.fsck()
            for number in range(done, len(VERSIONS)):  # what was not reported is simply done again
                assert repo.commit(VERSIONS[number], message="again").created
            check_sound(repo)
        shutil.rmtree(after)


def commit_until_failure(machine: Path, files: FragileFiles) -> tuple[list[str], bool]:
    """Commit all versions, or as many as the power allows; ids of those that were reported, and whether it failed."""
    reported: list[str] = []
    try:
        with repository_on(machine, files) as repo:
            for number, frames in enumerate(VERSIONS):
                reported.append(repo.commit(frames, message=str(number)).id.hex())
    except PowerFailure:
        return reported, True
    return reported, False


PRICES = pd.DataFrame({"id": [1, 2, 3], "x": [0, 0, 0], "y": [0, 0, 0]})
OURS = PRICES.assign(x=[1, 0, 0], y=[1, 0, 0])
THEIRS = PRICES.assign(x=[2, 0, 0], y=[2, 0, 2])
TOGETHER = PRICES.assign(x=[2, 0, 0], y=[1, 0, 2])


def begin_merges(repo: Repository) -> None:
    """Commit what `MERGES` put together; HEAD is on main."""
    repo.commit({"t": PRICES}, message="start", keys={"t": ["id"]})
    for branch, frames in (("side", {"u": PRICES}), ("dev", {"t": THEIRS})):
        repo.branch(branch)
        repo.commit(frames, message=branch, branch=branch)
    repo.read("t")
    repo.commit({"t": OURS}, message="ours")


MERGES = (
    lambda repo: repo.merge("side"),
    lambda repo: repo.merge("dev"),
    lambda repo: repo.resume(resolve={"x": "theirs"}),
    lambda repo: repo.resume(resolve="ours"),
)
"""A merge without conflicts; one that is left half done, decided in part, and ended."""
MERGED = (("start", None), ("side", None), ("side", 2), ("side", 1), ("dev", None))
"""What was merged last and how many conflicts are open, before these and after each."""


def merge_state(repo: Repository) -> tuple[str, int | None]:
    """As `MERGED` tells it."""
    merged = ["start", "side", "dev"][sum(len(record.commit.parents) > 1 for record in repo.log("main"))]
    if repo.half_done is None:
        return merged, None
    (frame,) = repo.conflicts().values()
    return merged, int(frame["resolved"].map(repr).eq("UNRESOLVED").sum())


@pytest.mark.slow
class TestPowerFailureInMerges:
    """As `TestPowerFailure`, while branches are merged."""

    def test_at_every_call(self, tmp_path: Path) -> None:
        begun = tmp_path / "begun"
        begun.mkdir()
        disk = FragileFiles(begun)
        SqlCatalog.create(begun / "catalog.sqlite", uuid="11111111-2222-3333-4444-555555555555").close()
        with repository_on(begun, disk) as repo:
            begin_merges(repo)
        stages = []
        for fail_at in itertools.count(disk.calls):
            machine, after = tmp_path / f"{fail_at}", tmp_path / f"{fail_at}-after"
            shutil.copytree(begun, machine)
            files = disk.copied(machine, fail_at=fail_at)
            reported = merge_until_failure(machine, files)
            outcome = {"names": True} if fail_at % 2 else {"seed": fail_at}
            power_on(machine, files, after, outcome)
            stages.append(self.check(after, reported, abort=fail_at % 3 == 0))
            shutil.rmtree(machine)
            if len(reported) == len(MERGES):
                break
        assert {*stages} == {0, 1, 2, 3, 4}
        assert len(stages) > 40

    def check(self, after: Path, reported: list[str], *, abort: bool) -> int:
        """Which of `MERGED` the repository is at; all that was reported is there, and merging goes on."""
        with lf.open(after, workspace=ADA) as repo:
            stage = MERGED.index(merge_state(repo))
            assert len(reported) <= stage <= len(reported) + 1, "what was under way took effect as a whole, or not"
            assert {*filter(None, reported)} <= {record.id.hex() for record in repo.log("main")}
            ahead = MERGES[stage:]
            if repo.half_done and abort:
                repo.abort()
                assert merge_state(repo) == MERGED[1]
                ahead = MERGES[1:]
            for step in ahead:
                step(repo)
            assert merge_state(repo) == MERGED[-1]
            assert_same(repo.read("main:t"), TOGETHER)
            assert_same(repo.read("main:u"), PRICES)
            check_sound(repo)
        shutil.rmtree(after)
        return stage


@contextlib.contextmanager
def repository_on(machine: Path, files: FragileFiles) -> Iterator[Repository]:
    with closing(SqlCatalog.open(machine / "catalog.sqlite")) as catalog:
        store = LocalStore(machine / "objects", create=True, files=files)
        create_identity(store, catalog.uuid)
        head = catalog.workspace(ADA, branch="main")
        with Repository(catalog, store, head, location="", author=lambda: lf.Author("Ada")) as repo:
            yield repo


def merge_until_failure(machine: Path, files: FragileFiles) -> list[str]:
    """Do all of `MERGES`, or as many as the power allows; the commit of each that was reported, or ``""``."""
    reported: list[str] = []
    with contextlib.suppress(PowerFailure), repository_on(machine, files) as repo:
        for step in MERGES:
            done = step(repo)
            reported.append("" if done.commit is None else done.commit.id.hex())
    return reported


def power_on(machine: Path, files: FragileFiles, after: Path, outcome: dict[str, int]) -> None:
    """Put what survived into another folder."""
    after.mkdir()
    files.survivors(after / ".lineageflow", **outcome)  # type: ignore[arg-type]
    for path in machine.glob("catalog.sqlite*"):
        shutil.copy(path, after / ".lineageflow")
    (after / ".lineageflow" / "objects").mkdir(exist_ok=True)  # `init` makes it before anything is reported


class TestRace:
    def test_eight_processes_change_one_dataset_and_no_change_is_lost(
        self, tmp_path: Path, processes: ExitStack
    ) -> None:
        workers, turns = 8, 6
        with lf.init(tmp_path, workspace=ADA) as repo:
            start = pd.DataFrame({"own": [0] * workers, "shared": [0] * workers, "note": ["same"] * workers})
            repo.commit({"counts": start}, message="start")
            running = [Committer(count_up, tmp_path, worker, turns) for worker in range(workers)]
            for committer in running:
                processes.callback(committer.close)
            reported = []
            for committer in running:
                committer.wait(120)
                reported += committer.reports()

            end = repo.read("main:counts")
            assert end["own"].tolist() == [turns] * workers
            assert end["shared"].tolist() == [workers * turns] + [0] * (workers - 1)
            history = repo.log()
            assert len(history) == 1 + workers * turns
            assert {record.id.hex() for record in history[:-1]} == set(reported)
            for child, parent in itertools.pairwise(history):
                assert child.commit.parents == (parent.id,)
            for number, record in enumerate(reversed(history)):  # each commit added one to what the one before held
                frame = repo.read(f"{record.id.hex()}:counts")
                assert frame["shared"][0] == frame["own"].sum() == number
            check_sound(repo)
