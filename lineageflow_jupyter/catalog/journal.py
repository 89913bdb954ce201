"""The JSON that describes an operation: as rows of the log, and as the journal object that survives the catalog."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import Annotation, HeadChange, JournalEntry, Operation, Publication, RefChange

JOURNAL_FORMAT = 2
"""Version of a journal object. 2 tells how HEAD changed, where 1 told all of it."""


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
        RefChange(
            change["name"],
            change["kind"],
            _id(change["before"]),
            _id(change["after"]),
            _annotation(change.get("annotation")),
            _annotation(change.get("annotation_before")),
        )
        for change in json.loads(text)
    )


def annotation_to_json(annotation: Annotation | None) -> str | None:
    """Annotation of a ref as JSON, None for none."""
    return None if annotation is None else to_json(_said(annotation))


def annotation_from_json(text: str | None) -> Annotation | None:
    """Inverse of `annotation_to_json`."""
    return None if text is None else _annotation(json.loads(text))


def head_to_json(change: HeadChange | None) -> str | None:
    """How a HEAD changed as JSON, None for no HEAD."""
    return None if change is None else to_json(_head(change))


def head_from_json(text: str | None) -> HeadChange | None:
    """Inverse of `head_to_json`."""
    if text is None:
        return None
    head = json.loads(text)
    bases = {dataset: (_id(before), _id(after)) for dataset, (before, after) in head["bases"].items()}
    return HeadChange(head["before"], head["after"], bases)


def renamed_to_json(renamed: tuple[str, str] | None) -> str | None:
    """Old and new name of a branch as JSON, None for no renaming."""
    return None if renamed is None else to_json(renamed)


def renamed_from_json(text: str | None) -> tuple[str, str] | None:
    """Inverse of `renamed_to_json`."""
    if text is None:
        return None
    old, new = json.loads(text)
    return old, new


def journal_entry(
    publication: Publication, operation: Operation, *, catalog: str, workspace_name: Sequence[str] | None
) -> JournalEntry:
    """Journal entry of an operation: with the packs and the entries before, enough to rebuild the catalog.

    Parameters
    ----------
    publication : Publication
        What was recorded.
    operation : Operation
        What became of it.
    catalog : str
        Identity of the catalog.
    workspace_name : sequence of str, optional
        User, host and path of the workspace whose HEAD the publication sets.
    """
    head: dict[str, Any] | None = None
    if operation.head is not None:
        head = {"workspace": operation.workspace, "name": list(workspace_name or ()), **_head(operation.head)}
    content = {
        "format": JOURNAL_FORMAT,
        "catalog": catalog,
        "sequence": operation.sequence,
        "operation": operation.operation,
        "verb": operation.verb,
        "workspace": operation.workspace,
        "time": operation.time,
        "refs": _changes(operation.refs),
        "commits": [commit.id.hex() for commit in publication.commits],
        "packs": [pack.name for pack in publication.packs],
        "head": head,
        "renamed": operation.renamed,
        "detail": operation.detail,
    }
    key = f"journal/{operation.sequence:020d}-{operation.operation}.json"
    return JournalEntry(operation.sequence, key, to_json(content).encode("ascii"))


def _changes(refs: Sequence[RefChange]) -> list[dict[str, Any]]:
    return [
        {"name": change.name, "kind": change.kind, "before": _hex(change.before), "after": _hex(change.after)}
        | ({} if change.annotation is None else {"annotation": _said(change.annotation)})
        | ({} if change.annotation_before is None else {"annotation_before": _said(change.annotation_before)})
        for change in refs
    ]


def _head(change: HeadChange) -> dict[str, Any]:
    bases = {dataset: [_hex(before), _hex(after)] for dataset, (before, after) in change.bases.items()}
    return {"before": change.before, "after": change.after, "bases": bases}


def _said(annotation: Annotation) -> dict[str, Any]:
    return {
        "author": [annotation.author.name, annotation.author.email],
        "time": annotation.time,
        "offset": annotation.offset,
        "message": annotation.message,
    }


def _annotation(said: dict[str, Any] | None) -> Annotation | None:
    if said is None:
        return None
    return Annotation(Author(*said["author"]), said["time"], said["offset"], said["message"])


def _hex(oid: ObjectId | None) -> str | None:
    return None if oid is None else oid.hex()


def _id(text: str | None) -> ObjectId | None:
    return None if text is None else ObjectId(bytes.fromhex(text))
