"""What the routes answer, asked of a real server."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.server.notebooks import NOTEBOOK_FIELDS, REPOSITORIES_FIELDS
from lineageflow_jupyter.server.repositories import Repositories, place_of
from lineageflow_jupyter.server.routes import REPOSITORY_ROUTES
from tests.repositories import numbers
from tests.server.conftest import Ask

ODD = ["<script>alert(1)</script>", "größe/🦀", "100%", "a?b#c&d=e", "it's", '"quoted"', "a+b"]


def run_of(repo: Repository, number: int, *writes: FrameState, **fields: object) -> CellRun:
    known = {
        "run": f"{number:032x}",
        "workspace": repo.head.workspace,
        "notebook": str(Path(repo.location) / "first.ipynb"),
        "cell": f"cell-{number}",
        "number": number,
        "code": f"t = make({number})",
        "user": "ada",
        "started": number * 1_000_000,
        "duration": 1_000,
        "outcome": "ok",
        "session": "s1",
        "writes": tuple(FrameWrite(None, state) for state in writes),
    }
    return CellRun(**{**known, **fields})  # type: ignore[arg-type]


async def test_repositories_are_those_of_the_root(ask: Ask, repo: Repository, at: str) -> None:
    (found,) = (await ask("repositories"))["repositories"]
    assert found == {"id": at.rpartition("/")[2], "path": repo.location, "name": "root_dir"}
    assert len(found["id"]) == 16


async def test_without_a_repository_there_is_none(ask: Ask) -> None:
    assert (await ask("repositories"))["repositories"] == []
    found = await ask("notebook", path="sub folder/none.ipynb")
    assert (found["repository"], found["workspace"], found["head"], found["tracked"]) == (None, None, None, False)


async def test_refs(ask: Ask, repo: Repository, at: str) -> None:
    assert (await ask(f"{at}/refs")).body == {
        "head": {"branch": "main", "commit": None},
        "branches": [],
        "tags": [],
    }
    repo.commit({"t": numbers(1)}, message="one")
    repo.branch("side")
    repo.commit({"t": numbers(2)}, message="two")
    repo.tag("v1", message="größer")
    found = await ask(f"{at}/refs")
    assert found["head"] == {"branch": "main", "commit": repo.resolve("main").id.hex()}
    assert [(each["name"], each["ahead"], each["behind"]) for each in found["branches"]] == [
        ("main", 0, 0),
        ("side", 0, 1),
    ]
    assert [(each["name"], each["annotation"]["message"]) for each in found["tags"]] == [("v1", "größer")]


async def test_the_log_comes_page_by_page_while_commits_are_made(ask: Ask, repo: Repository, at: str) -> None:
    assert (await ask(f"{at}/log")).body == {"commits": [], "next": None}
    for number in range(7):
        repo.commit({"t": numbers(number), "other": numbers(number // 3)}, message=f"commit {number}")
    repo.branch("side", at="main~2")
    pages, after = [], ""
    while after is not None:
        page = await ask(f"{at}/log", limit=3, **({"after": after} if after else {}))
        pages.append(page["commits"])
        after = page["next"]
        repo.commit({"t": numbers(100 + len(pages))}, message="meanwhile")
    told = [commit["message"] for page in pages for commit in page]
    assert told == [f"commit {number}" for number in reversed(range(7))]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [commit["branches"] for commit in pages[0]] == [["main"], [], ["side"]]
    assert pages[-1][0]["parents"] == []
    assert set(pages[0][0]) >= {"id", "parents", "author", "time", "message", "datasets", "branches", "tags"}


async def test_the_log_of_a_dataset_of_a_range_and_of_everything(ask: Ask, repo: Repository, at: str) -> None:
    for number in range(4):
        repo.commit({"t": numbers(number), "other": numbers(number // 2)}, message=f"commit {number}")
    repo.branch("side", at="main~3")
    repo.switch("side")
    repo.commit({"s": numbers(1)}, message="beside")

    async def told(**parameters: object) -> list[str]:
        return [each["message"] for each in (await ask(f"{at}/log", **parameters))["commits"]]

    assert await told(dataset="other") == ["commit 2", "commit 0"]
    assert await told(revision="main~2..main") == ["commit 3", "commit 2"]
    assert await told(revision="*") == ["beside", "commit 3", "commit 2", "commit 1", "commit 0"]
    assert await told(revision="*", text="SIDE") == ["beside"]


async def test_a_commit_and_what_it_changed(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"t": numbers(1, 2)}, message="one")
    commit = repo.commit({"t": numbers(1, 3)}, message="two").id.hex()
    found = await ask(f"{at}/commits/{commit}")
    assert found["commit"]["message"] == "two"
    assert [(each["dataset"], each["cells"]) for each in found["changes"]] == [("t", {"x": 1})]
    assert (await ask(f"{at}/commits/{commit[:8]}")).body == found.body


async def test_datasets_with_their_columns(ask: Ask, repo: Repository, at: str) -> None:
    frame = pd.DataFrame({"id": [1, 2], "name": ["a", None]})
    repo.commit({"people": frame}, message="raw", keys={"people": ["id"]})
    (found,) = (await ask(f"{at}/datasets"))["datasets"]
    assert (found["name"], found["rows"], found["columns"], found["key"]) == ("people", 2, 2, ["id"])
    assert [column["name"] for column in found["schema"]] == ["id", "name"]
    assert found["bytes"] > 0
    assert found["changed"] is None
    (found,) = (await ask(f"{at}/datasets", most=1))["datasets"]
    assert (len(found["schema"]), found["columns_in_all"]) == (1, 2)


async def test_very_wide_tables_are_told_in_parts(ask: Ask, repo: Repository, at: str) -> None:
    wide = pd.DataFrame(np.zeros((3, 10_000)), columns=[f"c{number}" for number in range(10_000)])
    repo.commit({"wide": wide}, message="wide")
    (found,) = (await ask(f"{at}/datasets"))["datasets"]
    assert (len(found["schema"]), found["columns"]) == (200, 10_000)
    sample = await ask(f"{at}/sample", dataset="wide")
    assert (len(sample["columns"]), sample["columns_in_all"], len(sample["rows"])) == (100, 10_000, 3)
    repo.commit({"wide": wide.assign(c7777=1.0)}, message="wider")
    page = (await ask(f"{at}/diff", dataset="wide"))["page"]
    assert [len(hunk["rows"]) for hunk in page["hunks"]] == [3]
    assert [column["name"] for column in page["columns"]][-2:] == ["c98", "c7777"]
    assert len((await ask(f"{at}/blame", dataset="wide"))["columns"]) == 50


async def test_a_notebooks_frames_are_compared_with_what_is_committed(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"same": numbers(1), "other": numbers(2), "gone": numbers(3), "unknown": numbers(4)}, message="raw")
    held = {name: repo.versions()[name] for name in ("same", "other", "gone")}
    same = FrameState("same", "same", held["same"].table, held["same"].frame, 1, 1)
    other = FrameState("other", "other", held["same"].table, held["other"].frame, 1, 1)
    gone = FrameState("gone", "gone", held["gone"].table, held["gone"].frame, 1, 1)
    repo.record_run(run_of(repo, 1, other, session="an older kernel"))
    repo.record_run(run_of(repo, 2, same, other, gone))
    repo.record_run(run_of(repo, 3, writes=(FrameWrite(gone, None),)))
    found = (await ask(f"{at}/datasets", notebook="first.ipynb"))["datasets"]
    assert {each["name"]: each["changed"] for each in found} == {
        "same": False,
        "other": True,
        "gone": None,
        "unknown": None,
    }
    told = await ask("notebook", path="first.ipynb")
    assert (told["dirty"], told["runs"], told["workspace"]) == (1, 2, repo.head.workspace)
    assert told["head"]["commit"]["message"] == "raw"
    assert told["tracked"] is False  # no kernel runs


async def test_rows_as_texts(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"t": pd.DataFrame({"a": [1.5, None], "b": ["<b>x</b>", "y" * 5000]})}, message="raw")
    found = await ask(f"{at}/sample", dataset="t", start=0, stop=10)
    assert found["rows"][0] == ["1.5", "<b>x</b>"]
    assert len(found["rows"][1][1]) == 1_000
    assert (await ask(f"{at}/sample", dataset="t", columns=["b"], stop=1))["rows"] == [["<b>x</b>"]]


async def test_a_diff_in_pages(ask: Ask, repo: Repository, at: str) -> None:
    before = pd.DataFrame({"id": range(500), "x": range(500), "y": range(500)})
    after = before.assign(x=before["x"] + 1).drop(index=[3]).assign(y=lambda each: each["y"].where(each["id"] != 7, 0))
    repo.commit({"t": before, "same": before}, message="one", keys={"t": ["id"]})
    repo.commit({"t": after}, message="two", keys={"t": ["id"]})
    (found,) = (await ask(f"{at}/diff", a="main~1", b="main"))["datasets"]
    assert (found["dataset"], found["summary"]["rows_removed"]) == ("t", 1)
    page = (await ask(f"{at}/diff", dataset="t", start=490, stop=10_000))["page"]
    assert (page["start"], page["stop"], page["rows"]) == (490, 500, 500)

    async def kinds(**parameters: object) -> dict[str, int]:
        page = (await ask(f"{at}/diff", dataset="t", **parameters))["page"]
        told = Counter(row["kind"] for hunk in page["hunks"] for row in hunk["rows"])
        assert page["rows"] == sum(told.values()) or page["rows"] > 100
        assert [column["name"] for column in page["columns"]] == ["index", "id", "x", "y"]
        return dict(told)

    assert await kinds(column="y") == {"removed": 1, "changed": 1}
    assert await kinds(column="y", kind="changed") == {"changed": 1}
    assert await kinds(kind="removed") == {"removed": 1}
    assert await kinds(kind="changed", stop=1000) == {"changed": 499}
    assert await kinds(kind="added") == await kinds(kind="moved") == {}
    assert (await ask(f"{at}/diff", dataset="same")).body == {"datasets": [], "equal": "same"}


async def test_blame(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"t": pd.DataFrame({"a": [1, 2], "b": [3, 4]})}, message="one")
    repo.commit({"t": pd.DataFrame({"a": [1, 9], "b": [3, 4]})}, message="two")
    found = await ask(f"{at}/blame", dataset="t", columns=["a"])
    assert [found["commits"][code]["message"] for code in found["codes"]["a"]] == ["one", "two"]
    part = await ask(f"{at}/blame", dataset="t", start=1, stop=2)
    assert (part["rows"], part["columns"]) == ([1], ["a", "b"])


async def test_runs_in_both_directions(ask: Ask, repo: Repository, at: str) -> None:
    for number in range(1, 8):
        repo.record_run(run_of(repo, number, FrameState("t", "t", None, None, number, 1)))
    repo.record_run(run_of(repo, 99, workspace="", notebook="/elsewhere/other.ipynb"))

    async def told(**parameters: object) -> tuple[list[int], int | None]:
        found = await ask(f"{at}/runs", notebook="first.ipynb", limit=3, **parameters)
        return [run["number"] for run in found["runs"]], found["next"]

    latest, before = await told()
    assert latest == [5, 6, 7]
    assert await told(before=before) == ([2, 3, 4], (await told(before=before))[1])
    first = (await ask(f"{at}/runs", notebook="first.ipynb", limit=100))["runs"][0]
    assert (first["writes"][0]["after"]["rows"], first["number"]) == (1, 1)
    numbered, after = await told(after=first["sequence"])
    assert numbered == [2, 3, 4]
    assert await told(after=after) == ([5, 6, 7], None)
    assert [run["number"] for run in (await ask(f"{at}/runs", limit=1))["runs"]] == [99]


async def test_lineage_of_one_notebook_and_of_all(ask: Ask, repo: Repository, at: str) -> None:
    state = FrameState("t", "t", None, None, 1, 1)
    made = FrameState("u", "u", None, None, 1, 1)
    repo.record_run(run_of(repo, 1, state))
    repo.record_run(run_of(repo, 2, made, reads=(state,)))
    repo.record_run(run_of(repo, 3, FrameState("v", "v", None, None, 1, 1), workspace="w", notebook="/b.ipynb"))
    everything = await ask(f"{at}/lineage")
    assert {node["label"] for node in everything["nodes"] if node["kind"] == "version"} == {"t", "u", "v"}
    own = await ask(f"{at}/lineage", notebook="first.ipynb")
    assert {node["label"] for node in own["nodes"] if node["kind"] == "version"} == {"t", "u"}
    down = await ask(f"{at}/lineage", name="t", direction="down")
    assert {node["label"] for node in down["nodes"] if node["kind"] == "version"} == {"t", "u"}
    assert (await ask(f"{at}/lineage", notebook="never seen.ipynb"))["nodes"] == []
    assert (await ask(f"{at}/models")).body == {"models": []}


async def test_search(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"flights": pd.DataFrame({"dep_delay": [1], "x": [2]})}, message="Delays of 2013")
    repo.record_run(run_of(repo, 1, code="a = 1\nlate = flights[flights.dep_DELAY > 1]"))
    repo.record_run(run_of(repo, 2, cell="cell-1", code="delay = 2"))
    found = await ask(f"{at}/search", q="delay")
    assert found["datasets"] == []
    assert found["columns"] == [{"dataset": "flights", "column": "dep_delay"}]
    assert [commit["message"] for commit in found["commits"]] == ["Delays of 2013"]
    assert [(cell["number"], cell["line"], cell["notebook"]) for cell in found["cells"]] == [
        (2, "delay = 2", "first.ipynb")
    ]
    assert (await ask(f"{at}/search", q="FLIGHT"))["datasets"] == ["flights"]


async def test_odd_names_arrive_as_they_are(ask: Ask, repo: Repository, at: str) -> None:
    for name in ODD:
        repo.commit({name: pd.DataFrame({name: [name]})}, message=name)
    for name in ODD:
        (found,) = (await ask(f"{at}/datasets", dataset=name))["datasets"]
        assert (found["name"], found["schema"][0]["name"]) == (name, name)
        assert (await ask(f"{at}/sample", dataset=name, columns=[name]))["rows"] == [[name]]
        assert (await ask(f"{at}/log", dataset=name))["commits"][0]["message"] == name
        assert (await ask(f"{at}/blame", dataset=name, columns=name))["columns"] == [name]


async def test_answers_hold_what_is_described(ask: Ask, repo: Repository, at: str) -> None:
    """The description of the interface is made of these fields."""
    repo.commit({"t": numbers(1)}, message="one")
    repo.commit({"t": numbers(2)}, message="two")
    values = {"dataset": "t", "q": "t"}
    for route in REPOSITORY_ROUTES:
        given = {each.name: values[each.name] for each in route.parameters if each.required}
        rest = f"/{repo.resolve('main').id.hex()}" if route.rest else ""
        told = set((await ask(f"{at}/{route.name}{rest}", **given)).body)
        if route.name == "diff":
            told |= set((await ask(f"{at}/diff", dataset="t")).body) | {"equal"}
        assert told == set(route.fields), route.name
    assert set((await ask("repositories")).body) == set(REPOSITORIES_FIELDS)
    assert set((await ask("notebook", path="first.ipynb")).body) == set(NOTEBOOK_FIELDS)


async def test_what_has_not_changed_is_not_told_again(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"t": numbers(1)}, message="one")
    for path, given in (
        (f"{at}/log", {}),
        (f"{at}/datasets", {"notebook": "first.ipynb"}),
        ("repositories", {}),
        ("notebook", {"path": "first.ipynb"}),
        (f"{at}/log", {"revision": "main@{1 second ago}"} | {"revision": "main@{0}"}),
    ):
        found = await ask(path, **given)
        assert found.status == 200, found.body
        again = await ask(path, tag=found.tag, **given)
        assert (again.status, again.body) == (304, None)
    logged = await ask(f"{at}/log")
    other = await ask(f"{at}/log", tag=logged.tag, limit=7)
    assert other.status == 200  # another question
    repo.commit({"t": numbers(2)}, message="two")
    changed = await ask(f"{at}/log", tag=logged.tag)
    assert (changed.status, changed["commits"][0]["message"]) == (200, "two")


async def test_two_requests_with_a_number_against_caches_are_one(ask: Ask, repo: Repository, at: str) -> None:
    """JupyterLab adds the time to each request."""
    found = await ask(f"{at}/log", **{"1795826557510": ""})
    assert (await ask(f"{at}/log", tag=found.tag, **{"1795826557999": ""})).status == 304


WRONG = [
    ("log", {"limit": "0"}, 400, "usage", "from 1 to 1000"),
    ("log", {"limit": "many"}, 400, "usage", "'many'"),
    ("log", {"limit": "-1"}, 400, "usage", "'-1'"),
    ("log", {"limit": ["1", "2"]}, 400, "usage", "2 times"),
    ("log", {"limitt": "1"}, 400, "usage", "Did you mean 'limit'"),
    ("log", {"after": "nonsense"}, 400, "usage", "'next' of the page before"),
    ("log", {"revision": "nowhere"}, 404, "unknown-name", "nowhere"),
    ("log", {"dataset": "nothing"}, 404, "unknown-name", "nothing"),
    ("log", {"revision": "x\0y"}, 400, "usage", "zero"),
    ("log", {"revision": "x" * 5000}, 400, "usage", "too long"),
    ("commits/0123456789", {}, 404, "unknown-name", "0123456789"),
    ("datasets", {"dataset": "tt"}, 404, "unknown-name", "There are t"),
    ("sample", {}, 400, "usage", "'dataset' is missing"),
    ("sample", {"dataset": "tt"}, 404, "unknown-name", "Did you mean t"),
    ("sample", {"dataset": "t", "start": "9", "stop": "3"}, 400, "usage", "no range"),
    ("sample", {"dataset": "t", "columns": "y"}, 404, "unknown-name", "'y'"),
    ("diff", {"a": "main~9"}, 404, "unknown-name", "main~9"),
    ("diff", {"dataset": "t", "column": "nope", "a": "main~1", "b": "main"}, 404, "unknown-name", "nope"),
    ("blame", {"dataset": "t", "revision": "t@{cell:1234}"}, 404, "unknown-name", "1234"),
    ("lineage", {"direction": "sideways"}, 400, "usage", "up, down"),
    ("lineage", {"name": "nobody"}, 404, "unknown-name", "nobody"),
    ("lineage", {"column": "x"}, 400, "usage", "without a 'name'"),
    ("runs", {"before": "1", "after": "1"}, 400, "usage", "one of them"),
    ("runs", {"notebook": "../../etc/passwd"}, 400, "invalid-name", "below this server's folder"),
    ("search", {"q": "  "}, 400, "usage", "empty"),
    ("nonsense", {}, 404, "not-found", "no question"),
    ("commits/../../../etc", {}, 404, "not-found", "no question"),
]


async def test_what_is_asked_wrongly_is_refused_clearly(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"t": numbers(1)}, message="one")
    repo.commit({"t": numbers(2)}, message="two")
    for path, given, status, code, told in WRONG:
        found = await ask(f"{at}/{path}", **given)
        assert (found.status, found.error["code"]) == (status, code), (path, given, found.body)
        assert told in f"{found.error['problem']} {found.error['remedy']}", (path, given)


async def test_repositories_that_are_not_there(ask: Ask, repo: Repository, at: str, tmp_path: Path) -> None:
    found = await ask("repositories/0123456789abcdef/log")
    assert (found.status, found.error["code"]) == (404, "not-a-repository")
    Path(repo.location, ".lineageflow").rename(tmp_path / "taken away")
    found = await ask(f"{at}/log")
    assert (found.status, found.error["code"]) == (404, "not-a-repository")


async def test_other_folders_are_not_shown(ask: Ask, jp_root_dir: Path, tmp_path: Path) -> None:
    """However a path is spelled: a repository beside the server's root is none of its."""
    secret = tmp_path / "secret"
    lf.init(secret).close()
    (jp_root_dir / "link").symlink_to(secret)
    for path in ("link/a.ipynb", "../secret/a.ipynb", "x/../../secret/a.ipynb", str(secret / "a.ipynb")):
        found = await ask("notebook", path=path)
        assert (found.body.get("repository"), found.status) in ((None, 200), (None, 400)), path
    assert (await ask(f"repositories/{place_of(secret).id}/log")).status == 404
    assert (await ask("repositories"))["repositories"] == []


async def test_a_repository_in_a_folder_of_the_root(ask: Ask, jp_root_dir: Path) -> None:
    (jp_root_dir / "sub dir").mkdir()
    with lf.init(jp_root_dir / "sub dir") as inner:
        inner.commit({"t": numbers(1)}, message="inner")
    name = (await ask("notebook", path="sub dir/ä 100%.ipynb"))["repository"]
    assert (await ask(f"repositories/{name}/log"))["commits"][0]["message"] == "inner"
    assert [each["name"] for each in (await ask("repositories"))["repositories"]] == ["sub dir"]


@pytest.mark.parametrize("damage", ["overwritten", "emptied", "truncated"])
async def test_a_damaged_catalog_is_told(ask: Ask, repo: Repository, at: str, damage: str) -> None:
    repo.commit({"t": numbers(*range(100))}, message="one")
    repo.close()
    file = Path(repo.location, ".lineageflow", "catalog.sqlite")
    data = file.read_bytes()
    file.write_bytes(
        {"overwritten": b"no database " * 1000, "emptied": b"", "truncated": data[: len(data) // 2]}[damage]
    )
    for path in (f"{at}/log", f"{at}/refs", f"{at}/datasets", f"{at}/runs"):
        found = await ask(path)
        assert found.status != 200
        assert found.error["code"] in ("corrupt-data", "not-a-repository"), found.body
        assert "catalog" in found.error["problem"]
    told = await ask("notebook", path="first.ipynb")
    assert told["problem"]["code"] in ("corrupt-data", "not-a-repository")
    assert (await ask("repositories")).status == 200


async def test_damaged_values_are_told_and_never_shown(ask: Ask, repo: Repository, at: str) -> None:
    repo.commit({"t": numbers(*range(1000))}, message="one")
    for pack in Path(repo.location, ".lineageflow", "objects").rglob("*"):
        if pack.is_file() and pack.name != "repository.json" and "journal" not in str(pack):
            pack.chmod(0o644)
            data = bytearray(pack.read_bytes())
            data[len(data) // 8 : len(data) // 8 + 8] = b"\0garbage"
            pack.write_bytes(data)
    found = await ask(f"{at}/sample", dataset="t")
    assert (found.status, found.error["code"]) == (500, "corrupt-data")


async def test_a_fault_of_ours_is_told_as_one(
    ask: Ask, repo: Repository, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(Repository, "models", broken)
    found = await ask(f"{at}/models")
    assert (found.status, found.error["code"]) == (500, "internal")
    assert "ZeroDivisionError" in found.error["problem"]


def test_many_heads_are_not_all_kept_open(repo: Repository) -> None:
    repo.commit({"t": numbers(1)}, message="one")
    found = Repositories(Path(repo.location))
    place = found.at(Path(repo.location))
    assert place is not None
    for number in range(20):
        lf.open(repo.location, workspace=lf.WorkspaceName("ada", "box", f"{number}.ipynb")).close()
    with found.opened(place) as held:
        for workspace in repo.workspaces():
            with found.opened(place, workspace) as opened:
                assert opened.repository.head.workspace == workspace.id
        assert held.repository.log()  # in use, although others were opened since
    assert len(found._opened) <= 16
    found.close()
