"""A real JupyterLab for browser tests: its server, and one notebook as a user has it before them in the browser."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import ElementHandle, Page

PATIENCE = 60_000
"""Milliseconds that anything in the browser may take; shared machines are slow now and then."""

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a running server answers.

    Parameters
    ----------
    address : str
        Without a slash at its end.
    token : str
        What it wants to see.
    root : Path
        The folder whose files it shows.
    """

    address: str
    token: str
    root: Path

    def ask(self, path: str) -> Any:
        """Ask the REST interface, in JSON."""
        request = urllib.request.Request(f"{self.address}{path}", headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


def free_port() -> int:
    """Port on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def arguments(port: int, token: str) -> list[str]:
    """Command line that keeps a server to this machine, on this port or nowhere."""
    return [
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
    ]


@contextmanager
def running(
    command: Sequence[str], *, root: Path, port: int, token: str, log: Path, cwd: Path, env: dict[str, str]
) -> Iterator[Server]:
    """Run a server for as long as the context lasts; kernels end with it.

    Raises
    ------
    AssertionError
        If it ends by itself or does not answer within a minute; the message holds what it wrote.
    """
    server = Server(f"http://127.0.0.1:{port}", token, root)
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, cwd=cwd, env=env, start_new_session=True
        )
    try:
        _await(server, process, log)
        yield server
    finally:
        _end(process)


def _await(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, f"the server ended by itself:\n{log.read_text(errors='replace')}"
        try:
            server.ask("/api/status")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server does not answer:\n{log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and what it started; asked politely, it ends its kernels, which have process groups of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except ProcessLookupError:
            process.wait(20)
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


@contextmanager
def lab(root: Path, state: Path, *more: str) -> Iterator[Server]:
    """JupyterLab of this environment, with settings and run-time files of its own.

    Parameters
    ----------
    root : Path
        Folder whose files it shows.
    state : Path
        Folder for all that it writes beside them.
    *more : str
        Further arguments of its command line.
    """
    port, token = free_port(), secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", *arguments(port, token), f"--ServerApp.root_dir={root}"),
        *(["--allow-root"] if os.getuid() == 0 else []),
        "--LabApp.expose_app_in_browser=True",  # the tests wait for kernels through it
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *more,
    ]
    with running(
        command, root=root, port=port, token=token, log=state / "log", cwd=root, env=surroundings(state)
    ) as server:
        yield server


def surroundings(state: Path) -> dict[str, str]:
    """Environment variables of a server that reads nobody's settings and leaves its files in a folder of the test."""
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    kinds = ("CONFIG", "DATA", "RUNTIME")
    folders = {f"JUPYTER_{kind}_DIR": str(state / kind.lower()) for kind in kinds}
    labs = {f"JUPYTERLAB_{kind}_DIR": str(state / kind.lower()) for kind in ("SETTINGS", "WORKSPACES")}
    return {**os.environ, **folders, **labs, "TMPDIR": str(temporary)}


class OpenNotebook:
    """A notebook that is open in a browser.

    Parameters
    ----------
    page : Page
        An empty page.
    server : Server
        Where the notebook is.
    name : str
        Its path below the server's root.
    """

    def __init__(self, page: Page, server: Server, name: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda told: self.troubles.append(told.text) if told.type == "error" else None)
        page.on("dialog", lambda dialog: self.troubles.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.goto(f"{server.address}/lab/tree/{name}?token={server.token}&reset")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.wait_for_function("window.jupyterapp && window.jupyterapp.commands")
        # What is run before the kernel has answered is dropped without a word.
        page.evaluate(
            """async () => {
                const notebook = window.jupyterapp.shell.currentWidget;
                await notebook.context.ready;
                await notebook.context.sessionContext.ready;
                await notebook.context.sessionContext.session.kernel.info;
            }"""
        )

    def run_all(self) -> None:
        """Choose Run > Run All Cells from the menu, and wait till the kernel has done with all that it was sent."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells
                .some(cell => cell.cell_type === 'code' && cell.execution_count !== null)"""
        )
        # JupyterLab's own word for "has run" comes early when a cell fails that may; a kernel answers in order.
        self.page.evaluate(
            """async () => {
                const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
                await kernel.requestExecute({code: '', silent: true}).done;
            }"""
        )

    def use(self, theme: str) -> None:
        """Choose a theme, as in Settings > Theme."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            theme,
        )
        self.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)

    def cells(self) -> list[dict[str, Any]]:
        """The notebook as it would be saved: its cells in order, with outputs."""
        found = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells")
        assert isinstance(found, list)
        return found

    def cell(self, name: str) -> ElementHandle:
        """Return the element of a cell by its id, scrolled to: cells out of sight need not be in the page."""
        found = self.page.evaluate_handle(
            """async id => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const cell = notebook.widgets.find(cell => cell.model.id === id);
                await notebook.scrollToCell(cell);
                return cell.node;
            }""",
            name,
        ).as_element()
        assert found is not None
        return found
