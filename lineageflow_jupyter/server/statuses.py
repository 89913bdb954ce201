"""Which HTTP status each error has: one table over the codes of `errors`."""

from __future__ import annotations

STATUSES = {
    "error": 500,
    "input": 400,
    "unsupported-data": 422,
    "key-violation": 422,
    "invalid-name": 400,
    "unknown-name": 404,
    "ambiguous-name": 400,
    "invalid-setting": 500,
    "usage": 400,
    "outside-cell": 400,
    "conflict": 409,
    "ref-moved": 409,
    "name-taken": 409,
    "uncommitted-changes": 409,
    "repository": 500,
    "not-a-repository": 404,
    "newer-format": 501,
    "wrong-catalog": 409,
    "unsafe-location": 409,
    "not-available": 501,
    "storage": 500,
    "storage-full": 507,
    "storage-denied": 403,
    "object-missing": 410,
    "object-exists": 409,
    "catalog-busy": 503,
    "corrupt-data": 500,
}
"""By code."""

FORBIDDEN, NOT_FOUND, INTERNAL = "forbidden", "not-found", "internal"
"""Codes of what goes wrong before a repository is asked, or by a fault of ours."""
OTHERS = {400: "usage", 403: FORBIDDEN, 404: NOT_FOUND, 405: "method-not-allowed"}
"""Codes of errors that Tornado and Jupyter raise, by status."""
REMEDIES = {
    FORBIDDEN: "Log in, or ask whoever runs this server for the permission to read 'lineageflow'",
    NOT_FOUND: "docs/openapi.yaml lists what can be asked",
}
"""What to do about these, by code."""
