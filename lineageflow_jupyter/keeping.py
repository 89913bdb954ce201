"""Half-done merges in the repository: a commit under a hidden ref of the workspace, which survives a restart.

Its parents are the commits that are combined, its datasets hold the values that were decided, its message the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.combination import Combination, conflict_frames
from lineageflow_jupyter.errors import NotAvailable, UsageProblem
from lineageflow_jupyter.frames.convert import library_of_body
from lineageflow_jupyter.frames.gathering import Misfit, gatherer
from lineageflow_jupyter.half_done import HalfDone
from lineageflow_jupyter.history import History, merge_ref
from lineageflow_jupyter.intake import contents_of
from lineageflow_jupyter.merged_frames import OPEN, VALUE, CellDecisions, Decisions, unfit
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.merge_reports import CONFLICTS, MergeResult
from lineageflow_jupyter.model.objects import Author, Tree, TreeEntry
from lineageflow_jupyter.model.records import RefChange
from lineageflow_jupyter.publishing import Publisher, Written
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.resolving import Resolve, side_for
from lineageflow_jupyter.three_way import MergePlan
from lineageflow_jupyter.version_frames import columns_at
from lineageflow_jupyter.workspace import Workspace

_STATE = 2


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the half-done merge of a workspace."""

    history: History
    workspace: Workspace
    publisher: Publisher
    changes: Changes
    reader: FrameReader
    author: Callable[[], Author]

    def found(self) -> HalfDone | None:
        """The half-done merge, if there is one; without what is decided for cells and rows."""
        tip = self._tip()
        return None if tip is None else self._loaded(tip)[0]

    def nothing_under_way(self, *, dry_run: bool = False) -> None:
        """Refuse to begin where something is half done; nothing is in the way of a dry run.

        Raises
        ------
        UsageProblem
            If there is.
        """
        state = None if dry_run else self.found()
        if state is not None:
            raise UsageProblem(
                f"a {state.verb} is under way",
                remedy=f"Go on with it (`%lf {state.verb} --continue`) or forget it (`%lf {state.verb} --abort`) first",
            )

    def required(self) -> HalfDone:
        """The half-done merge with all that is decided.

        Raises
        ------
        UsageProblem
            If there is none.
        """
        tip = self._tip()
        if tip is None:
            raise no_merge()
        state, told = self._loaded(tip)
        if told["version"] != _STATE:
            raise NotAvailable(
                f"the half-done {state.verb} was begun by another version of LineageFlow",
                remedy="Go on with it there, or forget it: `%lf merge --abort`",
            )
        tree = self.history.tree(tip)
        found: dict[str, Decisions] = {}
        for name, side, codes in told["rows"]:
            own = found.get(name, Decisions())
            found[name] = Decisions(own.cells, {**own.rows, side: np.array(codes, np.int8)})
        for name, number, stored in told["cells"]:
            entry = tree.get(stored)
            assert entry is not None
            own = found.get(name, Decisions())
            found[name] = Decisions({**own.cells, number: self._read(entry)}, own.rows)
        return replace(state, decisions=found)

    def leave(self, state: HalfDone, resolve: Resolve, combined: Combination) -> MergeResult:
        """Keep what is decided so far, and tell what is open.

        Raises
        ------
        NotAvailable
            If there is no workspace that could keep it.
        """
        if not self.workspace.head.workspace:
            raise NotAvailable(
                f"{combined.open:,} conflicts are open, and only a notebook's workspace keeps a half-done {state.verb}",
                remedy="Do it in a notebook, or give rules for all of them: --ours, --theirs, --resolve COL=RULE",
            )
        rules = resolve if isinstance(resolve, Mapping) else {}
        sides = {column: side for column in rules if (side := side_for(rules, column)) is not None}
        chosen = {name: {**state.chosen.get(name, {}), **sides} for name in combined.plans}
        state = replace(state, decisions=combined.decisions, chosen=chosen, taken={**state.taken, **combined.sides})
        change, written = self._saved(state, combined)
        self.publisher.publish(
            f"{state.verb} --continue" if change.before else state.verb,
            [change],
            written,
            detail={"message": f"{combined.open} conflicts of {state.merged} and {state.branch} are open"},
        )
        return MergeResult(
            CONFLICTS,
            state.branch,
            state.merged,
            None,
            combined.told(),
            conflict_frames(combined),
            verb=state.verb,
            done=len(state.done),
            left=len(state.left),
        )

    def cleared(self) -> list[RefChange]:
        """What forgets the half-done merge, if there is one."""
        tip = self._tip()
        return [] if tip is None else [RefChange(merge_ref(self.workspace.head), "hidden", tip, None)]

    def _saved(self, state: HalfDone, combined: Combination) -> tuple[RefChange, Written]:
        """Write what is decided as a commit with both parents; the hidden ref that is to hold it."""
        contents: dict[str, Any] = {}
        cells: list[list[Any]] = []
        rows: list[list[Any]] = []
        for name, decided in state.decisions.items():
            plan = combined.plans[name]
            for number, own in decided.cells.items():
                if (own.codes != OPEN).any():
                    cells.append([name, number, f"d{len(contents)}"])
                    contents[cells[-1][-1]] = self._stored_cells(plan, number, own)
            for side, codes in decided.rows.items():
                rows.append([name, side, np.asarray(codes).tolist()])
        told = {
            "version": _STATE,
            "branch": state.branch,
            "merged": state.merged,
            "message": state.message,
            "verb": state.verb,
            "theirs": None if state.theirs is None else state.theirs.hex(),
            "bases": None if state.bases is None else [base.hex() for base in state.bases],
            "author": None if state.author is None else [state.author.name, state.author.email],
            "chosen": state.chosen,
            "taken": state.taken,
            "cells": cells,
            "rows": rows,
            "tip": None if state.tip is None else state.tip.hex(),
            "left": [commit.hex() for commit in state.left],
            "done": [commit.hex() for commit in state.done],
        }
        held = (state.ours, state.theirs, *(state.bases or ()), state.tip)
        record, written = self.publisher.combined(
            tuple(dict.fromkeys(commit for commit in held if commit is not None)),
            contents_of(contents) if contents else {},
            {},
            Tree(),
            f"half-done {state.verb} of {state.merged} into {state.branch}\n{json.dumps(told)}",
            self.author(),
        )
        return RefChange(merge_ref(self.workspace.head), "hidden", self._tip(), record.id), written

    def _stored_cells(self, plan: MergePlan, number: int, decided: CellDecisions) -> Any:
        """Decisions of a column as a frame of its library: codes, and values in the column's own dtype.

        Raises
        ------
        UsageProblem
            If a value does not fit into the column.
        """
        column, engine = plan.columns[number], library_of_body(plan.ours.body)
        place = column.ours if column.ours is not None else column.theirs
        version = plan.ours if column.ours is not None else plan.theirs
        assert place is not None
        like = gatherer([columns_at(version, [place], np.empty(0, np.int64), engine)])
        try:
            values = like.piece(list(decided.values), like.column(0, 0))
            at = np.full(len(decided.codes), -1, np.int64)
            at[decided.codes == VALUE] = np.arange(len(decided.values))
            held = like.gathered([values], at)
        except Misfit as error:
            raise unfit(plan, column, error) from error
        return like.coded(decided.codes, held)

    def _loaded(self, tip: ObjectId) -> tuple[HalfDone, dict[str, Any]]:
        record = self.history.record(tip)
        told = json.loads(record.commit.message.split("\n", 1)[1])
        state = HalfDone(
            told["branch"],
            told["merged"],
            record.commit.parents[0],
            _id(told["theirs"]),
            told["message"],
            told["verb"],
            None if told["bases"] is None else _ids(told["bases"]),
            None if told["author"] is None else Author(*told["author"]),
            told["chosen"],
            told["taken"],
            tip=_id(told.get("tip")),
            left=_ids(told.get("left", ())),
            done=_ids(told.get("done", ())),
        )
        return state, told

    def _read(self, entry: TreeEntry) -> CellDecisions:
        """Decisions of a column as `_stored_cells` put them down."""
        engine = library_of_body(self.changes.stored(entry).body)
        parts = gatherer([self.reader.read(entry, engine=engine)])
        codes = np.array(parts.objects(parts.column(0, 0)), np.int8)
        values = parts.objects(parts.column(0, 1))
        return CellDecisions(codes, [values[place] for place in np.flatnonzero(codes == VALUE).tolist()])

    def _tip(self) -> ObjectId | None:
        head = self.workspace.head
        return self.history.tip(merge_ref(head)) if head.workspace else None


def no_merge() -> UsageProblem:
    """Error where nothing is half done."""
    return UsageProblem("no merge is under way", remedy="Begin one: `%lf merge BRANCH`")


def _id(text: str | None) -> ObjectId | None:
    return None if text is None else ObjectId(bytes.fromhex(text))


def _ids(texts: Iterable[str]) -> tuple[ObjectId, ...]:
    return tuple(ObjectId(bytes.fromhex(text)) for text in texts)
