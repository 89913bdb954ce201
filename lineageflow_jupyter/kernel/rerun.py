"""Running a slice again: in a fresh kernel, far from the repository, to compare what comes out column by column.

The kernel is a real one, of the same Python, so that magics, ``await`` and displays work as they did. Frames go there
and back through a small repository in a temporary folder, which is how they keep their ids. The thread that talks to
the kernel is one of its own: the cell that asked can be interrupted at any time, and the kernel then ends with all that
it has started.
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lineageflow_jupyter.errors import LineageFlowError, NotAvailable
from lineageflow_jupyter.frames.comparison import changed_count
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.kernel.arguments import parse
from lineageflow_jupyter.kernel.fresh_kernel import TICK, Failure, FreshKernel, cell_named
from lineageflow_jupyter.kernel.rerun_child import GIVEN, RESULT, WORKSPACE, held, transport
from lineageflow_jupyter.kernel.tokens import expand, split
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.lineage import magic_text
from lineageflow_jupyter.lineage.analysis import analyse
from lineageflow_jupyter.lineage.slices import Slice
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.reports import ColumnId, ContentIds

ENDING = 20.0
"""Seconds that an interrupted re-run may take to end its kernel."""

_HIDDEN = re.compile(r"(?:[:=/]\s*|\b(?:Bearer|Basic) )\*\*\*")


@dataclass(frozen=True, slots=True)
class ColumnOutcome:
    """A column before and after.

    Parameters
    ----------
    name, role : str
        Its name, and whether it is of the index.
    before, after : str
        Its types; ``""``: it is not there.
    equal : bool
        Whether it holds the same.
    changed : int or None
        Rows whose values differ; None where rows cannot be compared one by one.
    """

    name: str
    role: str
    before: str
    after: str
    equal: bool
    changed: int | None = None


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of running a slice again.

    Parameters
    ----------
    found : Slice
        What was run.
    before, after : ObjectId or None
        Table ids; None: not known, or nothing came out.
    rows : tuple of int or None
        Rows before and after.
    columns : tuple of ColumnOutcome
        Column by column; empty where nothing came out, or nothing is there to be compared with.
    described : bool
        Whether all that is no value is the same too: kinds of index and labels, dtypes of one meaning, attributes.
    failure : Failure or None
        Why nothing came out.
    notes : tuple of str
        What was run in another way than it was.
    seconds : float
        How long it took.
    """

    found: Slice
    before: ObjectId | None
    after: ObjectId | None = None
    rows: tuple[int | None, int | None] = (None, None)
    columns: tuple[ColumnOutcome, ...] = ()
    described: bool = True
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether the same table came out."""
        return self.after is not None and self.before == self.after


def rerun(call: Call, found: Slice, seconds: float) -> Rerun:
    """Run a slice in a fresh kernel, and compare.

    Parameters
    ----------
    call : Call
        The line that asks: its session's variables hold what is compared with.
    found : Slice
        What to run.
    seconds : float
        How long it may take.

    Raises
    ------
    NotAvailable
        If there is no ipykernel, or the cells cannot be run again as they are.
    KeyboardInterrupt
        If the user interrupts; the kernel has ended then.
    """
    refuse(found)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lineageflow-rerun-", ignore_cleanup_errors=True) as folder:
        frame = held(call.session.variables, found.variable)
        expected = None if frame is None else call.session.repository.content_ids(frame)
        before = found.table if expected is None else expected.table
        notes = _laid_out(call, found, Path(folder))
        if expected is not None and found.table is not None and expected.table != found.table:
            notes.append(f"{found.variable} has changed since the last of these cells: compared is what it holds now")
        kernel = FreshKernel(_place(call), Path(folder), start + seconds, seconds)
        failure = _until_done(kernel, found, "" if before is None else before.hex())
        notes += kernel.notes
        took = time.monotonic() - start
        if failure is not None:
            return Rerun(found, before, failure=failure, notes=tuple(notes), seconds=took)
        after = ids_in(Path(folder))
        columns = () if expected is None else compared(expected, after, frame, Path(folder))
        rows = (None if expected is None else expected.rows, after.rows)
        described = expected is None or expected.frame == after.frame
        return Rerun(found, before, after.table, rows, columns, described, None, tuple(notes), took)


def refuse(found: Slice) -> None:
    """Say why a slice cannot be run again, if it cannot.

    Raises
    ------
    NotAvailable
        For secrets that were not recorded, values that must be there before, cells that use the repository themselves.
    """
    for each in found.inputs:
        raise NotAvailable(
            f"{each.name} must be there before: {each.why}", remedy="Run the cells that make it in this notebook"
        )
    for cell in found.cells:
        if _HIDDEN.search(cell.code):
            raise NotAvailable(
                f"{cell_named(cell)} holds a secret that was not recorded (***), and cannot be run again as it is",
                remedy="Write the cells with `--to`, put it back and run them",
            )
    names = {each.name for cell in found.cells for each in analyse(cell.code).imports if _ours(each.module)}
    for cell in found.cells:
        used = names & _used(cell.code)
        if used:
            raise NotAvailable(
                f"{cell_named(cell)} uses the repository itself ({', '.join(sorted(used))}), and a re-run must not",
                remedy="Read with `%lf read`, or write the cells with `--to` and run them",
            )
    missing = [name for name in ("jupyter_client", "ipykernel") if find_spec(name) is None]
    if missing:
        raise NotAvailable(
            f"a fresh kernel needs {' and '.join(missing)}, which is not installed",
            remedy="`pip install ipykernel`, or write the cells with `--to` and run them yourself",
        )


def _ours(module: str) -> bool:
    return module.partition(".")[0] == "lineageflow_jupyter"


def _used(code: str) -> set[str]:
    try:
        tree = magic_text.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _place(call: Call) -> Path:
    """Folder of the notebook, where its kernel was started."""
    path = Path(call.session.workspace().path)
    return path.parent if path.suffix == ".ipynb" and path.is_absolute() and path.parent.is_dir() else Path.cwd()


def _laid_out(call: Call, found: Slice, folder: Path) -> list[str]:
    """Put the frames that ``%lf read`` gives into the small repository; what could not be read."""
    from lineageflow_jupyter.opening import init

    lines = {
        magic.text.strip(): None
        for cell in found.cells
        for magic in analyse(cell.code).magics
        if magic.name == "lf" and magic.text.split()[:1] == ["read"]
    }
    given: dict[str, str] = {}
    notes: list[str] = []
    with init(folder, workspace=WORKSPACE, overrides={"cache": False}) as small:
        visitor = call.session.visiting() if lines else None
        try:
            for place, line in enumerate(lines):
                assert visitor is not None
                try:
                    frame = _read(call, visitor, line)
                    small.commit({f"given-{place}": frame}, message="given")
                    given[line] = f"given-{place}"
                except LineageFlowError as error:
                    notes.append(f"`%lf {line}` cannot be read: {error.problem}")
        finally:
            if visitor is not None:
                visitor.close()
    (folder / GIVEN).write_text(json.dumps(given), encoding="utf-8")
    return notes


def _read(call: Call, visitor: Any, line: str) -> Any:
    verb = call.verbs["read"]
    words = split(line).words[1:]
    arguments = parse(verb.name, verb.positionals, verb.options, words, lambda word: expand(word, call.names))
    return verb.run(Call(visitor, arguments, call.names, call.verbs))


def _until_done(kernel: FreshKernel, found: Slice, expected: str) -> Failure | None:
    """Run on a thread; whatever interrupts this one ends it."""
    answers: list[Failure | BaseException | None] = []
    done = threading.Event()  # a thread whose `join` was interrupted counts as ended in Python 3.11

    def work() -> None:
        try:
            answers.append(kernel.run(found, expected))
        except BaseException as error:
            answers.append(error)
        finally:
            done.set()

    threading.Thread(target=work, name="lineageflow-rerun", daemon=True).start()
    try:
        while not done.wait(TICK):
            pass
    finally:
        kernel.unwanted.set()
        done.wait(ENDING)
    answer = answers[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _from_hex(text: str) -> ObjectId:
    return ObjectId(bytes.fromhex(text))


def ids_in(folder: Path) -> ContentIds:
    """Ids that the fresh kernel has laid out."""
    told = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    columns = tuple(ColumnId(name, role, kind, _from_hex(oid)) for name, role, kind, oid in told["columns"])
    return ContentIds(_from_hex(told["table"]), _from_hex(told["frame"]), told["rows"], columns)


def compared(before: ContentIds, after: ContentIds, frame: Any, folder: Path) -> tuple[ColumnOutcome, ...]:
    """Compare column by column.

    Parameters
    ----------
    before, after : ContentIds
        Ids of both sides.
    frame : frame
        The first.
    folder : Path
        Where the second is laid out, if it is another.

    Returns
    -------
    tuple of ColumnOutcome
        In the order of the first, those that are new behind.
    """
    sides = [_named(before.columns), _named(after.columns)]
    differing = [
        key
        for key, each in sides[0].items()
        if key in sides[1] and sides[1][key].id != each.id and sides[1][key].type == each.type
    ]
    counts = _counts(differing, frame, folder) if differing and before.rows == after.rows else {}
    found = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        old, new = (side.get(key) for side in sides)
        known = old or new
        assert known is not None
        kinds = ("" if old is None else old.type, "" if new is None else new.type)
        equal = old is not None and new is not None and old.id == new.id
        found.append(ColumnOutcome(known.name, known.role, *kinds, equal, 0 if equal else counts.get(key)))
    return tuple(found)


_Key = tuple[str, str, int]
"""Role, name, and number among those of the same role and name."""


def _named(columns: Sequence[Any]) -> dict[_Key, Any]:
    found: dict[_Key, Any] = {}
    for column in columns:
        number = sum(key[:2] == (column.role, column.name) for key in found)
        found[column.role, column.name, number] = column
    return found


def _counts(keys: Sequence[_Key], frame: Any, folder: Path) -> dict[_Key, int]:
    """Rows that differ in each column."""
    with transport(folder) as small:
        again = small.read("result", engine="arrow" if type(frame).__module__.startswith("pyarrow") else "pandas")
    sides = [_named(to_content(each).columns) for each in (frame, again)]
    return {key: changed_count(sides[0][key].array, sides[1][key].array) for key in keys}
