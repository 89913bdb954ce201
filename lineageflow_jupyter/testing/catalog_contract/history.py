"""The log and divergence."""

from __future__ import annotations

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import ObjectMissing
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import CommitRecord, LogFilter
from lineageflow_jupyter.testing.catalog_contract.base import CatalogTests
from lineageflow_jupyter.testing.catalog_contract.making import (
    ADA,
    make_commit,
    make_id,
    make_publication,
    moving,
)


class History(CatalogTests):
    """Walks through the history."""

    def test_the_log_of_a_line_is_newest_first(self, catalog: Catalog) -> None:
        """From where it is asked, no further than asked."""
        line = [make_commit(time=0)]
        for time in range(1, 300):
            line.append(make_commit(line[-1], time=time))
        catalog.publish(make_publication(moving("main", None, line[-1]), commits=line))
        newest = tuple(reversed(line))
        assert catalog.log([line[-1].id]) == newest
        assert catalog.log([line[-1].id], limit=7) == newest[:7]
        assert catalog.log([line[-1].id], limit=0) == ()
        assert catalog.log([line[99].id], limit=1000) == newest[200:]

    def test_a_diamond_is_ordered_by_time_between_fork_and_merge(self, catalog: Catalog) -> None:
        """Sides of different length interleave by time, not by depth."""
        root = make_commit(time=0)
        left = [make_commit(root, time=10)]
        left.append(make_commit(left[-1], time=30))
        left.append(make_commit(left[-1], time=50))
        right = make_commit(root, time=40)
        merge = make_commit(left[-1], right, time=60)
        catalog.publish(make_publication(moving("main", None, merge), commits=[root, *left, right, merge]))
        assert catalog.log([merge.id]) == (merge, left[2], right, left[1], left[0], root)
        assert catalog.log([right.id]) == (right, root)

    def test_a_criss_cross_lists_each_commit_once(self, catalog: Catalog) -> None:
        """Both merges have both parents."""
        root = make_commit(time=0)
        a, b = make_commit(root, time=1), make_commit(root, time=2)
        c, d = make_commit(a, b, time=3), make_commit(b, a, time=4)
        tip = make_commit(c, d, time=5)
        catalog.publish(make_publication(moving("main", None, tip), commits=[root, a, b, c, d, tip]))
        assert catalog.log([tip.id]) == (tip, d, c, b, a, root)

    def test_children_come_before_parents_whatever_the_clocks(self, catalog: Catalog) -> None:
        """A parent from a machine whose clock was ahead is not listed before its child."""
        root = make_commit(time=100)
        child = make_commit(root, time=1)
        other = make_commit(root, time=50)
        merge = make_commit(child, other, time=2)
        catalog.publish(make_publication(moving("main", None, merge), commits=[root, child, other, merge]))
        assert catalog.log([merge.id]) == (merge, other, child, root)

    def test_the_log_of_a_dataset_has_its_changes_only(self, catalog: Catalog) -> None:
        """On every side of a merge, to the limit."""
        root = make_commit(time=0, datasets=["flights", "weather"])
        left = make_commit(root, time=1, datasets=["flights"])
        right = make_commit(root, time=2, datasets=["weather"])
        merge = make_commit(left, right, time=3, datasets=["weather"])
        tip = make_commit(merge, time=4, datasets=[])
        catalog.publish(make_publication(moving("main", None, tip), commits=[root, left, right, merge, tip]))
        assert catalog.log([tip.id], wanted=LogFilter(dataset="flights")) == (left, root)
        assert catalog.log([tip.id], wanted=LogFilter(dataset="weather")) == (merge, right, root)
        assert catalog.log([tip.id], wanted=LogFilter(dataset="weather"), limit=1) == (merge,)
        assert catalog.log([tip.id], wanted=LogFilter(dataset="planes")) == ()

    def test_several_starts_and_what_is_left_out(self, catalog: Catalog) -> None:
        """As Git's ``A..B`` and ``A...B``; starts may repeat, and may be ancestors of each other."""
        root = make_commit(time=0)
        fork = make_commit(root, time=1)
        left, right = make_commit(fork, time=2), make_commit(fork, time=3)
        tip = make_commit(left, time=4)
        alone = make_commit(time=5)
        catalog.publish(make_publication(commits=[root, fork, left, right, tip, alone]))
        assert catalog.log([]) == ()
        assert catalog.log([left.id, right.id]) == (right, left, fork, root)
        assert catalog.log([tip.id, left.id, tip.id, root.id]) == (tip, left, fork, root)
        assert catalog.log([tip.id, right.id, alone.id], limit=3) == (alone, tip, right)
        assert catalog.log([tip.id], exclude=[right.id]) == (tip, left)
        assert catalog.log([right.id], exclude=[tip.id]) == (right,)
        assert catalog.log([left.id], exclude=[tip.id]) == ()
        assert catalog.log([tip.id, right.id], exclude=[left.id, alone.id]) == (tip, right)
        assert catalog.log([tip.id], exclude=[tip.id]) == ()
        for unknown in ([tip.id, make_id()], [make_id()]):
            with pytest.raises(ObjectMissing):
                catalog.log(unknown)
            with pytest.raises(ObjectMissing):
                catalog.log([tip.id], exclude=unknown)

    def test_what_is_left_out_is_left_out_on_every_way(self, catalog: Catalog) -> None:
        """Even where a wanted commit leads to it by a shorter way, and its clock was ahead."""
        root = make_commit(time=50)
        old = make_commit(root, time=99)
        hidden = make_commit(old, time=0)
        merge = make_commit(old, time=1)
        catalog.publish(make_publication(commits=[root, old, hidden, merge]))
        assert catalog.log([merge.id], exclude=[hidden.id]) == (merge,)
        assert catalog.log([merge.id], exclude=[old.id]) == (merge,)

    def test_commits_are_found_by_author_and_message(self, catalog: Catalog) -> None:
        """Part of the text is enough, in any case of any script; nothing in it is a pattern."""
        texts = ["Straße 5%", "STRASSE_5", "Ñandú\n\nmore below", "nul \0 here", "plain", "İstanbul"]
        authors = [Author("Ünal"), Author("Bob", "BOB@Example.org"), *[ADA] * 4]
        line: list[CommitRecord] = []
        for number, (message, author) in enumerate(zip(texts, authors, strict=True)):
            line.append(make_commit(*line[-1:], time=number, message=message, author=author))
        catalog.publish(make_publication(commits=line))

        def found(*, author: str | None = None, text: str | None = None) -> list[int]:
            log = catalog.log([line[-1].id], wanted=LogFilter(author=author, text=text))
            return [line.index(record) for record in log][::-1]

        assert found(text="strasse") == found(text="STRASSE") == found(text="straße") == [0, 1]
        assert found(text="%") == [0]
        assert found(text="_") == [1]
        assert found(text="ñANDÚ") == found(text="MORE BELOW") == [2]
        assert found(text="nul \0 H") == [3]
        assert found(text="i̇stanbul") == [5]
        assert found(text="half \ud800") == found(author="\udfff") == found(text="x" * 100_000) == []
        assert found(text="") == found(author="") == list(range(6))
        assert found(author="üNAL") == [0]
        assert found(author="bob@EXAMPLE") == [1]
        assert found(author="EXAMPLE.org") == [1, 2, 3, 4, 5]
        assert found(author="lovelace", text="plain") == [4]
        assert found(author="bob", text="plain") == found(author="lovelace\nada") == []

    def test_commits_are_found_by_time_whatever_the_clocks(self, catalog: Catalog) -> None:
        """From `since` on and before `until`; an older commit on the way does not end the search."""
        line: list[CommitRecord] = []
        for time in (10, 30, -5, 20, 40):
            line.append(make_commit(*line[-1:], time=time, datasets=["flights"] if time < 35 else []))
        catalog.publish(make_publication(commits=line))
        tip = line[-1].id
        assert catalog.log([tip], wanted=LogFilter(since=20)) == (line[4], line[3], line[1])
        assert catalog.log([tip], wanted=LogFilter(until=20)) == (line[2], line[0])
        assert catalog.log([tip], wanted=LogFilter(since=10, until=30)) == (line[3], line[0])
        assert catalog.log([tip], wanted=LogFilter(since=20, dataset="flights")) == (line[3], line[1])
        assert catalog.log([tip], wanted=LogFilter(since=41)) == ()

    def test_pages_of_what_is_wanted(self, catalog: Catalog) -> None:
        """Page after page gives all of it once, however far back it lies."""
        line: list[CommitRecord] = []
        for time in range(4000):
            line.append(make_commit(*line[-1:], time=time, datasets=["rare"] if time % 1300 == 7 else ["flights"]))
        catalog.publish(make_publication(commits=line))
        tip, rare = line[-1].id, LogFilter(dataset="rare")
        wanted = tuple(record for record in reversed(line) if "rare" in record.datasets)
        assert len(wanted) == 4
        assert catalog.log([tip], wanted=rare) == wanted
        assert [catalog.log([tip], wanted=rare, skip=skip, limit=1) for skip in range(5)] == [
            *((record,) for record in wanted),
            (),
        ]
        assert catalog.log([tip], skip=3990, limit=20) == tuple(reversed(line[:10]))
        assert catalog.log([tip], skip=5000) == ()

    def test_first_parents_lead_back_as_far_as_there_are_any(self, catalog: Catalog) -> None:
        """A merge goes on with its first parent, whichever is longer; the rest of the way is told."""
        root = make_commit(time=0)
        left = make_commit(root, time=1)
        right = [make_commit(root, time=2)]
        right.append(make_commit(right[-1], time=3))
        merge = make_commit(left, right[-1], time=4)
        tip = make_commit(merge, time=5)
        catalog.publish(make_publication(commits=[root, left, *right, merge, tip]))
        way = [tip, merge, left, root]
        assert [catalog.ancestor(tip.id, steps) for steps in range(6)] == [
            *((record.id, steps) for steps, record in enumerate(way)),
            (root.id, 3),
            (root.id, 3),
        ]
        assert catalog.ancestor(root.id, 10_000) == (root.id, 0)
        for steps in (0, 1):
            with pytest.raises(ObjectMissing):
                catalog.ancestor(make_id(), steps)

    def test_commits_are_read_together(self, catalog: Catalog) -> None:
        """Each as when it is read alone; those that do not exist are left out, names twice are no matter."""
        line = [make_commit(time=0, datasets=[])]
        for time in range(1, 1100):
            line.append(make_commit(line[-1], time=time, datasets=["b", "a"][: time % 3]))
        catalog.publish(make_publication(commits=line))
        assert catalog.commits([]) == {}
        assert catalog.commits([make_id()]) == {}
        found = catalog.commits([make_id(), *(record.id for record in line), line[0].id])
        assert found == {record.id: record for record in line}
        assert catalog.commits([line[2].id])[line[2].id] == catalog.commit(line[2].id)

    def test_ahead_and_behind_of_many_tips(self, catalog: Catalog) -> None:
        """Forks, merges, the base itself and its ancestors, histories that never meet, tips named twice."""
        root = make_commit(time=0)
        fork = make_commit(root, time=1)
        base = make_commit(fork, time=2)
        left = make_commit(fork, time=3)
        merge = make_commit(left, base, time=4)
        alone = make_commit(time=5)
        catalog.publish(make_publication(commits=[root, fork, base, left, merge, alone]))
        expected = {
            base.id: (0, 0),
            root.id: (0, 2),
            left.id: (1, 1),
            merge.id: (2, 0),
            alone.id: (1, 3),
        }
        assert catalog.divergence(base.id, list(expected)) == expected
        assert catalog.divergence(base.id, [left.id, left.id]) == {left.id: (1, 1)}
        assert catalog.divergence(alone.id, [merge.id]) == {merge.id: (5, 1)}
        assert catalog.divergence(base.id, []) == {}
        with pytest.raises(ObjectMissing):
            catalog.divergence(base.id, [left.id, make_id()])
        with pytest.raises(ObjectMissing):
            catalog.divergence(make_id(), [left.id])
