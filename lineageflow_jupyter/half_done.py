"""A merge, revert, cherry-pick or rebase that waits for decisions: what there is to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineageflow_jupyter.merged_frames import Decisions
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.merging import Side
from lineageflow_jupyter.model.objects import Author


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A merge, revert, cherry-pick or rebase that waits for decisions.

    Parameters
    ----------
    branch, merged : str
        The branch that is merged into, and what is merged.
    ours, theirs : ObjectId
        The two commits; `theirs` is None for the state before the first commit.
    message : str
        Of the commit to come.
    verb : str
        ``"merge"``, ``"revert"``, ``"cherry-pick"`` or ``"rebase"``.
    bases : tuple of ObjectId or None
        What theirs is compared with; None: what both histories share.
    author : Author or None
        Of the commit to come, where that is somebody else.
    chosen : mapping of str to mapping
        Sides chosen for columns, by dataset.
    taken : mapping of str to Side
        Sides chosen for datasets that one side removed and the other changed.
    decisions : mapping of str to Decisions
        By dataset, for cells and rows.
    tip : ObjectId or None
        Of a rebase: the branch's commit, whose commits are put on top of others; `ours` is what is done so far.
    left : tuple of ObjectId
        Of a rebase: commits that come after this one.
    done : tuple of ObjectId
        Of a rebase: new commits, in order.
    """

    branch: str
    merged: str
    ours: ObjectId
    theirs: ObjectId | None
    message: str
    verb: str = "merge"
    bases: tuple[ObjectId, ...] | None = None
    author: Author | None = None
    chosen: Mapping[str, Mapping[str, Side]] = field(default_factory=dict)
    taken: Mapping[str, Side] = field(default_factory=dict)
    decisions: Mapping[str, Decisions] = field(default_factory=dict)
    tip: ObjectId | None = None
    left: tuple[ObjectId, ...] = ()
    done: tuple[ObjectId, ...] = ()

    @property
    def start(self) -> ObjectId:
        """Commit of the branch that this began from."""
        return self.tip or self.ours
