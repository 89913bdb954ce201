"""What the words of ``%lf diff`` name: revisions, places, ranges and datasets, told apart as Git does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineageflow_jupyter.errors import AmbiguousName, UnknownName, UsageProblem
from lineageflow_jupyter.kernel.display import listed
from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.kernel.places import revision_first
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.model.revisions import cell_of, composed, split_place, split_range


@dataclass(frozen=True, slots=True)
class Asked:
    """What the words of a line say.

    Parameters
    ----------
    revisions : tuple of str
        None, one, or two revisions or places (``REV:DATASET``); or one range.
    datasets : tuple of str
        What was named besides.
    """

    revisions: tuple[str, ...]
    datasets: tuple[str, ...]

    @property
    def stored(self) -> bool:
        """Whether both sides are revisions."""
        return len(self.revisions) == 2 or any(split_range(word) is not None for word in self.revisions)

    @property
    def one_dataset(self) -> bool:
        """Whether the answer is about one dataset."""
        return len(self.datasets) == 1 or any(split_place(word)[1] is not None for word in self.revisions)


def in_shell(asked: Asked) -> Asked:
    """What words mean where there are no live frames: HEAD, with the one that is named or the one before it."""
    if asked.stored:
        return asked
    return Asked((*(asked.revisions or ("HEAD~1",)), "HEAD"), asked.datasets)


def read(call: Call) -> Asked:
    """Tell revisions from datasets.

    Raises
    ------
    AmbiguousName, UnknownName
        For a word that may be both, or is neither.
    UsageProblem
        For more revisions than can be compared.
    """
    arguments, repository = call.arguments, call.session.repository
    words, datasets = (list(map(composed, arguments.all(name))) for name in ("revisions", "datasets"))
    revisions: list[str] = []
    while words and (arguments.separated or _begins_with_revision(call, words[0], revisions)):
        word = words.pop(0)
        chosen = split_range(word)
        if chosen is not None and any(split_place(end)[1] is not None for end in (chosen.left, chosen.right)):
            raise UsageProblem(
                f"{word!r} is a range of revisions with a dataset in it",
                remedy="Write `%lf diff A..B NAME`, or `%lf diff A:NAME B:OTHER`",
            )
        revision, dataset = (word, None) if chosen is not None else revision_first(repository, word)
        revisions.append(word if dataset is None else f"{revision}:{dataset}")
    datasets += words
    _check(revisions, datasets)
    return Asked(tuple(revisions), tuple(dict.fromkeys(_dataset(call, word, revisions) for word in datasets)))


def _begins_with_revision(call: Call, word: str, before: Sequence[str]) -> bool:
    """Whether the first of the words that are left is a revision, or else a dataset."""
    repository = call.session.repository
    if split_range(word) is not None or revision_first(repository, word)[1] is not None:
        return True
    known = _known(call, before)
    if not repository.is_revision(word):
        if word not in known and word not in call.names:
            if any(sign in word for sign in "~^@"):  # no name of a dataset
                repository.resolve(word)  # says what is wrong
            near = did_you_mean(word, ["HEAD", *repository.names(), *known])
            raise UnknownName(
                f"there is no revision and no dataset {word!r}{near}",
                remedy="`%lf branch` lists branches, `%lf status` datasets",
            )
        return False
    if word in known:
        raise AmbiguousName(
            f"{word!r} is a dataset and a revision",
            remedy=f"Write `%lf diff -- {word}` for the dataset or `%lf diff {word} --` for the revision",
        )
    return True


def _known(call: Call, revisions: Sequence[str]) -> dict[str, None]:
    """Datasets of HEAD and of some revisions, and those that variables stand for."""
    repository, live = call.session.repository, call.session.live
    places = [split_place(end) for word in revisions for end in _ends(word)]
    commits = [revision for revision, _ in places if cell_of(revision) is None]
    held = (name for place in ("HEAD", *commits) for name in repository.dataset_names(place))
    left = [live.dataset(name) for revision, name in places if name is not None and cell_of(revision) is not None]
    names = dict.fromkeys([*sorted(live.added), *held, *left])
    return names | dict.fromkeys(name for name in call.names if live.dataset(name) in names)


def _ends(word: str) -> list[str]:
    chosen = split_range(word)
    return [word] if chosen is None else [chosen.left, chosen.right]


def _dataset(call: Call, word: str, revisions: Sequence[str]) -> str:
    """Dataset of a word that names it, or the variable that stands for it."""
    known = _known(call, revisions)
    dataset = word if word in call.session.repository.dataset_names() else call.session.live.dataset(word)
    if dataset in known:
        return dataset
    if call.session.repository.is_revision(word):
        raise UsageProblem(
            f"the revision {word!r} stands behind a dataset", remedy="Revisions come first: `%lf diff A B NAME`"
        )
    if word not in call.names:
        raise UnknownName(
            f"there is no dataset {word!r}{did_you_mean(word, known)}", remedy="`%lf status` lists datasets"
        )
    if not is_frame(call.names[word]):
        raise UsageProblem(
            f"{word!r} is of type {type(call.names[word]).__name__}, not a frame",
            remedy="Name a dataset, or a variable that holds one",
        )
    raise UnknownName(
        f"{word!r} was never committed, so there is nothing to compare it with",
        remedy=f'`%lf commit {word} -m "…"` makes it a dataset',
    )


def _check(revisions: Sequence[str], datasets: Sequence[str]) -> None:
    """Refuse words that do not go together."""
    ranges = [word for word in revisions if split_range(word) is not None]
    places = [word for word in revisions if word not in ranges and split_place(word)[1] is not None]
    if len(revisions) > 2 or (ranges and len(revisions) > 1):
        raise UsageProblem(
            f"two revisions or one range were expected, {listed(revisions)} found",
            remedy="Write `%lf diff A B` or `%lf diff A..B`; datasets go behind them",
        )
    if places and datasets and (len(revisions) > 1 or len(datasets) > 1):
        raise UsageProblem(
            f"{places[0]!r} names a dataset, and {listed(datasets)} is named besides",
            remedy="Write `%lf diff A B NAME`, or `%lf diff A:NAME B:OTHER`",
        )
