"""What verbs say to somebody who is new: the right reading of a word, the next step, and nothing done by halves."""

from __future__ import annotations

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.testing.shell import TestingShell


@pytest.fixture
def history(committed: TestingShell) -> TestingShell:
    """Two commits on `main`; the second gives `flights` a column."""
    committed.run('flights["gain"] = 1')
    committed.run("%lf commit -m gain")
    return committed


class TestOneWordForRevisionOrDataset:
    def test_a_branch_some_moves_ago_is_no_dataset(self, history: TestingShell) -> None:
        assert "raw" in str(history.run("%lf show main@{1}"))
        assert "raw" in str(history.run("%lf show HEAD@{1}"))
        assert "(main)" not in str(history.run("%lf log main@{1}"))
        assert "main has not moved so often" in history.refused("%lf show main@{9}")
        assert "main pointed to nothing then" in history.refused("%lf log 'main@{2 years ago}'")

    def test_a_dataset_at_a_moment(self, history: TestingShell) -> None:
        assert "flights 3 × 4" in str(history.run("%lf show flights@{now}"))
        assert "gain" in str(history.run("%lf log flights@{now}"))

    def test_a_name_of_both_is_the_branch(self, history: TestingShell) -> None:
        history.run("%lf branch flights HEAD~1")
        assert "the first commit" in str(history.run("%lf show flights@{0}"))

    def test_a_dataset_in_the_place_of_the_revision(self, history: TestingShell) -> None:
        assert "`%lf show HEAD:flights`" in history.refused("%lf show flights")
        assert "`%lf checkout HEAD flights`" in history.refused("%lf checkout flights")
        assert "`%lf checkout HEAD flights planes`" in history.refused("%lf checkout flights planes")

    def test_neither(self, history: TestingShell) -> None:
        history.run("%lf branch outliers")
        assert "no revision and no dataset 'outlier' (did you mean outliers?)" in history.refused("%lf log outlier")
        assert "there is no dataset 'outlier'" in history.refused("%lf log -- outlier")


class TestCheckoutOfABranch:
    def test_it_says_where_commits_go(self, history: TestingShell) -> None:
        history.run("%lf branch fix HEAD~1")
        assert "commits still go to main; `%lf switch fix` goes to fix" in str(history.run("%lf checkout fix flights"))
        assert "commits" not in str(history.run("%lf checkout main flights"))
        assert "commits" not in str(history.run("%lf checkout HEAD~1 flights"))


class TestDeletingSeveral:
    def test_branches_go_together_or_not_at_all(self, history: TestingShell) -> None:
        history.run("%lf branch a\n%lf branch b")
        assert "there is no branch 'c'" in history.refused("%lf branch -d a c")
        assert {"a", "b"} <= {ref.name for ref in history.run("%lf branch").report}
        told = str(history.run("%lf branch -d a b a"))
        assert "deleted branch a (was at" in told
        assert "`%lf undo` brings them back" in told
        history.run("%lf undo")
        assert {"a", "b"} <= {ref.name for ref in history.run("%lf branch").report}

    def test_a_revision_is_no_branch(self, history: TestingShell) -> None:
        assert "there is no branch 'HEAD~1'" in history.refused("%lf branch -D HEAD~1")

    def test_branches_that_hold_each_others_commits_are_guarded(self, history: TestingShell) -> None:
        history.run("%lf switch -c a")
        history.run('flights["more"] = 2')
        history.run("%lf commit -m more")
        history.run("%lf branch b")
        history.run("%lf switch main")
        assert "holds commits that are on no other branch" in history.refused("%lf branch -d a b")
        assert "deleted branch a" in str(history.run("%lf branch -d a"))

    def test_tags_go_together_or_not_at_all(self, history: TestingShell) -> None:
        history.run('%lf tag v1 -m "first"')
        history.run("%lf tag v2")
        assert "there is no tag 'v3'" in history.refused("%lf tag -d v1 v3")
        assert "deleted tags v1, v2" in str(history.run("%lf tag -d v1 v2"))
        history.run("%lf undo")
        assert "first" in str(history.run("%lf tag"))
        assert "deleted tag v2" in str(history.run("%lf tag -d v2"))


class TestUndoAndStash:
    def test_undo_names_the_operation_and_not_the_stash_beside_it(self, history: TestingShell) -> None:
        history.run('flights["gain"] = 2')
        history.run("%lf checkout HEAD~1 flights --force")
        told = str(history.run("%lf undo"))
        assert "undone: checkout: flights" in told
        assert "before checkout" not in told

    def test_one_next_step_is_named(self, history: TestingShell) -> None:
        history.run("%lf checkout HEAD~1 flights")
        history.run('flights["carrier"] = "XX"')
        told = str(history.run("%lf undo"))
        assert "`%lf stash pop` brings only that back, `%lf redo` the whole step" in told
        assert "`%lf undo`" not in told

    def test_what_did_not_change_is_not_stashed(self, history: TestingShell) -> None:
        history.run("planes['tail'] = 'N9'")
        assert "nothing to stash: flights is unchanged" in str(history.run("%lf stash push flights"))
        assert "no stashes" in str(history.run("%lf stash list"))
        told = str(history.run("%lf stash push flights planes"))
        assert "stashed planes" in told
        assert "flights" not in told
        assert "`%lf stash pop` brings it back" in told

    def test_a_frame_that_is_no_dataset_yet_can_be_stashed(self, history: TestingShell) -> None:
        history.user_ns["extra"] = pd.DataFrame({"a": [1]})
        assert "stashed extra" in str(history.run("%lf stash push extra"))

    @pytest.mark.parametrize("action", ["pop", "apply", "drop"])
    def test_a_stash_that_is_not_there(self, history: TestingShell, action: str) -> None:
        assert history.refused(f"%lf stash {action} nope").startswith("there is no stash 'nope'")


class TestRenamedDatasets:
    """After `mv` and `--as` a variable has another name than its dataset, wherever HEAD goes."""

    def states(self, shell: TestingShell) -> dict[str, str]:
        return {status.dataset: status.state for status in shell.run("%lf status").report.datasets}

    def test_undo_and_redo_of_a_rename_take_the_variable_along(self, history: TestingShell) -> None:
        history.run("%lf mv planes aircraft")
        assert self.states(history) == {"aircraft": "unchanged", "flights": "unchanged"}
        history.run("%lf undo")
        assert self.states(history) == {"planes": "unchanged", "flights": "unchanged"}
        history.run("%lf redo")
        assert self.states(history) == {"aircraft": "unchanged", "flights": "unchanged"}

    def test_switch_and_reset_take_it_along(self, history: TestingShell) -> None:
        history.run("%lf branch before")
        history.run("%lf mv planes aircraft")
        history.run("%lf switch before")
        assert set(self.states(history)) - {"flights"} == {"planes"}
        assert "(variable" not in str(history.run("%lf status"))
        history.run("%lf switch main")
        assert "aircraft (variable planes)" in str(history.run("%lf status"))
        history.run("%lf reset HEAD~1")
        assert set(self.states(history)) - {"flights"} == {"planes"}

    def test_a_name_that_another_variable_has_taken_is_left_to_it(self, history: TestingShell) -> None:
        history.run("%lf mv planes aircraft")
        history.run("hulls = planes.copy()")
        history.run('%lf commit hulls --as planes -m "back"')
        history.run("%lf rm aircraft")
        history.run("%lf stash push hulls")
        history.run("%lf undo")
        assert self.states(history) == {"aircraft": "unchanged", "planes": "unchanged", "flights": "unchanged"}


class TestOtherPlaces:
    def test_an_address_is_no_folder(self, history: TestingShell) -> None:
        assert "not available in this version" in history.refused("%lf open gs://bucket/flights")
        assert "not available in this version" in history.refused("%lf init https://team.example.org")

    def test_a_mistyped_folder_is_not_the_repository_above(self, history: TestingShell) -> None:
        assert "no LineageFlow repository in" in history.refused("%lf open flihgts")
        history.run("import os; os.mkdir('flights')")
        assert "opened" in str(history.run("%lf open flights"))

    def test_a_branch_that_was_renamed_under_a_notebook(self, history: TestingShell) -> None:
        with lf.open(".", workspace=WorkspaceName("ada", "here", "other.ipynb")) as other:
            other.rename_branch("main", "trunk")
        # This notebook is on the same repository: its HEAD in memory still says main.
        assert "on branch main that is gone" in str(history.run("%lf status"))
        assert "branch 'main' was renamed to 'trunk': `%lf switch NAME` goes on" in str(history.run("%lf log"))

    def test_a_variable_that_is_no_frame(self, history: TestingShell) -> None:
        history.run("flights = 5")
        assert "'flights' is of type int, not a frame" in history.refused("%lf checkout HEAD flights")


class TestRestore:
    def test_parts_are_named(self, history: TestingShell) -> None:
        history.run('flights["dep"] = 9.0\nflights["carrier"] = "XX"')
        told = str(history.run("%lf restore flights --columns dep"))
        assert told.startswith("column dep of flights is now as in ")
        assert "other changes stay" in told
        assert history.user_ns["flights"]["carrier"].tolist() == ["XX"] * 3
        assert str(history.run("%lf restore flights --rows 0:1")).startswith("rows 0:1 of flights are now as in ")
        told = str(history.run("%lf restore flights --columns dep,carrier --rows 0:2"))
        assert told.startswith("columns dep, carrier in rows 0:2 of flights are now as in ")
        assert str(history.run("%lf restore flights")).startswith("flights is now as in ")


@pytest.mark.parametrize(
    ("verb", "instead"),
    [
        ("bisect", "%lf changes NAME"),
        ("push", "%lf open PATH"),
        ("pull", "%lf merge BRANCH"),
        ("difftool", "%lf diff"),
    ],
)
def test_verbs_of_git_that_are_missing_name_what_comes_closest(shell: TestingShell, verb: str, instead: str) -> None:
    assert instead in shell.refused(f"%lf {verb} flights")


def test_help_says_what_happens(shell: TestingShell) -> None:
    told = str(shell.run("%lf help checkout"))
    assert "Refused where a variable holds changes that are not committed" in told
    assert told.index("Refused where") < told.index("--force  ")
