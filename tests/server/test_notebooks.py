"""Notebooks with real kernels: what their repository knows of them, what the server sees itself, and their renaming."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import HTTPResponse

from lineageflow_jupyter.repository import Repository
from tests.server.conftest import Ask, Reply
from tests.server.test_events import Subscribe, listening

ROOT = Path(__file__).parent.parent.parent
Fetch = Callable[..., Awaitable[HTTPResponse]]


class OpenNotebook:
    """A notebook whose kernel this server has started, as JupyterLab does it."""

    def __init__(self, app: ServerApp, fetch: Fetch, session: dict[str, Any]) -> None:
        self._fetch = fetch
        self._closed = False
        self.session = session["id"]
        self.kernel = session["kernel"]["id"]
        self._client = app.kernel_manager.get_kernel(self.kernel).client()

    @classmethod
    async def open(cls, app: ServerApp, fetch: Fetch, path: str) -> OpenNotebook:
        (Path(app.root_dir) / path).parent.mkdir(parents=True, exist_ok=True)
        said = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
        found = await fetch("api", "sessions", method="POST", body=json.dumps(said))
        notebook = cls(app, fetch, json.loads(found.body))
        notebook._client.start_channels()
        await notebook._client.wait_for_ready(timeout=60)
        return notebook

    async def run(self, code: str) -> str:
        """Run a cell; its outcome."""
        done = await self._client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
        return str(done["content"].get("ename") or done["content"]["status"])

    async def rename(self, path: str) -> None:
        said = {"path": path, "name": Path(path).name}
        await self._fetch("api", "sessions", self.session, method="PATCH", body=json.dumps(said))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._client.stop_channels()
        await self._fetch("api", "sessions", self.session, method="DELETE")


Open = Callable[[str], Awaitable[OpenNotebook]]


@pytest.fixture
def notebook(
    jp_serverapp: ServerApp,
    jp_fetch: Fetch,
    jp_asyncio_loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Open]:
    """Opens notebooks; their kernels end with the test."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opened: list[OpenNotebook] = []

    async def open_one(path: str) -> OpenNotebook:
        opened.append(await OpenNotebook.open(jp_serverapp, jp_fetch, path))
        return opened[-1]

    yield open_one
    for each in opened:
        jp_asyncio_loop.run_until_complete(each.close())


async def until(ask: Ask, path: str, wanted: Callable[[Reply], object]) -> Reply:
    """What is known of a notebook, as soon as something is true of it: messages of kernels take their time."""
    end = time.monotonic() + 10
    while True:
        found = await ask("notebook", path=path)
        if wanted(found) or time.monotonic() > end:
            assert wanted(found), found.body
            return found
        await asyncio.sleep(0.05)


PATH = "für später/100% a b.ipynb"


async def test_a_notebook_from_its_first_cell_to_its_renaming(
    ask: Ask, repo: Repository, at: str, notebook: Open, jp_ws_fetch: Subscribe
) -> None:
    opened = await notebook(PATH)
    found = await ask("notebook", path=PATH)
    assert (found["kernel"], found["tracked"], found["offers_loading"]) == (opened.kernel, False, True)
    assert (found["repository"], found["workspace"]) == (at.rpartition("/")[2], None)

    # Without the magics the server tells what it sees.
    before = time.time() * 1e6
    assert await opened.run("import time; time.sleep(0.05)") == "ok"
    assert await opened.run("1 / 0") == "ZeroDivisionError"
    found = await until(ask, PATH, lambda found: len(found["seen"]) == 2 and found["seen"][1]["outcome"])
    assert [(run["number"], run["outcome"]) for run in found["seen"]] == [(1, "ok"), (2, "ZeroDivisionError")]
    assert found["seen"][0]["duration"] >= 50_000
    assert before <= found["seen"][0]["started"] <= found["seen"][1]["started"]
    assert found["tracked"] is False

    # Once they are loaded nothing is offered any more.
    assert await opened.run("%load_ext lineageflow_jupyter") == "ok"
    await until(ask, PATH, lambda found: not found["offers_loading"])

    async with listening(jp_ws_fetch) as heard:
        assert await opened.run("import pandas as pd\nt = pd.DataFrame({'x': [1, 2, 3]})") == "ok"
        while not (event := await heard.next("cell_run"))["writes"]:
            assert event["notebook"] == PATH  # the cell that loaded them may be told as well
        assert event["notebook"] == PATH
        assert [(write["variable"], write["rows"], write["rows_before"]) for write in event["writes"]] == [
            ("t", 3, None)
        ]
        assert await opened.run("%lf commit t -m 'from the notebook'") == "ok"
        event = await heard.next("commit")
        assert (event["notebook"], event["summary"]) == (PATH, "from the notebook")
        found = await until(ask, PATH, lambda found: found["tracked"])
        assert (found["offers_loading"], found["dirty"], found["seen"]) == (False, 0, [])
        assert found["head"]["commit"]["message"] == "from the notebook"
        assert await opened.run("t['y'] = 1") == "ok"
        await until(ask, PATH, lambda found: found["dirty"] == 1)

        # The kernel still knows the notebook by its old name.
        new = "renamed <b>.ipynb"
        await opened.rename(new)
        assert await opened.run("t = t[t.x > 1]") == "ok"
        told: list[int | None] = []
        while 2 not in told:
            event = await heard.next("cell_run")
            told = [write["rows"] for write in event["writes"]]
        assert event["notebook"] == new
    found = await until(ask, new, lambda found: found["tracked"])
    assert found["kernel"] == opened.kernel
    runs = (await ask(f"{at}/runs", notebook=new))["runs"]
    assert runs[-1]["code"] == "t = t[t.x > 1]"
    (dataset,) = (await ask(f"{at}/datasets", notebook=new))["datasets"]
    assert dataset["changed"] is True


async def test_a_notebook_that_was_renamed_before_anybody_asked(ask: Ask, repo: Repository, notebook: Open) -> None:
    """Its kernel is known by its process; once that has ended there is none."""
    opened = await notebook("n.ipynb")
    await opened.run("%load_ext lineageflow_jupyter")
    await opened.run("import pandas as pd\nt = pd.DataFrame({'x': [1, 2, 3]})")
    await opened.rename("m.ipynb")
    found = await until(ask, "m.ipynb", lambda found: found["tracked"])
    assert (found["kernel"], found["offers_loading"]) == (opened.kernel, False)
    assert (await ask("notebook", path="n.ipynb"))["kernel"] is None
    await opened.close()
    found = await until(ask, "m.ipynb", lambda found: found["kernel"] is None)
    assert (found["tracked"], found["offers_loading"]) == (False, False)
