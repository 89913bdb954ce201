"""The JSON that describes an operation: as rows of the log, and as the journal object that survives the catalog."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import JournalEntry, Publication, RefChange

JOURNAL_FORMAT = 1


def to_json(value: object) -> str:
    """One text for one value: sorted keys, ASCII, no NaN.

    Raises
    ------
    TypeError, ValueError
        If JSON cannot say it.
    """
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def refs_to_json(refs: Sequence[RefChange]) -> str:
    """Ref changes as JSON, ids in hexadecimal."""
    return to_json(_changes(refs))


def refs_from_json(text: str) -> tuple[RefChange, ...]:
    """Inverse of `refs_to_json`."""
    return tuple(
        RefChange(change["name"], change["kind"], _id(change["before"]), _id(change["after"]))
        for change in json.loads(text)
    )


def journal_entry(
    publication: Publication, sequence: int, *, catalog: str, workspace_name: Sequence[str] | None
) -> JournalEntry:
    """Journal entry of an operation: with the packs, enough to rebuild the catalog as it was after it.

    Parameters
    ----------
    publication : Publication
        What was recorded.
    sequence : int
        Its position in the operation log.
    catalog : str
        Identity of the catalog.
    workspace_name : sequence of str, optional
        User, host and path of the workspace whose HEAD the publication sets.
    """
    head: Mapping[str, Any] | None = None
    if publication.head is not None:
        head = {
            "workspace": publication.head.workspace,
            "name": list(workspace_name or ()),
            "branch": publication.head.branch,
            "bases": {dataset: commit.hex() for dataset, commit in publication.head.bases.items()},
        }
    content = {
        "format": JOURNAL_FORMAT,
        "catalog": catalog,
        "sequence": sequence,
        "operation": publication.operation,
        "verb": publication.verb,
        "workspace": publication.workspace,
        "time": publication.time,
        "refs": _changes(publication.refs),
        "commits": [commit.id.hex() for commit in publication.commits],
        "packs": [pack.name for pack in publication.packs],
        "head": head,
        "detail": publication.detail,
    }
    key = f"journal/{sequence:020d}-{publication.operation}.json"
    return JournalEntry(sequence, key, to_json(content).encode("ascii"))


def _changes(refs: Sequence[RefChange]) -> list[dict[str, str | None]]:
    return [
        {"name": change.name, "kind": change.kind, "before": _hex(change.before), "after": _hex(change.after)}
        for change in refs
    ]


def _hex(oid: ObjectId | None) -> str | None:
    return None if oid is None else oid.hex()


def _id(text: str | None) -> ObjectId | None:
    return None if text is None else ObjectId(bytes.fromhex(text))
