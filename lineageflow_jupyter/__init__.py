"""LineageFlow: version DataFrames from a notebook with Git's verbs.

``import lineageflow_jupyter as lf`` gives the library, ``%load_ext lineageflow_jupyter`` the ``%lf`` magic. The public
names are listed below and imported when they are first used, so that neither of the two pays for what it does not need.
Nothing else lives here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from lineageflow_jupyter.errors import LineageFlowError
    from lineageflow_jupyter.lineage.operations_logged import log_metric, log_model
    from lineageflow_jupyter.model.objects import Author
    from lineageflow_jupyter.model.records import WorkspaceName
    from lineageflow_jupyter.opening import init, open  # noqa: A004 - lf.open, like tarfile.open
    from lineageflow_jupyter.repository import Repository
    from lineageflow_jupyter.resolving import UNRESOLVED

__version__ = "0.1.0"

__all__ = [
    "UNRESOLVED",
    "Author",
    "LineageFlowError",
    "Repository",
    "WorkspaceName",
    "__version__",
    "init",
    "load_ipython_extension",
    "log_metric",
    "log_model",
    "open",
    "unload_ipython_extension",
]

_HOMES = {
    "Author": "model.objects",
    "LineageFlowError": "errors",
    "Repository": "repository",
    "UNRESOLVED": "resolving",
    "WorkspaceName": "model.records",
    "init": "opening",
    "log_metric": "lineage.operations_logged",
    "log_model": "lineage.operations_logged",
    "open": "opening",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, imported or not."""
    return sorted({*globals(), *__all__})


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell the Jupyter server what to load (``jupyter server extension list``)."""
    from lineageflow_jupyter.server.app import LineageFlowServer

    return [{"module": "lineageflow_jupyter.server.app", "app": LineageFlowServer}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Bring the ``%lf`` magic and its completion into a shell (``%load_ext lineageflow_jupyter``)."""
    from lineageflow_jupyter.kernel.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take everything out of the shell again (``%unload_ext lineageflow_jupyter``)."""
    from lineageflow_jupyter.kernel.magics import unload

    unload(shell)
