from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineageflow_jupyter.errors import CorruptData, NewerFormat, WrongCatalog
from lineageflow_jupyter.store.identity import StoreIdentity, create_identity, read_identity
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.store.memory import MemoryStore

CATALOG = uuid.UUID(int=7).hex


def test_an_unmarked_store_has_no_identity() -> None:
    assert read_identity(MemoryStore()) is None


@pytest.mark.parametrize("catalog", [CATALOG, str(uuid.UUID(int=7))])
def test_what_is_marked_is_read(tmp_path: Path, catalog: str) -> None:
    store = LocalStore(tmp_path, create=True)
    assert create_identity(store, catalog) == StoreIdentity(1, catalog)
    assert create_identity(store, catalog) == StoreIdentity(1, catalog)
    assert read_identity(LocalStore(tmp_path)) == StoreIdentity(1, catalog)
    assert json.loads((tmp_path / "repository.json").read_text()) == {"format": 1, "catalog": catalog}


def test_another_catalog_is_refused_and_changes_nothing() -> None:
    store = MemoryStore()
    create_identity(store, CATALOG)
    with pytest.raises(WrongCatalog, match=CATALOG) as caught:
        create_identity(store, uuid.UUID(int=8).hex)
    assert "Put back" in caught.value.remedy
    assert read_identity(store) == StoreIdentity(1, CATALOG)


def test_one_of_several_catalogs_wins(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, create=True)

    def create(number: int) -> bool:
        try:
            create_identity(store, uuid.UUID(int=number).hex)
        except WrongCatalog:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(create, range(8))).count(True) == 1


def test_a_later_format() -> None:
    store = MemoryStore()
    store.put("repository.json", [json.dumps({"format": 2, "catalog": CATALOG, "more": 1}).encode()])
    with pytest.raises(NewerFormat, match="format 2"):
        read_identity(store)
    with pytest.raises(NewerFormat):
        create_identity(store, CATALOG)


def test_further_fields_are_ignored() -> None:
    store = MemoryStore()
    store.put("repository.json", [json.dumps({"format": 1, "catalog": CATALOG, "note": "mine"}).encode()])
    assert read_identity(store) == StoreIdentity(1, CATALOG)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}", b'{"format": 1}', b'{"catalog": "x"}', b"[" * 9000,
        b'{"format": "1", "catalog": "' + CATALOG.encode() + b'"}',
        b'{"format": true, "catalog": "' + CATALOG.encode() + b'"}',
        b'{"format": 0, "catalog": "' + CATALOG.encode() + b'"}', b'{"format": 1, "catalog": "mine"}',
        b'{"format": 1, "catalog": 7}', b'{"format": 1, "catalog": null}',
    ],
)  # fmt: skip
def test_a_damaged_identity(text: bytes) -> None:
    store = MemoryStore()
    store.put("repository.json", [text])
    with pytest.raises(CorruptData, match=r"repository\.json"):
        read_identity(store)
