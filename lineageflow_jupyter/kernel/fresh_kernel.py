"""A fresh kernel that runs the cells of a slice, and ends with all that it has started; see `rerun`."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineageflow_jupyter.kernel.rerun_child import FAILURE
from lineageflow_jupyter.lineage.slices import Slice, SliceCell
from lineageflow_jupyter.model.cells import OK

TICK = 0.1
"""Seconds between two looks at whether the kernel lives, and whether it is still wanted."""
_CHILD = "__import__('lineageflow_jupyter.kernel.rerun_child', fromlist=['*'])"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a re-run gave no frame.

    Parameters
    ----------
    error, message : str
        Class of what was raised, and its message.
    number : int or None
        Number of the cell; None where it is none's fault.
    line : int or None
        Line of the cell, from 1.
    """

    error: str
    message: str
    number: int | None = None
    line: int | None = None


def cell_named(cell: SliceCell) -> str:
    """How messages call a cell."""
    return "a cell" if cell.run.number is None else f"cell [{cell.run.number}]"


class _Stopped(Exception):
    """Nobody waits for the kernel any more, or it has ended."""


@dataclass(slots=True)
class FreshKernel:
    """A fresh kernel for one slice.

    Parameters
    ----------
    place : Path
        Folder that it runs in.
    folder : Path
        Folder of the re-run, see `rerun_child`.
    end : float
        When it must have ended, by ``time.monotonic``.
    seconds : float
        How long that is, for the message.
    unwanted : threading.Event
        Set by another thread: nobody waits for it any more.
    notes : list of str
        What was otherwise than in the notebook.
    """

    place: Path
    folder: Path
    end: float
    seconds: float
    unwanted: threading.Event = field(default_factory=threading.Event)
    notes: list[str] = field(default_factory=list)
    manager: Any = None
    client: Any = None

    def run(self, found: Slice, expected: str) -> Failure | None:
        """Run the cells; why there is no result."""
        at: SliceCell | None = None
        try:
            self._start()
            failure = self._call("prepare", str(self.folder))
            if failure is not None:
                return failure
            for at in found.cells:
                failure = self._cell(at)
                if failure is not None:
                    return failure
            at = None
            return self._call("report", str(self.folder), found.variable, expected)
        except _Stopped as stopped:
            number = None if at is None else at.run.number
            return Failure(type(stopped).__name__.lstrip("_"), str(stopped), number)
        finally:
            self._end()

    def _start(self) -> None:
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
        from jupyter_client.manager import KernelManager

        # Its cells are no part of the user's history.
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = KernelSpec(argv=[*command, "--HistoryManager.enabled=False"], display_name="", language="python")

        class SamePython(KernelSpecManager):
            def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
                return spec

        self.manager = KernelManager(kernel_spec_manager=SamePython())
        nowhere = {"stdout": -3, "stderr": -3}  # subprocess.DEVNULL
        environment = os.environ | {"LINEAGEFLOW_TRACK": "false"}
        self.manager.start_kernel(cwd=str(self.place), env=environment, **nowhere)
        self.client = self.manager.client()
        # What cells print is not listened to.
        self.client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)
        self._answer(self.client.kernel_info())

    def _call(self, name: str, *arguments: str) -> Failure | None:
        code = f"{_CHILD}.{name}(get_ipython(), {', '.join(map(repr, arguments))})"
        return self._execute(code, silent=True)

    def _cell(self, cell: SliceCell) -> Failure | None:
        with suppress(FileNotFoundError):
            (self.folder / FAILURE).unlink()
        failure = self._execute(cell.code, silent=False)
        if failure is None:
            if cell.run.outcome != OK:
                self.notes.append(
                    f"{cell_named(cell)} raised {cell.run.outcome} in the notebook, and not when run again"
                )
            return None
        if failure.error == cell.run.outcome:
            return None  # and the notebook went on
        return Failure(failure.error, failure.message, cell.run.number, self._line())

    def _line(self) -> int | None:
        try:
            line = json.loads((self.folder / FAILURE).read_text(encoding="utf-8"))["line"]
        except (OSError, ValueError, KeyError):
            return None
        return line if isinstance(line, int) else None

    def _execute(self, code: str, *, silent: bool) -> Failure | None:
        sent = self.client.execute(
            code, silent=silent, store_history=not silent, allow_stdin=False, stop_on_error=False
        )
        answer = self._answer(sent)
        if answer["status"] == "ok":
            return None
        return Failure(str(answer.get("ename", answer["status"])), str(answer.get("evalue", "")))

    def _answer(self, sent: str) -> Mapping[str, Any]:
        """Wait for the answer to a request."""
        while True:
            if self.unwanted.is_set():
                raise _Stopped("nobody waits for it any more")
            if time.monotonic() > self.end:
                raise _Stopped(f"it did not end within {self.seconds:g} seconds (`--timeout` gives it more)")
            try:
                message = self.client.get_shell_msg(timeout=TICK)
            except queue.Empty:
                if not self.manager.is_alive():
                    raise _Stopped("the kernel died") from None
                continue
            if message["parent_header"].get("msg_id") == sent:
                content: Mapping[str, Any] = message["content"]
                return content

    def _end(self) -> None:
        """End the kernel, with all that cells have started in it: they are one group of processes."""
        from jupyter_core.utils import ensure_event_loop

        try:
            if self.client is not None:
                self.client.stop_channels()
            if self.manager is not None and self.manager.has_kernel:
                self.manager.shutdown_kernel(now=True)
        finally:
            ensure_event_loop().close()  # the one of this thread, which the calls before have made
