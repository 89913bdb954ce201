"""What a word means where both a revision and a dataset may stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lineageflow_jupyter.errors import LineageFlowError, UnknownName
from lineageflow_jupyter.kernel.wording import cell_text, commit_named
from lineageflow_jupyter.model.revisions import cell_of, split_dataset

if TYPE_CHECKING:
    from lineageflow_jupyter.repository import Repository


def revision_first(repository: Repository, text: str) -> tuple[str, str | None]:
    """Revision and dataset of a text that is a revision, unless it names a dataset.

    ``main@{1}`` may be a branch some moves ago or a dataset at a point in time: the dataset is meant only where there
    is no such ref. ``flights@{cell:ID}`` always names a frame.
    """
    revision, dataset = split_dataset(text)
    if dataset == text:
        return text, None
    if cell_of(revision) is not None:
        return revision, dataset
    if "}" not in text or text.rfind(":") > text.rfind("}"):  # REV:DATASET
        return revision, dataset
    if dataset not in repository.dataset_names():
        return text, None
    try:
        repository.resolve(text)
    except LineageFlowError:
        return revision, dataset
    return text, None


def place_named(repository: Repository, revision: str, dataset: str | None = None) -> str:
    """Tell a commit, or a frame as a cell left it, within a sentence; with its dataset if one is given."""
    cell = cell_of(revision)
    if cell is not None:
        run = repository.frame_at(dataset or "", cell).run
        return f"{dataset} after {cell_text(run)} ({run.run[:7]})"
    at = commit_named(repository.resolve(revision))
    return at if dataset is None else f"{dataset} at {at}"


@contextmanager
def telling_datasets(repository: Repository, typed: str, line: str) -> Iterator[None]:
    """Where a dataset was typed in the place of a revision, say which line was meant.

    Parameters
    ----------
    repository : Repository
        Knows the datasets.
    typed : str
        What stood in the place of the revision.
    line : str
        What to write if it is a dataset.

    Raises
    ------
    UnknownName
        As the block does, better told.
    """
    try:
        yield
    except UnknownName as error:
        if typed not in repository.dataset_names():
            raise
        raise UnknownName(error.problem, remedy=f"{typed!r} is a dataset: `{line}`") from error
