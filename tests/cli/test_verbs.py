"""Every verb of ``lineageflow``: what it does, says and answers as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.cli.verbs import COMMANDS
from lineageflow_jupyter.errors import RefMoved
from lineageflow_jupyter.frames.files import FORMATS
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.repository import Repository
from tests.cli.conftest import Run
from tests.frames.stored_content import assert_same


def workspaces(repo: Repository) -> list[str]:
    return [record.name.path for record in repo.workspaces()]


class TestMerge:
    @pytest.fixture
    def sides(self, repo: Repository) -> Repository:
        """Branch other changes x of t; main does too."""
        frame = repo.read("main:t")
        name = frame.columns[0]
        repo.switch("other", create=True)
        repo.commit({"t": frame.assign(**{name: frame[name].iloc[::-1].to_numpy(), "more": 1})}, message="theirs")
        repo.switch("main")
        return repo

    def test_rules_or_nothing(self, run: Run, sides: Repository) -> None:
        done = run("merge", "other", "--dry-run", "--json")
        assert (done.code, done.document["state"]) == (0, "fast-forward")
        assert run("merge", "other", "--no-ff", "--json").document["state"] == "merged"
        document = run("merge", "other", "--json").document
        assert (document["state"], document["open"]) == ("up to date", 0)
        assert sides.read("main:t").columns[-1] == "more"

    def test_conflicts_change_nothing(self, run: Run, sides: Repository) -> None:
        frame = sides.read("main:t")
        sides.commit({"t": frame.assign(more="text")}, message="ours")
        tip = sides.resolve("main").id
        done = run("merge", "other", "--json")
        assert (done.code, done.error["code"]) == (1, "not-available")
        assert "give rules for all of them" in done.error["remedy"]
        assert sides.resolve("main").id == tip
        document = run("merge", "other", "--theirs", "--branch", "main", "--json").document
        assert document["state"] == "merged"
        assert [each["dataset"] for each in document["datasets"]] == ["t"]
        assert len(document["commit"]["parents"]) == 2
        assert sides.read("main:t")["more"].tolist() == [1, 1, 1]


class TestSeparator:
    def test_before_it_are_revisions(self, run: Run, repo: Repository) -> None:
        told = run("blame", "t", "main~1").out
        assert run("blame", "main~1", "--", "t").out == told
        assert run("blame", "--", "t").out == run("blame", "t").out
        assert run("blame", "t", "main~1", "--", "t").code == 2


class TestInitAndStatus:
    def test_a_repository_begins(self, run: Run, folder: Path) -> None:
        done = run("init", "--json")
        assert (done.code, done.document, done.err) == (0, {"location": str(folder)}, "")
        with lf.open(folder) as repository:
            assert len(workspaces(repository)) == 1  # this one: the command line left none

    def test_in_a_folder_that_is_not_there_yet(self, run: Run, folder: Path) -> None:
        assert run("init", "deep/er").out == f"initialised an empty repository in {folder}/deep/er\n"
        assert run("-C", "deep/er", "status").out == f"on branch main without commits — {folder}/deep/er\n"

    def test_it_begins_once(self, run: Run, repo: Repository) -> None:
        done = run("init", "--json")
        assert (done.code, done.out, done.error["code"]) == (1, "", "name-taken")

    def test_status_of_an_empty_repository(self, run: Run, folder: Path) -> None:
        run("init")
        assert run("status", "--json").document == {
            "location": str(folder),
            "branch": "main",
            "tip": None,
            "datasets": [],
            "workspaces": [],
        }
        assert run("log").out == "no commits on branch main yet\n"
        assert run("log", "--json").document == {"commits": []}

    def test_status(self, run: Run, repo: Repository) -> None:
        text = run("status").out
        assert text.startswith(f"on branch main at {short(repo.resolve('main').id)} (filled) — {repo.location}\n")
        assert "t        3 × 2\n" in text
        assert "analysis.ipynb" in text
        document = run("status", "--json").document
        assert document["tip"]["id"] == repo.resolve("main").id.hex()
        assert document["datasets"][1] == {"dataset": "t", "shape": {"rows": 3, "columns": 2}}
        (known,) = document["workspaces"]
        assert (known["user"], known["path"], known["branch"]) == ("bob", "analysis.ipynb", "main")

    def test_of_another_branch(self, run: Run, repo: Repository) -> None:
        repo.branch("old", at="main~1")
        document = run("status", "--branch", "old", "--json").document
        assert (document["branch"], document["tip"]["message"]) == ("old", "raw")

    def test_no_command_leaves_a_workspace(self, run: Run, repo: Repository) -> None:
        pd.DataFrame({"x": [1]}).to_csv("new.csv", index=False)
        for words in (["status"], ["log"], ["show"], ["branch", "b"], ["tag", "v1"], ["import", "new.csv"], ["fsck"]):
            assert run(*words).code == 0, words
        assert workspaces(repo) == ["analysis.ipynb"]


class TestHistory:
    def test_log(self, run: Run, repo: Repository) -> None:
        lines = run("log").out.splitlines()
        assert "(HEAD → main) filled" in lines[1]
        assert run("log", "--oneline", "planes").out == run("log", "--oneline", "--", "planes").out
        commits = run("log", "--json").document["commits"]
        assert [commit["message"] for commit in commits] == ["filled", "raw"]
        assert commits[0]["parents"] == [commits[1]["id"]]
        assert commits[0]["author"] == {"name": "Ada", "email": ""}

    @pytest.mark.parametrize(
        ("words", "messages"),
        [
            (["planes"], ["raw"]),
            (["main", "-n", "5", "planes"], ["raw"]),
            (["main", "--", "planes"], ["raw"]),
            (["main~1"], ["raw"]),
            (["main~1..main"], ["filled"]),
            (["-n", "1"], ["filled"]),
            (["--skip", "1"], ["raw"]),
            (["--text", "FILL"], ["filled"]),
            (["--author", "nobody"], []),
            (["--all", "--graph"], ["filled", "raw"]),
        ],
    )
    def test_chosen_commits(self, run: Run, repo: Repository, words: list[str], messages: list[str]) -> None:
        commits = run("log", "--json", *words).document["commits"]
        assert [commit["message"] for commit in commits] == messages

    def test_a_name_that_is_both_is_told_apart_by_two_dashes(self, run: Run, repo: Repository) -> None:
        repo.branch("planes", at="main~1")
        done = run("log", "planes")
        assert (done.code, "`lineageflow log -- planes`" in done.err) == (1, True)
        assert [c["message"] for c in run("log", "--json", "--", "planes").document["commits"]] == ["raw"]
        assert [c["message"] for c in run("log", "--json", "planes", "--").document["commits"]] == ["raw"]
        assert run("log", "--", "planes", "more").code == 2
        assert run("log", "main", "t", "--", "planes").code == 2

    def test_diff(self, run: Run, repo: Repository) -> None:
        told = run("diff").out.splitlines()
        assert told[0] == f"t: {short(repo.resolve('main~1').id)} (raw) → {short(repo.resolve('main').id)} (filled)"
        assert told[-1] == "~        1        1  2   NaN → 2.0"
        assert run("diff", "main~1").out.splitlines() == told
        assert run("diff", "main~1..main", "--", "t").out.splitlines() == told
        assert run("diff", "main~1", "main", "--columns", "id").out.startswith("no changes in these columns between ")
        assert "1 cell" in run("diff", "--stat").out
        document = run("diff", "main~1:t", "--json").document
        assert (document["old"]["message"], document["new"]["message"]) == ("raw", "filled")
        assert document["datasets"]["t"]["summary"]["cells_changed"] == {"x": 1}
        assert len(document["datasets"]["t"]["page"]["hunks"]) == 1
        assert run("diff", "planes", "--json").document["datasets"] == {}
        assert run("diff", "main...main", "--json").document["old"] is None
        assert run("diff", "--", "t", "planes").code == 0

    def test_a_diff_that_cannot_be(self, run: Run, repo: Repository) -> None:
        repo.branch("planes", at="main~1")
        assert "`lineageflow diff -- planes`" in run("diff", "planes").err
        assert run("diff", "--json", "planes").error["code"] == "ambiguous-name"
        assert "did you mean planes" in run("diff", "--", "plane").err
        assert run("diff", "t", "--columns", "y").code == 1

    def test_changes(self, run: Run, repo: Repository) -> None:
        assert run("changes", "t").out.splitlines()[-1].startswith("~ update  2         1        1  x       NaN  2.0")
        document = run("changes", "t", "--json", "--rows", "1:").document
        assert (document["dataset"], document["rows"], len(document["commits"])) == ("t", 2, 2)
        assert document["changes"] == [
            {
                "commit": repo.resolve("main").id.hex(),
                "operation": "update",
                "key": {"id": "2"},
                "row_a": 1,
                "row_b": 1,
                "column": "x",
                "old": "NaN",
                "new": "2.0",
            }
        ]
        assert "--engine" not in run("changes", "t", "--rows", "0:1").out

    def test_blame(self, run: Run, repo: Repository) -> None:
        assert run("blame", "t", "--row", "id=2", "--column", "x").out.rstrip().endswith(": filled")
        document = run("blame", "t", "--json").document
        assert [commit["message"] for commit in document["commits"]] == ["filled", "raw"]
        assert document["commit"]["id"] == repo.resolve("main").id.hex()
        assert document["codes"]["x"][1] == 0
        assert document["rows"] == [0, 1, 2]
        stat = run("blame", "t", "main~1", "--stat", "--json").document
        assert (stat["codes"], stat["commits"][0]["values"]) == ({}, 6)

    def test_rows_may_stand_before_dataset_and_revision(self, run: Run, repo: Repository) -> None:
        expected = run("blame", "t", "main~1", "--row", "id=2", "--column", "x").out
        for words in (
            ("t", "--row", "id=2", "main~1", "--column", "x"),
            ("--row", "id=2", "t", "main~1", "--column", "x"),
            ("--column", "x", "--row", "id=2", "t", "main~1"),
            ("--row=id=2", "t", "main~1", "--column", "x"),
        ):
            assert run("blame", *words).out == expected

    def test_history(self, run: Run, repo: Repository) -> None:
        document = run("history", "t", "--row", "id=2", "--json").document
        assert [version["operation"] for version in document["versions"]] == ["update", "insert"]
        assert document["versions"][0]["cells"] == [{"column": "x", "state": "changed", "old": "NaN", "new": "2.0"}]
        assert "~ update" in run("history", "t", "--row", "1").out

    def test_show(self, run: Run, repo: Repository) -> None:
        assert "t        changed  3 × 2           1 cell (x)" in run("show").out
        document = run("show", "main~1", "--json").document
        assert document["commit"]["message"] == "raw"
        assert document["tag"] is None
        assert [(change["dataset"], change["state"]) for change in document["changes"]] == [
            ("planes", "added"),
            ("t", "added"),
        ]

    def test_show_a_tag(self, run: Run, repo: Repository) -> None:
        repo.tag("v1", at="main~1", message="as printed")
        assert "as printed" in run("show", "v1").out
        assert run("show", "v1", "--json").document["tag"]["annotation"]["message"] == "as printed"

    def test_show_a_dataset(self, run: Run, repo: Repository) -> None:
        done = run("show", "main~1:t")
        assert "key id" in done.out
        assert "%lf" not in done.out
        document = run("show", "main~1:t", "--json").document
        assert document["commit"]["message"] == "raw"
        assert document["columns"] == [
            {"name": "id", "role": "data", "type": "int64"},
            {"name": "x", "role": "data", "type": "float64"},
        ]
        assert (document["key"], document["library"]) == (["id"], "pandas")


class TestRefs:
    def test_branches(self, run: Run, repo: Repository) -> None:
        assert run("branch", "old", "main~1").code == 0
        assert "1 behind" in run("branch").out
        document = run("branch", "--json").document
        assert document["head"] == "main"
        assert [(b["name"], b["ahead"], b["behind"]) for b in document["branches"]] == [("main", 0, 0), ("old", 0, 1)]
        assert run("branch", "--list", "o*", "--json").document["branches"][0]["name"] == "old"
        assert run("branch", "-m", "old", "older", "--json").document["branch"]["name"] == "older"
        done = run("branch", "-d", "older")
        assert done.out.startswith("deleted branch older (was at ")
        assert "undo" not in done.out  # there is none without a workspace
        assert [ref.name for ref in repo.branches()] == ["main"]

    def test_a_deleted_branch_comes_back_as_the_refusal_says(self, run: Run, repo: Repository) -> None:
        repo.switch("fix", create=True)
        repo.commit({"t": pd.DataFrame({"id": [9], "x": [9.0]})}, message="nine")
        repo.switch("main")
        tip = repo.resolve("fix").id
        refused = run("branch", "-d", "fix", "--json")
        assert (refused.code, refused.error["code"]) == (1, "usage")
        assert f"`lineageflow branch fix {short(tip)}` brings it back" in refused.error["remedy"]
        assert run("branch", "-D", "fix", "--json").document["deleted"][0]["commit"] == tip.hex()
        assert run("branch", "fix", short(tip), "--json").document["branch"]["commit"] == tip.hex()

    def test_tags(self, run: Run, repo: Repository) -> None:
        assert run("tag").out == "no tags yet; `lineageflow tag NAME` gives HEAD one\n"
        assert run("tag", "v1", "main~1", "-m", "as printed", "--json").document["tag"]["annotation"]["author"] == {
            "name": "Ada",
            "email": "",
        }
        assert run("tag", "v1").code == 1
        assert run("tag", "v1", "--force").code == 0
        (tag,) = run("tag", "--json").document["tags"]
        assert (tag["name"], tag["commit"], tag["annotation"]) == ("v1", repo.resolve("main").id.hex(), None)
        assert run("tag", "-d", "v1", "--json").document["deleted"][0]["name"] == "v1"
        assert repo.tags() == ()


class TestFiles:
    def test_flights_go_in_and_out_as_they_were(self, run: Run, flights_file: Path, flights: pd.DataFrame) -> None:
        run("init")
        done = run("import", str(flights_file), "--key", "year,month,day", "--as", "flights", "--json")
        assert (done.code, done.error if done.err else "") == (1, {**done.error, "code": "key-violation"})
        done = run("import", str(flights_file), "--json")
        assert done.document["created"]
        assert done.document["tables"] == [{"dataset": "flights", "shape": {"rows": 336_776, "columns": 19}}]
        assert done.document["commit"]["message"] == "import flights.csv.zip"
        assert "nothing to commit" in run("import", str(flights_file)).out
        for ending in ("parquet", "feather"):
            assert run("export", "flights", f"out.{ending}").code == 0
            again = run("import", f"out.{ending}", "--as", "flights", "--json").document
            # Every value is the same. pandas 2 reads a missing text as None where its CSV had NaN: told as described.
            assert not again["created"] or run("show", "--json").document["changes"][0]["described"]
        written = run("export", "main:flights", "two.csv", "--columns", "carrier,dep_delay", "--json").document
        assert written["shape"] == {"rows": 336_776, "columns": 2}
        assert written["bytes"] == Path("two.csv").stat().st_size
        pd.testing.assert_frame_equal(pd.read_csv("two.csv"), flights[["carrier", "dep_delay"]])

    def test_a_file_tells_where_it_is_from(self, run: Run, repo: Repository) -> None:
        report = run("export", "main~1:t", "t.parquet", "--json").document
        commit = repo.resolve("main~1").id.hex()
        assert (report["dataset"], report["commit"]["id"]) == ("t", commit)
        metadata = pq.read_schema("t.parquet").metadata
        assert metadata[b"lineageflow.commit"].decode() == commit
        assert metadata[b"lineageflow.dataset"] == b"t"
        assert metadata[b"lineageflow.revision"] == b"main~1"

    def test_frames_of_pandas_keep_their_index_and_others_their_types(self, run: Run, repo: Repository) -> None:
        indexed = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="letter"))
        table = pq.read_table(_parquet(pd.DataFrame({"n": pd.array([1, None], dtype="Int8")})))
        repo.commit({"indexed": indexed, "table": table.replace_schema_metadata(None)}, message="both")
        for name in ("indexed", "table"):
            assert run("export", name, f"{name}.feather").code == 0
            assert not run("import", f"{name}.feather", "--json").document["created"]
        assert_same(indexed, pd.read_feather("indexed.feather"))

    def test_an_existing_file_stays(self, run: Run, repo: Repository) -> None:
        Path("t.csv").write_text("mine")
        done = run("export", "t", "t.csv", "--json")
        assert (done.code, done.error["code"], Path("t.csv").read_text()) == (1, "name-taken", "mine")
        assert run("export", "t", "t.csv", "--force").code == 0
        assert Path("t.csv").read_text().startswith("id,x\n")

    def test_import_to_another_branch_with_key_and_message(self, run: Run, repo: Repository) -> None:
        repo.branch("fix")
        pd.DataFrame({"id": [1, 2], "x": [0.0, 1.0]}).to_json("new.jsonl", orient="records", lines=True)
        done = run("import", "new.jsonl", "--as", "t", "-m", "new", "--key", "id", "--branch", "fix")
        assert done.out.startswith(f"[fix {short(repo.resolve('fix').id)}] new — t 2 × 2, ")
        assert [ref.name for ref in repo.branches() if ref.commit == repo.resolve("main").id] == ["main"]
        assert repo.schema("fix:t").key == ("id",)

    def test_every_run_starts_from_what_the_branch_holds(self, run: Run, repo: Repository) -> None:
        """A job that imports each night must not stop because somebody committed in the day."""
        for day in (1, 2):
            repo.read("planes")
            repo.commit({"planes": pd.DataFrame({"x": [-day]})}, message="by day")
            pd.DataFrame({"x": [day]}).to_csv("planes.csv", index=False)
            assert run("import", "planes.csv").code == 0
        with pytest.raises(RefMoved):  # the notebook has not seen what the job did
            repo.commit({"planes": pd.DataFrame({"x": [7]})}, message="unseen")

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["import", "none.csv"], "unknown-name"),
            (["import", "t.txt"], "usage"),
            (["import", "a b.csv"], "invalid-name"),
            (["import", "a b.csv", "--as", "x:y"], "invalid-name"),
            (["import", "a b.csv", "--as", "x", "-m", " "], "usage"),
            (["import", "a b.csv", "--as", "x", "--key", "nope"], "key-violation"),
            (["import", "a b.csv", "--as", "x", "--branch", "nope"], "unknown-name"),
            (["import", "a b.csv", "--as", "x", "--format", "parquet"], "input"),
            (["import", "a b.csv", "--as", "x", "--format", "sas"], "unknown-name"),
            (["export", "nope", "x.csv"], "unknown-name"),
            (["export", "t", "x.xlsx"], "usage"),
            (["export", "t", "no/folder/x.csv"], "input"),
            (["export", "t", "x.csv", "--columns", "nope"], "unknown-name"),
            (["export", "main@{nonsense}:t", "x.csv"], "unknown-name"),
        ],
    )
    def test_what_cannot_be_done_changes_nothing(
        self, run: Run, repo: Repository, folder: Path, words: list[str], code: str
    ) -> None:
        Path("a b.csv").write_text("x\n1\n")
        before = (sorted(path.name for path in folder.iterdir()), repo.log("main"))
        done = run(*words, "--json")
        assert (done.code, done.out, done.error["code"]) == (1, "", code)
        assert done.error["problem"]
        assert (sorted(path.name for path in folder.iterdir()), repo.log("main")) == before

    def test_the_formats_that_help_names_are_those_there_are(self) -> None:
        for verb in ("import", "export"):
            (option,) = [option for option in COMMANDS[verb].verb.options if option.name == "format"]
            named = option.help.partition(";")[0].replace(" or ", ", ").split(", ")
            assert named == list(FORMATS)


def _parquet(frame: pd.DataFrame) -> Path:
    frame.to_parquet("source.parquet")
    return Path("source.parquet")


class TestFsck:
    def test_all_is_well(self, run: Run, repo: Repository) -> None:
        document = run("fsck", "--json").document
        assert document["damaged"] is False
        assert document["objects"] > 5
        assert run("fsck").out == f"all is well: {document['objects']} objects verified\n"

    def test_damage_is_named(self, run: Run, repo: Repository, folder: Path) -> None:
        pack = max((folder / ".lineageflow" / "objects" / "packs").rglob("*"), key=lambda path: path.is_file())
        data = bytearray(pack.read_bytes())
        data[10] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(bytes(data))
        done = run("fsck", "--json")
        assert (done.code, done.out, done.error["code"]) == (1, "", "corrupt-data")


class TestHostileNames:
    NAME = "ü\"'<b>`;$(x)`日本"
    MESSAGE = "evil \x1b[2J\u202e 'x' \"y\" %lf log\nsecond"

    def test_names_and_messages_are_shown_and_never_steer_the_terminal(self, run: Run, repo: Repository) -> None:
        frame = pd.DataFrame({"a\x1b]0;b": [1]})
        repo.commit({self.NAME: frame}, message=self.MESSAGE, author=lf.Author("Eve\x1b[31m", "e\x07@x"))
        repo.branch(self.NAME)
        repo.tag("v\u0301/" + self.NAME, message=self.MESSAGE)
        for words in (["status"], ["log"], ["show"], ["branch"], ["tag"], ["show", f"HEAD:{self.NAME}"]):
            done = run(*words)
            assert done.code == 0
            assert not set("\x1b\x07\u202e") & set(done.out), words
        assert "%lf log" in run("show").out  # what somebody wrote is not put into other words
        document = run("log", "--json", "-n", "1").document
        assert document["commits"][0]["message"] == self.MESSAGE
        raw = run("show", "--json").out
        assert raw.isascii()
        assert json.loads(raw)["changes"][0]["dataset"] == self.NAME

    def test_in_errors_too(self, run: Run, repo: Repository) -> None:
        done = run("show", "no\x1b[2J")
        assert (done.code, "\x1b" in done.err) == (1, False)
        done = run("log", "--\x1b[2J")
        assert (done.code, "\x1b" in done.err) == (2, False)

    def test_words_that_are_no_unicode(self, run: Run, repo: Repository) -> None:
        Path("x.csv").write_text("x\n1\n")
        for words in (["--as", "x\udcff"], ["-m", "x\udcff"]):
            done = run("import", "x.csv", *words, "--json")
            assert (done.code, done.error["code"] in ("usage", "invalid-name")) == (1, True)
        assert run("show", "x\udcff").code == 1
