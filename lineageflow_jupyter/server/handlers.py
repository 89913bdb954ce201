"""The handlers of all routes: who may ask, what was asked, and the form of what is answered.

There are no others: one class authenticates and authorizes, so that none can forget to.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from http.client import responses
from typing import Any

from blake3 import blake3
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from lineageflow_jupyter import wire
from lineageflow_jupyter.errors import CatalogBusy, LineageFlowError
from lineageflow_jupyter.server.asking import Route, Surroundings, asked
from lineageflow_jupyter.server.notebooks import NOTEBOOK_PARAMETERS, notebook, repositories
from lineageflow_jupyter.server.parameters import Parameter, Query, read_query
from lineageflow_jupyter.server.routes import REPOSITORY_ROUTES
from lineageflow_jupyter.server.statuses import INTERNAL, OTHERS, REMEDIES, STATUSES

RESOURCE = "lineageflow"
SETTINGS = "lineageflow"
_RUN = secrets.token_hex(8)
"""States of repositories mean nothing to another process, and so do tags made of them."""


class LineageFlowHandler(APIHandler):
    """Base of all handlers: `respond` says what is answered."""

    auth_resource = RESOURCE
    parameters: Sequence[Parameter] = ()

    @web.authenticated
    @authorized(action="read", resource=RESOURCE)  # type: ignore[untyped-decorator]
    async def get(self, *place: str) -> None:
        """Answer a question; everything that waits for a disk is done on a thread."""
        try:
            query = self.read()
            await self.around.kernels.refresh()
            await self.respond(query, *place)
        except LineageFlowError as problem:
            self._refuse(STATUSES.get(problem.code, 500), wire.error(problem))
            if isinstance(problem, CatalogBusy):
                self.set_header("Retry-After", "1")

    def read(self) -> Query:
        """Read and check the parameters."""
        return read_query(self.parameters, self.request.query_arguments)

    @property
    def around(self) -> Surroundings:
        """What the server knows."""
        found: Surroundings = self.settings[SETTINGS]
        return found

    async def respond(self, query: Query, *place: str) -> None:
        """Answer; a subclass does."""
        raise NotImplementedError

    async def tell(self, answer: Callable[[], wire.Document], tag: Callable[[], str] | None = None) -> None:
        """Answer in JSON, or that nothing has changed.

        Parameters
        ----------
        answer : callable
            Gives what is told; on a thread.
        tag : callable, optional
            Names what the answer follows from: where the client has what was told before, nothing else is computed.
            Without one the answer itself is compared.
        """
        if tag is not None:
            self.set_header("Etag", _tag(await asyncio.to_thread(tag)))
            if self.check_etag_header():
                self._unchanged()
                return
        text = await asyncio.to_thread(lambda: json.dumps(answer(), allow_nan=False))
        if tag is None:
            self.set_header("Etag", _tag(text))
            if self.check_etag_header():
                self._unchanged()
                return
        self.set_header("Cache-Control", "no-cache, private")
        await self.finish(text)

    def compute_etag(self) -> str | None:
        """Tell Tornado that the tag is there already."""
        return None

    def _unchanged(self) -> None:
        self.set_status(304)
        self.finish()

    def _refuse(self, status: int, error: wire.Document) -> None:
        self.clear_header("Etag")
        self.set_status(status)
        self.finish(json.dumps({"error": error}))

    def write_error(self, status_code: int, **known: Any) -> None:
        """Tell in the same form what went wrong before, or beside, a question."""
        error = (known.get("exc_info") or (None, None, None))[1]
        if isinstance(error, web.HTTPError):
            problem = error.log_message or error.reason or responses.get(status_code, "the request was refused")
            code = OTHERS.get(status_code, INTERNAL)
            self._refuse(status_code, {"code": code, "problem": str(problem), "remedy": REMEDIES.get(code, "")})
            return
        self._refuse(
            status_code,
            {
                "code": INTERNAL,
                "problem": f"the server failed ({type(error).__name__})" if error else "the server failed",
                "remedy": "Its log says more; please report it",
            },
        )


class RepositoriesHandler(LineageFlowHandler):
    """``repositories``."""

    async def respond(self, query: Query, *place: str) -> None:
        """Answer."""
        await self.tell(lambda: repositories(self.around, query))


class NotebookHandler(LineageFlowHandler):
    """``notebook``."""

    parameters = NOTEBOOK_PARAMETERS

    async def respond(self, query: Query, *place: str) -> None:
        """Answer; from now on, for a while, the server looks at what the kernel runs."""
        self.around.kernels.watch()
        await self.tell(lambda: notebook(self.around, query))


class RepositoryHandler(LineageFlowHandler):
    """``repositories/ID/NAME``."""

    route: Route

    def initialize(self, route: Route) -> None:
        """Take the route that this handler answers."""
        self.route = route
        self.parameters = route.parameters

    async def respond(self, query: Query, *place: str) -> None:
        """Answer."""
        name, rest = place[0], place[1] if len(place) > 1 else ""

        def answer() -> wire.Document:
            with asked(self.around, self.route, name, query, rest) as question:
                return self.route.answer(question)

        def state() -> str:
            with asked(self.around, self.route, name, query, rest) as question:
                workspace = "" if question.workspace is None else question.workspace.id
                return json.dumps(
                    [question.repository.state(), workspace, self.route.name, name, rest, sorted(query.values.items())]
                )

        await self.tell(answer, None if _depends_on_the_time(query) else state)


class UnknownHandler(LineageFlowHandler):
    """What is no question at all."""

    def read(self) -> Query:
        """Whatever its parameters are."""
        return Query({})

    async def respond(self, query: Query, *place: str) -> None:
        """Say so, to those who may ask."""
        raise web.HTTPError(404, f"{self.request.path} is no question that this server knows")


def _depends_on_the_time(query: Query) -> bool:
    """Whether a revision says a moment, which is another commit tomorrow."""
    return any("@{" in value for value in query.values.values() if isinstance(value, str))


def _tag(text: str) -> str:
    return f'"{blake3(f"{_RUN}{text}".encode()).hexdigest()[:32]}"'


def handlers() -> list[tuple[Any, ...]]:
    """Every address with its handler, below the server's own."""
    found: list[tuple[Any, ...]] = [
        (r"/lineageflow/repositories", RepositoriesHandler),
        (r"/lineageflow/notebook", NotebookHandler),
    ]
    for route in REPOSITORY_ROUTES:
        rest = "/([0-9A-Za-z]{4,64})" if route.rest else ""
        address = rf"/lineageflow/repositories/([0-9a-f]{{16}})/{route.name}{rest}"
        found.append((address, RepositoryHandler, {"route": route}))
    return [*found, (r"/lineageflow(?:/.*)?", UnknownHandler)]
