"""Whose objects a store holds: the one small file that ties it to a catalog. How the catalog is opened is not here."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from lineageflow_jupyter.errors import CorruptData, NewerFormat, ObjectExists, ObjectMissing, WrongCatalog
from lineageflow_jupyter.store.base import ObjectStore

IDENTITY_KEY = "repository.json"
STORE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Format of a store's layout, and the UUID of the catalog that its objects belong to."""

    format: int
    catalog: str


def create_identity(store: ObjectStore, catalog: str) -> StoreIdentity:
    """Mark a store as belonging to a catalog; repeating it is harmless.

    Parameters
    ----------
    store : ObjectStore
        The store.
    catalog : str
        The catalog's UUID.

    Raises
    ------
    WrongCatalog
        If the store belongs to another catalog: what that catalog records would be lost.
    CorruptData, NewerFormat
        If the store is marked with something else.
    StorageFull, StorageDenied
        If the place refuses.
    """
    found = read_identity(store)
    if found is None:
        found = StoreIdentity(STORE_FORMAT, catalog)
        text = json.dumps({"format": found.format, "catalog": found.catalog}, indent=2) + "\n"
        try:
            store.put(IDENTITY_KEY, [text.encode()])
        except ObjectExists:  # somebody was faster
            return create_identity(store, catalog)
    if found.catalog != catalog:
        raise WrongCatalog(
            f"the objects belong to catalog {found.catalog}, not to {catalog}",
            remedy="Put back the catalog that was created with them, or move these objects away",
        )
    return found


def read_identity(store: ObjectStore) -> StoreIdentity | None:
    """Return what the store says of itself, or None if it was never marked.

    Raises
    ------
    CorruptData
        If what it says is damaged.
    NewerFormat
        If a later version of LineageFlow laid it out.
    """
    try:
        text = store.get(IDENTITY_KEY)
    except ObjectMissing:
        return None
    try:
        found = json.loads(text)
        version, catalog = found["format"], found["catalog"]
        if type(version) is not int or version < 1:
            raise ValueError(f"format {version!r}")
        if version > STORE_FORMAT:
            raise NewerFormat(
                f"the store has format {version}, this LineageFlow reads up to {STORE_FORMAT}",
                remedy="Update LineageFlow (pip install -U lineageflow-jupyter)",
            )
        uuid.UUID(catalog)
        return StoreIdentity(version, catalog)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptData(
            f"{IDENTITY_KEY} is damaged ({error})", remedy="Restore that file from a backup of the repository"
        ) from error
