"""`%lf diff` in a notebook: which sides are compared, what is shown, what is refused."""

from __future__ import annotations

import gc
import weakref

import pandas as pd
import pytest

from lineageflow_jupyter.diffing import DatasetDiffs, TableDiff
from lineageflow_jupyter.kernel.display import FrameAnswer
from lineageflow_jupyter.kernel.verbs import diff as verb
from lineageflow_jupyter.testing.shell import TestingShell


def lines(answer: object) -> list[str]:
    return str(answer).split("\n")


@pytest.fixture
def work(notebook: TestingShell) -> TestingShell:
    """Three commits on main and one on `feature`; flights holds changes that are not committed, planes none.

    main: raw, `dep` of row 3, the row with id 2 gone. feature, from the first: carrier of row 1.
    """
    notebook.run("%lf commit flights --key id -m raw;")
    notebook.run("%lf commit planes -m planes;")
    notebook.run("%lf branch feature HEAD")
    notebook.run("flights.loc[2, 'dep'] = 4.0")
    notebook.run("%lf commit -m later;")
    notebook.run("flights = flights[flights.id != 2].reset_index(drop=True)")
    notebook.run("%lf commit -m fewer;")
    notebook.run("%lf switch feature;")
    notebook.run("flights.loc[0, 'carrier'] = 'DL'")
    notebook.run("%lf commit -m carrier;")
    notebook.run("%lf switch main;")
    notebook.run("flights.loc[0, 'dep'] = 2.5; flights['late'] = True; scratch = flights.copy(); count = 3")
    return notebook


class TestLiveFrames:
    def test_all_against_what_the_notebook_last_saw(self, work: TestingShell) -> None:
        told = lines(work.run("%lf diff"))
        assert told[0].startswith("flights: ")
        assert told[0].endswith("(fewer) → variable flights")
        assert told[1:] == [
            "2 rows: ~1 row changed",
            "1 changed cell: dep 1",
            "+ late (bool)",
            "rows are matched by the key id",
            "1 value of dep changed by loc[…] = …, cell [14], line 1",
            "2 values of the new column late made by […] = …, cell [14], line 1",
            "   old row  new row  id  dep        + late  carrier",
            "~        0        0  1   1.5 → 2.5  True    AA",
        ]

    def test_several_are_told_first_and_then_shown(self, work: TestingShell) -> None:
        work.run("planes.loc[2] = ['N3']")
        told = lines(work.run("%lf diff"))
        assert told[0].split() == ["dataset", "rows", "×", "columns", "changes"]
        assert "1 cell (dep), +1 column (late)" in told[1]
        assert told[2].startswith("planes ")
        assert "+1 row" in told[2]
        assert any(line.startswith("+ ") and line.endswith("N3") for line in told)

    def test_one_against_a_revision(self, work: TestingShell) -> None:
        told = lines(work.run("%lf diff HEAD~2 flights --columns dep"))
        assert told[1] == "3 → 2 rows: −1 row, ~2 rows changed"
        assert told[-3:] == [
            "~        0        0  1   1.5 → 2.5",
            "−        1           2   NaN",
            "~        2        1  3   3.0 → 4.0",
        ]
        assert lines(work.run("%lf diff HEAD~2:flights --columns dep")) == told
        assert lines(work.run("%lf diff HEAD~2 --columns dep -- flights")) == told
        assert lines(work.run("%lf diff HEAD~2:flights flights --columns dep"))[1:] == told[1:]

    def test_nothing_changed(self, work: TestingShell) -> None:
        assert str(work.run("%lf diff planes")).startswith("no changes: planes is as in ")
        assert str(work.run("%lf diff flights --columns carrier")).startswith("no changes in these columns: flights is")
        assert str(work.run("%lf diff flights --ignore late --rtol 1")).startswith(
            "no changes in these columns beyond the tolerance: "
        )
        work.run("%lf restore flights;")
        assert str(work.run("%lf diff")) == "no changes: flights, planes are as this notebook last saw them"
        assert str(work.run("%lf diff HEAD")).startswith("no changes: flights, planes are as in ")

    def test_a_frame_that_no_variable_holds(self, work: TestingShell) -> None:
        work.run("del flights")
        assert str(work.run("%lf diff")).startswith("no changes: planes is as in ")
        told = lines(work.run("%lf diff HEAD~1 flights"))
        assert told[0].endswith("(later) → HEAD")
        assert told[1] == "3 → 2 rows: −1 row"
        assert told[-1] == "no variable holds flights: HEAD's version is compared"
        assert "flights is as in" in str(work.run("%lf diff flights"))
        work.run("del planes")
        assert str(work.run("%lf diff")) == "no variable holds a dataset; `%lf checkout HEAD NAME` loads one"

    def test_a_variable_of_another_name(self, work: TestingShell) -> None:
        work.run("%lf mv planes fleet;")
        work.run("planes.loc[0, 'tail'] = 'N9'")
        for line in ("%lf diff fleet", "%lf diff planes", "%lf diff HEAD fleet"):
            told = lines(work.run(line))
            assert told[0].startswith("fleet: ")
            assert told[0].endswith("→ variable planes")
            assert told[-1].endswith("N1 → N9")
        assert "N1 → N9" in str(work.run("%lf diff HEAD~1:planes fleet"))

    def test_a_dataset_that_the_other_side_lacks(self, work: TestingShell) -> None:
        work.run("%lf commit scratch -m more;")
        found = work.run("%lf diff HEAD~1 scratch")
        assert "scratch is new: " in str(found)
        assert "(fewer) holds no such dataset" in str(found)
        work.run("scratch2 = scratch.copy()")
        work.run("%lf add scratch2;")
        assert "scratch2 is new: " in str(work.run("%lf diff"))

    def test_a_frame_that_cannot_be_stored(self, work: TestingShell) -> None:
        work.run("planes['odd'] = [object(), 1]")
        assert "column 'odd', row 1" in work.refused("%lf diff planes")
        told = str(work.run("%lf diff"))
        assert "planes cannot be compared: " in told
        assert "1.5 → 2.5" in told

    def test_what_is_only_described_otherwise(self, work: TestingShell) -> None:
        work.run("planes.attrs['unit'] = 'x'")
        told = str(work.run("%lf diff planes"))
        assert "2 rows: same values; dtypes, index, attributes or the like differ" in told
        assert "old row" not in told

    def test_the_key_is_gone(self, work: TestingShell) -> None:
        work.run("flights = flights.drop(columns='id')")
        assert "the key id does not identify the rows of both sides" in str(work.run("%lf diff flights"))

    def test_local_variables_of_a_function(self, work: TestingShell) -> None:
        work.run(
            "def inside():\n    flights = scratch.head(1)\n"
            "    return get_ipython().run_line_magic('lf', 'diff flights')"
        )
        assert "2 → 1 row" in str(work.run("inside()"))


class TestRevisions:
    @pytest.mark.parametrize(
        "words", ["HEAD~2 HEAD~1 flights", "HEAD~2..HEAD~1 -- flights", "HEAD~2:flights HEAD~1:flights"]
    )
    def test_two(self, work: TestingShell, words: str) -> None:
        answer = work.run(f"%lf diff {words}")
        assert isinstance(answer.report, TableDiff)
        assert answer.report.summary.cells_changed == {"dep": 1}
        assert lines(answer)[-1] == "~        2        2  3   3.0 → 4.0  null"

    def test_from_where_two_branches_parted(self, work: TestingShell) -> None:
        both = work.run("%lf diff main..feature --columns dep,carrier").report
        assert both["flights"].summary.rows_added == 1
        own = work.run("%lf diff main...feature")
        assert own.report["flights"].summary.cells_changed == {"carrier": 1}
        assert own.report["flights"].summary.rows_added == 0
        assert "where main and feature parted → " in str(own)

    def test_points_in_time(self, work: TestingShell) -> None:
        assert work.run("%lf diff main@{1}..main flights").report.summary.rows_removed == 1
        assert str(work.run("%lf diff 'main@{2100-01-01 00:00}..main'")).startswith("no changes between ")
        work.run("d = %lf diff 'flights@{now}'")
        assert work.user_ns["d"].report.summary.cells_changed == {"dep": 1}

    def test_a_dataset_on_one_side(self, work: TestingShell) -> None:
        told = lines(work.run("%lf diff HEAD~3..HEAD planes"))
        assert told[1] == "new, 2 × 1"
        assert told[-1].split() == ["+", "1", "N2"]
        assert "removed (2 × 1)" in str(work.run("%lf diff HEAD HEAD~3 planes"))

    def test_equal_ones(self, work: TestingShell) -> None:
        answer = work.run("%lf diff HEAD..HEAD")
        assert str(answer).startswith("no changes between ")
        assert answer.report == DatasetDiffs({})

    def test_stat(self, work: TestingShell) -> None:
        told = lines(work.run("%lf diff HEAD~2..HEAD --stat"))
        assert told[2].split() == ["flights", "(rows)", "−1", "−"]
        assert told[3].split() == ["dep", "1", "cell", "~"]
        assert told[-1] == "1 dataset, −1 row, 1 changed cell"

    def test_many_datasets(self, work: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(verb, "SUMMARIES", 3)
        monkeypatch.setattr(verb, "TABLES", 1)
        for name in ("a", "b", "c", "d"):
            work.user_ns[name] = pd.DataFrame({"x": [1]})
        work.run("%lf commit a b c d -m many;")
        told = str(work.run("%lf diff HEAD~1 HEAD"))
        assert told.count("new, 1 × 1") == 3
        assert told.count("old row") == 1
        assert told.endswith("not compared: d; name those you want to see")


class TestWords:
    def test_a_branch_of_a_datasets_name(self, work: TestingShell) -> None:
        work.run("%lf branch planes HEAD~1")
        assert work.refused("%lf diff planes") == (
            "'planes' is a dataset and a revision. Write `%lf diff -- planes` for the dataset or "
            "`%lf diff planes --` for the revision"
        )
        assert "planes is as in" in str(work.run("%lf diff -- planes"))
        assert "→ variable flights" in str(work.run("%lf diff planes --"))
        assert "−1 row" in str(work.run("%lf diff planes HEAD --"))

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("fligths", "there is no revision and no dataset 'fligths' (did you mean flights?)"),
            ("-- fligths", "there is no dataset 'fligths' (did you mean flights?)"),
            ("HEAD~9", "'HEAD~9' does not exist"),
            ("HEAD~1 HEAD nothing", "there is no revision and no dataset 'nothing'"),
            ("flights HEAD", "the revision 'HEAD' stands behind a dataset. Revisions come first"),
            ("HEAD HEAD~1 HEAD~2", "two revisions or one range were expected"),
            ("HEAD..HEAD~1 HEAD", "two revisions or one range were expected"),
            ("main:flights..feature", "a range of revisions with a dataset in it"),
            ("HEAD:flights HEAD~1:flights planes", "'HEAD:flights' names a dataset, and planes is named besides"),
            ("scratch", "'scratch' was never committed, so there is nothing to compare it with. `%lf commit scratch"),
            ("count", "'count' is of type int, not a frame"),
            ("flights --columns dpe", "there is no column 'dpe' in 'flights'. Did you mean dep?"),
            ("HEAD~3..HEAD --columns dpe", "none of flights, planes has a column 'dpe'"),
            ("flights --ignore dpe", "there is no column 'dpe'"),
            ("flights --rtol much", "--rtol takes a number, 'much' found"),
            ("flights --atol -1", "atol must be a number from 0 on"),
            ("flights -U x", "--context takes a number of rows"),
            ("flights --key nothing", "each of these columns must be in both versions"),
        ],
    )
    def test_refusals(self, work: TestingShell, words: str, told: str) -> None:
        assert told in work.refused(f"%lf diff {words}")

    def test_without_commits(self, notebook: TestingShell) -> None:
        assert str(notebook.run("%lf diff")) == "no commits on branch main yet, so nothing to compare with"
        assert "`%lf commit flights" in notebook.refused("%lf diff flights")


class TestPages:
    @pytest.fixture
    def long(self, notebook: TestingShell) -> TestingShell:
        notebook.user_ns["t"] = pd.DataFrame({"id": range(1_000), "x": 0})
        notebook.run("%lf commit t --key id -m raw;")
        notebook.run("t.loc[100:299, 'x'] = 1")
        return notebook

    def test_one_page_and_the_count(self, long: TestingShell) -> None:
        told = lines(long.run("%lf diff t"))
        assert told[1] == "1,000 rows: ~200 rows changed"
        assert sum(line.startswith("~") for line in told) == verb.ROWS
        assert told[-1] == "rows 1 to 50 of 200; `--skip 50` shows the next ones"
        told = lines(long.run("%lf diff t -n 30 --skip 190"))
        assert [line.split()[1] for line in told if line.startswith("~")] == [str(row) for row in range(290, 300)]
        assert told[-1] == "rows 191 to 200 of 200"
        assert "--skip 500 leaves none" in str(long.run("%lf diff t --skip 500"))

    def test_context(self, long: TestingShell) -> None:
        long.run("t.loc[600, 'x'] = 1")
        told = lines(long.run("%lf diff t -U 2 --skip 200"))
        assert [line.partition(",")[0] for line in told[4:6]] == [
            "200 values of x changed by loc[…] = …",
            "1 value of x changed by loc[…] = …",
        ]
        assert [line[0] for line in told[7:-1]] == ["~", "~", " ", " ", "⋯", " ", " ", "~", " ", " "]
        assert told[-1] == "rows 201 to 209 of 209"

    def test_wide_tables(self, notebook: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(verb, "WIDE", 5)
        notebook.user_ns["w"] = pd.DataFrame({f"c{number}": range(20) for number in range(12)})
        notebook.run("%lf commit w --key c0 -m raw;")
        notebook.run("w.loc[3, 'c11'] = -1")
        told = lines(notebook.run("%lf diff w"))
        assert "3 → -1" in told[-1]
        assert "c11" in told[-2]
        assert "c5" not in told[-2]
        notebook.run("w.iloc[4, 1:] = -2")
        assert "none of the first 5 changed columns are not shown" in str(notebook.run("%lf diff w"))


class TestTheAnswer:
    def test_a_live_frame_is_not_kept_by_what_is_only_shown(self, work: TestingShell) -> None:
        """`Out` holds all answers: each would hold a copy of the frame's texts."""
        work.run("%lf diff flights")
        work.run("d = %lf diff flights")
        kept = weakref.ref(work.user_ns["d"].report)
        work.run("d")
        gc.collect()
        assert kept() is not None
        assert work.user_ns["d"].report.summary.rows_changed == 1
        shown = next(value for value in work.user_ns["Out"].values() if isinstance(value, FrameAnswer))
        assert "1.5 → 2.5" in str(shown)
        with pytest.raises(AttributeError, match="x = %lf"):
            _ = shown.report.summary

    def test_it_can_be_silenced(self, work: TestingShell) -> None:
        assert work.run("%lf diff;") is None

    def test_nothing_is_changed(self, work: TestingShell) -> None:
        before = {name: id(value) for name, value in work.user_ns.items() if not name.startswith("_")}
        operations = str(work.run("%lf reflog"))
        work.run("%lf diff HEAD~1;")
        assert {name: id(value) for name, value in work.user_ns.items() if not name.startswith("_")} == before
        assert str(work.run("%lf reflog")) == operations

    def test_status_leads_to_it(self, work: TestingShell) -> None:
        assert "`%lf diff flights` shows the rows and cells" in str(work.run("%lf status"))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%lf diff fl", ["%lf diff flights"]),
        ("%lf diff HEAD fe", ["%lf diff HEAD feature"]),
        ("%lf diff HEAD feature fl", ["%lf diff HEAD feature flights"]),
        ("%lf diff main..fe", ["%lf diff main..feature"]),
        ("%lf diff main:fl", ["%lf diff main:flights"]),
        ("%lf diff -- fl", ["%lf diff -- flights"]),
        ("%lf diff HEAD -- flights pl", ["%lf diff HEAD -- flights planes"]),
        ("%lf diff flights --columns la", ["%lf diff flights --columns late"]),
        ("%lf diff HEAD~1 planes --columns ta", ["%lf diff HEAD~1 planes --columns tail"]),
        ("%lf diff main..feature flights --ignore ca", ["%lf diff main..feature flights --ignore carrier"]),
        ("%lf diff --st", ["%lf diff --stat"]),
    ],
)
def test_completion(work: TestingShell, typed: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineageflow_jupyter.kernel.completion.SECONDS", 60.0)
    assert [found for found in work.completions(typed) if found.startswith("%lf")] == expected
