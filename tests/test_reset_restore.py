"""Reset, restore, checkout, rm and mv: what moves, what is kept, and what others have not seen stays theirs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lineageflow_jupyter.errors import (
    InvalidName,
    NameTaken,
    RefMoved,
    UncommittedChanges,
    UnknownName,
    UsageProblem,
)
from lineageflow_jupyter.repository import Repository
from tests.frames.stored_content import assert_same
from tests.repositories import Open, merge, numbers, state, summaries, values


@pytest.fixture
def three(repo: Repository) -> Repository:
    """t is 1, 2, 3 in three commits; u is 1 from the second on."""
    repo.commit({"t": numbers(1)}, message="one")
    repo.commit({"t": numbers(2), "u": numbers(1)}, message="two")
    repo.commit({"t": numbers(3)}, message="three")
    return repo


class TestReset:
    def test_soft_moves_the_branch_alone(self, three: Repository) -> None:
        done = three.reset("HEAD~2", live={"t": numbers(3)})
        assert dict(done.frames) == {}
        assert done.commit == three.resolve("main")
        assert summaries(three.log()) == ["one"]
        assert three.status({"t": numbers(3)}).datasets[0].state == "changed"
        assert three.commit({"t": numbers(3), "u": numbers(1)}, message="two and three in one").created
        assert summaries(three.log()) == ["two and three in one", "one"]

    def test_hard_gives_frames_and_stashes_changes(self, three: Repository) -> None:
        done = three.reset("HEAD~2", hard=True, live={"t": numbers(3), "u": numbers(5), "w": numbers(6)})
        assert {name: values(frame) for name, frame in done.frames.items()} == {"t": [1]}
        assert done.stash is None, "u does not exist there and so is replaced by nothing"
        three.reset("main@{1}", hard=True, live={"t": numbers(1), "u": numbers(5)})
        (report,) = three.stashes()
        assert values(three.read(f"{report.ref.name}:u")) == [5]

    def test_hard_at_its_own_place_throws_changes_on_a_stash(self, three: Repository) -> None:
        done = three.reset("HEAD", hard=True, live={"t": numbers(9), "u": numbers(1)})
        assert values(done.frames["t"]) == [3]
        assert set(done.frames) == {"t"}
        assert values(three.read("stash@{0}:t")) == [9]

    def test_what_it_leaves_is_found_in_the_reflog(self, three: Repository) -> None:
        lost = three.resolve("HEAD").id
        three.reset("HEAD~1")
        assert three.resolve("main@{1}").id == lost
        assert three.resolve(lost.hex()[:12]).id == lost

    def test_a_version_that_was_not_seen_is_not_dropped(self, three: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        three.commit({"t": numbers(4)}, message="four")
        before = state(second)
        for hard in (False, True):
            with pytest.raises(RefMoved, match="'t'") as raised:
                second.reset("main~2", hard=hard, live={"t": numbers(3)})
            assert "%lf read main:t" in raised.value.remedy
            assert "reset again" in raised.value.remedy
        assert state(second) == before
        second.read("main:t")
        assert second.reset("main~2").branch == "main"

    def test_a_new_dataset_that_was_not_seen_is_not_dropped(self, three: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        three.commit({"v": numbers(1)}, message="v")
        with pytest.raises(RefMoved, match="'v'"):
            second.reset("main~1")

    def test_soft_does_not_make_unseen_versions_seen(self, three: Repository, open_as: Open) -> None:
        """The branch still holds their version of u after this reset, which moves t alone."""
        second = open_as("second.ipynb")
        three.commit({"u": numbers(7)}, message="their u")
        three.commit({"t": numbers(4)}, message="their t")
        second.read("main:t")
        second.reset("main~1")
        assert second.status({"u": numbers(1)}).datasets[1].behind
        with pytest.raises(RefMoved, match="'u'"):
            second.commit({"u": numbers(2)}, message="must not overwrite 7")
        assert values(second.read("main:u")) == [7]

    def test_soft_to_another_branch_does_not_make_its_new_datasets_seen(self, three: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        second.switch("other", create=True)
        second.commit({"v": numbers(1)}, message="v")
        three.reset("other")
        with pytest.raises(RefMoved, match=r"'v'.*has not seen"):
            three.commit({"v": numbers(99)}, message="must not overwrite 1")
        assert values(three.checkout("HEAD", "v").frames["v"]) == [1]
        assert three.commit({"v": numbers(99)}, message="now it was seen").created

    def test_datasets_that_the_commit_lacks_are_new_again(self, three: Repository) -> None:
        three.reset("main~2")
        assert [found.state for found in three.status({"u": numbers(1)}).datasets] == ["absent", "new"]
        assert three.commit({"u": numbers(2)}, message="u").created

    def test_frames_in_the_way_that_cannot_be_stored(self, three: Repository) -> None:
        before = state(three)
        with pytest.raises(UncommittedChanges, match=r"cannot be stored.*del"):
            three.reset("main~2", hard=True, live={"t": pd.DataFrame({"x": [object(), 1]})})
        assert state(three) == before
        assert three.reset("main~2", live={"t": pd.DataFrame({"x": [object(), 1]})}).branch == "main"

    def test_without_commits_and_to_nowhere(self, repo: Repository) -> None:
        with pytest.raises(UnknownName):
            repo.reset("HEAD")
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("other", create=True)
        for revision in ("mian", "HEAD~1", "main..other", "main:t"):
            with pytest.raises(UnknownName):
                repo.reset(revision)


class TestRestore:
    def test_whole_datasets(self, three: Repository) -> None:
        live = {"t": numbers(3), "u": numbers(1)}
        done = three.restore(["t", "u"], source="HEAD~1", live=live)
        assert {name: values(frame) for name, frame in done.frames.items()} == {"t": [2]}
        assert three.head.branch == "main"
        assert three.commit({"t": numbers(2)}, message="back").created, "HEAD has stayed at what was seen"

    def test_changes_are_stashed(self, three: Repository) -> None:
        done = three.restore("t", live={"t": numbers(9)})
        assert values(done.frames["t"]) == [3]
        assert values(three.read(f"{done.stash}:t")) == [9]
        assert dict(three.restore("t", live={"t": numbers(3)}).frames) == {}

    def test_where_there_is_no_frame(self, three: Repository) -> None:
        assert values(three.restore("t").frames["t"]) == [3]
        assert isinstance(three.restore("t", engine="polars").frames["t"], pl.DataFrame)
        assert isinstance(three.restore("t", live={"t": pa.table({"x": [3]})}).frames["t"], pa.Table)

    def test_it_does_not_make_other_versions_seen(self, three: Repository, open_as: Open) -> None:
        open_as("second.ipynb").commit({"t": numbers(4)}, message="theirs")
        three.restore("t", source="HEAD~1", live={"t": numbers(3)})
        with pytest.raises(RefMoved):
            three.commit({"t": numbers(3)}, message="m")
        three.restore("t", source="HEAD~1", columns=["x"], live={"t": numbers(3)})
        with pytest.raises(RefMoved):
            three.commit({"t": numbers(3)}, message="m")
        assert values(three.restore("t", live={"t": numbers(3)}).frames["t"]) == [4]
        assert three.commit({"t": numbers(5)}, message="the newest was given back, and so seen").created

    def test_refusals_change_nothing(self, three: Repository) -> None:
        before = state(three)
        live = {"t": numbers(3), "u": numbers(1)}
        refusals: list[tuple[Any, dict[str, Any], type[Exception]]] = [
            ("tt", {}, UnknownName),
            (["t", "v"], {}, UnknownName),
            ("u", {"source": "HEAD~2"}, UnknownName),
            ("t", {"source": "mian"}, UnknownName),
            ("t", {"columns": ["z"]}, UnknownName),
            (["t", "u"], {"columns": ["x"]}, UsageProblem),
            ("t", {"rows": slice(0, 4, 2)}, UsageProblem),
            ("t", {"rows": "all"}, UsageProblem),
        ]
        for datasets, options, error in refusals:
            with pytest.raises(error):
                three.restore(datasets, live=live, **{"source": "HEAD~1", **options})
        with pytest.raises(UsageProblem, match="has none"):
            three.restore("t", columns=["x"])
        assert state(three) == before


class TestParts:
    """Columns and rows of one frame, with and without key."""

    @pytest.fixture
    def keyed(self, repo: Repository) -> Repository:
        frame = pd.DataFrame({"id": [1, 2, 3], "a": [10, 20, 30], "b": ["x", "y", "z"]})
        repo.commit({"k": frame, "p": frame}, message="one", keys={"k": ["id"]})
        return repo

    def test_columns_by_key_in_any_order(self, keyed: Repository) -> None:
        live = pd.DataFrame({"id": [3, 9, 1], "a": [0, 0, 0], "b": ["", "", ""]})
        done = keyed.restore("k", columns=["a"], live={"k": live})
        assert_same(live.assign(a=[30, 0, 10]), done.frames["k"])
        assert live["a"].tolist() == [0, 0, 0], "the caller's frame stays as it is"
        assert_same(live, keyed.read(f"{done.stash}:k"))

    def test_columns_by_position(self, keyed: Repository) -> None:
        live = pd.DataFrame({"id": [1, 2, 3], "a": [0, 0, 0], "b": ["", "", ""]})
        done = keyed.restore("p", columns=["b"], live={"p": live})
        assert_same(live.assign(b=["x", "y", "z"]), done.frames["p"])
        with pytest.raises(UsageProblem):
            keyed.restore("p", columns=["b"], live={"p": live.head(2)})

    def test_a_column_that_was_dropped_comes_back(self, keyed: Repository) -> None:
        live = pd.DataFrame({"id": [1, 2, 3], "b": ["x", "y", "z"]})
        assert keyed.restore("k", columns=["a"], live={"k": live}).frames["k"].columns.tolist() == ["id", "a", "b"]

    def test_rows_by_key_and_by_position(self, keyed: Repository) -> None:
        live = pd.DataFrame({"id": [1, 2, 3], "a": [0, 0, 0], "b": ["", "", ""]})
        done = keyed.restore("p", rows=(1, 2), live={"p": live})
        assert done.frames["p"].values.tolist() == [[1, 0, ""], [2, 20, "y"], [3, 0, ""]]
        done = keyed.restore("k", rows=slice(0, 1), live={"k": live.iloc[::-1].reset_index(drop=True)})
        assert done.frames["k"].values.tolist() == [[3, 0, ""], [2, 0, ""], [1, 10, "x"]]

    def test_cells(self, keyed: Repository) -> None:
        live = pd.DataFrame({"id": [1, 2, 3], "a": [0, 0, 0], "b": ["", "", ""]})
        done = keyed.restore("k", columns=["a"], rows=(-1, None), live={"k": live})  # type: ignore[arg-type]
        assert done.frames["k"]["a"].tolist() == [0, 0, 30]

    def test_other_libraries(self, keyed: Repository) -> None:
        live = pl.DataFrame({"id": [1, 2, 3], "a": [0, 0, 0], "b": ["", "", ""]})
        done = keyed.restore("k", columns=["a"], live={"k": live})
        assert isinstance(done.frames["k"], pl.DataFrame)
        assert done.frames["k"]["a"].to_list() == [10, 20, 30]
        table = keyed.restore("k", columns=["a"], live={"k": live.to_arrow()}).frames["k"]
        assert table["a"].to_pylist() == [10, 20, 30]

    def test_it_can_be_committed_and_undone(self, keyed: Repository) -> None:
        live = pd.DataFrame({"id": [1, 2, 3], "a": [0, 0, 0], "b": ["", "", ""]})
        done = keyed.restore("k", columns=["a"], live={"k": live})
        assert_same(live, keyed.undo(live=dict(done.frames)).replacement.frames["k"])
        assert keyed.commit({"k": done.frames["k"]}, message="two").created


class TestRemove:
    def test_the_history_stays(self, three: Repository) -> None:
        report = three.remove(["u"])
        assert report.commit.commit.message == "remove u"
        assert three.dataset_names() == ("t",)
        assert values(three.read("HEAD~1:u")) == [1]
        assert three.show().changes[0].state == "removed"
        assert three.remove(["t", "t"], message="all of it").commit.datasets == ("t",)
        assert three.dataset_names() == ()

    def test_one_of_many_or_none(self, three: Repository) -> None:
        before = state(three)
        with pytest.raises(UnknownName, match=r"no dataset 'w'.*main holds: t, u"):
            three.remove(["t", "w"])
        with pytest.raises(UsageProblem, match="message"):
            three.remove(["t"], message="")
        assert state(three) == before

    def test_a_version_that_was_not_seen_stays(self, three: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        three.commit({"t": numbers(4)}, message="four")
        for verb in (lambda: second.remove(["t"]), lambda: second.rename("t", "s")):
            with pytest.raises(RefMoved, match="'t'"):
                verb()
        assert second.remove(["u"]).created

    def test_somebody_who_still_has_it_does_not_bring_it_back_unawares(self, three: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        three.remove(["u"])
        with pytest.raises(RefMoved, match=r"'u' was removed.*%lf add u"):
            second.commit({"u": numbers(2)}, message="m")
        second.add(["u"])
        assert second.commit({"u": numbers(2)}, message="on purpose").created
        assert three.status({"u": numbers(1)}).datasets[1].behind

    def test_oneself_may_make_it_anew(self, three: Repository) -> None:
        three.remove(["u"])
        assert three.commit({"u": numbers(5)}, message="anew").created


class TestRename:
    def test_nothing_is_stored_again(self, three: Repository) -> None:
        report = three.rename("t", "flüge/2013", message="better")
        assert report.new_bytes < 2_000
        assert three.dataset_names() == ("flüge/2013", "u")
        assert values(three.read("flüge/2013")) == [3]
        changes = {change.dataset: change.state for change in three.show().changes}
        assert changes == {"flüge/2013": "added", "t": "removed"}
        assert three.status({"flüge/2013": numbers(3)}).datasets[0].state == "unchanged"
        assert three.commit({"flüge/2013": numbers(4)}, message="four").created

    def test_refusals(self, three: Repository) -> None:
        before = state(three)
        for old, new, error in [
            ("w", "v", UnknownName),
            ("t", "u", NameTaken),
            ("t", "t", NameTaken),
            ("t", "a b", InvalidName),
            ("t", "", InvalidName),
        ]:
            with pytest.raises(error):
                three.rename(old, new)
        assert state(three) == before

    def test_keys_go_with_it(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1, 2)}, message="one", keys={"t": ["x"]})
        repo.rename("t", "s")
        assert repo.schema("s").key == ("x",)


class TestMergedHistories:
    """Commits with two parents: made here by publishing, as a merge will make them."""

    @pytest.fixture
    def merged(self, three: Repository) -> Repository:
        three.switch("side", create=True, at="main~1")
        three.checkout("HEAD")
        three.commit({"t": numbers(20)}, message="side 1")
        three.commit({"t": numbers(21)}, message="side 2")
        three.switch("main")
        merge(three, "main", "side")
        three.switch("main", live={"t": numbers(3)})
        return three

    def test_parents_by_number(self, merged: Repository) -> None:
        assert merged.resolve("HEAD^1") == merged.resolve("HEAD~1") == merged.resolve("main@{1}")
        assert merged.resolve("HEAD^2") == merged.resolve("side")
        assert merged.resolve("HEAD^2~2") == merged.resolve("HEAD~2")
        with pytest.raises(UnknownName, match="2 parents"):
            merged.resolve("HEAD^3")

    def test_ranges(self, merged: Repository) -> None:
        assert summaries(merged.log("side..main")) == ["merge", "three"]
        assert summaries(merged.log("main..side")) == []
        assert summaries(merged.log("main~1..main"))[0] == "merge"
        assert set(summaries(merged.log("main~1..main"))) == {"merge", "side 1", "side 2"}
        assert set(summaries(merged.log("main~1...side"))) == {"three", "side 1", "side 2"}
        assert summaries(merged.log("main...main")) == summaries(merged.log("main..main")) == []
        assert set(summaries(merged.log("main~1...side~2"))) == {"three"}

    def test_reset_over_a_merge_and_back(self, merged: Repository) -> None:
        done = merged.reset("main^2", hard=True, live={"t": numbers(3)})
        assert values(done.frames["t"]) == [21]
        assert values(merged.undo(live=dict(done.frames)).replacement.frames["t"]) == [3]
        assert summaries(merged.log(limit=1)) == ["merge"]
