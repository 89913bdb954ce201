"""`%lf read`, `%lf checkout` and `%lf switch`: what comes back, and that no work is lost."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from lineageflow_jupyter.testing.shell import TestingShell


@pytest.fixture
def history(committed: TestingShell) -> TestingShell:
    """Two commits: `raw`, and `speed` with one more column of flights."""
    committed.user_ns["raw"] = committed.user_ns["flights"].copy()
    committed.run("flights['speed'] = flights.dep * 2")
    committed.run("%lf commit -m speed;")
    committed.user_ns["fast"] = committed.user_ns["flights"].copy()
    return committed


def frame(shell: TestingShell, name: str) -> Any:
    return shell.user_ns[name]


class TestRead:
    def test_a_version_comes_back_exactly(self, history: TestingShell) -> None:
        before = frame(history, "flights")
        history.run("old = %lf read HEAD~1:flights")
        assert_frame_equal(frame(history, "old"), frame(history, "raw"))
        assert frame(history, "flights") is before

    def test_a_bare_name_is_head(self, history: TestingShell) -> None:
        assert_frame_equal(history.run("%lf read flights"), frame(history, "fast"))

    def test_a_part(self, history: TestingShell) -> None:
        part = history.run("%lf read flights --columns speed,id --rows 1:")
        assert_frame_equal(part, frame(history, "fast")[["speed", "id"]].iloc[1:])

    def test_another_library(self, history: TestingShell) -> None:
        assert isinstance(history.run("%lf read flights --engine polars"), pl.DataFrame)
        assert "no engine 'pola' (did you mean polars?)" in history.refused("%lf read flights --engine pola")

    def test_a_semicolon_does_not_take_the_frame_away(self, history: TestingShell) -> None:
        history.run("old = %lf read HEAD~1:flights;")
        assert_frame_equal(frame(history, "old"), frame(history, "raw"))

    def test_in_a_loop_with_variables(self, history: TestingShell) -> None:
        history.run(
            "widths = []\nfor rev in ['HEAD~1', 'HEAD']:\n    df = %lf read {rev}:flights\n    widths += [df.shape[1]]"
        )
        assert frame(history, "widths") == [3, 4]

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("%lf read fligths", "no dataset 'fligths' at 'HEAD'. Did you mean flights?"),
            ("%lf read mian:flights", "no revision 'mian'. Did you mean main?"),
            ("%lf read HEAD~9:flights", "parents"),
            ("%lf read flights --columns sped", "no column 'sped'. Did you mean speed?"),
            ("%lf read flights --rows 1", "--rows takes START:STOP, '1' found"),
            ("%lf read {rev}:flights", "no variable 'rev' to put into"),
            ("%lf read", "%lf read needs REV:DATASET"),
        ],
    )
    def test_mistakes_are_one_line(self, history: TestingShell, line: str, told: str) -> None:
        assert told in history.refused(line)


class TestCheckout:
    def test_variables_are_bound_again(self, history: TestingShell) -> None:
        answer = history.run("%lf checkout HEAD~1")
        assert_frame_equal(frame(history, "flights"), frame(history, "raw"))
        assert str(answer).startswith("flights, planes are now as in ")

    def test_only_named_datasets(self, history: TestingShell) -> None:
        planes = frame(history, "planes")
        history.run("%lf checkout HEAD~1 flights")
        assert frame(history, "planes") is planes

    def test_what_is_not_committed_is_not_overwritten(self, history: TestingShell) -> None:
        history.run("flights['x'] = 1; planes.loc[0, 'tail'] = 'N9'")
        before = {name: frame(history, name) for name in ("flights", "planes")}
        told = history.refused("%lf checkout HEAD~1")
        assert "flights — +1 column (x); planes — 1 cell (tail)" in told
        assert "--force" in told
        assert all(frame(history, name) is value for name, value in before.items())

    def test_with_force_it_can_be_brought_back(self, history: TestingShell) -> None:
        history.run("flights['x'] = 1")
        edited = frame(history, "flights").copy()
        assert "stashed (flights — +1 column (x))" in str(history.run("%lf checkout HEAD~1 --force"))
        assert_frame_equal(frame(history, "flights"), frame(history, "raw"))
        history.run("%lf stash pop")
        assert_frame_equal(frame(history, "flights"), edited)

    def test_a_frame_that_was_never_committed_is_not_overwritten(self, history: TestingShell) -> None:
        history.run("%lf commit raw -m 'add raw';")
        history.run("%lf switch -c other;")
        history.user_ns["raw"] = pd.DataFrame({"mine": [1]})
        assert "raw" in history.refused("%lf checkout main raw")

    def test_a_variable_that_is_no_frame_is_not_overwritten(self, history: TestingShell) -> None:
        history.user_ns["flights"] = {"precious": 1}
        for flag in ("", " --force"):
            assert "'flights' is of type dict, not a frame" in history.refused(f"%lf checkout HEAD{flag}")
        assert frame(history, "flights") == {"precious": 1}

    def test_what_cannot_be_stashed_is_not_overwritten(self, history: TestingShell) -> None:
        history.run("flights['odd'] = [object(), 1, 'a']")
        assert "cannot be stored" in history.refused("%lf checkout HEAD --force")
        assert "odd" in frame(history, "flights")

    def test_a_mistake_changes_nothing(self, history: TestingShell) -> None:
        before = frame(history, "flights")
        assert "no dataset 'plane'" in history.refused("%lf checkout HEAD~1 flights plane")
        assert frame(history, "flights") is before
        assert all(found.state == "unchanged" for found in history.run("%lf status").report.datasets)

    def test_names_that_cannot_be_variables(self, history: TestingShell) -> None:
        history.run("%lf commit raw --as raw-data -m x;")
        history.run("del raw")
        assert "raw-data" in str(history.run("%lf checkout HEAD"))
        assert "`x = %lf read HEAD:raw-data`" in history.refused("%lf checkout HEAD raw-data")
        assert "raw-data" not in history.user_ns

    def test_the_library_stays(self, history: TestingShell) -> None:
        history.run("import polars as pl; small = pl.DataFrame({'a': [1]})")
        history.run("%lf commit small -m small;")
        history.run("%lf checkout HEAD small;")
        assert isinstance(frame(history, "small"), pl.DataFrame)
        history.run("%lf checkout HEAD small --engine pandas;")
        assert isinstance(frame(history, "small"), pd.DataFrame)

    def test_edits_of_what_was_checked_out_can_be_committed_only_after_a_look(self, history: TestingShell) -> None:
        history.run("%lf checkout HEAD~1 flights;")
        history.run("flights['x'] = 1")
        assert "not the one your frame started from" in history.refused("%lf commit -m x")
        history.run("newer = %lf read main:flights")
        assert history.run("%lf commit flights -m x").report.created


class TestSwitch:
    def test_variables_follow_the_branch(self, history: TestingShell) -> None:
        history.run("%lf switch -c fewer;")
        history.run("flights = flights[flights.id < 3]")
        history.run("%lf commit -m fewer;")
        answer = history.run("%lf switch main")
        assert "variables changed to its version: flights" in str(answer)
        assert_frame_equal(frame(history, "flights"), frame(history, "fast"))
        history.run("%lf switch fewer;")
        assert len(frame(history, "flights")) == 2
        assert history.run("%lf commit -m x").report.datasets[0].state == "unchanged"

    def test_changes_come_along_where_the_branches_agree(self, history: TestingShell) -> None:
        history.run("%lf branch other")
        history.run("flights['x'] = 1")
        history.run("%lf switch other;")
        assert "x" in frame(history, "flights")
        assert history.run("%lf commit -m x").report.branch == "other"

    def test_changes_stop_it_where_they_do_not(self, history: TestingShell) -> None:
        history.run("%lf switch -c fewer;")
        history.run("flights = flights[flights.id < 3]")
        history.run("%lf commit -m fewer;")
        history.run("flights['x'] = 1")
        edited = frame(history, "flights")
        assert "flights — +1 column (x)" in history.refused("%lf switch main")
        assert frame(history, "flights") is edited
        assert history.run("%lf status").report.branch == "fewer"

    def test_unknown_and_taken_branches(self, history: TestingShell) -> None:
        assert "Did you mean main?" in history.refused("%lf switch mian")
        assert "main" in history.refused("%lf switch -c main")
        assert "cannot be the name of a branch" in history.refused("%lf switch -c a..b")
        assert history.run("%lf status").report.branch == "main"
