"""Ids of objects: BLAKE3-256 over a kind, a format version and canonical bytes. Nothing here stores or reads."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NewType

from blake3 import blake3

ObjectId = NewType("ObjectId", bytes)
"""Thirty-two bytes."""

ID_BYTES = 32
FORMAT_VERSION = 1
"""Version of the canonical bytes; part of every id, so that two formats never share one."""


class Kind(IntEnum):
    """What an object is; the first byte under every id.

    Under a chunk's id may lie a `DERIVED` value, which tells the chunk by older rows: the id does not say which.
    """

    CHUNK = 1
    COLUMN = 2
    TABLE = 3
    FRAME = 4
    TREE = 5
    COMMIT = 6
    MAP = 7
    CHANGES = 8
    DERIVED = 9
    CAUSES = 10


def object_id(kind: Kind, parts: Iterable[Any]) -> ObjectId:
    """Id of an object.

    Parameters
    ----------
    kind : Kind
        What the object is.
    parts : iterable of bytes-like
        The canonical bytes, in order; how they are split over the parts does not matter.

    Returns
    -------
    ObjectId
        BLAKE3-256 of the kind byte, the format version byte and the canonical bytes.

    Examples
    --------
    >>> object_id(Kind.TREE, [b"a", b"bc"]) == object_id(Kind.TREE, [b"abc"])
    True
    """
    digest = blake3(bytes((kind, FORMAT_VERSION)))
    for part in parts:
        digest.update(part)
    return ObjectId(digest.digest())


def short(oid: bytes, digits: int = 7) -> str:
    """First hexadecimal digits of an id, as shown to people."""
    return oid.hex()[:digits]
