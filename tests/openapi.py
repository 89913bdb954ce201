"""Writes `docs/openapi.yaml`: the server extension's REST interface and its events, made from the table of routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import yaml

from lineageflow_jupyter.server.events import SCHEMAS
from lineageflow_jupyter.server.notebooks import NOTEBOOK_FIELDS, NOTEBOOK_PARAMETERS, REPOSITORIES_FIELDS
from lineageflow_jupyter.server.parameters import Parameter
from lineageflow_jupyter.server.routes import REPOSITORY_ROUTES
from lineageflow_jupyter.server.statuses import OTHERS, STATUSES

_ABOUT = """\
What the LineageFlow extension of a Jupyter server answers, below the server's base address. It only reads: what
changes data is a line of `%lf` in a kernel.

Every request is authenticated as the server's own are, and authorized for the action `read` of the resource
`lineageflow`. Every answer has an `ETag`; a request with `If-None-Match` is answered with 304 where nothing has
changed. A page tells `next` where there are more: give it as `after` (or, for cell runs, as `before`) to get them.
Pages of all branches may tell a commit twice while others are made. Ids are hexadecimal. Texts are told as they are,
and may hold what a browser would take for HTML.
"""

_EVENTS = """\
Events arrive over the server's own socket, `api/events/subscribe`. The same happening always has the same `event_id`:
drop one that you have heard. Nothing is told again of what happened while nobody listened: subscribe first, then ask.
"""


def openapi() -> str:
    """Text of the page."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "LineageFlow", "version": "1", "description": _ABOUT},
        "paths": dict(_paths()),
        "components": {"schemas": {"Error": _error()}, "responses": _responses()},
        "x-events": {
            "description": _EVENTS,
            "schemas": [yaml.safe_load(file.read_text(encoding="utf-8")) for file in SCHEMAS.values()],
        },
    }
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return f"# Made from the table of routes by `make docs`.\n{text}"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _written(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _written)


def _paths() -> Iterable[tuple[str, Any]]:
    yield "/lineageflow/repositories", _get("repositories that this server knows of", (), (), REPOSITORIES_FIELDS)
    yield "/lineageflow/notebook", _get("what is known of a notebook", (), NOTEBOOK_PARAMETERS, NOTEBOOK_FIELDS)
    for route in REPOSITORY_ROUTES:
        rest = f"/{{{route.rest}}}" if route.rest else ""
        places = ("id", *((route.rest,) if route.rest else ()))
        yield (
            f"/lineageflow/repositories/{{id}}/{route.name}{rest}",
            _get(route.summary, places, route.parameters, route.fields),
        )


_PLACES = {
    "id": ("id of the repository, as `repositories` tells it", "[0-9a-f]{16}"),
    "commit": ("id of a commit, or as much of it as tells it apart", "[0-9A-Za-z]{4,64}"),
}


def _get(
    summary: str, places: Iterable[str], parameters: Iterable[Parameter], fields: Mapping[str, str]
) -> dict[str, Any]:
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PLACES[name][0],
            "schema": {"type": "string", "pattern": _PLACES[name][1]},
        }
        for name in places
    ]
    content = {
        "schema": {"type": "object", "properties": {name: {"description": said} for name, said in fields.items()}}
    }
    return {
        "get": {
            "summary": summary,
            "parameters": [*in_path, *map(_parameter, parameters)],
            "responses": {
                "200": {"description": "the answer", "content": {"application/json": content}},
                "304": {"$ref": "#/components/responses/Unchanged"},
                "default": {"$ref": "#/components/responses/Error"},
            },
        }
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    said: dict[str, Any] = {"name": parameter.name, "in": "query", "description": parameter.meaning}
    if parameter.required:
        said["required"] = True
    match parameter.kind:
        case "number":
            said["schema"] = {"type": "integer", "minimum": parameter.lowest, "default": parameter.default}
            if parameter.highest < 2**62:
                said["schema"]["maximum"] = parameter.highest
        case "texts":
            said["schema"] = {"type": "array", "items": {"type": "string"}}
        case _:
            said["schema"] = {"type": "string"}
            if parameter.choices:
                said["schema"]["enum"] = list(parameter.choices)
            if parameter.default:
                said["schema"]["default"] = parameter.default
    return said


def _error() -> dict[str, Any]:
    codes = sorted({*STATUSES, *OTHERS.values(), "internal"})
    texts = {
        "code": {"type": "string", "enum": codes, "description": "for programs: never changes its meaning"},
        "problem": {"type": "string", "description": "what was expected and what was found, in one line"},
        "remedy": {"type": "string", "description": "what to do next; may be empty"},
    }
    error = {"type": "object", "required": list(texts), "properties": texts}
    return {"type": "object", "required": ["error"], "properties": {"error": error}}


def _responses() -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code, status in [*STATUSES.items(), *((code, status) for status, code in OTHERS.items())]:
        by_status.setdefault(status, []).append(code)
    lines = [
        f"{status} {HTTPStatus(status).phrase}: {', '.join(sorted(set(codes)))}"
        for status, codes in sorted(by_status.items())
    ]
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "Unchanged": {"description": "nothing has changed since the answer of that tag"},
        "Error": {"description": "\n".join(["why there is no answer:", *lines]), "content": content},
    }
