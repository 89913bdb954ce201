"""Who may ask: nobody without a token, and nobody whom the server's authorizer refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from jupyter_server.auth import Authorizer
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from lineageflow_jupyter import errors
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.server.handlers import LineageFlowHandler, UnknownHandler
from lineageflow_jupyter.server.routes import REPOSITORY_ROUTES
from lineageflow_jupyter.server.statuses import STATUSES
from tests.repositories import numbers
from tests.server.conftest import Ask
from tests.test_architecture import error_classes

ROOT = Path(__file__).parent.parent.parent
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Forbidding(Authorizer):
    """Refuses what is ours to everybody, and remembers what it was asked."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def is_authorized(self, handler: JupyterHandler, user: Any, action: str, resource: str) -> bool:
        self.asked.append((action, resource))
        return resource != "lineageflow"


def rules(app: ServerApp) -> list[tuple[str, type]]:
    """Patterns and handlers of ours, as the server has them."""
    found = []
    for rule in app.web_app.wildcard_router.rules + app.web_app.default_router.rules:
        for each in [rule, *getattr(rule.target, "rules", [])]:
            pattern = getattr(getattr(each.matcher, "regex", None), "pattern", "")
            if "lineageflow" in pattern:
                found.append((pattern, each.target))
    return found


def addresses(app: ServerApp) -> Iterator[str]:
    """An address for each pattern."""
    for pattern, _ in rules(app):
        address = pattern.rstrip("$").replace("([0-9a-f]{16})", "0123456789abcdef")
        address = address.replace("([0-9A-Za-z]{4,64})", "abcd").replace("(?:/.*)?", "/whatever/this is")
        address = re.sub(r"\\(.)", r"\1", address)
        assert not re.search(r"[()\[\]{}?*]", address), f"say what stands for the pattern {pattern}"
        yield address.replace(" ", "%20")


def test_the_walk_sees_all_routes(jp_serverapp: ServerApp) -> None:
    found = rules(jp_serverapp)
    assert len(found) == len(REPOSITORY_ROUTES) + 3
    assert all(issubclass(handler, LineageFlowHandler) for _, handler in found)


def test_the_description_names_all_routes(jp_serverapp: ServerApp) -> None:
    text = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
    described = yaml.safe_load(text)["paths"]
    patterns = [re.sub(r"\{(\w+)\}", "{}", path) for path in described]
    base = re.escape(jp_serverapp.base_url.rstrip("/"))
    served = []
    for pattern, handler in rules(jp_serverapp):
        path = re.sub(r"\(\[.*?\]\{[0-9,]+\}\)", "{}", pattern.rstrip("$"))
        if handler is not UnknownHandler:
            served.append(re.sub(rf"^(?:{base}|{jp_serverapp.base_url.rstrip('/')})", "", path))
    assert sorted(served) == sorted(patterns)


async def test_nothing_is_answered_without_a_token(
    jp_serverapp: ServerApp, repo: Repository, http_server_client: AsyncHTTPClient
) -> None:
    for address in addresses(jp_serverapp):
        for method in METHODS:
            found = await http_server_client.fetch(
                address, method=method, raise_error=False, allow_nonstandard_methods=True, follow_redirects=False
            )
            assert found.code in (403, 405), (method, address)
            if method == "GET":
                assert (found.code, json.loads(found.body)["error"]["code"]) == (403, "forbidden"), address
                assert repo.location.encode() not in found.body


class TestForbidden:
    """A reader without permission."""

    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        Forbidding.asked.clear()
        return {
            "ServerApp": {
                "jpserver_extensions": {"lineageflow_jupyter": True},
                "authorizer_class": Forbidding,
            }
        }

    async def test_every_handler_asks_for_permission(
        self, jp_serverapp: ServerApp, repo: Repository, jp_fetch: Callable[..., Awaitable[HTTPResponse]]
    ) -> None:
        repo.commit({"secret": numbers(1)}, message="secret")
        base = jp_serverapp.base_url.replace("@", "%40")
        for address in addresses(jp_serverapp):
            path = address.removeprefix(base).removeprefix(jp_serverapp.base_url).replace("%20", " ")
            for method in METHODS:
                before = len(Forbidding.asked)
                found = await jp_fetch(path, method=method, raise_error=False, allow_nonstandard_methods=True)
                assert found.code in (403, 405), (method, path)
                assert b"secret" not in (found.body or b"")
                if method == "GET":
                    assert Forbidding.asked[before:] == [("read", "lineageflow")], path
                    error = json.loads(found.body)["error"]
                    assert error["code"] == "forbidden"
                    assert error["remedy"]

    async def test_nothing_is_told_apart_by_what_is_there(self, ask: Ask, repo: Repository, at: str) -> None:
        there, absent = await ask(f"{at}/refs"), await ask("repositories/0123456789abcdef/refs")
        assert (there.status, there.body) == (absent.status, absent.body) == (403, there.body)


async def test_there_is_nothing_that_writes(ask: Ask, repo: Repository, at: str) -> None:
    for method in METHODS[2:]:
        found = await ask(f"{at}/refs", method=method)
        assert (found.status, found.error["code"]) == (405, "method-not-allowed")


def test_every_error_has_a_status() -> None:
    assert set(STATUSES) == {kind.code for kind in error_classes(errors.LineageFlowError)}
    assert all(400 <= status < 600 for status in STATUSES.values())
