"""Cell runs: what is recorded, how it is found again, and what of it goes to the journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import InvalidName, UnknownName
from lineageflow_jupyter.model.cells import (
    CellRun,
    ColumnEdge,
    Environment,
    External,
    FrameState,
    FrameWrite,
    OperationRecord,
    RunFilter,
    TableUse,
)
from lineageflow_jupyter.testing.catalog_contract.base import CatalogTests
from lineageflow_jupyter.testing.catalog_contract.making import (
    HOSTILE_NAMES,
    grow,
    make_commit,
    make_id,
    make_run,
    make_state,
)

NO_TEXTS = ("nul\0inside", "half a pair \ud83e", "\udcff of a file name", "")
PYTHON = Environment("3.12.1", {"pandas": "3.0.1", "größe": "1"}, "ab" * 20, dirty=True)


def full_run() -> CellRun:
    """Return a run in which nothing is as by default."""
    state = FrameState("frames['jan']", "flights", make_id(), make_id(), 3, 2, 1, "ids of a sample")
    edge = ColumnEdge(1, "distance", "*", "filter")
    operation = OperationRecord(
        "DataFrame.merge",
        3,
        "on='id'",
        ("a", ""),
        "b",
        5,
        6,
        ("x",),
        ("y",),
        ("z", "ü"),
        0,
        7,
        (edge,),
        True,
        10_000,
        "model",
        "r2",
        0.5,
    )
    return CellRun(
        uuid4().hex,
        "w1",
        "/home/ada/größe.ipynb",
        "c7",
        12,
        "größe = 1\n🦀",
        "Ünal",
        -5,
        7,
        "KeyError",
        (state,),
        (FrameWrite(state, replace(state, note="", kept=True), seen=False), FrameWrite(None, state)),
        (External("in", "csv", "/data/flights.csv", 2**40, "00" * 32, 3), External("out", "sql", "t")),
        (operation, OperationRecord("read_csv", None)),
        ("exec", "globals()"),
        PYTHON.id,
    )


class Cells(CatalogTests):
    """What is remembered of runs of cells."""

    def test_a_run_comes_back_as_it_was_recorded(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """All of it, in another process, in the order of recording; nothing else of the catalog moves."""
        commit = make_commit()
        grow(catalog, commit)
        refs, operations, outbox = catalog.refs(), catalog.operations(), tuple(catalog.outbox())
        runs = [full_run(), make_run(code=None, number=None), make_run(cell="", notebook="", workspace="")]
        places = [catalog.record_run(run) for run in runs]
        assert 0 < places[0] < places[1] < places[2]
        known = tuple(replace(run, sequence=place) for run, place in zip(runs, places, strict=True))
        assert tuple(reopen().run(run.run) for run in runs) == known
        assert reopen().runs() == known
        assert reopen().last_runs() == known[::-1]
        bare = [tuple(replace(each, edges=()) for each in run.operations) for run in known[::-1]]
        assert [run.operations for run in reopen().last_runs(edges=False)] == bare
        assert any(each.edges for run in known for each in run.operations)
        assert reopen().runs_by_id([runs[2].run, runs[0].run, "absent", "no\0text"]) == {
            known[2].run: known[2],
            known[0].run: known[0],
        }
        assert catalog.run("absent") is catalog.run("no\0text") is None
        assert (catalog.refs(), catalog.operations(), tuple(catalog.outbox())) == (refs, operations, outbox)

    def test_recording_a_run_again_changes_nothing(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """A retry after a lost answer is answered; a run is changed by amending it only."""
        run = full_run()
        place = catalog.record_run(run)
        catalog.record_run(make_run())
        before = self.content(catalog)
        assert catalog.record_run(run) == place
        assert reopen().record_run(replace(run, code="other", reads=(), sequence=99)) == place
        assert self.content(catalog) == before
        assert catalog.run(run.run) == replace(run, sequence=place)

    @pytest.mark.parametrize("name", [*HOSTILE_NAMES, *NO_TEXTS])
    def test_names_may_hold_anything(self, catalog: Catalog, name: str) -> None:
        """Front ends and file systems give names that no commit would have; they are recorded, and found by them."""
        table = make_id()
        run = make_run(
            make_state(name, table), workspace=name, notebook=name, cell=name, code=f"# {name}", opaque=(name,)
        )
        other = make_run(make_state(f"{name}2"), notebook=f"{name}2", cell=f"{name}2", workspace=f"{name}2")
        known = replace(run, sequence=catalog.record_run(run))
        catalog.record_run(other)
        for wanted in (
            RunFilter(workspace=name),
            RunFilter(notebook=name),
            RunFilter(cell=name),
            RunFilter(dataset=name),
        ):
            assert catalog.runs(wanted=wanted) == catalog.last_runs(wanted=wanted) == (known,), wanted
        assert catalog.runs_of_tables([table]) == {table: (TableUse(known.sequence, run.run, name, "read"),)}

    def test_code_may_be_huge(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """A cell with a picture in it, or with a table typed in."""
        run = make_run(code="data = '" + "🦀ü\0x" * 1_000_000 + "'")
        place = catalog.record_run(run)
        assert reopen().run(run.run) == replace(run, sequence=place)

    def test_an_id_must_be_a_text(self, catalog: Catalog) -> None:
        """It is made by the program that records, and goes into names of files."""
        with pytest.raises(InvalidName):
            catalog.record_run(make_run(run="no\0text"))
        assert catalog.runs() == ()

    def test_runs_are_found_by_where_they_ran_and_what_they_touched(self, catalog: Catalog) -> None:
        """From either end, as many as asked for."""
        a, b = make_state("a", make_id()), make_state("b")
        runs = [
            make_run(workspace="w1", notebook="x", cell="c1", number=1, writes=[(None, a)]),
            make_run(a, workspace="w1", notebook="x", cell="c2", number=2),
            make_run(workspace="w2", notebook="x", cell="c1", number=1, writes=[(b, b)]),
            make_run(workspace="w2", notebook="y", cell="c3", number=2, writes=[(a, None)]),
            make_run(a, b, workspace="w1", notebook="y", cell="c1", number=3),
        ]
        places = [catalog.record_run(run) for run in runs]

        def found(after: int = 0, before: int | None = None, limit: int | None = None, **wanted: object) -> list[int]:
            filtered = RunFilter(**wanted)  # type: ignore[arg-type]
            forwards = [run.sequence for run in catalog.runs(after=after, wanted=filtered, limit=limit)]
            if before is None and not after and limit is None:
                assert [run.sequence for run in catalog.last_runs(wanted=filtered)] == forwards[::-1]
            if before is not None:
                backwards = catalog.last_runs(before=before, wanted=filtered, limit=limit)
                return [places.index(run.sequence) for run in backwards]
            return [places.index(place) for place in forwards]

        assert found() == [0, 1, 2, 3, 4]
        assert found(after=places[1], limit=2) == [2, 3]
        assert found(after=places[4]) == []
        assert found(before=places[3], limit=2) == [2, 1]
        assert found(before=places[0]) == []
        assert found(workspace="w1") == [0, 1, 4]
        assert found(notebook="x") == [0, 1, 2]
        assert found(cell="c1") == [0, 2, 4]
        assert found(notebook="x", cell="c1", workspace="w2") == [2]
        assert found(number=1, workspace="w1") == [0]
        assert found(dataset="a") == [0, 1, 3, 4]
        assert found(dataset="a", written=True) == [0, 3]
        assert found(dataset="b", written=True, workspace="w1") == []
        assert found(dataset="a", after=places[0], limit=1) == [1]
        assert found(dataset="a", before=places[4], limit=1) == [3]
        assert found(dataset="c") == []

    def test_runs_are_found_by_the_tables_they_met(self, catalog: Catalog) -> None:
        """Whoever read it, had it before or made it, oldest first; of any number of tables."""
        first, second, third = make_id(), make_id(), make_id()
        maker = make_run(writes=[(None, make_state("a", first)), (None, make_state("unknown"))])
        changer = make_run(
            make_state("a", first), writes=[(make_state("a", first), make_state("a", second)), (None, None)]
        )
        copier = make_run(make_state("a", second), writes=[(make_state("b", third), make_state("b", second))])
        one, two, three = (catalog.record_run(run) for run in (maker, changer, copier))
        many = [make_id() for _ in range(2000)]
        assert catalog.runs_of_tables([*many, first, second]) == {
            first: (
                TableUse(one, maker.run, "a", "after"),
                TableUse(two, changer.run, "a", "read"),
                TableUse(two, changer.run, "a", "before"),
            ),
            second: (
                TableUse(two, changer.run, "a", "after"),
                TableUse(three, copier.run, "a", "read"),
                TableUse(three, copier.run, "b", "after"),
            ),
        }
        assert catalog.runs_of_tables(many) == catalog.runs_of_tables([]) == {}

    def test_ids_are_found_by_their_beginning(self, catalog: Catalog) -> None:
        """As people type them."""
        ids = sorted(f"{number:x}".rjust(2, "0") + uuid4().hex[2:] for number in (0x00, 0xAF, 0xA1, 0xFF))
        for run in ids:
            catalog.record_run(make_run(run=run))
        assert catalog.runs_with_prefix("a") == (ids[1], ids[2])
        assert catalog.runs_with_prefix("a", limit=1) == (ids[1],)
        assert catalog.runs_with_prefix("ff") == (ids[3],)
        assert catalog.runs_with_prefix(ids[0]) == (ids[0],)
        assert catalog.runs_with_prefix("1") == ()
        for odd in ("", "%", "_", "a%", "g", "\0", "A"):
            assert catalog.runs_with_prefix(odd) == ()

    def test_what_was_not_known_yet_is_amended(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Two that amend different things do not undo each other; look-ups follow; the place stays."""
        early, late, read = make_id(), make_id(), make_id()
        run = make_run(writes=[(None, make_state("a", early))], external=(External("in", "csv", "a.csv"),))
        place = catalog.record_run(run)
        catalog.record_run(make_run())
        writes = (FrameWrite(None, replace(make_state("b", late), kept=True)),)
        external = (External("in", "csv", "a.csv", 5, "ff" * 32),)
        catalog.amend_run(run.run, writes=writes)
        other = reopen()
        other.amend_run(run.run, reads=(make_state("c", read),))
        other.amend_run(run.run, external=external)
        amended = other.amend_run(run.run, environment="e1")
        assert amended == replace(
            run, reads=(make_state("c", read),), writes=writes, external=external, environment="e1", sequence=place
        )
        assert catalog.run(run.run) == catalog.runs()[0] == amended
        assert set(catalog.runs_of_tables([early, late, read])) == {late, read}
        assert catalog.runs(wanted=RunFilter(dataset="a")) == ()
        assert catalog.runs(wanted=RunFilter(dataset="b", written=True)) == (amended,)
        before = self.content(catalog)
        assert catalog.amend_run(run.run, writes=writes) == catalog.amend_run(run.run) == amended
        assert self.content(catalog) == before
        assert catalog.amend_run(run.run, reads=(), writes=()).writes == ()
        assert catalog.runs_of_tables([early, late, read]) == {}
        with pytest.raises(UnknownName, match="absent"):
            catalog.amend_run("absent", writes=())

    def test_a_frame_that_was_deleted_is_a_write(self, catalog: Catalog) -> None:
        """A deletion has nothing after it; where there was nothing before either, nothing is found by it."""
        table = make_id()
        gone = make_run(writes=[(make_state("a", table), None)])
        nothing = make_run(writes=[(None, None)])
        place = catalog.record_run(gone)
        catalog.record_run(nothing)
        assert [run.writes for run in catalog.runs()] == [gone.writes, nothing.writes]
        assert catalog.runs(wanted=RunFilter(dataset="a", written=True)) == (replace(gone, sequence=place),)
        assert catalog.runs_of_tables([table]) == {table: (TableUse(place, gone.run, "a", "before"),)}

    def test_an_environment_is_remembered_once(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """In whatever order its packages come."""
        same = replace(PYTHON, packages=dict(reversed(list(PYTHON.packages.items()))))
        bare = Environment("3.13.0")
        assert catalog.record_environment(PYTHON) == PYTHON.id
        before = self.content(catalog)
        assert reopen().record_environment(same) == PYTHON.id
        assert self.content(catalog) == before
        assert catalog.record_environment(bare) == bare.id != PYTHON.id
        assert reopen().environment(PYTHON.id) == PYTHON
        assert reopen().environment(bare.id) == bare
        assert catalog.environment("absent") is catalog.environment("no\0text") is None

    def test_the_journal_gets_many_runs_in_one_object(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Each once, with all that is known of it, and the environments."""
        assert catalog.pending_runs(limit=10) is None
        runs = [full_run(), make_run(), make_run(code=None)]
        catalog.record_environment(PYTHON)
        places = [catalog.record_run(run) for run in runs]
        batch = reopen().pending_runs(limit=2)
        assert batch is not None
        content = json.loads(batch.data)
        assert batch.data == json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
        assert {name: content[name] for name in ("format", "catalog", "environments")} == {
            "format": 1,
            "catalog": catalog.uuid,
            "environments": {
                PYTHON.id: {"python": "3.12.1", "packages": PYTHON.packages, "git": PYTHON.git, "dirty": True}
            },
        }
        assert [(each["sequence"], each["version"], each["run"]["run"]) for each in content["runs"]] == [
            (place, 1, run.run) for place, run in zip(places[:2], runs[:2], strict=True)
        ]
        told = content["runs"][0]["run"]
        state = runs[0].reads[0]
        assert state.table is not None
        assert told["reads"][0]["table"] == state.table.hex()
        assert told["operations"][0]["edges"] == [[1, "distance", "*", "filter"]]
        assert told["code"] == runs[0].code
        assert "code" in content["runs"][1]["run"]
        assert batch.key.startswith(f"journal/cells/{places[0]:020d}-")
        catalog.runs_flushed(batch)
        catalog.runs_flushed(batch)
        rest = reopen().pending_runs(limit=2)
        assert rest is not None
        assert (rest.runs, rest.environments) == (((places[2], 1),), ())
        catalog.runs_flushed(rest)
        assert catalog.pending_runs(limit=2) is None
        assert [run.sequence for run in catalog.runs()] == places

    def test_a_run_that_was_amended_goes_to_the_journal_again(self, catalog: Catalog) -> None:
        """Also where it was amended between gathering and flushing, and whoever is late with flushing."""
        run = make_run()
        place = catalog.record_run(run)
        first = catalog.pending_runs(limit=9)
        assert first is not None
        catalog.amend_run(run.run, environment="e1")
        catalog.runs_flushed(first)
        second = catalog.pending_runs(limit=9)
        assert second is not None
        assert second.runs == ((place, 2),)
        assert second.key != first.key
        catalog.runs_flushed(second)
        assert catalog.pending_runs(limit=9) is None
        catalog.amend_run(run.run, environment="e2")
        for late in (first, second):
            catalog.runs_flushed(late)
        third = catalog.pending_runs(limit=9)
        assert third is not None
        assert json.loads(third.data)["runs"][0]["run"]["environment"] == "e2"
