"""``%lf code``: the cells that rebuild a frame, and no others."""

from __future__ import annotations

import json
from pathlib import Path

from lineageflow_jupyter.errors import NameTaken, StorageError, UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import CODE, MUTED, WARN, Answer, Note
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.lineage.slice_forms import notebook, script
from lineageflow_jupyter.lineage.slices import Slice

SECONDS = 600.0
"""How long a re-run may take, where nobody says."""


def _run(call: Call) -> object:
    session, name = call.session, call.arguments.get("name") or ""
    if session.tracking is not None:
        session.tracking.flush()
    found = session.repository.code(name, statements=call.arguments.has("statements"))
    if not found.cells:
        raise UnknownName(
            f"no cell of this notebook is known to have made {name!r}", remedy="Cells are recorded from `%load_ext` on"
        )
    told = [Note(f"{each.name} must be there before: {each.why}", WARN) for each in found.inputs]
    told += [Note(caution, WARN) for caution in found.cautions]
    path = call.arguments.get("to")
    if call.arguments.has("run"):
        return _again(call, found, told)
    if call.arguments.has("timeout"):
        raise UsageProblem("--timeout goes with --run", remedy=f"Write `%lf code {name} --run --timeout 60`")
    if path is None:
        return Answer(found, (*told, *(Note(line, CODE) for line in script(found).rstrip("\n").split("\n"))))
    _write(Path(path).expanduser(), found, force=call.arguments.has("force"))
    cells = len(found.cells)
    return Answer(found, (*told, Note(f"wrote {cells} cell{'s' * (cells != 1)} to {path}", MUTED)))


def _again(call: Call, found: Slice, told: list[Note]) -> object:
    """Run it in a fresh kernel."""
    if call.arguments.has("to"):
        raise UsageProblem("--run and --to exclude each other", remedy="Write one of them")
    from lineageflow_jupyter.kernel.rerun import rerun
    from lineageflow_jupyter.kernel.rerun_page import rerun_parts

    done = rerun(call, found, _seconds(call.arguments.get("timeout")))
    return Answer(done, (*told, *rerun_parts(done)))


def _seconds(text: str | None) -> float:
    if text is None:
        return SECONDS
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UsageProblem(f"--timeout takes seconds, {text!r} found", remedy="As in `--timeout 60`")
    return found


def _write(path: Path, found: Slice, *, force: bool) -> None:
    """Write a script or a notebook, as the ending of the name says."""
    if path.suffix not in (".py", ".ipynb"):
        raise UsageProblem(f"a file that ends with .py or .ipynb was expected, {path.name!r} found", remedy="Rename it")
    text = script(found) if path.suffix == ".py" else json.dumps(notebook(found), indent=1, ensure_ascii=False) + "\n"
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise NameTaken(f"{path} exists", remedy="Choose another name, or add --force") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror})", remedy="Choose another place") from error


VERB = Verb(
    "code",
    "show the cells that rebuild a frame, and no others",
    _run,
    positionals=(Positional("name", "NAME", "the variable", Holds.FRAME, required=True),),
    options=(
        Option(("--statements",), "leave out statements of these cells that have nothing to do with it"),
        Option(("--to",), "write them to a script (.py) or notebook (.ipynb)", "PATH"),
        Option(("--force",), "replace a file that exists"),
        Option(("--run",), "run them in a fresh kernel, and say whether the same comes out"),
        Option(("--timeout",), f"how long that may take; {SECONDS:g} by default", "SECONDS"),
    ),
    examples=(
        "%lf code flights",
        "%lf code flights --statements",
        "%lf code flights --to flights.py",
        "%lf code flights --run",
    ),
    notes=(
        "Cells of this notebook in the order in which they ran, with the imports and functions that they need; of one "
        "that ran several times the run that counts. What could not be seen, such as `exec`, and what must be there "
        "before is told above.",
        "`--run` compares by content, column by column, with what the variable holds now. The fresh kernel is one of "
        "the same Python, in the notebook's folder, and cannot reach the repository: `%lf read` gives there what it "
        "would give here, other verbs are left out, and a cell that needs one that changes the repository fails. Files "
        "that cells write are written again. Interrupting the cell ends it, with all that it has started.",
    ),
)
