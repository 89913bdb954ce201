"""Widgets below answers: where a front end can show them, and how they and the static answer get along.

The answer is shown as it always is, and the widget as an output of its own behind it. While the widget lives, style
sheets hide what both tell; when its kernel has gone, what is static is there again, as it is in nbconvert, on GitHub
and wherever there are no widgets. Of the widget's output, which then holds nothing, nothing is seen.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineageflow_jupyter.kernel.display import Answer
    from lineageflow_jupyter.kernel.session import Session
    from lineageflow_jupyter.widgets.inline import Source

KEPT = 8
"""Widgets that are kept alive in a session; older ones let go of what they show."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Inline:
    """A widget that an answer comes with.

    Parameters
    ----------
    shelf : Shelf
        Where it is kept.
    source : callable
        Makes what it shows.
    instead_of : range
        Places of the answer's parts that it tells better.
    kept : callable
        Whether frames behind it are still those of variables; of what looks at no frames always.
    """

    shelf: Shelf
    source: Callable[[], Source]
    instead_of: range
    kept: Callable[[], bool] = lambda: True

    def show(self, answer: Answer) -> None:
        """Show an answer, and the widget behind it."""
        from IPython.display import publish_display_data as untyped

        publish_display_data: Any = untyped
        widget = self._made()
        html = answer.html(self.instead_of if widget is not None else None)
        publish_display_data({"text/plain": str(answer), "text/html": html})
        if widget is not None:
            self.shelf.keep(widget, self.kept)
            view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
            told_above = {"text/plain": "", "text/html": ""}
            publish_display_data({**told_above, "application/vnd.jupyter.widget-view+json": view})

    def _made(self) -> Any:
        try:
            from lineageflow_jupyter.widgets.inline import Inline as Widget

            return Widget(self.source())
        except Exception:  # whatever is wrong with packages that are not ours, the answer is there without them
            _log.debug("no widget for an answer", exc_info=True)
            return None


class Shelf:
    """Widgets of a session, the latest last."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Any, Callable[[], bool]]] = deque()

    def keep(self, widget: Any, kept: Callable[[], bool]) -> None:
        """Keep a widget alive, and let go of the oldest ones."""
        self._kept.append((widget, kept))
        while len(self._kept) > KEPT:
            self._kept.popleft()[0].let_go()

    def tidy(self) -> None:
        """Let go of frames that no variable holds any more."""
        for entry in list(self._kept):
            widget, kept = entry
            if not kept():
                widget.let_go()
                self._kept.remove(entry)

    def clear(self) -> None:
        """Let go of everything."""
        while self._kept:
            self._kept.pop()[0].let_go()


def can_show(session: Session) -> bool:
    """Whether a front end is there that shows widgets, and nobody has switched them off; nothing is imported."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None  # the command line has none
    settings = session.settings()
    if getattr(shell, "kernel", None) is None:
        return False
    # A kernel that nbconvert or papermill runs has nobody to show widgets to; servers tell theirs a path.
    seen = settings.notebook or "__vsc_ipynb_file__" in session.variables or "google.colab" in sys.modules
    return bool(seen) and settings.widgets and all(find_spec(name) for name in ("anywidget", "ipywidgets"))
