"""A process that does what a notebook does, on branches that others work on as well, and keeps a ledger of it.

On every branch there is a table ``counts``. Each racer adds one to its own cell and to a cell that all share, so that
in every version the shared cell is the sum of the others, whoever was faster.

Two more branches are merged into each other all the time. On them is a table ``tally`` with a key: each racer adds rows
of its own and signs a row that all share, which is then in conflict. A commit holds what any commit before it added.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import LineageFlowError, NameTaken, RefMoved, UncommittedChanges

BRANCHES = ("main", "dev", "try")
MERGED = ("left", "right")
SHARED = -1
"""Id of the row of ``tally`` that all sign."""
Report = Callable[[object], None]


@dataclass
class Ledger:
    """What a racer says that it did.

    Parameters
    ----------
    worker : int
        Its number.
    commits : dict of str to list of (str, str, int)
        By branch: commit, dataset and value of what it committed and did not take back.
    taken_back : list of (str, str)
        Branch and commit of what it did take back.
    tags : dict of str to str
        Commits by name of its own tags.
    added : dict of str to (str, int)
        By commit: the branch of `MERGED` that it was made on, and the id of the row that it added to ``tally``.
    merges : dict of str to str
        By commit of a merge: the branch that it was made on.
    done : Counter of str
        What it did and what was refused, how often.
    """

    worker: int
    commits: dict[str, list[tuple[str, str, int]]] = field(default_factory=lambda: {name: [] for name in BRANCHES})
    taken_back: list[tuple[str, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    added: dict[str, tuple[str, int]] = field(default_factory=dict)
    merges: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def values(self, branch: str, dataset: str) -> list[int]:
        """Values that it wrote to a dataset, the oldest first."""
        return [value for _, name, value in self.commits[branch] if name == dataset]


def start_counts(workers: int) -> pd.DataFrame:
    """The table that all begin with."""
    return pd.DataFrame({"own": [0] * workers, "shared": [0] * workers, "note": ["same"] * workers})


def start_tally() -> pd.DataFrame:
    """The table that is merged, as all begin with it."""
    return pd.DataFrame({"id": [SHARED], "by": [SHARED]})


def own_data(worker: int, value: int) -> pd.DataFrame:
    """A version of a dataset that one racer has for itself."""
    return pd.DataFrame({"value": range(value, value + 50), "by": worker})


def race(report: Report, folder: Path, worker: int, seconds: float, seed: int) -> None:
    """Work until the time is up, then report the ledger."""
    with lf.open(folder, workspace=lf.WorkspaceName(f"racer {worker}", "box", "race.ipynb")) as repo:
        racer = _Racer(repo, Ledger(worker), random.Random(seed))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            racer.turn()
        report(racer.ledger)


class _Racer:
    def __init__(self, repo: lf.Repository, ledger: Ledger, chance: random.Random) -> None:
        self.repo = repo
        self.ledger = ledger
        self.chance = chance
        self.turns = 0
        self.counts = repo.read("main:counts")

    @property
    def branch(self) -> str:
        return self.repo.head.branch

    def turn(self) -> None:
        self.turns += 1
        self._switch()
        work = self.chance.choice(
            (
                self._count,
                self._count,
                self._count,
                self._own,
                self._tag,
                self._latest,
                self._stash_and_pop,
                self._add_and_merge,
                self._add_and_merge,
            )
        )
        work()
        if work in (self._count, self._own, self._stash_and_pop):
            self.chance.choice((self._reset, self._undo, *[self._go_on] * 6))()

    def _go_on(self) -> None:
        pass

    def _switch(self) -> None:
        """Go to another branch, or stay and take what others did there; nothing is uncommitted, or it is stashed."""
        if self.chance.random() < 0.2:
            self._add_one()  # and change the mind
        live = {"counts": self.counts}
        name = self.chance.choice(BRANCHES)
        try:
            done = self.repo.switch(name, live=live)
        except UncommittedChanges as error:
            _check_text(error, "counts", "%lf stash", "--force")
            self.ledger.done["switch refused"] += 1
            done = self.repo.switch(name, live=live, force=True)
            if done.stash is not None:  # else others have moved the branch so that nothing is in the way any more
                pd.testing.assert_frame_equal(self.repo.read(f"{done.stash}:counts"), self.counts)
                self.repo.drop_stash()
        self.ledger.done["switch"] += 1
        assert self.branch == name
        self.counts = done.frames.get("counts", self.counts)
        if self.chance.random() < 0.5:
            self.counts = self.repo.read("counts")

    def _add_one(self) -> None:
        self.counts = self.counts.copy()
        self.counts.loc[self.ledger.worker, "own"] += 1
        self.counts.loc[0, "shared"] += 1

    def _count(self) -> None:
        self.counts = self.repo.read("counts")
        self._add_one()
        self._commit_counts()

    def _commit_counts(self) -> None:
        """Commit; where somebody was faster, do what the message says: look at theirs, and do the work again."""
        while True:
            try:
                value = int(self.counts["own"][self.ledger.worker])
                self._committed("counts", self.counts, value)
                return
            except RefMoved as error:
                self.ledger.done["commit refused"] += 1
                said = f"branch {self.branch!r} holds a version of 'counts' (commit "
                advice = f"`other = %lf read {self.branch}:counts` and commit again"
                _check_text(error, said, advice, "`%lf switch -c NAME ")
                self.counts = self.repo.read(f"{self.branch}:counts")
                self._add_one()

    def _own(self) -> None:
        """Nobody else has this dataset: however the branch moves meanwhile, the commit succeeds."""
        name = f"data-{self.ledger.worker}"
        if name in self.repo.dataset_names():  # it may have been on another branch when it committed it last
            self.repo.read(name)
        self._committed(name, own_data(self.ledger.worker, self.turns), self.turns)

    def _committed(self, name: str, frame: pd.DataFrame, value: int) -> None:
        done = self.repo.commit({name: frame}, message=f"{self.ledger.worker}/{self.turns}")
        assert done.created
        self.ledger.commits[self.branch].append((done.id.hex(), name, value))
        self.ledger.done["commit"] += 1

    def _take_back(self, what: str, step: Callable[[], object], *said: str) -> None:
        """Take back the last commit, unless others built on it."""
        commits = self.ledger.commits[self.branch]
        try:
            step()
        except RefMoved as error:
            self.ledger.done[f"{what} refused"] += 1
            _check_text(error, *said)
        else:
            commit, _, _ = commits.pop()
            self.ledger.taken_back.append((self.branch, commit))
            self.ledger.done[what] += 1
        self.counts = self.repo.read("counts")

    def _reset(self) -> None:
        self._take_back("reset", lambda: self.repo.reset("HEAD~1"), f"branch {self.branch!r}", "%lf ")

    def _undo(self) -> None:
        live = {"counts": self.counts}
        said = (f"branch {self.branch!r} has moved since that commit", "%lf log", "%lf reset REV")
        self._take_back("undo", lambda: self.repo.undo(live=live), *said)

    def _tag(self) -> None:
        name = f"tag-{self.ledger.worker}-{self.turns}"
        ref = self.repo.tag(name, message=f"turn {self.turns}")
        assert ref.commit is not None
        self.ledger.tags[name] = ref.commit.hex()
        self.ledger.done["tag"] += 1
        if self.chance.random() < 0.3:
            self.repo.undo()
            del self.ledger.tags[name]

    def _latest(self) -> None:
        """A tag that everybody moves."""
        while True:
            try:
                self.repo.tag("latest", force=True)
                self.ledger.done["tag"] += 1
                return
            except (RefMoved, NameTaken) as error:
                self.ledger.done["tag refused"] += 1
                _check_text(error, "tag 'latest'")

    def _stash_and_pop(self) -> None:
        self.counts = self.repo.read("counts")
        self._add_one()
        work = self.counts
        done = self.repo.stash({"counts": self.counts})
        self.counts = done.frames["counts"]
        back = self.repo.unstash(live={"counts": self.counts})
        pd.testing.assert_frame_equal(back.frames["counts"], work)
        self.counts = back.frames["counts"]
        self.ledger.done["stash"] += 1
        self._commit_counts()

    def _add_and_merge(self) -> None:
        """Add a row on one branch, and merge the other one into it."""
        branch, other = self.chance.sample(MERGED, 2)
        self.repo.switch(branch)
        self.counts, tally = self.repo.read("counts"), self.repo.read("tally")
        row = self.ledger.worker * 100_000 + self.turns
        while True:
            tally.loc[tally["id"] == SHARED, "by"] = row
            frame = pd.concat([tally, pd.DataFrame({"id": [row], "by": [self.ledger.worker]})], ignore_index=True)
            try:
                added = self.repo.commit({"tally": frame}, message=f"add {row}")
                break
            except RefMoved:
                self.ledger.done["commit refused"] += 1
                tally = self.repo.read(f"{branch}:tally")
        self.ledger.added[added.id.hex()] = (branch, row)
        try:
            self._merge(branch, other)
        except RefMoved as error:  # others were faster each time, or changed what was in conflict
            self.ledger.done["merge refused"] += 1
            _check_text(error, f"branch {branch!r}")
            if self.repo.half_done:
                self.repo.abort()

    def _merge(self, branch: str, other: str) -> None:
        side = self.chance.choice(("ours", "theirs"))
        later = self.chance.random() < 0.4
        done = self.repo.merge(other, resolve=None if later else side, fast_forward=self.chance.random() < 0.5)
        if done.state == "conflicts":
            assert self.repo.half_done is not None
            self.ledger.done["merge half done"] += 1
            done = self.repo.resume(resolve=side)
        assert self.repo.half_done is None
        self.ledger.done[f"merge: {done.state}"] += 1
        if done.state == "merged":
            assert done.commit is not None
            self.ledger.merges[done.commit.id.hex()] = branch


def _check_text(error: LineageFlowError, *said: str) -> None:
    """The message says what happened, and what to type."""
    assert error.remedy
    for part in said:
        assert part in str(error)
