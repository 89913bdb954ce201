"""`%lf status`, `%lf log`, `%lf show`, `%lf branch`, `%lf init`, `%lf open`, `%lf help`, and mistyped lines."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.kernel.verbs.status import ABSENT
from lineageflow_jupyter.testing.shell import TestingShell


def lines(answer: object) -> list[str]:
    return str(answer).split("\n")


class TestStatus:
    def test_of_an_empty_repository(self, notebook: TestingShell, tmp_path: Path) -> None:
        assert lines(notebook.run("%lf status")) == [
            f"on branch main without commits — {tmp_path}",
            "not in the repository: flights, planes (`%lf commit NAME -m …` or `%lf add NAME`)",
        ]

    def test_tells_what_changed(self, committed: TestingShell) -> None:
        committed.run("%lf commit flights --as gone -m gone;")
        committed.run("flights['speed'] = 1.0; flights = flights.drop(columns='dep').head(2); scratch = flights.copy()")
        committed.run("%lf add scratch;")
        found = {line.split()[0]: line for line in lines(committed.run("%lf status"))}
        assert "changed    −1 row, +1 column (speed), −1 column (dep)" in found["flights"]
        assert found["planes"].split() == ["planes", "unchanged"]
        assert "absent     no live frame; `%lf checkout HEAD gone` loads it" in found["gone"]
        assert "added      new, 2 × 3" in found["scratch"]

    def test_names_a_frame_that_cannot_be_stored(self, committed: TestingShell) -> None:
        committed.run("planes['odd'] = [object(), 1]")
        found = committed.run("%lf status")
        assert "unsupported  column 'odd', row 1" in str(found)
        assert str(found).endswith('astype("str")'), "the remedy is cut off"

    def test_changed_values_and_dtypes_are_told_apart(self, committed: TestingShell) -> None:
        committed.run("flights.loc[0, 'dep'] = 9.0; planes.attrs['unit'] = 'x'")
        found = str(committed.run("%lf status"))
        assert "1 cell (dep)" in found
        assert "same values" in found

    def test_html_carries_no_markup_of_columns(self, committed: TestingShell) -> None:
        committed.run("flights['<script>alert(1)</script>'] = 1")
        page = committed.run("%lf status")._repr_html_()
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


class TestLog:
    @pytest.fixture
    def log(self, committed: TestingShell) -> TestingShell:
        for number in range(3):
            committed.run(f"planes['c{number}'] = {number}")
            committed.run(f"%lf commit -m step-{number};")
        return committed

    def test_newest_first(self, log: TestingShell) -> None:
        answer = log.run("%lf log")
        assert [record.commit.summary for record in answer.report] == ["step-2", "step-1", "step-0", "raw"]
        assert "(HEAD → main) step-2" in lines(answer)[1]
        assert "Ada" in lines(answer)[1]

    def test_of_a_dataset(self, log: TestingShell) -> None:
        assert [record.commit.summary for record in log.run("%lf log flights").report] == ["raw"]
        assert [record.commit.summary for record in log.run("%lf log HEAD~1 planes -n 1").report] == ["step-1"]
        assert [record.commit.summary for record in log.run("%lf log HEAD~1:planes -n1").report] == ["step-1"]

    def test_cut_and_short(self, log: TestingShell) -> None:
        answer = log.run("%lf log -n 2 --oneline")
        assert [line.split()[1] for line in lines(answer)[:2]] == ["step-2", "step-1"]
        assert "older commits" in lines(answer)[2]

    def test_a_dataset_and_branch_of_one_name_are_told_apart(self, log: TestingShell) -> None:
        log.run("%lf branch flights HEAD~1")
        assert "'flights' is a dataset and a revision" in log.refused("%lf log flights")
        assert log.run("%lf log flights --").report[0].commit.summary == "step-1"
        assert log.run("%lf log -- flights").report[0].commit.summary == "raw"

    @pytest.mark.parametrize("number", ["0", "-1", "many", "1.5"])
    def test_a_wrong_number(self, log: TestingShell, number: str) -> None:
        assert "-n takes a number of commits" in log.refused(f"%lf log -n {number}")

    def test_an_unknown_dataset(self, log: TestingShell) -> None:
        assert "Did you mean flights?" in log.refused("%lf log fligths")

    def test_of_an_empty_repository(self, notebook: TestingShell) -> None:
        assert str(notebook.run("%lf log")) == "no commits on branch main yet"


class TestShow:
    def test_tells_what_a_commit_changed(self, committed: TestingShell) -> None:
        committed.run("flights['speed'] = 1.0")
        committed.run("%lf commit -m 'with speed';")
        answer = committed.run("%lf show")
        assert lines(answer)[0] == f"commit {answer.report.commit.id.hex()}"
        assert "with speed" in lines(answer)
        assert re.split(" {2,}", lines(answer)[-1]) == ["flights", "changed", "3 × 3 → 3 × 4", "+1 column (speed)"]
        assert "added  3 × 3" in str(committed.run("%lf show HEAD~1"))

    def test_without_commits(self, notebook: TestingShell) -> None:
        assert "branch 'main' has no commits yet" in notebook.refused("%lf show")

    def test_hostile_messages_are_shown_as_text(self, notebook: TestingShell) -> None:
        notebook.run("%lf commit flights -m '<img src=x onerror=alert(1)>';")
        for verb in ("show", "log", "status", "branch"):
            page = notebook.run(f"%lf {verb}")._repr_html_()
            assert "<img" not in page
            assert "&lt;img src=x onerror=alert(1)&gt;" in page


class TestBranch:
    def test_list_and_create(self, committed: TestingShell) -> None:
        assert "created branch fix at " in str(committed.run("%lf branch fix"))
        assert lines(committed.run("%lf branch"))[1].split()[:2] == ["*", "main"]
        assert [ref.name for ref in committed.run("%lf branch").report] == ["main", "fix"]

    def test_taken_and_forbidden_names(self, committed: TestingShell) -> None:
        committed.run("%lf branch fix")
        assert "fix" in committed.refused("%lf branch fix")
        assert "cannot be the name of a branch" in committed.refused("%lf branch 'a b'")
        assert "Did you mean main?" in committed.refused("%lf branch other mian")

    def test_before_the_first_commit(self, notebook: TestingShell) -> None:
        assert lines(notebook.run("%lf branch"))[1].split() == ["*", "main", "no", "commits", "yet"]
        notebook.run("%lf switch -c start;")
        assert notebook.run("%lf commit flights -m raw").report.branch == "start"


class TestInitAndOpen:
    def test_in_a_folder_of_a_variable(self, shell: TestingShell, tmp_path: Path) -> None:
        shell.user_ns["folder"] = str(tmp_path / "with blanks")
        answer = shell.run("%lf init {folder}")
        assert answer.report.location == str(tmp_path / "with blanks")
        assert "without commits" in str(shell.run("%lf status"))

    def test_twice(self, notebook: TestingShell) -> None:
        assert "holds a repository already" in notebook.refused("%lf init")
        assert "without commits" in str(notebook.run("%lf status"))

    def test_another_repository(self, committed: TestingShell, tmp_path: Path) -> None:
        lf.init(tmp_path / "other").close()
        assert "no commits yet" in str(committed.run("%lf open other"))
        assert "without commits" in str(committed.run("%lf status"))
        assert "flights, planes" in str(committed.run(f"%lf open '{tmp_path}'"))

    def test_nowhere(self, shell: TestingShell, tmp_path: Path) -> None:
        assert "`%lf init`" in shell.refused("%lf status")
        assert "no LineageFlow repository" in shell.refused("%lf open nowhere")
        lf.init(tmp_path).close()
        assert shell.run("%lf status") is not None

    def test_head_is_remembered_by_notebook(self, committed: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", "work/analysis.ipynb")
        committed.run("%lf open .;")
        committed.run("%lf switch -c mine;")
        committed.run("%reload_ext lineageflow_jupyter")
        assert committed.run("%lf status").report.branch == "mine"
        monkeypatch.setenv("JPY_SESSION_NAME", "work/other.ipynb")
        committed.run("%reload_ext lineageflow_jupyter")
        assert committed.run("%lf status").report.branch == "main"


class TestHelp:
    def test_lists_every_verb(self, shell: TestingShell) -> None:
        for line in ("%lf", "%lf help", "%lf --help", "%lf -h"):
            text = str(shell.run(line))
            assert all(f"%lf {verb}" in text for verb in VERBS)

    @pytest.mark.parametrize("verb", VERBS)
    def test_explains_each_verb(self, shell: TestingShell, verb: str) -> None:
        text = str(shell.run(f"%lf help {verb}"))
        assert text == str(shell.run(f"%lf {verb} --help"))
        assert VERBS[verb].examples[0] in text
        assert all(option.flags[-1] in text for option in VERBS[verb].options)

    def test_of_an_unknown_verb(self, shell: TestingShell) -> None:
        assert "%lf has no verb 'comit' (did you mean commit?)" in shell.refused("%lf help comit")
        assert "%lf has no verb 'comit' (did you mean commit?)" in shell.refused("%lf comit")

    def test_verbs_of_git_that_are_missing_lead_to_what_comes_closest(self, shell: TestingShell) -> None:
        assert shell.refused("%lf difftool flights") == (
            "%lf has no verb 'difftool'. `%lf diff` shows the rows and cells that changed"
        )
        assert "%lf merge BRANCH" in shell.refused("%lf pull other")

    def test_errors_are_one_line_without_traceback(
        self, shell: TestingShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell.refused("%lf commit -m 'open")
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        assert told.err.startswith("UsageError: the ' at position 11 is never closed")

    def test_ipython_explains_the_magic(self, shell: TestingShell, capsys: pytest.CaptureFixture[str]) -> None:
        shell.run("%lf?")
        assert "Version DataFrames" in capsys.readouterr().out


def test_comments_and_silence(committed: TestingShell) -> None:
    assert committed.run("%lf status # is all well") is not None
    assert committed.run("%lf status ; # is all well") is None
    assert committed.run("%lf help ;") is None


def test_a_status_counts_datasets_without_live_frames_where_there_are_many(committed: TestingShell) -> None:
    repository = lf.open(".")
    names = [f"t{number:02d}" for number in range(ABSENT + 1)]
    repository.commit(dict.fromkeys(names[:-1], pd.DataFrame({"x": [1]})), message="many")
    few = committed.run("%lf status")
    assert all(name in str(few) for name in names[:-1])
    repository.commit({names[-1]: pd.DataFrame({"x": [1]})}, message="one more")
    committed.run("flights['dep'] = 0.0")
    many = committed.run("%lf status")
    assert "flights" in str(many)
    assert "planes" in str(many)
    assert f"{ABSENT + 1} datasets without a live frame (t00, t01, t02, t03 and {ABSENT - 3} more)" in str(many)
    assert not any(name in str(many) for name in names[4:])
    assert len(many.report.datasets) == ABSENT + 3  # whoever asks in Python gets them all
    committed.run("t07 = %lf read t07")
    assert f"{ABSENT} datasets" not in str(committed.run("%lf status"))
    repository.close()
