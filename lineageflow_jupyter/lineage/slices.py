"""The cells that rebuild a value, and no others: a walk back through the runs of a kernel from the run that made it.

What is wanted at first is one name. A run that has bound or changed a wanted name belongs to the slice, and whatever
it needs is wanted from there on. Frames are told apart by their table ids, as recorded; other values by names, as
analysed. Since the walk follows the order in which cells ran, it does not matter in which order they stand, nor how
often they ran.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lineageflow_jupyter.lineage.analysis import analyse, needed, used_functions
from lineageflow_jupyter.lineage.cutting import Surroundings, cut
from lineageflow_jupyter.lineage.effects import draws, may_change
from lineageflow_jupyter.lineage.names import NO_NAMES, CellNames, FunctionNames, Names
from lineageflow_jupyter.model.cells import OK, CellRun, External, FrameState, FrameWrite
from lineageflow_jupyter.model.ids import ObjectId, short

_GIVEN = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "__name__", "__doc__", "exit", "quit"}
"""Names that a new kernel has."""

_OUTPUTS = frozenset({"_", "__", "___", "_i", "_ii", "_iii", "Out", "In"})


@dataclass(frozen=True, slots=True)
class SliceCell:
    """One run that belongs to a slice.

    Parameters
    ----------
    run : CellRun
        The run.
    code : str
        Its code, or those statements of it that matter.
    whole : bool
        Whether nothing was left out.
    makes : tuple of str
        The names that the slice wants of it.
    """

    run: CellRun
    code: str
    whole: bool
    makes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceInput:
    """A value that the slice needs and that none of its runs makes: from an earlier session, or made by hand.

    Parameters
    ----------
    name : str
        Its name.
    table : ObjectId or None
        Its table, if it is known to be a frame.
    dataset : str
        The dataset that it stood for; ``""``: none known.
    why : str
        Why no run makes it.
    """

    name: str
    table: ObjectId | None
    dataset: str
    why: str


@dataclass(frozen=True, slots=True)
class Slice:
    """What rebuilds a value.

    Parameters
    ----------
    variable : str
        The variable; if the table was made only under another name, that one.
    table : ObjectId or None
        The table that it is to hold; None where it is unknown.
    cells : tuple of SliceCell
        In the order in which they ran.
    inputs : tuple of SliceInput
        Values that must be there before.
    external : tuple of External
        Files and other sources that its runs have read.
    cautions : tuple of str
        Why the result may differ: what could not be seen, and what is known not to fit.
    """

    variable: str
    table: ObjectId | None
    cells: tuple[SliceCell, ...] = ()
    inputs: tuple[SliceInput, ...] = ()
    external: tuple[External, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is known that speaks against the slice."""
        return bool(self.cells) and not self.inputs and not self.cautions


def slice_of(
    runs: Sequence[CellRun], variable: str, table: ObjectId | None = None, *, statements: bool = False
) -> Slice:
    r"""Find the cells that rebuild what a variable held.

    Parameters
    ----------
    runs : sequence of CellRun
        Runs in the order in which they happened. Others than those of the kernel in question may be among them.
    variable : str
        As a run has recorded it: a name, or an expression such as ``frames['jan']``.
    table : ObjectId or None
        The table that it held; None: that after the latest run which has bound or changed the variable.
    statements : bool
        Whether to leave out statements of a cell that have nothing to do with what is wanted.

    Returns
    -------
    Slice
        Without cells where no run is known that has made the value.

    Examples
    --------
    >>> def run(number, code):
    ...     return CellRun(str(number), "", "a.ipynb", "", number, code, "ada", number, 0, "ok")
    >>> codes = ["x = 2", "print('hello')", "def twice(v):\n    return v * k", "k = 5", "y = twice(x)"]
    >>> [cell.run.number for cell in slice_of([run(n, code) for n, code in enumerate(codes, 1)], "y").cells]
    [1, 3, 4, 5]
    """
    maker = _maker(runs, variable, table)
    if maker is None:
        why = "no run is known that has made it"
        return Slice(variable, table, inputs=(SliceInput(variable, table, "", why),))
    last, variable = maker
    walk = _Walk(_session(runs, last), statements)
    made = _write_of(walk.runs[-1], variable)
    known = made.after.table if table is None and made is not None and made.after is not None else table
    return walk.slice(variable, known)


def root_of(variable: str) -> str:
    """Name that an expression such as ``frames['jan']`` or ``model.data`` begins with."""
    end = next((place for place, sign in enumerate(variable) if not (sign.isalnum() or sign == "_")), len(variable))
    return variable[:end]


def _write_of(run: CellRun, variable: str) -> FrameWrite | None:
    """What a run has recorded of a variable's last change."""
    found = [each for each in run.writes if variable in (_variable(each.before), _variable(each.after))]
    return found[-1] if found else None


def _variable(state: FrameState | None) -> str:
    return "" if state is None else state.variable


def _maker(runs: Sequence[CellRun], variable: str, table: ObjectId | None) -> tuple[int, str] | None:
    """Place of the latest run that has made the value, and the variable in it: this one if possible."""
    places = range(len(runs) - 1, -1, -1)
    if table is None:
        name = root_of(variable)
        made = (
            place
            for place in places
            if _write_of(runs[place], variable) is not None or name in _names(runs[place]).writes
        )
        latest = next(made, None)
        wrote = None if latest is None else _write_of(runs[latest], variable)
        if latest is None or wrote is None or wrote.after is None or not _by_verb(runs[latest], name):
            return None if latest is None else (latest, variable)
        table = wrote.after.table
        if table is None:
            return latest, variable
    found = [
        (place, each.after.variable)
        for place in places
        for each in runs[place].writes
        if each.seen and each.after is not None and each.after.table == table
    ]
    # What a verb gave back, as an undo does, was made by code before.
    by_code = [each for each in found if not _by_verb(runs[each[0]], root_of(each[1]))]
    return next((each for each in (*by_code, *found) if each[1] == variable), found[0] if found else None)


def _session(runs: Sequence[CellRun], last: int) -> list[CellRun]:
    """Runs of the kernel of one run, up to it.

    Where sessions are not recorded, a kernel has begun anew where the execution count of a notebook does not rise.
    """
    target = runs[last]
    found, number = [target], target.number
    for run in reversed(runs[:last]):
        if run.session != target.session or (run.workspace, run.notebook) != (target.workspace, target.notebook):
            continue
        if not target.session and number is not None and run.number is not None:
            if run.number >= number:
                break
            number = run.number
        found.append(run)
    return found[::-1]


def _names(run: CellRun) -> CellNames:
    return analyse(run.code or "")


@dataclass(slots=True)
class _Walk:
    """The walk back; `runs` ends with the one that made what is wanted."""

    runs: Sequence[CellRun]
    statements: bool
    functions: list[Mapping[str, FunctionNames]] = field(default_factory=list)
    modules: list[Names] = field(default_factory=list)
    wanted: dict[str, set[FrameState]] = field(default_factory=dict)
    assumed: set[str] = field(default_factory=set)
    random: set[str] = field(default_factory=set)
    cells: list[SliceCell] = field(default_factory=list)
    inputs: list[SliceInput] = field(default_factory=list)
    cautions: dict[str, None] = field(default_factory=dict)

    def slice(self, variable: str, table: ObjectId | None) -> Slice:
        """Walk."""
        self._look_ahead()
        self._want(root_of(variable))
        for place in range(len(self.runs) - 1, -1, -1):
            self._pass(place)
        for name, states in self.wanted.items():
            self._missing(name, states)
        self.cells.reverse()
        self._check(variable, table)
        external = dict.fromkeys(each for cell in self.cells for each in cell.run.external if each.direction == "in")
        return Slice(variable, table, tuple(self.cells), tuple(self.inputs), tuple(external), tuple(self.cautions))

    def _look_ahead(self) -> None:
        """What functions and modules are known before each run."""
        functions: dict[str, FunctionNames] = {}
        modules = NO_NAMES
        for run in self.runs:
            self.functions.append(dict(functions))
            names = _names(run)
            imported = {each.name for each in names.imports if each.attribute is None}
            modules = (modules - (names.writes - imported)) | imported
            self.modules.append(modules)
            for name in names.surely:
                functions.pop(name, None)
            functions.update(names.functions)

    def _want(self, name: str, states: Iterable[FrameState] = ()) -> None:
        self.wanted.setdefault(name, set()).update(states)

    def _pass(self, place: int) -> None:
        """Pass by a run: take it into the slice if it has to do with what is wanted."""
        run, names = self.runs[place], _names(self.runs[place])
        if run.code is None:
            self._without_code(run)
            return
        if run.outcome == OK:
            for name in names.lost & self.wanted.keys():
                # What came before was deleted here: it was not used later, or what was used came from elsewhere.
                states = self.wanted.pop(name)
                if states:
                    self._missing(name, states)
        made = sorted(name for name in self.wanted if self._touches(place, name))
        unknown = [name for name in self.wanted if name not in _GIVEN and not self._known_before(place, name)]
        if names.error or any(each.binds for each in names.opaque):
            # Who else should have made what nobody else has made?
            made = sorted({*made, *unknown})
            self.assumed.update(unknown)
        if not made:
            return
        code, kept = run.code, names
        if self.statements and run.outcome == OK and not names.opaque:
            known = Surroundings(self.functions[place], self.modules[place], self._unchanged(run))
            code = cut(run.code, frozenset(made), known)
            kept = analyse(code)
        self.random.update(each.name for each in kept.mutations if draws(each))
        self._replace(place, kept, made)
        frames = {root_of(each.variable): each for each in run.reads}
        for name in needed(kept, self.functions[place], frozenset(frames)):
            self._want(name, [each for each in run.reads if root_of(each.variable) == name])
        for name in kept.quoted:
            if name in frames or self._known_before(place, name):
                self._want(name)
        self.cells.append(SliceCell(run, code, code == run.code, tuple(made)))
        self._caution(run, kept)

    def _replace(self, place: int, names: CellNames, made: Iterable[str]) -> None:
        """What a run has bound anew on every path is not wanted from before it."""
        run, functions = self.runs[place], self.functions[place]
        called = NO_NAMES.union(*(each.surely for each in used_functions(names, functions)))
        for name in made:
            anew = run.outcome == OK and name in names.surely
            recorded = _write_of(run, name) is not None and name not in needed(names, functions)
            if anew or (recorded and name in names.leaves | called):
                del self.wanted[name]

    def _touches(self, place: int, name: str) -> bool:
        """Whether a run has bound or changed what a wanted name stands for."""
        run, names = self.runs[place], _names(self.runs[place])
        if any(name == root_of(_variable(each.after)) for each in run.writes if each.seen):
            return not self._is_other_version(place, name) and not self._is_given_back(place, name)
        if run.outcome != OK and name in self._unchanged(run):
            return False
        # A name that is bound anew is another object even where it holds the same: it may be an alias from here on.
        if name in names.leaves or (run.outcome != OK and name in names.writes):
            return True
        called = used_functions(names, self.functions[place])
        if any(name in each.writes for each in called):
            return True
        if name in self._unchanged(run):
            return False
        changers = frozenset(each.name for each in called if each.changes_arguments)
        mutations = [*names.mutations, *(each for function in called for each in function.mutations)]
        return any(
            may_change(each, self.modules[place], changers) and (name in self.random or not draws(each))
            for each in mutations
            if each.name == name
        )

    def _is_other_version(self, place: int, name: str) -> bool:
        """Whether a run made a version that nobody wants, while an earlier one made the very one that is wanted."""
        tables = {each.variable: each.table for each in self.wanted[name] if each.table is not None}
        after = {each.after.variable: each.after.table for each in self.runs[place].writes if each.after is not None}
        off = {variable for variable, table in tables.items() if variable in after and after[variable] != table}
        if not off or off != set(tables):
            return False
        return all(
            any(
                each.after is not None and each.after.variable == variable and each.after.table == tables[variable]
                for run in self.runs[:place]
                for each in run.writes
            )
            for variable in off
        )

    def _is_given_back(self, place: int, name: str) -> bool:
        """Whether a verb gave a variable the very version that is wanted, while code of an earlier run had made it."""
        wanted = {(each.variable, each.table) for each in self.wanted[name] if each.table is not None}
        made = {
            (each.after.variable, each.after.table)
            for earlier in self.runs[:place]
            for each in earlier.writes
            if each.seen and each.after is not None
        }
        return bool(wanted) and wanted <= made and _by_verb(self.runs[place], name)

    @staticmethod
    def _unchanged(run: CellRun) -> Names:
        """Names of frames that a run used and, as was checked, left as they were."""
        read = {root_of(each.variable) for each in run.reads if each.table is not None}
        written = {root_of(_variable(state)) for each in run.writes for state in (each.before, each.after)}
        return frozenset(read - written) if not run.opaque else NO_NAMES

    def _known_before(self, place: int, name: str) -> bool:
        return any(
            name in _names(run).leaves or any(name == root_of(_variable(each.after)) for each in run.writes)
            for run in self.runs[:place]
        )

    def _without_code(self, run: CellRun) -> None:
        made = [name for name in self.wanted if any(name == root_of(_variable(each.after)) for each in run.writes)]
        for name in made:
            states = self.wanted.pop(name)
            table = next((each.table for each in states), None)
            dataset = next((each.dataset for each in states), "")
            why = f"{_cell(run)} made it, whose code was not recorded"
            self.inputs.append(SliceInput(name, table, dataset, why))

    def _missing(self, name: str, states: set[FrameState]) -> None:
        """A name that no run has made."""
        if name in _OUTPUTS or (name.startswith("_") and name[1:].isdigit()):
            self.cautions[f"{name} is the output of another cell"] = None
        elif name not in self.assumed and (name not in _GIVEN or states):
            state = min(states, key=lambda each: each.variable, default=None)
            table, dataset = (None, "") if state is None else (state.table, state.dataset)
            self.inputs.append(SliceInput(name, table, dataset, "no run of this kernel is known that has made it"))

    def _caution(self, run: CellRun, names: CellNames) -> None:
        for what in dict.fromkeys([*(each.what for each in names.opaque), *run.opaque]):
            self.cautions[f"{_cell(run)} uses {what}, whose effect cannot be seen"] = None
        if names.error:
            self.cautions[f"{_cell(run)} is no Python: {names.error}"] = None
        if run.outcome != OK:
            self.cautions[f"{_cell(run)} raised {run.outcome}"] = None

    def _check(self, variable: str, table: ObjectId | None) -> None:
        """Compare what the chosen runs read with what those before them have left."""
        held: dict[str, ObjectId | None] = {}
        for cell in self.cells:
            for state in cell.run.reads:
                left = held.get(state.variable)
                if cell.whole and None not in (left, state.table) and left != state.table:
                    self._misfit(state.variable, state.table, _cell(cell.run))
            for write in cell.run.writes:
                name = _variable(write.after) or _variable(write.before)
                held[name] = None if write.after is None else write.after.table
        if table is not None and held.get(variable) not in (None, table):
            self._misfit(variable, table, "the end")

    def _misfit(self, variable: str, table: ObjectId | None, where: str) -> None:
        wanted = "" if table is None else f" {short(table)}"
        self.cautions[f"no tracked cell made the table{wanted} that {variable} held at {where}"] = None


def _by_verb(run: CellRun, name: str) -> bool:
    """Whether a verb of ``%lf`` gave a variable what it holds after a run, and no code of it."""
    names = _names(run)
    return name not in names.writes and any(magic.name == "lf" for magic in names.magics)


def _cell(run: CellRun) -> str:
    return "a cell" if run.number is None else f"cell [{run.number}]"
