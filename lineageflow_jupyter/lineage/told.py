"""Which recorded operation of a cell run touched a column, or rows, of a variable; None where no record tells.

Records say how the notebook calls what went in and came out of each call, so that ``a.dropna().fillna(0)`` can be
followed from the variable back through what has no name.
"""

from __future__ import annotations

from collections.abc import Iterator

from lineageflow_jupyter.model.cells import CellRun, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId

_ASSIGNS = "DataFrame.__setitem__"
_SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "and": "&", "or": "|", "xor": "^", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "neg": "-", "invert": "~", "abs": "abs",
}  # fmt: skip


def operation_of(run: CellRun, variable: str, column: str) -> OperationRecord | None:
    """Operation of a cell run that gave a column of a variable its values last.

    Parameters
    ----------
    run : CellRun
        The run.
    variable : str
        How the notebook calls the frame.
    column : str
        Name of the column as the run left it.

    Returns
    -------
    OperationRecord or None
        Of an assignment of what another call gave, that other call. One that does not name the column among what it
        added or changed is opaque: whether it touched the column cannot be told; see `touches`. None: no record tells.

    Examples
    --------
    >>> fill = OperationRecord("DataFrame.fillna", 2, inputs=("a",), output="a", changed=("x",))
    >>> run = CellRun("1f", "", "", "", 7, None, "", 0, 0, "ok", operations=(fill,))
    >>> operation_of(run, "a", "x").call, operation_of(run, "a", "y")
    ('DataFrame.fillna', None)
    """
    for at, operation in _led_to(run, variable):
        if touches(operation, column):
            return _assigned(run, at)
        if operation.opaque:
            return operation
        column = next((edge.column for edge in operation.edges if edge.source == 0 and edge.target == column), column)
    return None


def dropping_operation_of(run: CellRun, variable: str, column: str) -> OperationRecord | None:
    """Operation of a cell run that took a column from a variable; an opaque one as in `operation_of`."""
    for _, operation in _led_to(run, variable):
        if column in operation.dropped or operation.opaque:
            return operation
    return None


def row_operation_of(run: CellRun, variable: str, *, added: bool) -> OperationRecord | None:
    """Last operation of a cell run that gave a variable rows, or took some; an opaque one as in `operation_of`."""
    for _, operation in _led_to(run, variable):
        before, after = operation.rows_in, operation.rows_out
        if not operation.inputs and added:  # it made the frame
            return operation
        if before is not None and after is not None and before != after:
            return operation if (after > before) == added else None
        if operation.opaque:
            return operation
    return None


def operations_on(run: CellRun, variable: str) -> tuple[OperationRecord, ...]:
    """Operations of a cell run that led to what it left in a variable, in order; of assignments as `operation_of`."""
    return tuple(_assigned(run, at) for at, _ in _led_to(run, variable))[::-1]


def touches(operation: OperationRecord, column: str) -> bool:
    """Whether an operation is recorded to have added or changed a column."""
    return column in operation.added or column in operation.changed


def call_text(call: str) -> str:
    """Name of a call as people say it.

    Examples
    --------
    >>> calls = ("DataFrame.fillna", "Series.__truediv__", "DataFrame.loc.__setitem__", "pandas.concat")
    >>> [call_text(call) for call in calls]
    ['fillna', '/', 'loc[…] = …', 'concat']
    >>> call_text("DataFrame.__setitem__"), call_text("Series.str.upper"), call_text("Series.__iadd__")
    ('[…] = …', 'str.upper', '+=')
    """
    head, _, rest = call.partition(".")
    name = rest or head
    *path, last = name.split(".")
    word = last.strip("_") if last.startswith("__") else ""
    if word in ("setitem", "getitem"):
        return ".".join(path) + ("[…] = …" if word == "setitem" else "[…]")
    if word in _SIGNS:
        return _SIGNS[word]
    if word[1:] in _SIGNS and word[:1] in ("i", "r"):
        return _SIGNS[word[1:]] + "=" * (word[0] == "i")
    return name


def operation_text(operation: OperationRecord, column: str | None = None) -> str:
    """Operation with its line; of an opaque one that it cannot be told whether it touched a column.

    Examples
    --------
    >>> operation_text(OperationRecord("DataFrame.fillna", 2))
    'fillna, line 2'
    """
    line = "" if operation.line is None else f", line {operation.line}"
    doubt = column is not None and operation.opaque and not touches(operation, column)
    return f"{call_text(operation.call)}{line}{' (its columns cannot be told)' * doubt}"


def _led_to(run: CellRun, variable: str) -> Iterator[tuple[int, OperationRecord]]:
    """Yield operations that led to a variable, the last first, with their numbers."""
    held, before = variable, len(run.operations)
    while True:
        at = next((at for at in reversed(range(before)) if run.operations[at].output == held), None)
        if at is None:
            return
        operation = run.operations[at]
        yield at, operation
        if not operation.inputs:
            return
        held, before = operation.inputs[0], at
        if not held:
            return


def _assigned(run: CellRun, at: int) -> OperationRecord:
    """The call whose result an assignment put into a column, where that is the one right before it; else it itself."""
    operation = run.operations[at]
    if operation.call != _ASSIGNS or operation.opaque or at == 0:
        return operation
    gave = run.operations[at - 1]
    computed = gave.call.startswith("Series.") and not gave.call.endswith("__getitem__") and gave.line == operation.line
    sources = [
        {(each.inputs[edge.source], edge.column) for edge in each.edges if edge.influence == "value"}
        for each in (gave, operation)
        if all(edge.source < len(each.inputs) for edge in each.edges)
    ]
    return gave if computed and len(sources) == 2 and sources[0] == sources[1] else operation


def variable_of(run: CellRun, dataset: str, table: ObjectId) -> str:
    """How the notebook called what a cell run left as this table of a dataset; ``""`` where that is not recorded."""
    left = [write.after for write in run.writes if write.after is not None and write.after.table == table]
    named = next((state for state in left if state.dataset == dataset), left[0] if left else None)
    return "" if named is None else named.variable
