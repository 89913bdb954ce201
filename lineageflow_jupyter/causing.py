"""From the versions that a frame went through between two commits to which of them gave each value of the last one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from lineageflow_jupyter.algorithms.blame import Descent, traced
from lineageflow_jupyter.algorithms.causes import CauseMap, decode_causes, encode_causes
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.lists import Sealed
from lineageflow_jupyter.model.objects import Step, TreeEntry, decode, encode
from lineageflow_jupyter.versions import Version, schema_of


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of how a version came about.

    Parameters
    ----------
    steps : tuple of Step
        What happened since the version before, oldest first.
    map : CauseMap or None
        Which of them gave each value; None where there is one step only, which gave all, or where that is not known.
    """

    steps: tuple[Step, ...] = ()
    map: CauseMap | None = None


Tell = Callable[[TreeEntry | None, TreeEntry], Told]
"""Tells how a version came about: from the one before, if there was one, and itself."""


class StepChain:
    """Versions one after the other; see `algorithms.blame.Ancestry`. Nodes are their numbers."""

    def __init__(self, versions: Sequence[Version], changes: Changes, first: int) -> None:
        self._versions = versions
        self._first = first
        self.between = cache(lambda node: changes.between(versions[node - 1], versions[node]))
        self.schema = cache(lambda node: schema_of(versions[node - 1], versions[node]))

    def generation(self, node: int) -> int:
        """Its number."""
        return node

    def parents(self, node: int) -> Sequence[int]:
        """The one before; none of the first."""
        return [node - 1] if node > self._first else []

    def descent(self, node: int, parent: int, places: Collection[int]) -> Descent:
        """What a version has from the one before."""
        changes = self.between(node)
        return Descent(changes.alignment, {place: at for at, place in self.schema(node).common}, changes.changed)

    def causes(self, node: int) -> CauseMap | None:
        """Nothing finer is known of a step."""
        return None


def cause_map(before: TreeEntry | None, steps: Sequence[TreeEntry], changes: Changes) -> CauseMap:
    """Find which step gave each value of the last one.

    Parameters
    ----------
    before : TreeEntry or None
        The version that the first step started from.
    steps : sequence of TreeEntry
        The versions that the steps left, in order; at least one.
    changes : Changes
        Finds how they differ.

    Returns
    -------
    CauseMap
        Of the last version's columns.

    Raises
    ------
    ObjectMissing, CorruptData
        If a version cannot be read.
    """
    entries = [steps[0] if before is None else before, *steps]  # the first one is not looked at where there is none
    versions = [changes.stored(entry) for entry in entries]
    chain, last = StepChain(versions, changes, 0 if before is not None else 1), versions[-1]
    codes = {}
    for place in range(len(last.columns)):  # one by one: codes of all of them would take as much as the table
        found = traced(chain, len(steps), last.table.rows, [place])
        codes[place] = np.array(found.origins, np.int32)[found.codes[place]]
    return CauseMap.from_codes(len(steps), codes)


def sealed_causes(map_: CauseMap) -> Sealed:
    """A cause map as an object."""
    header, buffers = encode_causes(map_)
    data = encode([header, [buffer.tobytes() for buffer in buffers]])
    return Sealed(object_id(Kind.CAUSES, [data]), Kind.CAUSES, data)


def causes_of(oid: ObjectId, data: bytes) -> CauseMap:
    """Inverse of `sealed_causes`.

    Raises
    ------
    CorruptData
        If it is damaged.
    """
    try:
        header, buffers = decode(data)
        return decode_causes(header, buffers)
    except (ValueError, TypeError, LookupError) as error:
        raise CorruptData(
            f"the cause map {oid.hex()} is damaged ({error})", remedy="Run fsck to see what else is damaged"
        ) from error
