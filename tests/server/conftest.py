"""A real Jupyter server with the extension, a repository below its root, and another process that commits to it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from tornado.httpclient import HTTPResponse

import lineageflow_jupyter as lf
from lineageflow_jupyter.config import settings
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.server.repositories import place_of


@dataclass(frozen=True)
class Reply:
    """What the server answered.

    Parameters
    ----------
    status : int
        Status.
    body : object
        The JSON; None where there is none.
    tag : str
        Its ETag.
    """

    status: int
    body: Any
    tag: str

    def __getitem__(self, name: str) -> Any:
        """Entry of an answer that is none of an error."""
        assert self.status == 200, self.body
        return self.body[name]

    @property
    def error(self) -> dict[str, str]:
        """The error, which is always complete."""
        assert set(self.body) == {"error"}
        assert set(self.body["error"]) == {"code", "problem", "remedy"}
        assert self.body["error"]["problem"]
        return self.body["error"]


Ask = Callable[..., Awaitable[Reply]]


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"lineageflow_jupyter": True}}}


@pytest.fixture
def ask(jp_fetch: Callable[..., Awaitable[HTTPResponse]]) -> Ask:
    """Asks the extension; parameters may be lists."""

    async def asked(path: str, /, tag: str = "", method: str = "GET", **parameters: Any) -> Reply:
        headers = {"If-None-Match": tag} if tag else {}
        query = urllib.parse.urlencode(parameters, doseq=True)
        # `jp_fetch` writes the query itself; ours may repeat a name.
        found = await jp_fetch(
            "lineageflow",
            *path.split("/"),
            headers=headers,
            method=method,
            params=_Query(query),
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        body = json.loads(found.body) if found.body else None
        return Reply(found.code, body, found.headers.get("Etag", ""))

    return asked


class _Query(dict[str, str]):
    """Parameters that are encoded already."""

    def __init__(self, query: str) -> None:
        super().__init__(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.query = query

    def items(self) -> Any:
        return urllib.parse.parse_qsl(self.query, keep_blank_values=True)


def workspace_name(file: Path) -> lf.WorkspaceName:
    """What the kernel of a notebook is known by."""
    found = settings()
    return lf.WorkspaceName(found.user, found.host, str(file))


@pytest.fixture
def repo(jp_root_dir: Path) -> Iterator[Repository]:
    """A repository in the server's root, open as the notebook ``first.ipynb``."""
    with lf.init(jp_root_dir, workspace=workspace_name(jp_root_dir / "first.ipynb")) as repository:
        yield repository


@pytest.fixture
def at(repo: Repository) -> str:
    """Address of the repository."""
    return f"repositories/{place_of(Path(repo.location)).id}"


COMMITTER = """
import sys, time
import pandas as pd
import lineageflow_jupyter as lf
with lf.open(sys.argv[1], workspace=lf.WorkspaceName("bob", "elsewhere", "script.py")) as repo:
    print("ready", flush=True)
    for number, message in enumerate(sys.stdin):
        report = repo.commit({"bobs": pd.DataFrame({"x": [number]})}, message=message.strip())
        print(time.time(), report.id.hex(), flush=True)
"""


class Committer:
    """Another process that has the repository open, and commits when it is told to."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"

    def commit(self, message: str) -> tuple[float, str]:
        """Commit; when that was done, and the id of the commit."""
        assert self._process.stdin is not None
        self._process.stdin.write(message + "\n")
        self._process.stdin.flush()
        time, commit = self._read().split()
        return float(time), commit

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def committer(repo: Repository) -> Iterator[Committer]:
    other = Committer(Path(repo.location))
    yield other
    other.close()
