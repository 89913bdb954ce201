"""What is told of models: what they learned from, how well they did, and what a change of data does to them."""

from __future__ import annotations

from dataclasses import dataclass

from lineageflow_jupyter.model.ids import ObjectId


@dataclass(frozen=True, slots=True)
class CodePlace:
    """Where something happened.

    Parameters
    ----------
    notebook, cell, run : str
        Path of the notebook, stable id of the cell, id of the run.
    number, line : int or None
        Execution count, and line of the cell.
    """

    notebook: str
    cell: str
    run: str
    number: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A column that another came from.

    Parameters
    ----------
    frame : str
        Dataset, or variable where it is none.
    column : str
        Its name; ``"*"``: any, as far as could be seen.
    evidence : str
        ``"proved"``, ``"recorded"`` or ``"opaque"``: the weakest on the way.
    """

    frame: str
    column: str
    evidence: str

    def __str__(self) -> str:
        """Text for people."""
        return f"{self.frame}.{self.column}"


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A feature or target of a model, and the columns of datasets that it was made of."""

    name: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """A frame that a model learned from.

    Parameters
    ----------
    frame : str
        Dataset, or variable where it is none.
    table, description : ObjectId or None
        Ids of the table and of its frame description; None where they were not computed.
    commit : ObjectId or None
        A commit that holds this table; None where it was not committed.
    rows : int or None
        Its rows.
    version : str
        Id of its node in the graph.
    """

    frame: str
    table: ObjectId | None
    description: ObjectId | None
    commit: ObjectId | None
    rows: int | None
    version: str


@dataclass(frozen=True, slots=True)
class Score:
    """A number that tells how well a model did.

    Parameters
    ----------
    metric : str
        Its name.
    value : float or None
        The number; None where it was not finite.
    on : tuple of str
        How the notebook calls the frames that it was computed of.
    place : CodePlace
        Where.
    """

    metric: str
    value: float | None
    on: tuple[str, ...]
    place: CodePlace


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A fitted model. One that is fitted again is another one.

    Parameters
    ----------
    id : str
        Id of its node in the graph.
    name : str
        How the notebook calls it; ``""`` where it has no name.
    kind : str
        Its class.
    parameters : str
        As short text.
    trained_on : tuple of TrainingTable
        The datasets that its training data came from; of what no dataset is known, the frames.
    rows : int or None
        Rows that it learned from.
    features, targets : tuple of ModelColumn
        Columns that it learned from.
    scores : tuple of Score
        In the order in which they were computed.
    stale : tuple of str
        Why it may be out of date.
    current : bool
        False: it was fitted again since.
    opaque : bool
        Whether not all that it learned from could be seen.
    place : CodePlace
        Where it was fitted.
    """

    id: str
    name: str
    kind: str
    parameters: str
    trained_on: tuple[TrainingTable, ...]
    rows: int | None
    features: tuple[ModelColumn, ...]
    targets: tuple[ModelColumn, ...]
    scores: tuple[Score, ...]
    stale: tuple[str, ...]
    current: bool
    opaque: bool
    place: CodePlace


@dataclass(frozen=True, slots=True)
class Touched:
    """Training rows that a change of data touched.

    Parameters
    ----------
    before, after : ObjectId or None
        Tables of the dataset that the model was trained on, and that it is compared with.
    rows : int or None
        Training rows of which a value that the model used is another, or that are gone; None: that cannot be told.
    of : int or None
        Training rows in all.
    added : int or None
        Rows that the dataset has now and had not then.
    why : str
        Why it cannot be told; ``""`` where it can.
    """

    before: ObjectId | None
    after: ObjectId | None
    rows: int | None
    of: int | None
    added: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class AffectedFrame:
    """A frame, or a column of one, that hangs on another.

    Parameters
    ----------
    frame : str
        Variable.
    dataset : str
        What it stands for.
    column : str
        The column; ``""``: the frame as a whole.
    evidence : str
        ``"proved"``, ``"recorded"`` or ``"opaque"``: the weakest on the best way there.
    stale : tuple of str
        Why it may be out of date.
    """

    frame: str
    dataset: str
    column: str
    evidence: str
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AffectedModel:
    """A model that hangs on a dataset or column.

    Parameters
    ----------
    model : ModelReport
        The model, with its scores.
    features : tuple of str
        Features and targets that hang on it.
    evidence : str
        As in `AffectedFrame`.
    touched : Touched
        What the change of data did to its training rows.
    """

    model: ModelReport
    features: tuple[str, ...]
    evidence: str
    touched: Touched


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """What hangs on a dataset or a column of it.

    Parameters
    ----------
    dataset : str
        The dataset.
    column : str
        The column; ``""``: all.
    table : ObjectId or None
        What models are compared with; None where the dataset was never committed.
    frames, columns : tuple of AffectedFrame
        Frames in their latest state; columns only where one was asked for.
    models : tuple of AffectedModel
        Models that were not fitted again since.
    """

    dataset: str
    column: str
    table: ObjectId | None
    frames: tuple[AffectedFrame, ...]
    columns: tuple[AffectedFrame, ...]
    models: tuple[AffectedModel, ...]
