"""What must be true of every repository, whatever was done to it."""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.repository import Repository


def check_sound(repo: Repository) -> None:
    """Nothing is damaged, nothing is missing, and nothing waits to be repaired."""
    assert repo.fsck() > 0
    folder = Path(repo.location) / ".lineageflow"
    with closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        assert catalog.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert catalog.execute("PRAGMA foreign_key_check").fetchall() == []
        operations = {operation for (operation,) in catalog.execute("SELECT operation FROM operations")}
        packs = {name for (name,) in catalog.execute("SELECT name FROM packs")}
    journal = [json.loads(path.read_bytes()) for path in (folder / "objects" / "journal").iterdir()]
    assert {entry["operation"] for entry in journal} == operations, "the journal tells every operation"
    assert packs <= {path.stem for path in (folder / "objects" / "packs").iterdir()}


def check_logs(repo: Repository) -> None:
    """Operation log, reflogs, journal and history tell one story, and it ends where the refs and HEADs are."""
    catalog = repo._catalog
    refs: dict[str, ObjectId] = {}
    branches: dict[str, str] = {}
    operations = catalog.operations()
    for operation in operations:
        for change in operation.refs:
            assert refs.get(change.name) == change.before, f"{operation.verb} moved {change.name} from where it was"
            if change.after is None:
                refs.pop(change.name, None)
            else:
                refs[change.name] = change.after
        if operation.head is not None:
            assert branches.get(operation.workspace, "main") == operation.head.before
            branches[operation.workspace] = operation.head.after
    found = catalog.refs(kinds=("branch", "tag", "hidden"))
    assert refs == {ref.name: ref.commit for ref in found}
    for record in catalog.workspaces():
        assert record.branch == branches.get(record.id, "main")

    sequences = [operation.sequence for operation in operations]
    assert sequences == list(range(1, len(sequences) + 1)), "no operation is missing"
    names = [path.name for path in sorted((Path(repo.location) / ".lineageflow" / "objects" / "journal").iterdir())]
    assert names == [f"{operation.sequence:020d}-{operation.operation}.json" for operation in operations]

    for name in {change.name for operation in operations for change in operation.refs}:
        moves = catalog.reflog(name)
        assert (moves[0].after if moves else None) == refs.get(name)
        assert all(above.before == below.after for above, below in itertools.pairwise(moves)), f"{name} is a chain"
        assert not moves or moves[-1].before is None

    history = {record.id: record for record in catalog.log({ref.commit for ref in found if ref.commit})}
    for record in history.values():
        parents = [history[parent].generation for parent in record.commit.parents]
        assert record.generation == 1 + max(parents, default=0)
