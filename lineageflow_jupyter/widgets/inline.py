"""A widget below an answer: it has no data of its own, and answers what the browser asks by custom messages.

A question has a number and the name of what is asked for, ``{"id": 7, "ask": "rows", …}``; the answer has the same
number, ``{"id": 7, "told": …}`` or ``{"id": 7, "problem": "…"}``. Questions wait while a cell runs, or come on a thread
of their own where the front end and ipykernel know subshells: so one is answered at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import anywidget
import traitlets

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.widgets.modules import loader, module

GONE = "what is shown here is no longer kept; run the cell again"


class Source(Protocol):
    """What a widget shows."""

    kind: str

    def answers(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        """By question: what answers it, with a value for JSON."""
        ...


class Inline(anywidget.AnyWidget):
    """A widget for one source.

    Parameters
    ----------
    source : Source
        What it shows.
    """

    _esm = loader()
    module = traitlets.Unicode().tag(sync=True)

    def __init__(self, source: Source) -> None:
        self._source: Source | None = source
        self._code = module(source.kind)
        self._one_at_a_time = threading.Lock()
        super().__init__(module=self._code.id)
        self.on_msg(self._asked)

    def let_go(self) -> None:
        """Let go of what is shown, and of the memory behind it; the browser is told when it asks."""
        self._source = None

    def _asked(self, _: object, question: Any, __: object) -> None:
        number, wanted = question.get("id"), question.get("ask")
        try:
            with self._one_at_a_time:
                told = self._told(str(wanted), question)
        except LineageFlowError as error:
            self.send({"id": number, "problem": str(error)})
        except Exception as error:  # a question must not end in silence, which looks like a busy kernel
            self.send({"id": number, "problem": f"{type(error).__name__}: {error}"})
        else:
            self.send({"id": number, "told": told})

    def _told(self, wanted: str, question: dict[str, Any]) -> Any:
        if wanted == "module":
            return self._code.text
        if wanted == "alive":
            return True
        source = self._source
        if source is None:
            return {"gone": GONE}
        return source.answers()[wanted](question)
