"""Git's merge shapes on tables of one text column without a key, a line a row: what is made of them here and there.

What Git gives is stored (`git_shapes` made it). What is made here of it (`docs/decisions/009-merge.md`):

- **Git merges without a conflict** (`CLEAN`): so it is here, to the same lines. Except where lines were moved
  (`MOVED`): Git sees a deletion and an insertion, so that a line that one side moved and the other deleted comes back.
  Here it is one row: then it is gone, an edit of it moves with it, and of two places ours counts.
- **Git has conflicts of one line** that both edited, or that one edited and the other deleted (`SMALL`): so it is here,
  one each, and what ours, theirs and base give is what stands in Git's conflict.
- **Git has conflicts of lines that both inserted in one place** (also `SMALL`): here none; both are kept, ours first.
- **Git has larger conflicts** (`LARGE`): hunks that touch or overlap are one there. Here only a row is in conflict that
  both changed. What is to come of each is told by hand (`SMALLER`).

For all but those with moves `by_rule` says the same once more, and for large ones that were drawn at random it alone:
lines that are equal are found as a diff finds them; rows at one place of tables of one length, and as many rows between
equal ones, were edited, others deleted and added; base, ours and theirs decide for each row. An added row is the one
that the other side added if they are equal and stand between the same rows; so is one that one side edited, where the
other deleted it and added an equal one. `ordered` says where each comes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from tests.merge.git_shapes import DRAWN, NAMED, STORED, Shape
from tests.merge.order import ordered

SIDES = ("ours", "theirs", "base")
TOLD: dict[str, dict[str, Any]] = json.loads(STORED.read_text(encoding="utf-8"))


class Outcome(NamedTuple):
    """How many conflicts a merge has, and its lines if all of them are decided for one side."""

    conflicts: int
    ours: list[str]
    theirs: list[str]
    base: list[str]


def outcome(conflicts: int, ours: str, theirs: str | None = None, base: str | None = None) -> Outcome:
    """An outcome told as words; without conflicts all are the same."""
    lines = [ours if text is None else text for text in (ours, theirs, base)]
    return Outcome(conflicts, *(text.split() for text in lines))


MOVED = {
    "a line moved against the same line edited": outcome(0, "b c d e t"),
    "a line moved against the same line deleted": outcome(0, "b c d e"),
    "moved to two places": outcome(0, "b a c d e"),
    "two lines swapped against an insertion between": outcome(0, "b a t c d"),
}
PSALM_TO_FEAR = "lord shepherd want lie green leads still restores paths name valley fear"
L20, L40 = " ".join(f"l{n}" for n in range(20)), " ".join(f"l{n}" for n in range(40, 60))
SMALLER = {
    "psalm: deleted end against edited end": outcome(1, PSALM_TO_FEAR, f"{PSALM_TO_FEAR} ROD", f"{PSALM_TO_FEAR} rod"),
    "adjacent edits": outcome(0, "a o t d"),
    "adjacent edits, theirs first": outcome(0, "a t o d"),
    "adjacent deletions": outcome(0, "a d"),
    "an edit beside a deletion": outcome(0, "a o d"),
    "a deletion beside an edit": outcome(0, "a t d"),
    "an insertion before an edited line": outcome(0, "a o t c"),
    "an insertion after an edited line": outcome(0, "a t o c"),
    "an insertion beside a deleted line": outcome(0, "a o c"),
    "an insertion into a deleted block": outcome(0, "a o e"),
    "an insertion into an edited block": outcome(0, "a t o u d"),
    "edits that overlap": outcome(1, "a o p u e", "a o t u e", "a o c u e"),
    "both edit two lines, one of them alike": outcome(1, "a x o d", "a x t d", "a x c d"),
    "both edit every line": outcome(3, "o p q", "t u v", "a b c"),
    "both insert, the middle line alike": outcome(0, "a o t x p u b"),
    "both insert the same lines in another order": outcome(0, "a x y b"),
    "a block deleted against one edited line of it": outcome(1, "a e", "a t e", "a c e"),
    "all deleted against an edit": outcome(1, "", "t", "b"),
    "all deleted against an insertion": outcome(0, "t"),
    "one line becomes two on both sides": outcome(0, "a o p t u c"),
    "one line becomes two on ours, another on theirs": outcome(1, "a o p c", "a o p t c", "a o p b c"),
    "a block against a shorter one": outcome(3, "a o p q t e", "a t e", "a b c d t e"),
    "repeated lines, fewer and more": outcome(0, "x x x x"),
    "long, many deletions against an edit of each second one": outcome(
        10,
        f"{L20} {L40}",
        f"{L20} {' '.join(f'L{n}' for n in range(20, 40, 2))} {L40}",
        f"{L20} {' '.join(f'l{n}' for n in range(20, 40, 2))} {L40}",
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """What becomes of each shape: all are datasets of one merge."""
    names = {name: f"shape-{number}" for number, name in enumerate(TOLD)}
    with lf.init(tmp_path_factory.mktemp("shapes")) as repo:
        for side in ("base", "ours", "theirs"):
            if side != "base":
                repo.switch(side, create=True, at="main")
                for dataset in names.values():
                    repo.read(f"HEAD:{dataset}")
            frames = {
                dataset: pd.DataFrame({"text": pd.array(TOLD[name][side], "string")}) for name, dataset in names.items()
            }
            repo.commit(frames, message=side)
        conflicts = []
        for ours, theirs in (("ours", "theirs"), ("theirs", "ours")):
            told = repo.merge(theirs, into=ours, dry_run=True).datasets
            conflicts.append({each.dataset: each.conflicts for each in told if each.conflicts})
        assert conflicts[0] == conflicts[1], "whoever merges, there are as many"
        for side in SIDES:
            repo.branch(f"with-{side}", at="ours")
            assert repo.merge("theirs", into=f"with-{side}", resolve=side).state == "merged"
        yield {
            name: Outcome(
                conflicts[0].get(dataset, 0),
                *(repo.read(f"with-{side}:{dataset}")["text"].tolist() for side in SIDES),
            )
            for name, dataset in names.items()
        }
        assert repo.fsck() > len(names)


def shape_of(name: str) -> Shape:
    return Shape(*(TOLD[name][side] for side in Shape._fields))


def conflicts_of(name: str) -> list[list[list[str]]]:
    """Git's conflicts: lines of ours, base and theirs."""
    return [part for part in TOLD[name]["git"] if isinstance(part, list)]


CLEAN = [name for name in TOLD if not conflicts_of(name) and name not in MOVED]
LARGE = [
    name
    for name in TOLD
    if name not in MOVED
    and any(
        len(base) > 1 or max(len(ours), len(theirs)) > 1 if base else {*ours} & {*theirs}
        for ours, base, theirs in conflicts_of(name)
    )
]
SMALL = [name for name in TOLD if name not in {*MOVED, *CLEAN, *LARGE}]


def test_every_shape_has_its_outcome() -> None:
    assert {name: shape_of(name) for name in NAMED} == NAMED, "run `python -m tests.merge.git_shapes`"
    assert len(TOLD) == len(NAMED) + DRAWN
    assert SMALLER.keys() == {*LARGE} & {*NAMED}
    assert MOVED.keys() <= NAMED.keys()
    assert min(len(CLEAN), len(SMALL), len(LARGE)) > 15


@pytest.mark.parametrize("name", CLEAN)
def test_what_git_merges_is_merged_to_the_same_lines(found: dict[str, Outcome], name: str) -> None:
    assert found[name] == Outcome(0, *[TOLD[name]["git"]] * 3)


@pytest.mark.parametrize("name", SMALL)
def test_small_conflicts_are_those_of_git(found: dict[str, Outcome], name: str) -> None:
    sides: dict[str, list[str]] = {side: [] for side in SIDES}
    for part in TOLD[name]["git"]:
        ours, base, theirs = part if isinstance(part, list) else ([part], [part], [part])
        for side, lines in (("ours", ours), ("base", base), ("theirs", theirs)):
            sides[side] += lines if base else ours + theirs
    conflicts = sum(bool(base) for _, base, _ in conflicts_of(name))
    assert found[name] == Outcome(conflicts, **sides)


@pytest.mark.parametrize("name", [*SMALLER, *MOVED])
def test_where_it_is_otherwise_than_in_git_it_is_as_told(found: dict[str, Outcome], name: str) -> None:
    assert found[name] == {**SMALLER, **MOVED}[name]


@pytest.mark.parametrize("name", [name for name in TOLD if name not in MOVED])
def test_rows_follow_the_rule(found: dict[str, Outcome], name: str) -> None:
    assert found[name] == by_rule(shape_of(name))


# --- the rule --------------------------------------------------------------------------------------------------------

Row = tuple[str, int, str, int]
"""A row of the base by its number, or an added one: after which shared row, its text, and which of several it is."""


def by_rule(shape: Shape) -> Outcome:
    held = {side: sources(shape.base, lines) for side, lines in (("ours", shape.ours), ("theirs", shape.theirs))}
    held = told_alike(shape, held)
    shared = {*held["ours"]} & {*held["theirs"]}
    ours, theirs = (rows_of(held[side], getattr(shape, side), shared) for side in ("ours", "theirs"))
    conflicts = 0
    decided: dict[str, dict[Row, str | None]] = {side: {} for side in SIDES}
    for row in {**ours, **theirs}:
        own, other = ours.get(row), theirs.get(row)
        if row[0] == "added":
            choice: dict[str, str | None] = dict.fromkeys(SIDES, other if own is None else own)
        else:
            before = shape.base[row[1]]
            clash = own != other and before not in (own, other)
            conflicts += clash
            choice = {"ours": own, "theirs": other, "base": before} if clash else {}
            choice = choice or dict.fromkeys(SIDES, other if own == before else own)
        for side in SIDES:
            decided[side][row] = choice[side]
    order = ordered([("base", row, "", 0) for row in range(len(shape.base))], [*ours], [*theirs])
    lines = [[text for row in order if (text := decided[side][row]) is not None] for side in SIDES]
    return Outcome(conflicts, *lines)


def told_alike(shape: Shape, held: dict[str, list[int | None]]) -> dict[str, list[int | None]]:
    """The same; a row that one side edited and the other deleted is an added one where that put an equal one in."""
    sides = {"ours": (shape.ours, held["theirs"]), "theirs": (shape.theirs, held["ours"])}
    doubtful = {
        side: {
            at
            for at, was in enumerate(held[side])
            if was is not None and was not in other and lines[at] != shape.base[was]
        }
        for side, (lines, other) in sides.items()
    }
    tried = {side: [None if at in doubtful[side] else was for at, was in enumerate(held[side])] for side in held}
    shared = {*tried["ours"]} & {*tried["theirs"]}
    keys = {side: [*rows_of(tried[side], lines, shared)] for side, (lines, _) in sides.items()}
    twins = {*keys["ours"]} & {*keys["theirs"]}
    return {
        side: [None if at in doubtful[side] and keys[side][at] in twins else was for at, was in enumerate(held[side])]
        for side in held
    }


def sources(base: list[str], side: list[str]) -> list[int | None]:
    """Row of the base that each row of a side was: an equal one, or one that was edited."""
    found: list[int | None] = [None] * len(side)
    for a, b, length in SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks():
        found[b : b + length] = range(a, a + length)
    if len(base) == len(side):
        found = [row if was is None and row not in found else was for row, was in enumerate(found)]
    pairs = [(was, row) for row, was in enumerate(found) if was is not None]
    for (a, b), (end_a, end_b) in pairwise([(-1, -1), *pairs, (len(base), len(side))]):
        gone = [row for row in range(a + 1, end_a) if row not in found]
        if len(gone) == end_b - b - 1:
            found[b + 1 : end_b] = gone
    return found


def rows_of(held: list[int | None], lines: list[str], shared: set[int | None]) -> dict[Row, str]:
    """Text of each row of a side, in its order."""
    found: dict[Row, str] = {}
    last, times = -1, Counter[tuple[int, str]]()
    for was, text in zip(held, lines, strict=True):
        if was is None:
            times[last, text] += 1
            found["added", last, text, times[last, text]] = text
        else:
            found["base", was, "", 0] = text
            last = was if was in shared else last
    return found
