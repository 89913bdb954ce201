"""Answers about history: refs, the log, one commit."""

from __future__ import annotations

from collections import defaultdict

from lineageflow_jupyter import wire
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.revisions import split_range
from lineageflow_jupyter.server.asking import NOTEBOOK, Asked, Route, limit
from lineageflow_jupyter.server.parameters import Parameter

EVERYTHING = "*"
"""In the place of a revision: all branches and tags."""
MOST_COMMITS = 1_000


def refs(asked: Asked) -> wire.Document:
    """Branches and tags, and where HEAD is."""
    repository = asked.repository
    head = repository.head
    branches = repository.compared_branches()
    tip = next((each.ref.commit for each in branches if each.ref.name == head.branch), None)
    return {
        "head": {"branch": head.branch, "commit": None if tip is None else tip.hex()},
        "branches": [wire.branch(each) for each in branches],
        "tags": [wire.ref(each) for each in repository.tags()],
    }


def log(asked: Asked) -> wire.Document:
    """Commits of a revision, newest first, each with the branches and tags that point to it."""
    repository, query = asked.repository, asked.query
    revision, skip = _start(asked)
    most = query.number("limit")
    found = repository.log(
        revision,
        dataset=query.text("dataset") or None,
        text=query.text("text") or None,
        everything=revision == EVERYTHING,
        skip=skip,
        limit=most + 1,
    )
    named: defaultdict[ObjectId | None, dict[str, list[str]]] = defaultdict(lambda: {"branches": [], "tags": []})
    for kind, all_refs in (("branches", repository.branches()), ("tags", repository.tags())):
        for ref in all_refs:
            named[ref.commit][kind].append(ref.name)
    return {
        "commits": [{**wire.commit(record), **named[record.id]} for record in found[:most]],
        "next": f"{revision} {skip + most}" if len(found) > most else None,
    }


def _start(asked: Asked) -> tuple[str, int]:
    """Where a page begins. The first one is pinned to the commits that it began with: the branch may move meanwhile."""
    after = asked.query.text("after")
    if after:
        revision, _, skip = after.rpartition(" ")
        if not revision or not skip.isascii() or not skip.isdigit() or len(skip) > 9:
            raise UsageProblem(f"'after' is {after!r}", remedy="Give the 'next' of the page before, as it is")
        return revision, int(skip)
    revision, repository = asked.query.text("revision"), asked.repository
    if revision == EVERYTHING or split_range(revision) is not None:
        return revision, 0
    if revision == "HEAD" and not repository.log(limit=1):  # a branch without commits
        return revision, 0
    return repository.resolve(revision).id.hex(), 0


def commit(asked: Asked) -> wire.Document:
    """One commit, and what it changed against its first parent."""
    try:
        return wire.changes(asked.repository.show(asked.rest))
    except UnknownName as error:
        raise UnknownName(error.problem, remedy=error.remedy or "Take an id from the log") from error


ROUTES = (
    Route(
        "refs",
        "branches and tags, and where HEAD is",
        refs,
        (NOTEBOOK,),
        {"head": "branch and commit", "branches": "each with how far it is ahead and behind", "tags": "all tags"},
    ),
    Route(
        "log",
        "commits, newest first, with the branches and tags that point to them",
        log,
        (
            Parameter("revision", f"a revision or a range; `{EVERYTHING}`: all branches and tags", default="HEAD"),
            Parameter("dataset", "only commits that changed this dataset"),
            Parameter("text", "only commits with this in their messages"),
            limit(50, MOST_COMMITS),
            Parameter("after", "`next` of the page before"),
            NOTEBOOK,
        ),
        {"commits": "the commits", "next": "what gives the next page, or null"},
    ),
    Route(
        "commits",
        "one commit, and what it changed",
        commit,
        (),
        {"commit": "the commit", "changes": "by dataset, against the first parent"},
        rest="commit",
    ),
)
