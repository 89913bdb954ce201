"""The libraries that frames are given back in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.kernel.suggest import did_you_mean

Engine = Literal["pandas", "polars", "arrow"]
ENGINES: tuple[Engine, ...] = ("pandas", "polars", "arrow")
_ENGINE_BY_PACKAGE: dict[str, Engine] = {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow"}


def engine_named(name: str) -> Engine:
    """Return the engine of a name as it is typed.

    Raises
    ------
    UnknownName
        If there is none.
    """
    for engine in ENGINES:
        if engine == name:
            return engine
    raise UnknownName(f"there is no engine {name!r}{did_you_mean(name, ENGINES)}", remedy=f"Use {', '.join(ENGINES)}")


def engine_of(frames: Iterable[Any]) -> Engine:
    """Return the engine that all frames belong to; pandas where they differ or there are none."""
    packages = {type(frame).__module__.partition(".")[0] for frame in frames}
    return _ENGINE_BY_PACKAGE.get(packages.pop(), "pandas") if len(packages) == 1 else "pandas"
