"""The catalog contract over SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.model.records import Pack
from lineageflow_jupyter.testing.catalog_contract import CatalogContract


class TestSqlite(CatalogContract):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Path:
        return tmp_path / "catalog.sqlite"

    @pytest.fixture
    def catalog(self, database: Path) -> Iterator[Catalog]:
        with closing(SqlCatalog.create(database, uuid="f00d")) as catalog:
            self.path_of = database
            yield catalog

    @pytest.fixture
    def reopen(self, catalog: Catalog, database: Path) -> Iterator[Callable[[], Catalog]]:
        opened: list[Catalog] = []

        def reopen() -> Catalog:
            opened.append(SqlCatalog.open(database))
            return opened[-1]

        yield reopen
        for other in opened:
            other.close()

    def condemn(self, catalog: Catalog, pack: Pack) -> None:
        with closing(sqlite3.connect(self.path_of)) as connection, connection:
            connection.execute("UPDATE packs SET state = 'condemned', condemned_at = 1 WHERE name = ?", (pack.name,))

    def content(self, catalog: Catalog) -> object:
        with closing(sqlite3.connect(self.path_of)) as connection:
            return list(connection.iterdump())
