"""What merges report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineageflow_jupyter.model.records import CommitRecord

UP_TO_DATE, FAST_FORWARD, MERGED, REBASED, CONFLICTS = "up to date", "fast-forward", "merged", "rebased", "conflicts"


@dataclass(frozen=True, slots=True)
class MergedDataset:
    """What a merge did with one dataset.

    Parameters
    ----------
    dataset : str
        Its name.
    how : str
        ``"theirs"``: their version, or its removal, was taken as it is. ``"both"``: both sides changed it.
    rows : int
        Rows of the merged table.
    cells : int
        Cells whose value comes from theirs where ours has the row too.
    conflicts : int
        Conflicts that there were.
    open : int
        Those that are not decided.
    """

    dataset: str
    how: str
    rows: int = 0
    cells: int = 0
    conflicts: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MergeResult:
    """What a merge did, or would do.

    Parameters
    ----------
    state : str
        ``"up to date"``, ``"fast-forward"``, ``"merged"``, ``"rebased"`` or ``"conflicts"``: then it is half done, and
        nothing moved.
    branch, merged : str
        The branch that was merged into, and what was merged.
    commit : CommitRecord or None
        The branch's commit afterwards; None if it has conflicts, or nothing was done.
    datasets : tuple of MergedDataset
        The datasets that theirs changed.
    conflicts : mapping of str to pandas.DataFrame
        By dataset, where something is open: one row a conflict, with base, ours, theirs and resolved (to be filled,
        and passed to `Repository.resume`).
    frames : mapping of str to frame
        What the caller's frames are to be replaced with.
    dry_run : bool
        Whether nothing was changed.
    verb : str
        ``"merge"``, ``"revert"``, ``"cherry-pick"`` or ``"rebase"``.
    done, left : int
        Of a rebase: commits that are on top of the other ones, and those that are still to be put there.
    """

    state: str
    branch: str
    merged: str
    commit: CommitRecord | None = None
    datasets: tuple[MergedDataset, ...] = ()
    conflicts: Mapping[str, Any] = field(default_factory=dict)
    frames: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    verb: str = "merge"
    done: int = 0
    left: int = 0

    @property
    def open(self) -> int:
        """Conflicts that are not decided."""
        return sum(each.open for each in self.datasets)
