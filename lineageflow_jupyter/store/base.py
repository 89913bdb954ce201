"""The store port: immutable bytes under create-only names. Implementations: `memory`, `local`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class ObjectStore(Protocol):
    """Immutable bytes by key.

    A key is a relative POSIX path of ASCII letters, digits and ``._-``, such as ``packs/3f2a….pack``. Objects are
    written once, whole, and never change. All methods may be called from several threads.
    """

    def put(self, key: str, parts: Sequence[Any]) -> None:
        """Create an object; when this returns, it survives a crash of the machine.

        Parameters
        ----------
        key : str
            Name of the object.
        parts : sequence of bytes-like
            The content, in order.

        Raises
        ------
        ObjectExists
            If the name is taken by other bytes; the same bytes again are a success.
        StorageFull, StorageDenied
            If the place refuses. Nothing is left under the name.
        """
        ...

    def get(self, key: str) -> bytes:
        """Whole content.

        Raises
        ------
        ObjectMissing
            If there is no such object.
        """
        ...

    def read_range(self, key: str, offset: int, length: int) -> memoryview:
        """Bytes ``[offset, offset + length)``, read-only, perhaps mapped.

        Raises
        ------
        ObjectMissing
            If there is no such object.
        CorruptData
            If the object ends before the range does.
        """
        ...

    def size(self, key: str) -> int | None:
        """Length in bytes, or None if there is no such object."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, sorted. Unfinished writes are never listed."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; no error if it is gone already."""
        ...
