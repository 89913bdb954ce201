"""Which variables of the notebook stand for which datasets. In memory only: commits are the repository's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from keyword import iskeyword
from typing import Any

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.suggest import did_you_mean

Names = Mapping[str, Any]


class LiveFrames:
    """The frames among variables, by dataset.

    A variable stands for the dataset of its own name unless it was committed or added ``--as`` another. One dataset
    has one variable: the latest that was named for it. Where HEAD goes to a commit without that dataset, such as one
    before it was renamed, the variable stands for the one that it stood for there.
    """

    def __init__(self) -> None:
        self._bound: dict[str, str] = {}
        self._stood_for: dict[str, tuple[str, ...]] = {}
        self._added: set[str] = set()

    @property
    def added(self) -> frozenset[str]:
        """Datasets that the next bare commit takes although HEAD does not hold them yet."""
        return frozenset(self._added)

    def add(self, datasets: Sequence[str]) -> None:
        """Have the next bare commit take these datasets."""
        self._added.update(datasets)

    def committed(self, datasets: Sequence[str]) -> None:
        """Forget that these were added: HEAD holds them now."""
        self._added.difference_update(datasets)

    def bind(self, variable: str, dataset: str) -> None:
        """Let a variable stand for a dataset, in place of any other."""
        self._bound = {name: bound for name, bound in self._bound.items() if bound != dataset and name != variable}
        if variable != dataset:
            self._bound[variable] = dataset
        earlier = self._stood_for.get(variable, ())
        self._stood_for[variable] = (dataset, *(name for name in earlier if name != dataset))

    def follow(self, held: Collection[str]) -> None:
        """Let variables stand for datasets that HEAD holds, where they stood for such ones before."""
        for variable, names in list(self._stood_for.items()):
            present = self.dataset(variable)
            if present in held or present in self._added:
                continue
            taken = set(self._bound.values())
            found = next((name for name in (*names, variable) if name in held and name not in taken), None)
            if found is not None:
                self.bind(variable, found)

    def dataset(self, variable: str) -> str:
        """Return the dataset that a variable stands for; it need not exist."""
        return self._bound.get(variable, variable)

    def variable(self, dataset: str, names: Names) -> str:
        """Return the variable that stands for a dataset; it need not exist."""
        for name, bound in self._bound.items():
            if bound == dataset and name in names:
                return name
        return dataset

    def all(self, names: Names) -> dict[str, Any]:
        """All live frames, by dataset."""
        bound = {dataset: names[name] for name, dataset in self._bound.items() if is_frame(names.get(name))}
        others = {name: value for name, value in list(names.items()) if name not in self._bound and is_frame(value)}
        return {**others, **bound}

    def named(self, variables: Sequence[str], names: Names) -> dict[str, str]:
        """Variables by dataset, for names that a user typed: variables, or datasets that a variable stands for.

        Raises
        ------
        UnknownName
            If there is no such variable; the message lists close matches.
        UsageProblem
            If a variable holds no frame, or two stand for one dataset.
        """
        found: dict[str, str] = {}
        for typed in variables:
            variable = typed if typed in names else self.variable(typed, names)
            self._check(typed, variable, names)
            dataset = self.dataset(variable)
            if found.setdefault(dataset, variable) != variable:
                raise UsageProblem(
                    f"{found[dataset]!r} and {variable!r} both stand for the dataset {dataset!r}",
                    remedy="Name one of them, or give one another name with `--as`",
                )
        return found

    def _check(self, typed: str, variable: str, names: Names) -> None:
        frames = [name for name, value in names.items() if not name.startswith("_") and is_frame(value)]
        if variable not in names:
            raise UnknownName(
                f"there is no variable {typed!r}{did_you_mean(typed, frames)}",
                remedy="Name a DataFrame of this notebook; `%lf status` lists them",
            )
        if not is_frame(names[variable]):
            raise UsageProblem(
                f"{typed!r} is of type {_type_name(names[variable])}, not a frame{did_you_mean(typed, frames)}",
                remedy="Name a pandas or polars DataFrame or Series, or an Arrow table",
            )


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def is_frame(value: Any) -> bool:
    """Whether a value can be a dataset; imports no library of frames."""
    from lineageflow_jupyter.frames.convert import is_frame as known_frame

    return value is not None and known_frame(value)


def is_variable(name: str) -> bool:
    """Whether a dataset's name can be a variable's."""
    return name.isidentifier() and not iskeyword(name)
