"""Shapes of merges, and what Git makes of them: `python -m tests.merge.git_shapes` writes ``git_shapes.json`` anew.

Tests read that file and need no Git. A shape is three lists of lines. Most follow Git's own tests of ``merge-file``,
``rerere`` and ``merge-recursive`` (t6403, t4200, t6404); the last ones are drawn at random from a fixed seed.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

STORED = Path(__file__).with_suffix(".json")
DRAWN = 30
MARKERS = ("<<<<<<< ", "||||||| ", "=======", ">>>>>>> ")


class Shape(NamedTuple):
    """Lines of the common version and of both sides."""

    base: list[str]
    ours: list[str]
    theirs: list[str]


def shape(base: str, ours: str, theirs: str) -> Shape:
    """A shape told as words, one a line; ``_`` is a blank line."""
    return Shape(*([word.replace("_", "") for word in text.split()] for text in (base, ours, theirs)))


LONG = [f"l{number}" for number in range(60)]
PSALM = "lord shepherd want lie green leads still restores paths name valley fear evil rod comfort"
"""Git's tests of ``merge-file`` change a psalm."""


def edited(lines: list[str], **changes: str) -> list[str]:
    """Lines with some replaced, told as ``at_3="x y"``: any number of words in place of line 3."""
    words = {int(place.removeprefix("at_")): text.split() for place, text in changes.items()}
    return [word for number, line in enumerate(lines) for word in words.get(number, [line])]


NAMED: dict[str, Shape] = {
    # one side, or both the same
    "nothing at all": shape("", "", ""),
    "nothing changed": shape("a b c", "a b c", "a b c"),
    "only ours changed": shape("a b c", "a x c", "a b c"),
    "only theirs changed": shape("a b c", "a b c", "a x c"),
    "both changed the same": shape("a b c", "a x c", "a x c"),
    "ours equal to theirs with other sizes": shape("a b c", "x a c y z", "x a c y z"),
    "both deleted the same": shape("a b c d", "a d", "a d"),
    "both inserted the same in the middle": shape("a b c d", "a b x c d", "a b x c d"),
    "both appended the same": shape("a b c", "a b c x y", "a b c x y"),
    "the same edit, and one more on theirs": shape("a b c d e f", "a x c d e f", "a x c d e y"),
    "the same insertion, and an edit apart on ours": shape("a b c d e f", "a n b c d e o", "a n b c d e f"),
    # apart
    "edits apart": shape("a b c d e", "o b c d e", "a b c d t"),
    "edits apart, theirs first": shape("a b c d e", "a b c d o", "t b c d e"),
    "edits with one line between": shape("a b c d e", "a o c d e", "a b c t e"),
    "insertions apart": shape("a b c d", "o a b c d", "a b c d t"),
    "insertions with one line between": shape("a b c", "a o b c", "a b t c"),
    "deletions apart": shape("a b c d e f", "b c d e f", "a b c d e"),
    "a deletion and an edit apart": shape("a b c d e f", "a c d e f", "a b c d t f"),
    "an edit and a deletion apart": shape("a b c d e f", "o b c d e f", "a b c d f"),
    "an edit and an insertion apart": shape("a b c d e", "o b c d e", "a b c d t e"),
    "a block replaced by a longer one, apart": shape("a b c d e f", "a o p q c d e f", "a b c d e t u"),
    "a block replaced by a shorter one, apart": shape("a b c d e f g h", "a o d e f g h", "a b c d e f t"),
    "prepended and appended": shape("a b", "o p a b", "a b t u"),
    "several hunks in turn": shape("a b c d e f g h i j k", "o b c d p f g h q j k", "a b t d e f u h i j v"),
    "shortened at both ends": shape("a b c d e f g", "c d e f g", "a b c d e"),
    "deleted twice, inserted between": shape("a b c d e f g", "b c d e f", "a b c t d e f g"),
    # Git's psalm
    "psalm: a line in front, a line at the end": shape(PSALM, f"psalm {PSALM}", f"{PSALM} amen"),
    "psalm: a line in front, a block at the end": shape(
        PSALM, PSALM.replace("lord", "LORD").replace("want", "WANT"), PSALM.replace("rod comfort", "table oil cup")
    ),
    "psalm: both change the second line": shape(
        PSALM, PSALM.replace("shepherd", "SHEPHERD"), PSALM.replace("shepherd", "keeper")
    ),
    "psalm: deleted end against edited end": shape(
        PSALM, PSALM.replace(" evil rod comfort", ""), PSALM.replace("rod", "ROD")
    ),
    "psalm: one conflict, one edit apart": shape(
        PSALM,
        PSALM.replace("lord", "LORD").replace("valley", "VALLEY"),
        PSALM.replace("lord", "Lord").replace("comfort", "COMFORT"),
    ),
    "psalm: two conflicts": shape(
        PSALM,
        PSALM.replace("lord", "LORD").replace("valley", "VALLEY"),
        PSALM.replace("lord", "Lord").replace("valley", "vale"),
    ),
    # touching
    "adjacent edits": shape("a b c d", "a o c d", "a b t d"),
    "adjacent edits, theirs first": shape("a b c d", "a b o d", "a t c d"),
    "adjacent deletions": shape("a b c d", "a c d", "a b d"),
    "an edit beside a deletion": shape("a b c d", "a o c d", "a b d"),
    "a deletion beside an edit": shape("a b c d", "a c d", "a b t d"),
    "an insertion before an edited line": shape("a b c", "a o b c", "a t c"),
    "an insertion after an edited line": shape("a b c", "a b o c", "a t c"),
    "an insertion beside a deleted line": shape("a b c", "a o b c", "a c"),
    "an insertion into a deleted block": shape("a b c d e", "a b c o d e", "a e"),
    "an insertion into an edited block": shape("a b c d", "a b o c d", "a t u d"),
    "edits that overlap": shape("a b c d e", "a o p d e", "a b t u e"),
    # one place
    "both edit one line": shape("a b c", "a o c", "a t c"),
    "both edit the only line": shape("a", "o", "t"),
    "both edit two lines, one of them alike": shape("a b c d", "a x o d", "a x t d"),
    "both edit the first line": shape("a b c", "o b c", "t b c"),
    "both edit the last line": shape("a b c", "a b o", "a b t"),
    "both edit every line": shape("a b c", "o p q", "t u v"),
    "both append": shape("a b", "a b o", "a b t"),
    "both append several": shape("a b", "a b o p", "a b t u v"),
    "both prepend": shape("a b", "o a b", "t a b"),
    "both insert in the middle": shape("a b", "a o b", "a t b"),
    "both insert, the first line alike": shape("a b", "a x o b", "a x t b"),
    "both insert, the last line alike": shape("a b", "a o x b", "a t x b"),
    "both insert, the middle line alike": shape("a b", "a o x p b", "a t x u b"),
    "both insert the same lines in another order": shape("a b", "a x y b", "a y x b"),
    "one appends what the other appends, and more": shape("a b", "a b x", "a b x y"),
    "an edit against a deletion": shape("a b c", "a o c", "a c"),
    "a deletion against an edit": shape("a b c", "a c", "a t c"),
    "a block deleted against one edited line of it": shape("a b c d e", "a e", "a b t d e"),
    "all deleted against an edit": shape("a b c", "", "a t c"),
    "all deleted against an insertion": shape("a b c", "", "a b t c"),
    "one line becomes two on both sides": shape("a b c", "a o p c", "a t u c"),
    "one line becomes two on ours, another on theirs": shape("a b c", "a o p c", "a t c"),
    "a block against a shorter one": shape("a b c d e", "a o p q e", "a t e"),
    # nothing to begin with, or in the end
    "empty base, one side": shape("", "a b", ""),
    "empty base, both the same": shape("", "a b", "a b"),
    "empty base, both their own": shape("", "o p", "t u"),
    "empty base, alike in the end": shape("", "o x", "t x"),
    "ours empty, theirs untouched": shape("a b c", "", "a b c"),
    "theirs empty, ours untouched": shape("a b c", "a b c", ""),
    "both empty": shape("a b c", "", ""),
    # moved
    "a line moved down on ours": shape("a b c d e", "a c d e b", "a b c d e"),
    "a line moved up on theirs, an edit apart": shape("a b c d e f g", "o b c d e f g", "a b f c d e g"),
    "a block moved, an insertion apart": shape("a b c d e f g", "a b c d e f o g", "c d a b e f g"),
    "both moved one line the same way": shape("a b c d", "b c d a", "b c d a"),
    "a line moved against the same line edited": shape("a b c d e", "b c d e a", "t b c d e"),
    "a line moved against the same line deleted": shape("a b c d e", "b c d e a", "b c d e"),
    "moved to two places": shape("a b c d e", "b a c d e", "b c d e a"),
    "two lines swapped against an insertion between": shape("a b c d", "b a c d", "a t b c d"),
    # repeated and blank lines
    "repeated lines, one appended on each side": shape("x x x", "x x x x", "x x x x"),
    "repeated lines, fewer and more": shape("x x x x", "x x x", "x x x x x"),
    "repeated blocks, edits apart": shape("s a e s b e s c e", "s o e s b e s c e", "s a e s b e s t e"),
    "repeated blocks, one inserted on ours": shape("s a e s c e", "s a e s o e s c e", "s a e s c t"),
    "repeated blocks, one deleted on theirs": shape("s a e s b e s c e", "o a e s b e s c e", "s a e s c e"),
    "one of two equal lines edited": shape("x m x", "o m x", "x m t"),
    "blank lines, edits apart": shape("_ a _ b _", "_ o _ b _", "_ a _ t _"),
    "blank lines added": shape("a b c d", "a _ b c d", "a b c _ d"),
    "blank lines added in one place by both": shape("a b", "a _ b", "a _ b"),
    "blank lines removed, an edit apart": shape("a _ b _ c d", "a b c d", "a _ b _ c t"),
    "only blank lines, one more on theirs": shape("_ _", "_ _", "_ _ _"),
    "a blank line against a line of text": shape("a b c", "a _ c", "a t c"),
    # the same change on both sides, which tables of other lengths tell in another way
    "both put one line for two, and ours appends": shape("a b c", "x c o", "x c"),
    "both insert and edit, and ours deletes a line before": shape("a b c d e", "b c n x e", "a b c n x e"),
    # long
    "long, hunks in turn": Shape(
        LONG, edited(LONG, at_3="o", at_20="p q r", at_41=""), edited(LONG, at_10="", at_30="t u", at_58="v")
    ),
    "long, one conflict among hunks": Shape(
        LONG, edited(LONG, at_3="o", at_20="p", at_41="q"), edited(LONG, at_10="t", at_20="u", at_50="v")
    ),
    "long, three conflicts": Shape(
        LONG, edited(LONG, at_5="o", at_25="p", at_45="q"), edited(LONG, at_5="t", at_25="", at_45="v")
    ),
    "long, many deletions against an edit of each second one": Shape(
        LONG, [*LONG[:20], *LONG[40:]], [line.upper() if n in range(20, 40, 2) else line for n, line in enumerate(LONG)]
    ),
}  # fmt: skip


def drawn(chance: random.Random) -> Shape:
    """A shape in which both sides do any number of things to their own lines, near each other or not."""
    found = Shape([], [], [])
    for number in range(chance.randint(3, 14)):
        found.base.append(f"base {number}")
        if chance.random() < 0.2:
            both = _changed(chance, found.base[-1], "both")
            found.ours.extend(both)
            found.theirs.extend(both)
        else:
            found.ours.extend(_changed(chance, found.base[-1], "ours"))
            found.theirs.extend(_changed(chance, found.base[-1], "theirs"))
    return found


def _changed(chance: random.Random, line: str, who: str) -> list[str]:
    """What somebody makes of a line: another one in front of it, or nothing; the line, another one, or none."""
    before = [f"{who} before {line}"] if chance.random() < 0.15 else []
    what = chance.random()
    return [*before, line] if what < 0.7 else [*before, f"{who} {line}"] if what < 0.85 else before


def merged_by_git(shape: Shape) -> list[str | list[list[str]]]:
    """What ``git merge-file`` gives: lines, and conflicts as lists of the lines of ours, base and theirs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for path, lines in zip(paths, (shape.ours, shape.base, shape.theirs), strict=True):
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = ["git", "merge-file", "-p", "--zdiff3", *map(str, paths)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert 0 <= done.returncode < 128, done.stderr
    found: list[Any] = []
    within = False
    for line in done.stdout.splitlines():
        if line.startswith(MARKERS):
            if line.startswith(MARKERS[0]):
                found.append([])
            within = not line.startswith(MARKERS[-1])
            if within:
                found[-1].append([])
        elif within:
            found[-1][-1].append(line)
        else:
            found.append(line)
    assert sum(isinstance(part, list) for part in found) == done.returncode
    return found


def main() -> None:
    """Write the file."""
    chance = random.Random(6403)
    shapes = {**NAMED, **{f"drawn {number}": drawn(chance) for number in range(DRAWN)}}
    told = {name: {**each._asdict(), "git": merged_by_git(each)} for name, each in shapes.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in told.items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
