"""The one transaction that records an operation: every step is a function on the connection that it runs in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.engine import batches, insert, insert_rows, select_in
from lineageflow_jupyter.catalog.heads import branch_of, follow_rename, store_head
from lineageflow_jupyter.catalog.journal import annotation_from_json, annotation_to_json, to_json
from lineageflow_jupyter.catalog.log import folded
from lineageflow_jupyter.catalog.names import check_text
from lineageflow_jupyter.catalog.operations import append, find_operation, log_moves
from lineageflow_jupyter.catalog.schema import (
    LIVE,
    commit_datasets,
    commit_parents,
    commit_texts,
    commits,
    objects,
    packs,
    refs,
)
from lineageflow_jupyter.errors import CorruptData, NameTaken, ObjectMissing, RefMoved, UsageProblem
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.objects import encode_commit
from lineageflow_jupyter.model.records import CommitRecord, Operation, Pack, Publication, RefChange

_OBJECT_PACKS = sa.select(objects.c.id, objects.c.pack_id)
_GENERATIONS = sa.select(commits.c.id, commits.c.generation)


def _insert_objects() -> sa.Insert:
    statement = insert(objects)
    # Whoever registered an object first keeps it, except in a pack that gc is about to delete.
    condemned = sa.exists().where(packs.c.id == objects.c.pack_id, packs.c.state != sa.literal_column(f"'{LIVE}'"))
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[objects.c.id],
        set_={name: new[name] for name in ("kind", "pack_id", "offset", "length")},
        where=condemned,
    )


def _insert_packs() -> sa.Insert:
    # A pack that is written anew while gc meant to delete it is in use again.
    return insert(packs).on_conflict_do_update(
        index_elements=[packs.c.name], set_={"state": LIVE, "condemned_at": None}
    )


_INSERT_PACKS = _insert_packs()
_INSERT_OBJECTS = _insert_objects()
# Statements of every commit are built once: building one costs SQLAlchemy more than running it.
_LOCK_REFS = (
    sa.select(refs).where(refs.c.name.in_(sa.bindparam("names", expanding=True))).order_by(refs.c.name)
).with_for_update()
_INSERT_REF = sa.insert(refs)
_UPDATE_REF = sa.update(refs).where(refs.c.name == sa.bindparam("ref"))
_PACKS_BY_NAME = sa.select(packs.c.name, packs.c.id).where(packs.c.name.in_(sa.bindparam("names", expanding=True)))
_LOCK_LIVE_PACKS = (
    sa.select(packs.c.id).where(packs.c.id.in_(sa.bindparam("ids", expanding=True)), packs.c.state == LIVE)
).with_for_update(read=True)
_COMMIT_IDS = sa.select(commits.c.id)
_INSERT_COMMITS = insert(commits).on_conflict_do_nothing()
_INSERT_PARENTS = insert(commit_parents).on_conflict_do_nothing()
_INSERT_DATASETS = insert(commit_datasets).on_conflict_do_nothing()
_INSERT_TEXTS = insert(commit_texts).on_conflict_do_nothing()


def prepare(publication: Publication) -> None:
    """Check what can be checked before the database is locked.

    Raises
    ------
    InvalidName
        If a name cannot be stored as text.
    UsageProblem
        If a ref is named twice, or HEAD is another workspace's.
    CorruptData
        If a commit is not the one that its id stands for.
    TypeError, ValueError
        If `detail` is not JSON-ready.
    """
    names = [change.name for change in publication.refs]
    if len(set(names)) < len(names):
        raise UsageProblem("a publication moves the same ref twice", remedy="Combine the two changes")
    for head in (publication.head, publication.head_before):
        if head is not None and head.workspace != publication.workspace:
            raise UsageProblem(
                f"workspace {publication.workspace!r} sets the HEAD of workspace {head.workspace!r}",
                remedy="Publish it as that workspace",
            )
    for name in (
        *names,
        *(publication.renamed or ()),
        *(dataset for commit in publication.commits for dataset in commit.datasets),
    ):
        check_text(name)
    for commit in publication.commits:
        if encode_commit(commit.commit)[0] != commit.id:
            raise CorruptData(f"commit {short(commit.id)} has an id that its content does not give")
    to_json(publication.detail)


def publish(connection: Connection, publication: Publication, *, catalog: str) -> Operation:
    """Record `publication`, or answer from the log if that was done before; see `Catalog.publish`."""
    done = find_operation(connection, publication.operation)
    if done is not None:
        return done
    changes = compare_refs(connection, publication.refs)
    insert_packs(connection, publication.packs)
    missing = publication.reused - live(connection, publication.reused)
    if missing:
        raise ObjectMissing(
            f"{len(missing):,} objects that the commit rests on are gone (first: {min(missing).hex()})",
            remedy="Run the command again: it will write them anew",
        )
    insert_commits(connection, publication.commits)
    _require_commits(connection, publication)
    move_refs(connection, changes)
    branch = branch_of(connection, publication.workspace)
    head, name = None, None
    if publication.head is not None:
        head, name = store_head(connection, publication.head, publication.head_before)
    if publication.renamed is not None:
        follow_rename(connection, *publication.renamed)
    operation = append(connection, publication, changes, head, catalog=catalog, workspace_name=name)
    after = branch_of(connection, publication.workspace)
    log_moves(connection, operation, branches=None if branch is None or after is None else (branch, after))
    return operation


def compare_refs(connection: Connection, changes: Collection[RefChange]) -> tuple[RefChange, ...]:
    """Lock the refs and check that they are where the publication says.

    Returns
    -------
    tuple of RefChange
        The same changes; those that delete a ref with the annotation that goes with it.

    Raises
    ------
    RefMoved
        If a ref points elsewhere, or is gone.
    NameTaken
        If a ref that is to be created exists, or is of another kind.
    """
    found = {}
    for batch in batches(change.name for change in changes):
        rows = connection.execute(_LOCK_REFS, {"names": batch})
        found.update({name: (kind, commit, annotation) for name, kind, commit, annotation in rows})
    for change in changes:
        kind, now, _ = found.get(change.name, (change.kind, None, None))
        if kind != change.kind:
            raise NameTaken(f"{change.name!r} is a {kind}, not a {change.kind}", remedy="Choose another name")
        if now == change.before:
            continue
        if change.before is None:
            raise NameTaken(f"a {kind} {change.name!r} exists already", remedy="Choose another name")
        moved = "is gone" if now is None else f"moved to {short(now)}"
        raise RefMoved(
            f"{kind} {change.name!r} was expected at {short(change.before)}, but {moved}",
            remedy="Look at what changed (%lf status, %lf log), then decide",
        )
    return tuple(
        replace(change, annotation=annotation_from_json(found[change.name][2]))
        if change.after is None and change.name in found
        else change
        for change in changes
    )


def insert_packs(connection: Connection, new: Collection[Pack]) -> None:
    """Register packs and where their objects lie."""
    if not new:
        return
    connection.execute(_INSERT_PACKS, [{"name": pack.name, "size": pack.size, "state": LIVE} for pack in new])
    numbers: dict[str, int] = {}
    for batch in batches(pack.name for pack in new):
        numbers.update((row.name, row.id) for row in connection.execute(_PACKS_BY_NAME, {"names": batch}))
    rows_of_objects = [
        (entry.id, int(entry.kind), numbers[pack.name], entry.offset, entry.length)
        for pack in new
        for entry in pack.entries
    ]
    rows_of_objects.sort()  # neighbours in the tree are written together
    insert_rows(connection, _INSERT_OBJECTS, rows_of_objects)


def live(connection: Connection, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
    """Those of `ids` that lie in packs that are not condemned."""
    places = list(select_in(connection, _OBJECT_PACKS, objects.c.id, ids))
    held: set[int] = set()
    for batch in batches({pack for _, pack in places}):
        held.update(connection.execute(_LOCK_LIVE_PACKS, {"ids": batch}).scalars())
    return frozenset(oid for oid, pack in places if pack in held)


def insert_commits(connection: Connection, new: Collection[CommitRecord]) -> None:
    """Index commits; one that is there already stays as it is.

    Raises
    ------
    ObjectMissing
        If a parent is unknown.
    UsageProblem
        If a commit's generation does not follow from its parents.
    """
    if not new:
        return
    named = {parent for record in new for parent in record.commit.parents}
    generations: dict[bytes, int] = dict(select_in(connection, _GENERATIONS, commits.c.id, named))  # type: ignore[arg-type]
    for record in new:
        parents = record.commit.parents
        unknown = [parent for parent in parents if parent not in generations]
        if unknown:
            raise ObjectMissing(
                f"commit {short(record.id)} has a parent {short(unknown[0])} that the catalog does not hold",
                remedy="Publish parents before their children",
            )
        expected = 1 + max((generations[parent] for parent in parents), default=0)
        if record.generation != expected:
            raise UsageProblem(
                f"commit {short(record.id)} claims generation {record.generation}, its parents make it {expected}"
            )
        generations[record.id] = expected
    insert_rows(
        connection,
        _INSERT_COMMITS,
        [(record.id, record.generation, record.commit.time, encode_commit(record.commit)[1]) for record in new],
    )
    insert_rows(connection, _INSERT_TEXTS, [_texts(record) for record in new])
    insert_rows(
        connection,
        _INSERT_PARENTS,
        [(record.id, position, parent) for record in new for position, parent in enumerate(record.commit.parents)],
    )
    insert_rows(
        connection, _INSERT_DATASETS, [(record.id, dataset) for record in new for dataset in set(record.datasets)]
    )


def _texts(record: CommitRecord) -> tuple[ObjectId, str, str, str]:
    author = record.commit.author
    return record.id, folded(author.name), folded(author.email), folded(record.commit.message)


def _require_commits(connection: Connection, publication: Publication) -> None:
    wanted = {change.after for change in publication.refs if change.after is not None}
    if publication.head is not None:
        wanted.update(publication.head.bases.values())
    require_commits(connection, wanted.difference(record.id for record in publication.commits))


def require_commits(connection: Connection, ids: Collection[ObjectId]) -> None:
    """Refuse to point at commits that do not exist.

    Raises
    ------
    ObjectMissing
        If there is no such commit.
    """
    known = {row[0] for row in select_in(connection, _COMMIT_IDS, commits.c.id, ids)}
    for oid in ids:
        if oid not in known:
            raise ObjectMissing(f"there is no commit {short(oid)}", remedy="See the log for commits that exist")


def move_refs(connection: Connection, changes: Iterable[RefChange]) -> None:
    """Move, create, annotate and delete refs that `compare_refs` has locked."""
    for change in changes:
        if change.after == change.before and change.annotation == change.annotation_before:
            continue  # a condition
        if change.after is None:
            connection.execute(sa.delete(refs).where(refs.c.name == change.name))
            continue
        values = {"commit_id": change.after, "annotation": annotation_to_json(change.annotation)}
        if change.before is None:
            connection.execute(_INSERT_REF, {"name": change.name, "kind": change.kind, **values})
        else:
            connection.execute(_UPDATE_REF, {"ref": change.name, **values})
