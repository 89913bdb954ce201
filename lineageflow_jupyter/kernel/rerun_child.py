"""What runs in the fresh kernel of a re-run, besides the cells: see `rerun`.

The repository of the notebook is out of reach there: ``%lf`` is another magic, which only gives the frames that were
laid out for it, and the extension counts as loaded. Results go into a small repository of their own.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import no_var_expand

from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.kernel.engines import engine_named
from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.lineage.holding import held_frames
from lineageflow_jupyter.lineage.slice_forms import BINDING_VERBS
from lineageflow_jupyter.lineage.slices import root_of
from lineageflow_jupyter.model.records import WorkspaceName

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

    from lineageflow_jupyter.repository import Repository

RESULT, FAILURE, GIVEN = "result.json", "failure.json", "given.json"
"""Files in the folder of a re-run: ids of the frame; where the last cell that raised did; what ``%lf read`` gives."""

WORKSPACE = WorkspaceName("rerun", "", "rerun")
EXTENSION = "lineageflow_jupyter"


def prepare(shell: InteractiveShell, folder: str) -> None:
    """Make a new shell ready for the cells.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    folder : str
        Folder of the re-run.
    """
    from lineageflow_jupyter import unload_ipython_extension

    unload_ipython_extension(shell)  # a profile may have loaded it
    extensions: Any = shell.extension_manager
    extensions.loaded.add(EXTENSION)
    given = json.loads((Path(folder) / GIVEN).read_text(encoding="utf-8"))
    shell.magics_manager.register_function(_StandIn(Path(folder), given).lf, "line", "lf")

    def note(result: ExecutionResult) -> None:
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            told = {"line": _line(error)}
            (Path(folder) / FAILURE).write_text(json.dumps(told), encoding="utf-8")

    shell.events.register("post_run_cell", note)


def report(shell: InteractiveShell, folder: str, variable: str, expected: str) -> None:
    """Lay out what a variable holds: its ids, and its data unless they are as expected.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    folder : str
        Folder of the re-run.
    variable : str
        A name, or an expression such as ``frames['jan']``.
    expected : str
        Table id in hexadecimal; ``""``: none is known.

    Raises
    ------
    UnknownName
        If it holds no frame.
    UnsupportedData
        If the frame cannot be stored.
    """
    frame = held(shell.user_ns, variable)
    if frame is None:
        raise UnknownName(f"{variable} holds no frame after the last cell", remedy="Look at its code")
    with transport(Path(folder)) as repository:
        ids = repository.content_ids(frame)
        if ids.table.hex() != expected:
            repository.commit({"result": frame}, message="result")
    told = {
        "table": ids.table.hex(),
        "frame": ids.frame.hex(),
        "rows": ids.rows,
        "columns": [[each.name, each.role, each.type, each.id.hex()] for each in ids.columns],
    }
    (Path(folder) / RESULT).write_text(json.dumps(told), encoding="utf-8")


def held(variables: Mapping[str, Any], variable: str) -> Any:
    """Frame that a variable, or an expression of one, stands for; None: none."""
    name = root_of(variable)
    return dict(held_frames(name, variables.get(name), is_frame)).get(variable)


def transport(folder: Path) -> Repository:
    """Open the repository in which frames go from one process to the other, exactly as they are."""
    from lineageflow_jupyter.opening import open as open_repository

    return open_repository(folder, workspace=WORKSPACE, overrides={"cache": False})


def _line(error: BaseException) -> int | None:
    """Line of the cell at which something was raised."""
    if isinstance(error, SyntaxError):
        return error.lineno
    # The first frame of the user's is the cell; functions of it come behind.
    frames = traceback.walk_tb(error.__traceback__)
    return next((line for frame, line in frames if frame.f_globals.get("__name__") == "__main__"), None)


class _StandIn:
    """``%lf`` without a repository."""

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        self._folder = folder
        self._given = given

    @no_var_expand
    def lf(self, line: str) -> Any:
        """Give what ``%lf read`` would; leave out what only shows or records; refuse the rest."""
        verb = line.split()[0] if line.split() else ""
        dataset = self._given.get(line.strip())
        if dataset is not None:
            with transport(self._folder) as repository:
                return repository.read(dataset, engine=engine_named(repository.schema(dataset).library))
        if verb in BINDING_VERBS:
            raise UsageError(f"`%lf {line}` would change the repository, or could not be read, and is not run again")
        return None
