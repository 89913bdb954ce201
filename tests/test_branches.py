"""Branches and tags through `Repository`: made, moved, renamed, deleted, and gone under those who are on them."""

from __future__ import annotations

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
from lineageflow_jupyter.model.objects import Author, Tree
from lineageflow_jupyter.repository import Repository
from tests.repositories import Open, merge, numbers, state, summaries, values


class TestSwitch:
    @pytest.fixture
    def parted(self, repo: Repository) -> Repository:
        """On main t is 1 and u is 1; on other t is 2, u is 1, v is 1."""
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        repo.switch("other", create=True)
        repo.commit({"t": numbers(2), "v": numbers(1)}, message="two")
        repo.switch("main")
        repo.checkout("HEAD")
        return repo

    def test_only_what_differs_is_replaced(self, parted: Repository) -> None:
        done = parted.switch("other", live={"t": numbers(1), "u": numbers(1), "w": numbers(5)})
        assert {name: values(frame) for name, frame in done.frames.items()} == {"t": [2]}
        assert (done.branch, done.stash, parted.head.branch) == ("other", None, "other")
        assert done.commit == parted.resolve("other")

    def test_changes_come_along_where_both_hold_the_same_version(self, parted: Repository) -> None:
        done = parted.switch("other", live={"t": numbers(1), "u": numbers(7)})
        assert set(done.frames) == {"t"}
        assert parted.commit({"u": numbers(7)}, message="carried").branch == "other"
        assert values(parted.read("main:u")) == [1]

    def test_changes_in_the_way_are_refused_and_nothing_moves(self, parted: Repository) -> None:
        before = state(parted)
        with pytest.raises(UncommittedChanges) as raised:
            parted.switch("other", live={"t": numbers(9), "u": numbers(1)})
        assert "t" in raised.value.problem
        assert "--force" in raised.value.remedy
        assert [found.dataset for found in raised.value.statuses] == ["t"]  # type: ignore[attr-defined]
        assert state(parted) == before

    def test_with_force_they_are_stashed(self, parted: Repository) -> None:
        done = parted.switch("other", live={"t": numbers(9)}, force=True)
        assert values(done.frames["t"]) == [2]
        assert values(parted.read(f"{done.stash}:t")) == [9]
        assert [found.dataset for found in done.stashed] == ["t"]
        back = parted.switch("main", live=done.frames)
        assert values(parted.unstash(live=back.frames).frames["t"]) == [9]

    def test_a_frame_that_is_already_as_there_needs_no_force(self, parted: Repository) -> None:
        """What is not committed here, but is what the other branch holds, is lost by nobody."""
        done = parted.switch("other", live={"t": numbers(2)})
        assert dict(done.frames) == {}
        assert parted.status({"t": numbers(2)}).datasets[0].state == "unchanged"

    def test_also_one_that_has_a_key_there(self, parted: Repository, open_as: Open) -> None:
        """A frame that was not read from there does not know its key."""
        second = open_as("second.ipynb")
        second.switch("other")
        parted.commit({"k": numbers(1, 2)}, message="keyed", keys={"k": ["x"]})
        done = second.switch("main", live={"k": numbers(1, 2)})
        assert dict(done.frames) == {}
        assert second.status({"k": numbers(1, 2)}).datasets[0].state == "unchanged"

    def test_a_new_frame_of_a_name_that_a_dataset_has_there(self, parted: Repository, open_as: Open) -> None:
        second, mine = open_as("second.ipynb"), {"v": numbers(8)}
        for verb in (second.switch, second.checkout):
            with pytest.raises(UncommittedChanges, match="v"):
                verb("other", live=mine)  # type: ignore[operator]
        assert second.head.branch == "main"
        assert dict(parted.switch("other", live=mine).frames) == {}, "these are changes of a version that was seen"

    def test_a_dataset_that_is_not_there_stays_with_the_caller(self, parted: Repository) -> None:
        parted.switch("other")
        done = parted.switch("main", live={"v": numbers(1)})
        assert dict(done.frames) == {}
        assert parted.commit({"v": numbers(1)}, message="here too").created

    def test_frames_keep_their_library(self, repo: Repository) -> None:
        table = pa.table({"x": [1]})
        repo.commit({"p": pl.DataFrame({"x": [1]}), "a": table, "s": pd.Series([1], name="x")}, message="one")
        repo.switch("other", create=True)
        live = {"p": pl.DataFrame({"x": [2]}), "a": pa.table({"x": [2]}), "s": numbers(2)}
        repo.commit(live, message="two")
        done = repo.switch("main", live=live)
        assert isinstance(done.frames["p"], pl.DataFrame)
        assert done.frames["a"].equals(table)
        assert isinstance(done.frames["s"], pd.Series)

    def test_names_that_are_no_identifiers(self, repo: Repository) -> None:
        names = ["raw-data", "a/b", "航班", "class"]
        repo.commit({name: numbers(1) for name in names}, message="one")
        repo.switch("other", create=True)
        repo.commit({name: numbers(2) for name in names}, message="two")
        done = repo.switch("main", live={name: numbers(2) for name in names})
        assert {name: values(frame) for name, frame in done.frames.items()} == {name: [1] for name in names}

    def test_a_frame_that_cannot_be_stored_is_in_the_way_only_where_it_would_be_replaced(
        self, parted: Repository
    ) -> None:
        broken = pd.DataFrame({"x": [object(), 1]})
        before = state(parted)
        for force in (False, True):
            with pytest.raises(UncommittedChanges, match="cannot be stored"):
                parted.switch("other", live={"t": broken}, force=force)
        assert state(parted) == before
        assert dict(parted.switch("other", live={"u": broken, "w": broken}).frames) == {}

    def test_back_to_the_one_before(self, parted: Repository) -> None:
        for name in ("other", "main"):
            assert parted.switch("-").branch == name
        parted.switch("third", create=True)
        assert parted.switch("@{-1}").branch == "main"
        assert parted.switch("@{-2}").branch == "main", "two switches ago it was on main"
        assert parted.resolve("@{-1}") == parted.resolve("third")

    def test_the_present_branch_brings_what_others_committed(self, parted: Repository, open_as: Open) -> None:
        open_as("second.ipynb").commit({"t": numbers(3)}, message="theirs")
        assert values(parted.switch("main", live={"t": numbers(1)}).frames["t"]) == [3]
        assert parted.commit({"t": numbers(4)}, message="on top").created

    def test_the_present_branch_without_news_is_no_operation(self, parted: Repository) -> None:
        before = state(parted)
        assert dict(parted.switch("main", live={"t": numbers(1)}).frames) == {}
        assert state(parted) == before

    def test_a_new_branch_at_another_revision_brings_its_frames(self, parted: Repository) -> None:
        done = parted.switch("fix", create=True, at="other", live={"t": numbers(1)})
        assert values(done.frames["t"]) == [2]
        assert parted.resolve("fix") == parted.resolve("other")

    def test_what_is_no_branch(self, parted: Repository) -> None:
        parted.tag("v1")
        before = state(parted)
        for name, error, words in [
            ("v1", UnknownName, ("is a tag", "switch -c NAME v1")),
            ("othre", UnknownName, ("Did you mean other",)),
            ("main~9", UnknownName, ("no branch",)),
            ("@{-0}", UnknownName, ("no branch",)),
            ("@{-99}", UnknownName, ("has not switched",)),
        ]:
            with pytest.raises(error) as raised:
                parted.switch(name)
            assert all(word in str(raised.value) for word in words), str(raised.value)
        refused = [("v1", "HEAD", NameTaken), ("a b", "HEAD", InvalidName), ("new", "nowhere", UnknownName)]
        for name, at, error in refused:
            with pytest.raises(error):
                parted.switch(name, create=True, at=at)
        assert state(parted) == before

    def test_an_unborn_branch(self, repo: Repository) -> None:
        assert repo.switch("draft", create=True, live={"t": numbers(1)}).commit is None
        assert repo.switch("draft").branch == "draft"
        repo.commit({"t": numbers(1)}, message="one")
        with pytest.raises(UnknownName, match="no branch 'main'"):
            repo.switch("main")
        assert repo.switch("main", create=True).branch == "main"


class TestUnseen:
    """What an error proposes is tried here: it must lead out of the trouble."""

    def test_a_branch_where_the_frame_started_takes_the_commit(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        open_as("second.ipynb").commit({"t": numbers(2)}, message="two")
        mine = {"t": numbers(3), "u": numbers(1)}
        with pytest.raises(RefMoved) as raised:
            repo.commit(mine, message="three")
        start = raised.value.remedy.split("switch -c NAME ")[1].split("`")[0]
        assert dict(repo.switch("own", create=True, at=start, live=mine).frames) == {}
        assert repo.commit(mine, message="three").branch == "own"
        assert values(repo.read("main:t")) == [2]

    def test_a_dataset_that_both_made_goes_under_another_name(self, repo: Repository, open_as: Open) -> None:
        other = open_as("second.ipynb")
        repo.commit({"t": numbers(1)}, message="one")
        with pytest.raises(RefMoved, match="--as"):
            other.commit({"t": numbers(2)}, message="two")


class TestRename:
    def test_workspaces_that_are_on_it_follow(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("try", create=True)
        second = open_as("second.ipynb")
        second.switch("try")
        second.close()
        assert repo.rename_branch("try", "attempt").name == "attempt"
        assert repo.head.branch == open_as("second.ipynb").head.branch == "attempt"
        assert [ref.name for ref in repo.branches()] == ["attempt", "main"]
        assert repo.commit({"t": numbers(2)}, message="two").branch == "attempt"

    def test_one_that_is_open_is_told(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        second = open_as("second.ipynb")
        repo.rename_branch("main", "trunk")
        assert "renamed to 'trunk'" in second.status({}).gone
        for attempt in (
            lambda: second.commit({"t": numbers(2)}, message="two"),
            lambda: second.remove(["t"]),
            lambda: second.switch("main"),
            lambda: second.resolve("HEAD"),
        ):
            with pytest.raises(UnknownName, match="renamed to 'trunk'") as raised:
                attempt()
            assert raised.value.remedy
        assert second.switch("trunk", live={"t": numbers(1)}).branch == "trunk"
        assert second.commit({"t": numbers(2)}, message="two").created
        assert [ref.name for ref in repo.branches()] == ["trunk"]

    def test_refusals(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.branch("try")
        repo.tag("v1")
        before = state(repo)
        for old, new, error in [
            ("tri", "x", UnknownName),
            ("v1", "x", UnknownName),
            ("try", "main", NameTaken),
            ("try", "v1", NameTaken),
            ("try", "a b", InvalidName),
            ("try", "HEAD", InvalidName),
        ]:
            with pytest.raises(error):
                repo.rename_branch(old, new)
        assert repo.rename_branch("try", "try").name == "try"
        assert state(repo) == before

    def test_before_the_first_commit(self, repo: Repository) -> None:
        with pytest.raises(UsageProblem, match=r"no commits yet.*switch -c"):
            repo.rename_branch("main", "trunk")


class TestDelete:
    def test_a_branch_whose_commits_others_hold(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.branch("done")
        repo.commit({"t": numbers(2)}, message="two")
        assert repo.delete_branch("done")[0].name == "done"
        assert [ref.name for ref in repo.branches()] == ["main"]

    def test_a_branch_with_commits_of_its_own_needs_force(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("own", create=True)
        repo.commit({"t": numbers(2)}, message="mine alone")
        repo.switch("main")
        with pytest.raises(UsageProblem, match=r"'mine alone'.*branch -D own"):
            repo.delete_branch("own")
        repo.tag("kept", at="own")
        assert repo.delete_branch("own")[0].name == "own", "a tag holds its commits"
        repo.undo()
        repo.delete_tag("kept")
        assert repo.delete_branch("own", force=True)[0].name == "own"

    def test_merged_through_a_second_parent(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("side", create=True)
        repo.commit({"t": numbers(2)}, message="two")
        repo.switch("main")
        merge(repo, "main", "side")
        assert repo.delete_branch("side")[0].name == "side"

    def test_several_at_once_or_none(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        for name in ("a", "b"):
            repo.branch(name)
        repo.tag("v1", message="first")
        repo.tag("v2")
        before = state(repo)
        with pytest.raises(UnknownName, match="no branch 'zz'"):
            repo.delete_branch("a", "zz", "b")
        with pytest.raises(UsageProblem, match="this workspace is on"):
            repo.delete_branch("a", "main")
        with pytest.raises(UnknownName, match="no tag 'v3'"):
            repo.delete_tag("v1", "v3")
        assert state(repo) == before
        assert [ref.name for ref in repo.delete_branch("b", "a", "b")] == ["b", "a"]
        assert [ref.name for ref in repo.delete_tag("v1", "v2")] == ["v1", "v2"]
        repo.undo()
        repo.undo()
        assert state(repo)[0] == before[0]

    def test_branches_that_hold_each_others_commits_keep_none(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("a", create=True)
        repo.commit({"t": numbers(2)}, message="two")
        repo.branch("b")
        repo.switch("main")
        with pytest.raises(UsageProblem, match="on no other branch or tag"):
            repo.delete_branch("a", "b")
        assert repo.delete_branch("b")[0].name == "b"

    def test_one_that_somebody_is_on(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        repo.branch("try")
        second = open_as("second.ipynb")
        second.switch("try")
        repo.delete_branch("try")
        assert "was deleted" in second.status({"t": numbers(1)}).gone
        with pytest.raises(UnknownName, match=r"'try' was deleted.*switch"):
            second.commit({"t": numbers(2)}, message="must not begin a history of its own")
        with pytest.raises(UnknownName, match="was deleted"):
            second.read("t")
        assert second.datasets() == {}
        assert second.branch("try", at="main").name == "try"
        assert set(second.datasets()) == {"t", "u"}

    def test_one_whose_creation_was_undone_does_not_begin_anew_either(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        repo.branch("try")
        second = open_as("second.ipynb")
        second.switch("try")
        repo.undo()
        assert "was deleted" in second.status({}).gone
        with pytest.raises(UnknownName, match="was deleted"):
            second.commit({"t": numbers(2)}, message="two")
        repo.redo()
        assert second.status({}).gone == ""
        assert second.commit({"t": numbers(2)}, message="two").parents

    def test_a_commit_that_races_with_the_deletion_is_refused(self, repo: Repository, open_as: Open) -> None:
        """The branch goes away after the commit has looked at it: it must not come back without its history."""
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        repo.branch("try")
        second = open_as("second.ipynb")
        second.switch("try")

        def edit(tree: Tree) -> Tree:
            if "try" in repo.names():
                repo.delete_branch("try")
            return tree.without(["u"])

        with pytest.raises(UnknownName, match="was deleted"):
            second._publisher.edit("rm", "try", edit, "late", Author("Ada"))
        assert repo.names() == ("main",)

    def test_a_first_commit_that_was_undone_may_be_made_again(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.undo()
        assert repo.branches() == ()
        assert repo.commit({"t": numbers(2)}, message="one, better").parents == ()


class TestTags:
    def test_an_annotation_tells_who_when_and_why(self, repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Ada")
        repo.commit({"t": numbers(1)}, message="one")
        said = repo.tag("v1", message="as in the paper\n\nfigure 3 🛫").annotation
        assert said is not None
        assert (said.author.name, said.message) == ("Ada", "as in the paper\n\nfigure 3 🛫")
        assert repo.tags()[0].annotation == said
        assert repo.resolve("v1") == repo.resolve("HEAD")
        with pytest.raises(UsageProblem, match="message"):
            repo.tag("v2", message=" ")

    def test_it_stays_unless_forced(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.tag("v1", message="first")
        repo.commit({"t": numbers(2)}, message="two")
        before = state(repo)
        with pytest.raises(NameTaken, match=r"'v1' exists already.*--force"):
            repo.tag("v1")
        for name in ("main", "HEAD", "stash/x", "a..b"):
            with pytest.raises((NameTaken, InvalidName)):
                repo.tag(name, force=True)
        assert state(repo) == before
        assert repo.tag("v1", force=True).annotation is None
        assert repo.resolve("v1") == repo.resolve("HEAD")

    def test_at_its_own_place(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        plain = repo.tag("v1")
        before = state(repo)
        assert repo.tag("v1", force=True) == plain
        assert state(repo) == before, "nothing is left to do"
        for message in ("first", "second", None):
            told = repo.tag("v1", message=message, force=True).annotation
            assert repo.tags()[0].annotation == told
            assert (None if told is None else told.message) == message

    def test_deleting_what_is_no_tag(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        with pytest.raises(UnknownName, match="is a branch, not a tag"):
            repo.delete_tag("main")
        with pytest.raises(UnknownName, match="no tag 'v1'"):
            repo.delete_tag("v1")


class TestCompared:
    def test_distances_from_the_present_branch(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("side", create=True)
        repo.commit({"t": numbers(2)}, message="two")
        repo.commit({"t": numbers(3)}, message="three")
        repo.switch("main")
        repo.checkout("HEAD")
        repo.commit({"t": numbers(4)}, message="four")
        assert [(found.ref.name, found.ahead, found.behind) for found in repo.compared_branches()] == [
            ("main", 0, 0),
            ("side", 2, 1),
        ]
        merge(repo, "main", "side")
        assert [(found.ref.name, found.ahead, found.behind) for found in repo.compared_branches()] == [
            ("main", 0, 0),
            ("side", 0, 2),
        ]

    def test_before_the_first_commit_and_from_an_unborn_branch(self, repo: Repository) -> None:
        assert repo.compared_branches() == []
        repo.commit({"t": numbers(1)}, message="one")
        repo.rename_branch("main", "trunk")
        repo.switch("main", create=True, at="trunk")
        repo.switch("trunk")
        repo.delete_branch("main")
        assert [(found.ahead, found.behind) for found in repo.compared_branches()] == [(0, 0)]


class TestNames:
    """One name, typed on two keyboards, is one name; names of refs are as free as those of datasets."""

    NFD, NFC = "e\u0301te\u0301", "\u00e9t\u00e9"

    def test_of_datasets(self, repo: Repository) -> None:
        nfd, nfc = self.NFD, self.NFC
        repo.commit({nfd: numbers(1)}, message="one", keys={nfd: ["x"]})
        assert repo.dataset_names() == (nfc,)
        assert [found.state for found in repo.status({nfd: numbers(1)}).datasets] == ["unchanged"]
        repo.commit({nfc: numbers(2)}, message="two")
        assert values(repo.checkout("HEAD~1", [nfd], live={nfd: numbers(2)}).frames[nfc]) == [1]
        repo.switch("main", live={nfd: numbers(1)})
        done = repo.stash({nfd: numbers(9)})
        assert values(done.frames[nfc]) == [2]
        assert values(repo.restore(nfd, source="HEAD~1", live={nfd: numbers(2)}).frames[nfc]) == [1]
        with pytest.raises(UncommittedChanges):
            repo.unstash(live={nfd: numbers(7)})
        assert repo.remove(nfd).commit.datasets == (nfc,)

    def test_two_frames_of_one_name_are_refused(self, repo: Repository) -> None:
        with pytest.raises(UsageProblem, match="two frames"):
            repo.commit({self.NFD: numbers(1), self.NFC: numbers(2)}, message="m")
        assert repo.log() == ()

    def test_one_dataset_needs_no_list(self, repo: Repository) -> None:
        repo.commit({"flights": numbers(1)}, message="one")
        assert set(repo.checkout("HEAD", "flights").frames) == {"flights"}
        assert set(repo.restore("flights").frames) == {"flights"}
        assert repo.remove("flights").commit.datasets == ("flights",)
        repo.add("flights")
        with pytest.raises(UsageProblem, match="no datasets"):
            repo.remove([])

    def test_of_refs(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.branch(self.NFD)
        assert self.NFC in repo.names()
        with pytest.raises(NameTaken):
            repo.branch(self.NFC)
        assert repo.switch(self.NFD).branch == self.NFC
        assert repo.resolve(f"{self.NFD}@{{0}}") == repo.resolve("main")
        assert len(repo.reflog(self.NFD)) == 1
        repo.switch("main")
        repo.tag("🛫/v1", message="m")
        assert repo.delete_branch(self.NFD)[0].name == self.NFC
        assert summaries(repo.log("🛫/v1")) == ["one"]
