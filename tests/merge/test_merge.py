"""Merges of real repositories: what is taken, what is in conflict, and how it is decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import (
    KeyViolation,
    RefMoved,
    UncommittedChanges,
    UnknownName,
    UnsupportedData,
    UsageProblem,
)
from lineageflow_jupyter.intake import contents_of
from lineageflow_jupyter.model.objects import Tree
from lineageflow_jupyter.model.records import RefChange
from lineageflow_jupyter.repository import Repository
from tests.merge.test_keyed import three

BASE = pd.DataFrame({"id": [1, 2, 3, 4], "price": [1.0, 2.0, 3.0, 4.0], "name": ["a", "b", "c", "d"]})


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as found:
        yield found
        assert found.fsck() > 1


def changed(frame: pd.DataFrame, **cells: Any) -> pd.DataFrame:
    """The frame with some cells changed, told as ``price_2=9.0``: column and position."""
    out = frame.copy()
    for place, value in cells.items():
        column, row = place.rsplit("_", 1)
        out.loc[out.index[int(row)], column] = value
    return out


def test_what_one_side_did_is_taken_and_both_parents_are_kept(repo: Repository) -> None:
    ours, theirs = changed(BASE, price_0=9.0), changed(BASE, name_0="z", price_3=8.0)
    name = three(repo, BASE, ours, theirs, ["id"])
    tips = [repo.resolve("HEAD").id, repo.resolve(f"{name}/theirs").id]
    done = repo.merge(f"{name}/theirs", message="together", live={name: ours})
    assert (done.state, done.open) == ("merged", 0)
    assert done.commit is not None
    assert list(done.commit.commit.parents) == tips
    assert done.commit.commit.message == "together"
    wanted = changed(ours, name_0="z", price_3=8.0)
    pd.testing.assert_frame_equal(done.frames[name], wanted)
    pd.testing.assert_frame_equal(repo.read(name), wanted)
    found = {each.dataset: each.state for each in repo.status({name: done.frames[name]}).datasets}
    assert found[name] == "unchanged"


def test_what_is_said_of_the_frame_comes_from_who_changed_it(repo: Repository) -> None:
    ours, theirs = changed(BASE, price_0=9.0), changed(BASE, name_1="z")
    theirs.attrs["source"] = "FAA"
    theirs.columns.name = "field"
    theirs.index.name = "row"
    name = three(repo, BASE, ours, theirs, ["id"])
    merged = repo.merge(f"{name}/theirs", live={name: ours}).frames[name]
    assert (merged.attrs, merged.columns.name, merged.index.name) == ({"source": "FAA"}, "field", "row")
    assert merged["price"].tolist()[0] == 9.0
    mine = ours.copy()
    mine.attrs["source"] = "mine"
    name = three(repo, BASE, mine, theirs, ["id"])
    merged = repo.merge(f"{name}/theirs", live={name: mine}).frames[name]
    assert (merged.attrs, merged.columns.name) == ({"source": "mine"}, "field")
    table = pa.table({"id": [1, 2], "x": [1, 2]})
    other = pa.table({"id": [1, 2], "x": [1, 3]}).replace_schema_metadata({"unit": "m"})
    name = three(repo, table, pa.table({"id": [1, 2], "x": [5, 2]}), other, ["id"])
    repo.merge(f"{name}/theirs")
    found = repo.read(name, engine="arrow")
    assert (found.schema.metadata, found["x"].to_pylist()) == ({b"unit": b"m"}, [5, 3])


def test_a_dry_run_of_a_pick_that_is_there_already_says_so(repo: Repository) -> None:
    three(repo, BASE, changed(BASE, price_0=9.0), changed(BASE, name_0="z"), ["id"])
    assert repo.cherry_pick("HEAD", dry_run=True).state == "up to date"
    assert repo.cherry_pick("HEAD").state == "up to date"
    assert repo.revert("HEAD", dry_run=True).state == "merged"
    repo.revert("HEAD")
    assert repo.revert("HEAD~1", dry_run=True).state == "up to date"
    assert repo.revert("HEAD~1").state == "up to date"


def test_a_branch_that_did_nothing_since_moves(repo: Repository) -> None:
    name = three(repo, BASE, BASE.assign(price=0.0), BASE, ["id"])
    repo.switch(f"{name}/base")
    tip = repo.resolve(f"{name}/ours").id
    assert repo.merge(f"{name}/ours", dry_run=True).state == "fast-forward"
    assert repo.resolve("HEAD").id != tip
    done = repo.merge(f"{name}/ours")
    assert (done.state, repo.resolve("HEAD").id) == ("fast-forward", tip)
    repo.undo()
    assert repo.resolve("HEAD").id != tip
    done = repo.merge(f"{name}/ours", fast_forward=False)
    assert done.state == "merged"
    assert done.commit is not None
    assert done.commit.commit.parents[1] == tip


def test_without_a_key_hunks_are_put_together(repo: Repository) -> None:
    base = pd.DataFrame({"x": [*"abcdefgh"], "y": range(8)})
    ours = pd.concat(
        [pd.DataFrame({"x": ["new"], "y": [90]}), base.drop(index=2), base[:1], base[7:]], ignore_index=True
    )
    theirs = pd.concat([base.iloc[:6], pd.DataFrame({"x": ["end", "h"], "y": [91, 7]})], ignore_index=True)
    name = three(repo, base, ours, theirs)
    done = repo.merge(f"{name}/theirs")
    assert done.state == "merged"
    assert repo.read(name)["x"].tolist() == ["new", "a", "b", "d", "e", "f", "end", "h", "a", "h"]


def test_both_append_and_equal_rows_come_once(repo: Repository) -> None:
    own, both, other = ({"id": [i], "price": [float(i)], "name": [n]} for i, n in ((5, "o"), (6, "both"), (7, "t")))
    ours = pd.concat([BASE, pd.DataFrame(own), pd.DataFrame(both)], ignore_index=True)
    theirs = pd.concat([BASE, pd.DataFrame(both), pd.DataFrame(other)], ignore_index=True)
    for key in (None, ["id"]):
        name = three(repo, BASE, ours, theirs, key)
        assert repo.merge(f"{name}/theirs").state == "merged"
        assert repo.read(name)["id"].tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert isinstance(repo.read(name).index, pd.RangeIndex)


def test_moves_and_edits_combine(repo: Repository) -> None:
    theirs = BASE.sort_values("id", ascending=False, ignore_index=True)
    name = three(repo, BASE, changed(BASE, price_1=20.0), theirs, ["id"])
    repo.merge(f"{name}/theirs")
    found = repo.read(name)
    assert found["id"].tolist() == [4, 3, 2, 1]
    assert found["price"].tolist() == [4.0, 3.0, 20.0, 1.0]


def test_columns_are_added_dropped_and_renamed(repo: Repository) -> None:
    ours = BASE.assign(total=BASE["price"] * 2)[["id", "price", "total", "name"]]
    theirs = BASE.rename(columns={"name": "label"}).assign(tag=range(4))
    more = pd.DataFrame({"id": [9], "price": [9.0], "total": [18.0], "name": ["n"]})
    name = three(repo, BASE, pd.concat([ours, more], ignore_index=True), theirs, ["id"])
    assert repo.merge(f"{name}/theirs").state == "merged"
    found = repo.read(name)
    assert list(found.columns) == ["id", "price", "total", "label", "tag"]
    assert found["tag"].astype(object).where(found["tag"].notna(), None).tolist() == [0, 1, 2, 3, None]
    assert found["label"].tolist() == ["a", "b", "c", "d", "n"]
    assert str(found["tag"].dtype) == "Int64"


def test_dtypes_and_categories_of_both_sides(repo: Repository) -> None:
    base = BASE.assign(kind=pd.Categorical(["u", "v", "u", "v"]), n=np.arange(4), when=pd.Timestamp("2026-01-01"))
    ours = base.assign(kind=pd.Categorical(["x", "v", "u", "v"], categories=["u", "v", "x"]))
    theirs = base.assign(
        kind=pd.Categorical(["u", "v", "u", "w"], categories=["u", "v", "w"]), n=base["n"].astype("Int64")
    )
    theirs.loc[1, "when"] = pd.Timestamp("2027-01-01")
    name = three(repo, base, ours, theirs, ["id"])
    repo.merge(f"{name}/theirs")
    found = repo.read(name)
    assert found["kind"].tolist() == ["x", "v", "u", "w"]
    assert found["kind"].cat.categories.tolist() == ["u", "v", "x", "w"]
    assert str(found["n"].dtype) == "Int64"
    assert found["when"].tolist()[1] == pd.Timestamp("2027-01-01")
    assert found["when"].dtype == base["when"].dtype


@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_other_libraries(repo: Repository, library: str) -> None:
    def made(frame: pd.DataFrame) -> Any:
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        return table if library == "arrow" else pl.from_arrow(table)

    more = pd.DataFrame({"id": [9], "price": [9.0], "name": ["n"]})
    ours, theirs = (
        pd.concat([changed(BASE, price_0=9.0), more]),
        changed(BASE, name_0="z").drop(index=2).assign(tag=True),
    )
    name = three(repo, made(BASE), made(ours), made(theirs), ["id"])
    assert repo.merge(f"{name}/theirs").state == "merged"
    found = repo.read(name, engine=library)
    assert type(found) is type(made(BASE))
    assert (
        found.to_pydict()
        if library == "arrow"
        else found.to_dict(as_series=False)
        == {
            "id": [1, 2, 4, 9],
            "price": [9.0, 2.0, 4.0, 9.0],
            "name": ["z", "b", "d", "n"],
            "tag": [True, True, True, None],
        }
    )


def test_index_labels(repo: Repository) -> None:
    base = BASE.set_index("name")
    ours, theirs = changed(base, price_0=9.0).drop(index="c"), changed(base, price_3=8.0)
    theirs.loc["e"] = [5, 5.0]
    name = three(repo, base, ours, theirs.astype({"id": "int64"}))
    repo.merge(f"{name}/theirs")
    found = repo.read(name)
    assert found["price"].to_dict() == {"a": 9.0, "b": 2.0, "d": 8.0, "e": 5.0}
    assert found.index.name == "name"


def test_symmetric_rules_give_one_table_whoever_merges(repo: Repository) -> None:
    ours, theirs = changed(BASE, price_0=9.0, price_1=0.5), changed(BASE, price_0=5.0, price_1=7.0).drop(index=3)
    name = three(repo, BASE, ours, theirs, ["id"])
    repo.merge(f"{name}/theirs", resolve={"price": "max"})
    one = repo._history.tree(repo.resolve("HEAD").id).get(name)
    repo.undo()
    repo.switch(f"{name}/theirs")
    repo.merge(f"{name}/ours", resolve={"price": "max"})
    other = repo._history.tree(repo.resolve("HEAD").id).get(name)
    assert one is not None
    assert other is not None
    assert one.table == other.table
    assert repo.read(name)["price"].tolist() == [9.0, 7.0, 3.0]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("ours", [9.0, 0.5]),
        ("theirs", [5.0, 7.0]),
        ("base", [1.0, 2.0]),
        ("max", [9.0, 7.0]),
        ("min", [5.0, 0.5]),
        ("mean", [7.0, 3.75]),
        (lambda base, ours, theirs: ours + theirs - base, [13.0, 5.5]),
    ],
)
def test_rules(repo: Repository, rule: Any, wanted: list[float]) -> None:
    name = three(repo, BASE, changed(BASE, price_0=9.0, price_1=0.5), changed(BASE, price_0=5.0, price_1=7.0), ["id"])
    assert repo.merge(f"{name}/theirs", resolve={"price": rule}).state == "merged"
    assert repo.read(name)["price"].tolist() == [*wanted, 3.0, 4.0]


def test_rules_of_times_and_lists(repo: Repository) -> None:
    def made(day: int, tags: list[str]) -> pa.Table:
        when = pa.array([pd.Timestamp(2026, 1, day)], pa.timestamp("us"))
        return pa.table({"id": [1], "when": when, "tags": pa.array([tags])})

    name = three(repo, made(1, ["a"]), made(5, ["a", "b"]), made(3, ["a", "c"]), ["id"])
    with pytest.raises(UsageProblem, match="decides between lists"):
        repo.merge(f"{name}/theirs", resolve={"when": "union"})
    assert repo.merge(f"{name}/theirs", resolve={"when": "latest", "tags": "union"}).state == "merged"
    found = repo.read(name, engine="arrow").to_pylist()[0]
    assert (found["when"].day, sorted(found["tags"])) == (5, ["a", "b", "c"])


# --- half done -------------------------------------------------------------------------------------------------------


def conflicting(repo: Repository) -> str:
    ours = changed(BASE, price_0=9.0, name_3="o").drop(index=2)
    theirs = changed(BASE, price_0=5.0, name_3="t", price_2=33.0)
    return three(repo, BASE, ours, theirs, ["id"])


def test_conflicts_are_decided_by_rule_and_by_hand(repo: Repository, tmp_path: Path) -> None:
    name = conflicting(repo)
    tip = repo.resolve("HEAD").id
    done = repo.merge(f"{name}/theirs", resolve={"price": "max"})
    assert (done.state, done.open, repo.resolve("HEAD").id) == ("conflicts", 2, tip)
    shown = done.conflicts[name]
    cells = shown[shown["conflict"] == "cell"]
    assert cells[["id", "column", "base", "ours", "theirs"]].values.tolist() == [
        [1, "price", 1.0, 9.0, 5.0],
        [4, "name", "d", "o", "t"],
    ]
    row = shown[shown["conflict"] == "row"].iloc[0]
    assert (row["id"], row["ours"], row["theirs"]) == (3, "deleted", "edited")
    assert shown["resolved"].map(repr).tolist() == ["UNRESOLVED", "9.0", "UNRESOLVED"]
    with lf.open(tmp_path, workspace=None) as again:  # another process has its own
        assert again.half_done is None or again.head.workspace == repo.head.workspace
    assert repo.half_done is not None
    assert repo.half_done.merged == f"{name}/theirs"
    with pytest.raises(UsageProblem, match="under way"):
        repo.merge(f"{name}/theirs")
    shown.loc[shown["column"] == "name", "resolved"] = "by hand"
    left = repo.resume({name: shown})
    assert (left.state, left.open) == ("conflicts", 1)
    assert repo.conflicts()[name]["resolved"].map(repr).tolist() == ["UNRESOLVED", "9.0", "'by hand'"]
    found = repo.conflicts()[name]
    found.loc[found["conflict"] == "row", "resolved"] = "theirs"
    done = repo.resume({name: found})
    assert done.state == "merged"
    assert repo.half_done is None
    merged = repo.read(name)
    assert dict(zip(merged["id"], merged["price"], strict=True)) == {1: 9.0, 2: 2.0, 3: 33.0, 4: 4.0}
    assert merged["name"].tolist()[-1] == "by hand"
    repo.undo()
    assert repo.resolve("HEAD").id == tip
    assert repo.half_done is not None


def test_abort_forgets_and_undo_brings_back(repo: Repository) -> None:
    name = conflicting(repo)
    repo.merge(f"{name}/theirs")
    repo.abort()
    assert repo.half_done is None
    repo.undo()
    assert repo.half_done is not None
    repo.abort()
    with pytest.raises(UsageProblem, match="no merge is under way"):
        repo.abort()
    with pytest.raises(UsageProblem, match="no merge is under way"):
        repo.resume()


def test_answers_that_do_not_fit_change_nothing(repo: Repository) -> None:
    name = conflicting(repo)
    shown = repo.merge(f"{name}/theirs").conflicts[name]
    for column, value, match in (("price", "dear", "price"), ("name", 5, "name")):
        wrong = shown.copy()
        wrong.loc[wrong["column"] == column, "resolved"] = value
        with pytest.raises((UsageProblem, UnsupportedData), match=match):  # texts are objects in pandas 2
            repo.resume({name: wrong}, resolve="ours")
    wrong = shown.copy()
    wrong.loc[wrong["conflict"] == "row", "resolved"] = "mine"
    with pytest.raises(UsageProblem, match="ours, theirs or base was expected"):
        repo.resume({name: wrong})
    with pytest.raises(UsageProblem, match="'resolved' is missing"):
        repo.resume({name: shown.drop(columns="resolved")})
    with pytest.raises(UnknownName, match="not in conflict"):
        repo.resume({"other": shown})
    assert repo.half_done is not None
    assert repo.conflicts()[name]["resolved"].map(repr).eq("UNRESOLVED").all()
    assert repo.resume(resolve="theirs").state == "merged"


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        (lambda base, ours, theirs: 1 / 0, "raised ZeroDivisionError"),
        (lambda base, ours, theirs: ours[:0], "values were expected, 0 found"),
        (lambda base, ours, theirs: 3, "not one value for each conflict"),
        (lambda base, ours, theirs: ["x"] * len(ours), "price"),
        ("largest", "there is no rule 'largest'"),
        ("latest", "decides between times"),
        ("union", "decides between lists"),
    ],
)
def test_rules_that_cannot_decide_change_nothing(repo: Repository, rule: Any, match: str) -> None:
    name = conflicting(repo)
    before = repo.resolve("HEAD").id
    with pytest.raises(UsageProblem, match=match):
        repo.merge(f"{name}/theirs", resolve={"price": rule, "*": "ours"})
    assert (repo.resolve("HEAD").id, repo.half_done) == (before, None)


def test_a_rule_for_a_column_that_there_is_not(repo: Repository) -> None:
    name = conflicting(repo)
    with pytest.raises(UnknownName, match="'prize'"):
        repo.merge(f"{name}/theirs", resolve={"prize": "max"})


def test_a_branch_that_moves_meanwhile(repo: Repository) -> None:
    name = conflicting(repo)
    repo.merge(f"{name}/theirs", resolve={"price": "max"})
    repo.commit({"beside": BASE}, message="something else")
    assert repo.resume(resolve="ours").state == "merged"
    assert "beside" in repo.dataset_names()
    name = conflicting(repo)
    repo.merge(f"{name}/theirs", resolve={"price": "max"})
    repo.commit({name: repo.read(name).assign(price=0.0)}, message="the same")
    with pytest.raises(RefMoved, match="new version"):
        repo.resume(resolve="ours")
    assert repo.half_done is not None


def test_a_branch_that_is_gone_meanwhile(repo: Repository, tmp_path: Path) -> None:
    """Deleted, or its first commit was undone by somebody else: then it is as if it had never been."""
    repo.commit({"t": BASE}, message="one", keys={"t": ["id"]})
    repo.branch("dev")
    repo.commit({"t": changed(BASE, price_0=5.0)}, message="dev", branch="dev")
    repo.read("main:t")
    repo.remove(["t"])
    with lf.open(tmp_path, workspace=lf.WorkspaceName("ben", "box", "ben.ipynb")) as ben:
        assert ben.merge("dev").state == "conflicts"
        for verb in ("rm", "commit", "branch", "commit"):
            assert repo.undo().operation.verb == verb
        with pytest.raises(UnknownName, match="no commits"):
            ben.resume(resolve="theirs")
        assert ben.abort().branch == "main"
    repo.redo()


# --- one commit ------------------------------------------------------------------------------------------------------


@pytest.fixture
def line(repo: Repository) -> Repository:
    """Three commits of one dataset: a price, another price, and a name."""
    frame = BASE
    repo.commit({"t": frame}, message="base", keys={"t": ["id"]})
    for message, cells in (
        ("dearer", {"price_0": 9.0}),
        ("dearer still", {"price_3": 40.0}),
        ("named", {"name_1": "z"}),
    ):
        frame = changed(frame, **cells)
        repo.commit({"t": frame}, message=message)
    return repo


def test_revert_takes_back_one_commit(line: Repository) -> None:
    done = line.revert("HEAD~2", live={"t": line.read("t")})
    assert done.state == "merged"
    assert done.commit is not None
    assert len(done.commit.commit.parents) == 1
    assert done.commit.commit.summary == 'revert "dearer"'
    assert done.frames["t"]["price"].tolist() == [1.0, 2.0, 3.0, 40.0]
    assert done.frames["t"]["name"].tolist() == ["a", "z", "c", "d"]
    assert line.revert("HEAD~3").state == "up to date"
    line.commit({"t": changed(line.read("t"), price_3=41.0)}, message="again")
    assert (line.revert("HEAD~3").state, line.half_done is None) == ("conflicts", False)
    assert line.resume(resolve="theirs").state == "merged"
    assert line.read("t")["price"].tolist()[3] == 4.0


def test_revert_of_the_first_commit_removes_its_datasets(line: Repository) -> None:
    line.commit({"u": BASE}, message="another")
    done = line.revert("HEAD~4")
    assert (done.state, done.open) == ("conflicts", 1)
    line.resume(resolve="theirs")
    assert line.dataset_names() == ("u",)


def test_cherry_pick_does_what_a_commit_did(line: Repository) -> None:
    line.switch("other", create=True, at="HEAD~3")
    done = line.cherry_pick("main~1", message=None)
    assert done.state == "merged"
    assert done.commit is not None
    assert done.commit.commit.summary == "dearer still"
    assert line.read("t")["price"].tolist() == [1.0, 2.0, 3.0, 40.0]
    assert line.cherry_pick("main~1").state == "up to date"
    assert line.cherry_pick("main~2", dry_run=True).state == "merged"
    assert line.merge("main").state == "merged"
    assert line.read("t").equals(line.read("main:t"))


def test_a_merge_needs_a_mainline(line: Repository) -> None:
    line.switch("other", create=True, at="HEAD~3")
    line.commit({"u": BASE}, message="u")
    line.merge("main")
    with pytest.raises(UsageProblem, match="--mainline"):
        line.revert("HEAD")
    with pytest.raises(UsageProblem, match="number 3"):
        line.revert("HEAD", mainline=3)
    assert line.revert("HEAD", mainline=1).state == "merged"
    assert line.read("t")["price"].tolist() == BASE["price"].tolist()


# --- refused ---------------------------------------------------------------------------------------------------------


def test_changes_in_the_way(repo: Repository) -> None:
    name = three(repo, BASE, BASE.assign(price=0.0), changed(BASE, name_0="z"), ["id"])
    before = repo.resolve("HEAD").id
    with pytest.raises(UncommittedChanges):
        repo.merge(f"{name}/theirs", live={name: BASE})
    assert repo.resolve("HEAD").id == before
    assert repo.merge(f"{name}/theirs", live={"other": BASE}).frames == {}


def test_a_key_that_vanished(repo: Repository) -> None:
    theirs = BASE.drop(columns="id")
    name = f"t{id(theirs)}"
    repo.commit({name: BASE}, message="base", keys={name: ["id"]})
    repo.branch("other")
    repo.commit({name: changed(BASE, price_0=5.0)}, message="ours")
    repo.switch("other")
    repo.read(f"HEAD:{name}")
    repo.commit({name: theirs}, message="theirs", keys={name: []})
    with pytest.raises(KeyViolation, match="id"):
        repo.commit({name: theirs}, message="again", keys={name: ["id"]})
    repo.switch("main")
    assert repo.merge("other").state == "merged"  # theirs gave the key up, and ours did not say otherwise
    assert list(repo.read(name).columns) == ["price", "name"]
    assert repo.read(name)["price"].tolist()[0] == 5.0


def test_keys_that_differ_on_both_sides(repo: Repository) -> None:
    repo.commit({"t": BASE}, message="base")
    repo.branch("other")
    repo.commit({"t": BASE}, message="ours", keys={"t": ["id"]})
    repo.switch("other")
    repo.read("HEAD:t")
    repo.commit({"t": BASE}, message="theirs", keys={"t": ["name"]})
    before = repo.resolve("HEAD").id
    with pytest.raises(KeyViolation, match="the key name on ours and id on theirs"):
        repo.merge("main")
    assert repo.resolve("HEAD").id == before


def test_keys_that_meet_only_after_the_merge(repo: Repository) -> None:
    """Each side is fine, together two rows would have one key."""
    base = BASE.assign(key=[1, 2, 3, 4])
    name = three(repo, base, changed(base, key_0=9), changed(base, key_3=9))
    repo.commit({name: repo.read(name)}, message="declared", keys={name: ["key"]})
    with pytest.raises(KeyViolation, match="not unique"):
        repo.merge(f"{name}/theirs")
    assert repo.half_done is None


def test_unrelated_histories(repo: Repository) -> None:
    repo.commit({"a": BASE}, message="a")
    alone, written = repo._publisher.combined((), contents_of({"b": BASE}), {}, Tree(), "b", repo._author())
    repo._publisher.publish("commit", [RefChange("alone", "branch", None, alone.id)], written)
    with pytest.raises(UsageProblem, match="share no history"):
        repo.merge("alone")


def test_datasets_removed_on_one_side(repo: Repository) -> None:
    repo.commit({"kept": BASE, "gone": BASE, "both": BASE}, message="base")
    repo.branch("other")
    repo.remove(["gone"])
    repo.commit({"both": BASE.assign(price=1.0)}, message="ours")
    repo.switch("other")
    for dataset in ("gone", "both"):
        repo.read(f"HEAD:{dataset}")
    repo.commit({"new": BASE}, message="theirs")
    repo.remove(["both"])
    repo.switch("main")
    done = repo.merge("other")
    assert (done.state, done.open) == ("conflicts", 1)
    assert repo.resume(resolve="theirs").state == "merged"
    assert repo.dataset_names() == ("kept", "new")


def test_sides_chosen_by_rules_stay_chosen(repo: Repository) -> None:
    ours, theirs = BASE.rename(columns={"name": "own"}), BASE.rename(columns={"name": "other"})
    name = three(repo, BASE, changed(ours, price_0=5.0), changed(theirs, price_0=7.0), ["id"])
    done = repo.merge(f"{name}/theirs")
    assert (done.state, done.open) == ("conflicts", 2)
    assert done.conflicts[name]["conflict"].tolist() == ["column", "cell"]
    done = repo.resume(resolve={"name": "theirs"})
    assert (done.state, done.open) == ("conflicts", 1)
    assert repo.resume(resolve={"price": "max"}).state == "merged"
    assert list(repo.read(name).columns) == ["id", "price", "other"]
    assert repo.read(name)["price"].tolist()[0] == 7.0


def test_columns_in_conflict(repo: Repository) -> None:
    retyped = BASE.assign(price=["1", "2", "3", "4"])
    for resolve, kind in (("ours", "float64"), ("theirs", "str")):
        name = three(repo, BASE, changed(BASE, price_0=5.0), retyped, ["id"])
        assert repo.merge(f"{name}/theirs", dry_run=True).open == 1
        repo.merge(f"{name}/theirs", resolve=resolve)
        assert str(repo.read(name)["price"].dtype).replace("object", "str") == kind
    for resolve, columns in (
        ("ours", ["id", "price", "name"]),
        ("theirs", ["id", "name"]),
        ("base", ["id", "price", "name"]),
    ):
        name = three(repo, BASE, changed(BASE, price_0=5.0), BASE.drop(columns="price"), ["id"])
        assert repo.merge(f"{name}/theirs", dry_run=True).open == 1
        repo.merge(f"{name}/theirs", resolve=resolve)
        assert list(repo.read(name).columns) == columns
    assert repo.read(name)["price"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_the_change_feed_tells_a_merge_once(repo: Repository) -> None:
    name = three(repo, BASE, changed(BASE, price_0=9.0), changed(BASE, name_1="t"), ["id"])
    repo.merge(f"{name}/theirs")
    repo.commit({name: changed(repo.read(name), price_3=0.5)}, message="after")
    feed = repo.changes(name)
    assert [each.commit.commit.summary for each in feed][2:] == [f"merge {name}/theirs into {name}/ours", "after"]
    frame = feed.to_frame()
    assert frame["operation"].tolist() == ["create", "update", "update", "update"]
    assert frame["new"].tolist()[1:] == ["9.0", "t", "0.5"]
    assert len(repo.changes(name, limit=2)) == 2
    assert len(repo.changes(name, f"{name}/base..{name}/ours")) == 3


def test_crosswise_merges(repo: Repository) -> None:
    name = three(repo, BASE, changed(BASE, price_0=9.0), changed(BASE, name_1="t"), ["id"])
    repo.branch("x", at=f"{name}/ours")
    repo.branch("y", at=f"{name}/theirs")
    repo.merge("y", into="x")
    repo.merge(f"{name}/ours", into="y")
    for branch, cells in (("x", {"price_2": 30.0}), ("y", {"price_3": 40.0})):
        repo.switch(branch)
        repo.commit({name: changed(repo.read(name), **cells)}, message=branch)
    assert len(repo._history.merge_bases(repo.resolve("x").id, repo.resolve("y").id)) == 2
    assert repo.merge("x").state == "merged"
    found = repo.read(name)
    assert found["price"].tolist() == [9.0, 2.0, 30.0, 40.0]
    assert found["name"].tolist() == ["a", "t", "c", "d"]
