"""Eight notebooks on five branches of one repository, two of which are merged into each other again and again.

No change is lost, and all logs tell the same story.

A run takes 8 seconds. ``LINEAGEFLOW_RACE_SECONDS=60 pytest tests/acceptance/test_races.py -s`` makes it a minute, and
shows how often what was done and refused.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack
from multiprocessing.connection import wait
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.repository import Repository
from tests.acceptance.committers import Committer
from tests.acceptance.racers import BRANCHES, MERGED, SHARED, Ledger, own_data, race, start_counts, start_tally
from tests.acceptance.soundness import check_logs, check_sound

SECONDS = float(os.environ.get("LINEAGEFLOW_RACE_SECONDS", "8"))  # read before the tests are shielded from settings
WORKERS = 8


def run(folder: Path, seed: int) -> list[Ledger]:
    """Ledgers of all racers."""
    ledgers: list[Ledger] = []
    with ExitStack() as stack:
        racers = [Committer(race, folder, worker, SECONDS, seed + worker) for worker in range(WORKERS)]
        for racer in racers:
            stack.callback(racer.close)
        end = time.monotonic() + SECONDS + 120
        while len(ledgers) < WORKERS and time.monotonic() < end:
            wait([racer.connection for racer in racers], timeout=1)
            for racer in racers:
                ledgers += racer.reports()
        for racer in racers:
            racer.wait(60)
    return sorted(ledgers, key=lambda ledger: ledger.worker)


def check_branch(repo: Repository, branch: str, ledgers: list[Ledger]) -> None:
    """Each change that was reported, and not taken back, is there once."""
    history = repo.log(branch)
    told = {commit: (dataset, value, ledger) for ledger in ledgers for commit, dataset, value in ledger.commits[branch]}
    made = {record.id.hex(): record for record in history if record.commit.message != "start"}
    assert made.keys() == told.keys(), "what is on the branch is what was reported"
    assert not {commit for ledger in ledgers for name, commit in ledger.taken_back if name == branch} & made.keys()
    expected = start_counts(WORKERS)
    for record in reversed(history):
        if record.id.hex() in told:
            dataset, value, ledger = told[record.id.hex()]
            assert record.datasets == (dataset,)
            if dataset == "counts":
                expected.loc[ledger.worker, "own"] += 1
                expected.loc[0, "shared"] += 1
                assert expected["own"][ledger.worker] == value
            else:
                data = own_data(ledger.worker, value)
                pd.testing.assert_frame_equal(repo.read(f"{record.id.hex()}:{dataset}"), data)
        # Each version is the one before and the change that its author told, cell by cell.
        pd.testing.assert_frame_equal(repo.read(f"{record.id.hex()}:counts"), expected)
    end = repo.read(f"{branch}:counts")
    for ledger in ledgers:
        values = ledger.values(branch, "counts")
        assert values == list(range(1, len(values) + 1)), "each added one to what it had added before"
        assert end["own"][ledger.worker] == len(values)
        own = ledger.values(branch, f"data-{ledger.worker}")
        if own:
            data = own_data(ledger.worker, own[-1])
            pd.testing.assert_frame_equal(repo.read(f"{branch}:data-{ledger.worker}"), data)
        else:
            assert f"data-{ledger.worker}" not in repo.datasets(branch)


def check_merges(repo: Repository, ledgers: list[Ledger]) -> None:
    """Each row that was added is in every version after it, and each merge that was reported has both sides."""
    added = {commit: told for ledger in ledgers for commit, told in ledger.added.items()}
    merges = {commit: branch for ledger in ledgers for commit, branch in ledger.merges.items()}
    history = {record.id.hex(): record for branch in MERGED for record in repo.log(branch)}
    (start,) = (oid for oid, record in history.items() if not record.commit.parents)
    assert history.keys() == {start, *added, *merges}, "what is on the branches is what was reported"
    rows: dict[str, set[int]] = {start: {SHARED}}
    for oid, record in sorted(history.items(), key=lambda item: item[1].generation):
        parents = [parent.hex() for parent in record.commit.parents]
        assert len(parents) == (0 if oid == start else 2 if oid in merges else 1)
        if oid != start:
            rows[oid] = set().union(*(rows[parent] for parent in parents), [added[oid][1]] if oid in added else [])
        tally = repo.read(f"{oid}:tally")
        assert tally["id"].is_unique
        assert {*tally["id"]} == rows[oid]
    for branch in MERGED:
        moves = {move.after.hex() for move in repo.reflog(branch) if move.after}
        assert {oid for oid, (name, _) in added.items() if name == branch} <= moves
        assert {oid for oid, name in merges.items() if name == branch} <= moves


@pytest.mark.slow
def test_eight_workspaces_on_five_branches(tmp_path: Path) -> None:
    seed = time.time_ns()
    print("seed", seed)  # noqa: T201 - shown where the test fails
    with lf.init(tmp_path, workspace=lf.WorkspaceName("ada", "box", "check.ipynb")) as repo:
        start = {"counts": start_counts(WORKERS), "tally": start_tally()}
        repo.commit(start, message="start", keys={"tally": ["id"]})
        for branch in (*BRANCHES[1:], *MERGED):
            repo.branch(branch)
        ledgers = run(tmp_path, seed)
        done = sum((ledger.done for ledger in ledgers), Counter[str]())
        print(dict(sorted(done.items())))  # noqa: T201
        assert len(ledgers) == WORKERS
        assert done["commit"] > 0
        assert done["commit refused"] > 0, "they got in each other's way"
        assert done["merge: merged"] > 0
        for branch in BRANCHES:
            check_branch(repo, branch, ledgers)
        check_merges(repo, ledgers)
        tags = {ref.name: ref.commit.hex() for ref in repo.tags() if ref.commit and ref.name != "latest"}
        assert tags == {name: commit for ledger in ledgers for name, commit in ledger.tags.items()}
        assert repo.stashes(everybody=True) == []
        check_sound(repo)
        check_logs(repo)
