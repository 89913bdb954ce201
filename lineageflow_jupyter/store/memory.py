"""A store in memory, for tests and scratch repositories. Nothing survives the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from lineageflow_jupyter.errors import CorruptData, ObjectExists, ObjectMissing
from lineageflow_jupyter.store.keys import check_key


class MemoryStore:
    """An `ObjectStore` whose objects live in a dict. What "durable" means here: until the process ends."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, key: str, parts: Sequence[Any]) -> None:
        """Create an object; see `ObjectStore.put`."""
        content = b"".join(parts)
        with self._lock:
            found = self._objects.setdefault(check_key(key), content)
        if found != content:
            raise ObjectExists(
                f"{key} exists with other content ({len(found):,} bytes, not {len(content):,})",
                remedy="Objects never change; write under another key",
            )

    def get(self, key: str) -> bytes:
        """Whole content; see `ObjectStore.get`."""
        try:
            return self._objects[check_key(key)]
        except KeyError:
            raise ObjectMissing(f"there is no object {key}", remedy="Run fsck to see what else is missing") from None

    def read_range(self, key: str, offset: int, length: int) -> memoryview:
        """Bytes ``[offset, offset + length)``; see `ObjectStore.read_range`."""
        content = self.get(key)
        if offset < 0 or length < 0 or offset + length > len(content):
            raise CorruptData(
                f"{key} has {len(content):,} bytes, [{offset:,}, {offset + length:,}) was asked for",
                remedy="Run fsck to see what is damaged",
            )
        return memoryview(content)[offset : offset + length]

    def size(self, key: str) -> int | None:
        """Length in bytes, or None if there is no such object."""
        content = self._objects.get(check_key(key))
        return None if content is None else len(content)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, sorted."""
        with self._lock:
            found = [key for key in self._objects if key.startswith(prefix)]
        return iter(sorted(found))

    def delete(self, key: str) -> None:
        """Remove an object; no error if it is gone already."""
        with self._lock:
            self._objects.pop(check_key(key), None)
