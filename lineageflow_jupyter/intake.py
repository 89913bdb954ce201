"""What callers pass, checked before anything is written: frames, keys, texts, columns and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from lineageflow_jupyter.errors import InvalidName, KeyViolation, UnsupportedData, UsageProblem
from lineageflow_jupyter.frames.content import values_of
from lineageflow_jupyter.frames.convert import FrameContent, to_content
from lineageflow_jupyter.frames.row_labels import counted_labels_of
from lineageflow_jupyter.history import unknown
from lineageflow_jupyter.model.objects import Author, Table, Tree
from lineageflow_jupyter.model.revisions import check_name, composed

V = TypeVar("V")


def by_dataset(named: Mapping[str, V]) -> dict[str, V]:
    """Frames, or what else belongs to datasets, by the names that these have: composed as Unicode recommends.

    Raises
    ------
    UsageProblem
        If two of the names are one name, written in two ways.
    """
    found: dict[str, V] = {}
    for name, value in named.items():
        dataset = _composed(name)
        if dataset in found:
            raise UsageProblem(
                f"two frames are named {dataset!r}, which Unicode can write in two ways", remedy="Rename one of them"
            )
        found[dataset] = value
    return found


def listed_datasets(datasets: str | Sequence[str]) -> list[str]:
    """Names of datasets as these have them, each once; one name alone is a list of one."""
    return list(dict.fromkeys(map(_composed, [datasets] if isinstance(datasets, str) else datasets)))


def _composed(name: str) -> str:
    return composed(name) if isinstance(name, str) else name  # what is no text is refused where its name is checked


def contents_of(frames: Mapping[str, Any]) -> dict[str, FrameContent]:
    """Contents of all frames; the first that cannot be stored is refused before anything is written."""
    if not frames:
        raise UsageProblem("no frames to commit", remedy="Name at least one, as in repo.commit({'flights': df}, …)")
    contents = {}
    for name, frame in frames.items():
        if not isinstance(name, str):
            raise InvalidName(f"a dataset is named by a text, {name!r} found", remedy=f"Name it '{name}', say")
        dataset = check_name(name, "dataset")
        try:
            contents[dataset] = to_content(frame)
        except UnsupportedData as error:
            raise UnsupportedData(f"{name!r}: {error.problem}", remedy=error.remedy) from error
    return contents


def check_texts(message: str, author: Author) -> None:
    """Refuse texts that cannot be stored, before anything is written."""
    if not message.strip():
        raise UsageProblem("this needs a message, an empty one found", remedy='Add one: -m "what and why"')
    for what, text in (("message", message), ("author's name", author.name), ("author's address", author.email)):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageProblem(
                f"the {what} is not valid Unicode at character {error.start} ({text[error.start]!r})",
                remedy="Write it again without that character",
            ) from error


def declared_keys(
    keys: Mapping[str, Sequence[str]], contents: Mapping[str, FrameContent], tree: Tree
) -> dict[str, tuple[str, ...]]:
    """Key of each dataset: as declared, or as it was."""
    for name in keys:
        if name not in contents:
            raise UsageProblem(f"a key is given for {name!r}, which is not committed", remedy="Name its frame as well")
    chosen = {}
    for name in contents:
        entry = tree.get(name)
        if name in keys:
            given = keys[name]
            chosen[name] = tuple(dict.fromkeys([given] if isinstance(given, str) else given))
        else:
            chosen[name] = entry.key if entry is not None else ()
    return chosen


def key_array(dataset: str, name: str, content: FrameContent) -> Any:
    """Array of a key column.

    Raises
    ------
    KeyViolation
        If there is none of that name, or several.
    """
    found = [column.array for column in content.columns if column.name == name]
    if not found:  # pandas counts labels that follow one another instead of listing them
        counted = counted_labels_of(content.body, name, content.rows)
        found = [] if counted is None else [counted]
    if len(found) == 1:
        return values_of(found[0])
    if found:
        raise KeyViolation(
            f"key column {name!r} of {dataset!r} exists {len(found)} times",
            remedy="Rename the columns, or choose another",
        )
    names = [column.name for column in content.columns]
    close = get_close_matches(name, names, 3)
    raise KeyViolation(
        f"key column {name!r} of {dataset!r} does not exist",
        remedy=f"Did you mean {' or '.join(close)}?" if close else f"Columns: {', '.join(names[:20])}",
    )


def positions_of(dataset: str, table: Table, columns: Sequence[Any] | None) -> list[int] | None:
    """Positions of the chosen data columns among all data columns, in the order asked for."""
    if columns is None:
        return None
    names = [column.name for column in table.data]
    positions: list[int] = []
    for label in [columns] if isinstance(columns, str) or not isinstance(columns, Iterable) else columns:
        found = [position for position, name in enumerate(names) if name == str(label)]
        if not found:
            raise unknown("column", str(label), names, f"Columns of {dataset}: {', '.join(names[:20])}")
        positions += [position for position in found if position not in positions]
    return positions


def row_range(rows: slice | tuple[int, int], count: int) -> range:
    """Row positions ``[start, stop)`` within a table of `count` rows."""
    try:
        chosen = rows if isinstance(rows, slice) else slice(*rows)
        start, stop, step = chosen.indices(count)
    except (TypeError, ValueError) as error:
        raise UsageProblem(
            f"rows are chosen by a slice or a pair of positions, {rows!r} found", remedy="Example: rows=(0, 100)"
        ) from error
    if step != 1:
        raise UsageProblem(
            f"rows can be read with step 1 only, {step} found", remedy="Read the range, then take every n-th"
        )
    return range(start, max(start, stop))
