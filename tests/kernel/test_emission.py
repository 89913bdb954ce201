"""Events of OpenLineage from a real shell: to a file, an address, a client; and receivers that are broken."""

from __future__ import annotations

import base64
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lineageflow_jupyter.kernel import emission as emitting
from lineageflow_jupyter.kernel.emission import Emission
from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.testing.shell import TestingShell

CHANGE = "fares['twice'] = fares.dep * 2"


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy between the test and its servers, and no configuration of whoever runs it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tracked(committed: TestingShell) -> TestingShell:
    committed.run("import pandas as pd\nfares = pd.DataFrame({'id': [1, 2], 'dep': [1.0, None]})")
    committed.run("%lf commit fares -m fares;")
    return committed


def emission(shell: TestingShell) -> Emission:
    found = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(found, LineMagic)
    found.tracking.flush()
    return found.tracking.emission


def flushed(shell: TestingShell) -> Emission:
    found = emission(shell)
    assert found.flush(20)
    return found


class Receiver:
    """A real server; `answer` says what a request gets."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), json.loads(body)))
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


def answering(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        if code == 302:
            request.send_header("Location", "/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


@contextmanager
def receiver(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Receiver]:
    made = Receiver(answer)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


def test_a_file(tracked: TestingShell, tmp_path: Path) -> None:
    """One event a line, relative to the repository, with what the repository knows of the tables."""
    tracked.run("%lf config openlineage events.ndjson;")
    tracked.run(CHANGE)
    assert flushed(tracked).problem == ""
    lines = (tmp_path / "events.ndjson").read_text(encoding="utf-8").splitlines()
    begun, ended = map(json.loads, lines)
    assert (begun["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert begun["eventTime"] < ended["eventTime"]
    (read,), (made,) = ended["inputs"], ended["outputs"]
    assert read["name"] == made["name"] == "fares"
    assert read["namespace"].startswith("lineageflow://")
    assert read["namespace"].endswith(tmp_path.as_posix())
    assert [(each["name"], each["type"]) for each in made["facets"]["schema"]["fields"]] == [
        ("id", "int64"),
        ("dep", "float64"),
        ("twice", "float64"),
    ]
    assert read["facets"]["version"] != made["facets"]["version"]
    assert "sourceCode" not in ended["job"]["facets"]
    assert CHANGE not in lines[1]
    assert "OpenLineage" not in str(tracked.run("%lf status"))


def test_settings(tracked: TestingShell, tmp_path: Path) -> None:
    path = tmp_path / "other" / "events.ndjson"
    path.parent.mkdir()
    tracked.run(f"%lf config openlineage {path};")
    tracked.run("%lf config openlineage_code true;")
    tracked.run("%lf config openlineage_namespace team;")
    tracked.run("text = 'https://ada:s3cret@example.org/?token=s3cret'; " + CHANGE)
    flushed(tracked)
    ended = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    assert ended["job"]["namespace"] == ended["outputs"][0]["namespace"] == "team"
    code = ended["job"]["facets"]["sourceCode"]["sourceCode"]
    assert CHANGE in code
    assert "s3cret" not in code
    count = len(path.read_text(encoding="utf-8").splitlines())
    told = str(tracked.run("%lf config openlineage https://ada:s3cret@example.org/x?token=s3cret"))
    assert "example.org/x" in told
    assert "s3cret" not in told + str(tracked.run("%lf config")) + str(tracked.run("%lf config openlineage"))
    tracked.run("%lf config openlineage OFF;")
    tracked.run("fares['x'] = 1")
    assert flushed(tracked).problem == ""
    assert len(path.read_text(encoding="utf-8").splitlines()) == count
    for wrong in ("ftp://example.org", "https://", "http://host:0/", "http://host:port/"):
        assert "off, client, a path, or an address" in tracked.refused(f"%lf config openlineage {wrong}")


def test_an_address(tracked: TestingShell) -> None:
    with receiver(answering(201)) as server:
        tracked.run(f"%lf config openlineage {server.address};")
        tracked.run(CHANGE)
        with pytest.raises(ZeroDivisionError):
            tracked.run("fares['z'] = 1; 1 / 0")
        assert flushed(tracked).sent >= 2
        paths = {path for path, _, _ in server.got}
        states = [event["eventType"] for _, _, event in server.got]
        assert paths == {"/api/v1/lineage"}
        assert states == ["START", "COMPLETE", "START", "FAIL"]
        own = server.address.replace("http://", "http://ada:pass%20word@") + "/own/path?x=1"
        tracked.run(f"%lf config openlineage {own};")
        tracked.run("fares['w'] = 1")
        flushed(tracked)
        path, headers, _ = server.got[-1]
        assert path == "/own/path?x=1"
        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"ada:pass word"
        assert headers["Content-Type"] == "application/json"


def reset(request: BaseHTTPRequestHandler) -> None:
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(answering(500), "HTTPError: HTTP Error 500", id="500"),
        pytest.param(answering(302), "HTTPError: HTTP Error 302", id="elsewhere"),
        pytest.param(reset, "", id="reset"),
    ],
)
def test_a_broken_receiver_is_told_by_the_status_alone(
    tracked: TestingShell,
    answer: Callable[[BaseHTTPRequestHandler], None],
    told: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with receiver(answer) as server, caplog.at_level(logging.WARNING, "lineageflow_jupyter"):
        tracked.run(f"%lf config openlineage {server.address.replace('//', '//ada:s3cret@')};")
        capsys.readouterr()
        tracked.run(CHANGE)
        tracked.run("fares['x'] = 1")
        tracked.run("fares['y'] = 1")
        found = flushed(tracked)
    assert found.failed == 3
    assert found.sent == 0
    output = capsys.readouterr()
    assert output.out + output.err == ""
    assert len([each for each in caplog.records if "OpenLineage" in each.getMessage()]) == 1
    status = str(tracked.run("%lf status"))
    assert f"OpenLineage events could not be sent (3 lost): {told}" in status
    assert "s3cret" not in status + caplog.text
    magic: Any = tracked.magics_manager.magics["line"]["lf"]
    assert magic.__self__.tracking.problem == ""  # cells are recorded all the same


def test_what_cannot_be_written_or_read(tracked: TestingShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracked.run("%lf config openlineage nowhere/events.ndjson;")
    tracked.run(CHANGE)
    flushed(tracked)
    assert "(1 lost): FileNotFoundError" in str(tracked.run("%lf status"))
    tracked.run("%lf config openlineage events.ndjson;")  # and from now on it works
    tracked.run("fares['x'] = 1")
    assert flushed(tracked).sent == 1
    tracked.run("%lf config openlineage --unset;")
    monkeypatch.setenv("LINEAGEFLOW_OPENLINEAGE", "gopher://x")
    tracked.run("fares['y'] = 1")
    flushed(tracked)
    assert "gopher" in str(tracked.run("%lf status"))


def test_a_receiver_that_hangs_holds_nobody_up(tracked: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells, records and leaving: what finds the queue full is dropped, and counted."""
    monkeypatch.setattr(emitting, "WAITING", 2)
    monkeypatch.setattr(emitting, "LEAVE", 0.2)
    released = threading.Event()
    with receiver(lambda request: released.wait(30)) as server:  # type: ignore[arg-type, return-value]
        magic: Any = tracked.magics_manager.magics["line"]["lf"]
        tracking = magic.__self__.tracking
        tracking._records._emission = tracking.emission = Emission(magic.__self__.session.settings)
        tracked.run(f"%lf config openlineage {server.address};")
        start = time.perf_counter()
        for number in range(6):
            tracked.run(f"fares['x'] = {number}")
        tracking.flush()
        assert time.perf_counter() - start < emitting.SECONDS - 1
        assert tracking.emission.dropped >= 3
        assert len(magic.__self__.session.repository.cell_runs("fares", written=True)) >= 7
        status = str(tracked.run("%lf status"))
        assert "dropped): they come faster than they are taken" in status
        start = time.perf_counter()
        tracking.emission.close()
        assert time.perf_counter() - start < 2
        released.set()


def test_the_answer_must_come_in_time(tracked: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitting, "SECONDS", 0.2)
    released = threading.Event()
    with receiver(lambda request: released.wait(30)) as server:  # type: ignore[arg-type, return-value]
        tracked.run(f"%lf config openlineage {server.address};")
        tracked.run(CHANGE)
        assert flushed(tracked).failed == 1
        assert "TimeoutError" in str(tracked.run("%lf status"))
        released.set()


def test_the_client_of_openlineage(tracked: TestingShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own configuration says where: here a file, as any transport that it knows."""
    config = tmp_path / "openlineage.yml"
    config.write_text(
        f"transport:\n  type: file\n  log_file_path: {tmp_path}/client.ndjson\n  append: true\n", encoding="utf-8"
    )
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(config))
    tracked.run("%lf config openlineage client;")
    tracked.run("%lf config openlineage_code true;")
    tracked.run(CHANGE)
    assert flushed(tracked).problem == ""
    begun, ended = (tmp_path / "client.ndjson").read_text(encoding="utf-8").splitlines()
    event = json.loads(ended)
    assert (json.loads(begun)["eventType"], event["eventType"]) == ("START", "COMPLETE")
    assert event["outputs"][0]["name"] == "fares"
    assert event["outputs"][0]["facets"]["version"]["datasetVersion"]
    assert event["job"]["facets"]["sourceCode"]["sourceCode"] == CHANGE


def test_nothing_is_imported_unless_it_is_wanted(tracked: TestingShell) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nimport lineageflow_jupyter.kernel.magics\n"
        "print([name for name in sys.modules if 'openlineage' in name.lower()])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
