"""Completion as a front end asks for it: a real kernel, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

import lineageflow_jupyter as lf

pytestmark = pytest.mark.notebook

SECONDS = 60.0


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    """A kernel in a repository with a dataset, in which no verb has run yet."""
    import pandas as pd

    folder: Path = tmp_path_factory.mktemp("kernel")
    with lf.init(folder) as repository:
        repository.commit({"flights": pd.DataFrame({"year": [1], "dep delay": [1]})}, message="raw")
        repository.branch("feature")
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        client.execute_interactive("%load_ext lineageflow_jupyter", timeout=SECONDS, output_hook=lambda message: None)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def completed(client: BlockingKernelClient, code: str) -> list[str]:
    """What the code up to a `|` may become, with the range that the kernel says is replaced."""
    cursor = code.index("|")
    code = code.replace("|", "")
    end = time.monotonic() + SECONDS
    while True:
        content = client.complete(code, cursor, reply=True, timeout=SECONDS)["content"]
        assert content["status"] == "ok"
        ours = all(each["type"] == "lineageflow" for each in content["metadata"]["_jupyter_types_experimental"])
        if (content["matches"] and ours) or time.monotonic() > end:
            break
        time.sleep(0.1)  # the first key strokes are answered without the repository
    return [code[: content["cursor_start"]] + match + code[content["cursor_end"] :] for match in content["matches"]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%lf swi|", "%lf switch"),
        ("df = %lf read feature:fl|", "df = %lf read feature:flights"),
        ("%lf log main..fea|", "%lf log main..feature"),
        ("%lf read flights --columns year,dep|", '%lf read flights --columns "year,dep delay"'),
        ("%lf read flights --columns 'dep de|", "%lf read flights --columns 'dep delay'"),
        ("%lf read flights --columns year,'dep de|", "%lf read flights --columns year,'dep delay'"),
        ("%lf read flights --columns='dep de|", "%lf read flights --columns='dep delay'"),
        ("x = 1\n%lf checkout HEAD fl|\ny = 2", "x = 1\n%lf checkout HEAD flights\ny = 2"),
        ("for x in y:\n    z = %lf read main:f|", "for x in y:\n    z = %lf read main:flights"),
        ("t = '😀'\n%lf checkout HEAD fl|", "t = '😀'\n%lf checkout HEAD flights"),
    ],
)
def test_the_range_that_is_replaced(client: BlockingKernelClient, code: str, expected: str) -> None:
    assert completed(client, code) == [expected]


def test_the_configuration_is_known_to_the_kernel(client: BlockingKernelClient) -> None:
    shown: list[str] = []
    client.execute_interactive(
        "%config LineageFlow.log_length = 7\n%lf config log_length",
        timeout=SECONDS,
        output_hook=lambda message: shown.append(str(message["content"].get("data", {}).get("text/plain", ""))),
    )
    assert "7" in "".join(shown)
    assert "session" in "".join(shown)
