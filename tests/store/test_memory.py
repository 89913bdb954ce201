from __future__ import annotations

import pytest

from lineageflow_jupyter.store.memory import MemoryStore
from lineageflow_jupyter.testing.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
