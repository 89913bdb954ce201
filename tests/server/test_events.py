"""What listeners hear, and when: of commits by other processes, cells, refs; and that nothing is done for nobody."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from tornado.websocket import WebSocketClientConnection

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.cells import FrameState, FrameWrite
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.server import events
from lineageflow_jupyter.server.watching import Tail
from tests.repositories import numbers
from tests.server.conftest import Ask, Committer
from tests.server.test_rest import run_of

Subscribe = Callable[..., Awaitable[WebSocketClientConnection]]
PATIENCE = 10.0


class Heard:
    """Events that arrive over the websocket that JupyterLab listens to."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self.all: list[dict[str, Any]] = []

    async def next(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        while True:
            said = await asyncio.wait_for(self._socket.read_message(), PATIENCE)
            assert said is not None
            event = json.loads(said)
            if "lineageflow" in event["schema_id"]:
                self.all.append(event)
                if f"/{kind}/" in event["schema_id"]:
                    return event

    async def silence(self, seconds: float) -> None:
        """Nothing of ours arrives for a while."""
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(self.next("none"), seconds)


@asynccontextmanager
async def listening(subscribe: Subscribe) -> AsyncIterator[Heard]:
    socket = await subscribe("api", "events", "subscribe")
    try:
        yield Heard(socket)
    finally:
        socket.close()


async def test_a_commit_of_another_process_is_heard_within_a_second(
    repo: Repository, at: str, committer: Committer, jp_ws_fetch: Subscribe
) -> None:
    async with listening(jp_ws_fetch) as heard:
        for number in range(5):
            done, commit = await asyncio.to_thread(committer.commit, f"number {number}\u00fc")
            event = await heard.next("commit")
            assert time.time() - done < 1
            assert (event["id"], event["branch"], event["summary"]) == (commit, "main", f"number {number}ü")
            assert (event["datasets"], event["repository"]) == (["bobs"], at.rpartition("/")[2])
            assert event["notebook"] == ""  # a script's
            moved = await heard.next("ref_moved")
            assert (moved["ref"], moved["new"]) == ("main", commit)
        sequences = [event["sequence"] for event in heard.all]
        assert sequences == sorted(sequences)
        assert len({event["event_id"] for event in heard.all}) == len(heard.all)


async def test_two_listeners_hear_the_same(repo: Repository, committer: Committer, jp_ws_fetch: Subscribe) -> None:
    async with listening(jp_ws_fetch) as one, listening(jp_ws_fetch) as other:
        await asyncio.to_thread(committer.commit, "heard twice")
        first, second = await one.next("commit"), await other.next("commit")
        assert first == second
        assert "event_id" in first


async def test_what_happened_just_before_is_heard_and_what_is_old_is_not(
    repo: Repository, committer: Committer, jp_ws_fetch: Subscribe
) -> None:
    """Whoever subscribes and then asks for the log must not miss what comes between."""
    _, old = await asyncio.to_thread(committer.commit, "old")
    await asyncio.sleep(2.5)
    _, new = await asyncio.to_thread(committer.commit, "new")
    async with listening(jp_ws_fetch) as heard:
        assert (await heard.next("commit"))["id"] == new
        await heard.silence(0.6)
    assert old not in {event.get("id") for event in heard.all}


async def test_cell_runs(repo: Repository, jp_ws_fetch: Subscribe) -> None:
    before = FrameState("t", "<b>t</b>", None, None, 10, 2)
    after = FrameState("t", "<b>t</b>", None, None, 9, 3)
    async with listening(jp_ws_fetch) as heard:
        run = run_of(repo, 3, reads=(before,), writes=(FrameWrite(before, after), FrameWrite(before, None)))
        sequence = repo.record_run(run_of(repo, 3, reads=run.reads, writes=run.writes, started=time.time_ns() // 1000))
        event = await heard.next("cell_run")
    assert event["event_id"] == f"cell_run:{run.run}"
    assert (event["run"], event["cell"], event["number"]) == (run.run, "cell-3", 3)
    assert (event["outcome"], event["sequence"]) == ("ok", sequence)
    assert event["notebook"] == "first.ipynb"
    assert event["reads"] == [{"variable": "t", "dataset": "<b>t</b>", "rows": 10, "columns": 2}]
    assert event["writes"] == [
        {
            "variable": "t",
            "dataset": "<b>t</b>",
            "rows": 9,
            "columns": 3,
            "rows_before": 10,
            "columns_before": 2,
        },
        {
            "variable": "t",
            "dataset": "<b>t</b>",
            "rows": None,
            "columns": None,
            "rows_before": 10,
            "columns_before": 2,
        },
    ]


async def test_branches_tags_and_head(repo: Repository, jp_ws_fetch: Subscribe) -> None:
    first = repo.commit({"t": numbers(1)}, message="one").id.hex()
    async with listening(jp_ws_fetch) as heard:
        repo.branch("side")
        repo.tag("v1")
        repo.switch("side")
        repo.delete_tag("v1")
        told = []
        while len(told) < 4:
            event = await heard.next("ref_moved")
            if event["ref"] != "main":
                told.append((event["ref"], event["kind"], event["old"], event["new"], event["notebook"]))
    assert told == [
        ("side", "branch", None, first, "first.ipynb"),
        ("v1", "tag", None, first, "first.ipynb"),
        ("HEAD", "head", "main", "side", "first.ipynb"),
        ("v1", "tag", first, None, "first.ipynb"),
    ]


async def test_a_repository_that_is_created_while_somebody_listens(jp_root_dir: Path, jp_ws_fetch: Subscribe) -> None:
    async with listening(jp_ws_fetch) as heard:
        await asyncio.sleep(0.3)
        with lf.init(jp_root_dir) as repo:
            commit = repo.commit({"t": numbers(1)}, message="first of all")
            assert (await heard.next("commit"))["id"] == commit.id.hex()


async def test_nothing_is_opened_while_nobody_listens(
    jp_serverapp: ServerApp, repo: Repository, jp_ws_fetch: Subscribe
) -> None:
    repositories = jp_serverapp.web_app.settings["lineageflow"].repositories
    repo.commit({"t": numbers(1)}, message="one")
    await asyncio.sleep(0.5)
    assert not repositories._opened
    async with listening(jp_ws_fetch) as heard:
        await heard.next("commit")
        assert repositories._opened


async def test_a_damaged_repository_does_not_silence_others(
    jp_root_dir: Path, ask: Ask, jp_ws_fetch: Subscribe
) -> None:
    bad, good = jp_root_dir / "bad", jp_root_dir / "good"
    lf.init(bad).close()
    (bad / ".lineageflow" / "catalog.sqlite").write_bytes(b"no database " * 1000)
    with lf.init(good) as repo:
        for name in ("bad", "good"):
            await ask("notebook", path=f"{name}/n.ipynb")
        async with listening(jp_ws_fetch) as heard:
            commit = repo.commit({"t": numbers(1)}, message="all the same")
            assert (await heard.next("commit"))["id"] == commit.id.hex()


def test_a_tail_tells_everything_once_however_much_there_is(repo: Repository) -> None:
    tail = Tail(since=time.time_ns() // 1000)
    assert tail.news(repo) == ([], [])
    for number in range(230):
        repo.record_run(run_of(repo, number))
    repo.commit({"t": numbers(1)}, message="one")
    runs, operations = [], []
    for _ in range(4):
        some_operations, some_runs = tail.news(repo)
        runs += [run.number for run in some_runs]
        operations += some_operations
    assert runs == list(range(230))
    assert [operation.detail["message"] for operation in operations] == ["one"]


def test_a_log_that_was_put_back_is_followed_from_its_end(repo: Repository) -> None:
    tail = Tail(since=0)
    repo.commit({"t": numbers(1)}, message="one")
    tail.news(repo)
    tail.operation += 1_000  # as if a longer log had been there before
    repo.commit({"t": numbers(2)}, message="two")
    tail.news(repo)
    repo.commit({"t": numbers(3)}, message="three")
    assert [operation.detail["message"] for operation in tail.news(repo)[0]] == ["three"]


def test_schemas_take_what_is_told(jp_serverapp: ServerApp) -> None:
    known = jp_serverapp.event_logger.schemas
    for schema, file in events.SCHEMAS.items():
        assert schema in known
        assert f"$id: {schema}\n" in file.read_text(encoding="utf-8")
    head = {"event_id": "e", "sequence": 1, "repository": "r", "time": "2026-11-28T00:00:00Z", "notebook": ""}
    known.validate_event(events.CHECK_FAILED, {**head, "check": "no nulls", "dataset": "t", "problem": "3 nulls"})
    for schema in events.SCHEMAS:
        with pytest.raises(Exception, match="required"):
            known.validate_event(schema, {"sequence": 1})
