"""Variables of the notebook that an operation is about to give other frames, and how that is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.errors import StorageError, UncommittedChanges, UsageProblem
from lineageflow_jupyter.kernel.display import Note
from lineageflow_jupyter.kernel.live import is_frame, is_variable
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.wording import change_text
from lineageflow_jupyter.model.reports import DatasetStatus, Replacement

if TYPE_CHECKING:
    from lineageflow_jupyter.repository import Repository


def live_frames(call: Call, datasets: Iterable[str]) -> dict[str, Any]:
    """Frames that the notebook's own variables hold for some datasets."""
    session = call.session
    found = {dataset: session.variables.get(session.live.variable(dataset, session.variables)) for dataset in datasets}
    return {dataset: value for dataset, value in found.items() if is_frame(value)}


def held_frames(call: Call, *revisions: str) -> dict[str, Any]:
    """Live frames of all datasets of HEAD and of some revisions."""
    repository = call.session.repository
    names = {name for revision in ("HEAD", *revisions) for name in repository.dataset_names(revision)}
    return live_frames(call, sorted(names))


def targets(call: Call, datasets: Sequence[str], *, named: bool, revision: str = "HEAD") -> tuple[list[str], list[str]]:
    """Datasets that variables can hold, and those whose names cannot be variables.

    Parameters
    ----------
    call : Call
        The line.
    datasets : sequence of str
        What is to be loaded.
    named : bool
        Whether the user named them: then one whose name cannot be a variable is an error.
    revision : str
        Where from, for messages.

    Raises
    ------
    UncommittedChanges
        If a variable holds something else than a frame: that could not be stashed.
    """
    session = call.session
    names = {dataset: session.live.variable(dataset, session.variables) for dataset in dict.fromkeys(datasets)}
    skipped = [dataset for dataset, name in names.items() if not is_variable(name)]
    if skipped and named:
        raise UsageProblem(
            f"{skipped[0]!r} cannot be the name of a variable", remedy=f"Write `x = %lf read {revision}:{skipped[0]}`"
        )
    for dataset, name in names.items():
        if name in session.variables and not is_frame(session.variables[name]):
            raise UncommittedChanges(
                f"the variable {name!r} is of type {type(session.variables[name]).__name__}, not a frame",
                remedy=f"Rename it or `del {name}` first, or read into another one: `x = %lf read {dataset}`",
            )
    return [dataset for dataset in names if dataset not in skipped], skipped


def bind(call: Call, frames: Mapping[str, Any]) -> list[str]:
    """Give variables their frames; texts that name them.

    Raises
    ------
    UncommittedChanges
        If one holds something else than a frame, as where an operation that is undone brings a frame back that no
        variable holds any more. Then no variable is changed.
    """
    session = call.session
    names = {dataset: session.live.variable(dataset, session.variables) for dataset in frames}
    for dataset, name in names.items():
        if name in session.variables and not is_frame(session.variables[name]):
            raise UncommittedChanges(
                f"the frame of {dataset!r} comes back, and the variable {name!r} is no frame",
                remedy=f"Rename it or `del {name}` first",
            )
    session.variables.update({names[dataset]: frame for dataset, frame in frames.items()})  # all or none
    for dataset in frames:
        session.live.bind(names[dataset], dataset)  # also where it stood for another dataset until now
    session.live.committed(list(frames))
    if session.tracking is not None:
        session.tracking.rebound(*(names[dataset] for dataset in frames))
    return [name if name == dataset else f"{name} (dataset {dataset})" for dataset, name in names.items()]


@contextmanager
def together(repository: Repository, back: Callable[[], object]) -> Iterator[None]:
    """Let an operation and the variables change together: where the block fails after it took effect, it is taken back.

    An operation reads all frames, takes effect, and is then written to the journal. A kernel that is interrupted in
    between would be left with a HEAD that has seen versions which no variable holds, so that the next commit could
    overwrite them unseen; or with a stash that is gone and in no variable either.

    Parameters
    ----------
    repository : Repository
        What it is an operation of.
    back : callable
        Takes the operation back.

    Raises
    ------
    StorageError
        That the operation was taken back, where its journal could not be written.
    """
    before = repository.last_operation()
    try:
        yield
    except BaseException as error:
        if repository.last_operation() != before:
            with suppress(StorageError):  # it is taken back all the same; the journal is owed
                back()
            if isinstance(error, StorageError):
                raise type(error)(
                    f"nothing was changed, since the journal could not be written: {error.problem}", remedy=error.remedy
                ) from error
        raise


def stash_notes(replacement: Replacement, *, back: str = "undo") -> list[Note]:
    """Tell where what was not committed is now, and how it comes back: all with `back`, or this alone."""
    if replacement.stash is None:
        return []
    held = "; ".join(map(status_text, replacement.stashed))
    how = f"`%lf stash pop` brings only that back, `%lf {back}` the whole step"
    return [Note(f"what was not committed is stashed ({held}); {how}")]


def status_text(found: DatasetStatus) -> str:
    """A dataset with what its frame changed."""
    return f"{found.dataset} — {change_text(found.change)}" if found.change else found.dataset


@contextmanager
def telling_changes(remedy: str) -> Iterator[None]:
    """Say what the changes in the way are, and what to do for this verb.

    Raises
    ------
    UncommittedChanges
        As the block does, better told.
    """
    try:
        yield
    except UncommittedChanges as error:
        found = [status for status in error.statuses if isinstance(status, DatasetStatus)]
        if not found:
            raise
        raise UncommittedChanges(
            f"changes that are not committed would be lost: {'; '.join(map(status_text, found))}", remedy=remedy
        ) from error
