"""The verbs of `Repository` that tell the history: commits by revision, the log, what each commit did."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice, takewhile

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.comparing import Comparer
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.feeding import ChangeFeed
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.inspecting import Inspector
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import CommitRecord, Head, LogFilter, Operation
from lineageflow_jupyter.model.reports import CommitChanges
from lineageflow_jupyter.model.revisions import composed, split_range
from lineageflow_jupyter.workspace import Workspace


class Chronicle:
    """Part of `Repository`; changes nothing."""

    _catalog: Catalog
    _history: History
    _workspace: Workspace
    _comparer: Comparer
    _inspector: Inspector

    @property
    def head(self) -> Head:
        """HEAD of this workspace."""
        return self._workspace.head

    def state(self) -> str:
        """A text that is another one once anything was recorded in the repository, by whichever process.

        For those who follow a repository, and for caches: it takes no more than some ten microseconds. It says nothing
        to another process.
        """
        return self._catalog.state()

    def operations(self, *, after: int = 0, limit: int | None = None) -> tuple[Operation, ...]:
        """What everybody has done to refs and HEADs, oldest first; whoever asks again and again misses nothing.

        Parameters
        ----------
        after : int
            Sequence of the last operation that is known; 0: none is.
        limit : int, optional
            At most so many.
        """
        return self._catalog.operations(after=after, limit=limit)

    def latest_operations(self, limit: int | None = None) -> tuple[Operation, ...]:
        """The same, newest first: at most so many of the latest."""
        return self._catalog.last_operations(None, limit=limit)

    def resolve(self, revision: str) -> CommitRecord:
        """Return the commit that a revision names.

        Raises
        ------
        UnknownName
            If there is none; close matches are listed.
        AmbiguousName
            If it can be read in several ways; they are listed.
        """
        return self._history.resolve(revision, self.head)

    def is_revision(self, text: str) -> bool:
        """Whether a text can be read as a revision, in one way or in several."""
        return self._history.is_revision(text, self.head)

    def commits(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, CommitRecord]:
        """Return commits by their ids, read together: for lists, where `resolve` would ask for each.

        Raises
        ------
        ObjectMissing
            If one does not exist.
        """
        return self._history.records(ids)

    def log(
        self,
        revision: str = "HEAD",
        *,
        dataset: str | None = None,
        author: str | None = None,
        text: str | None = None,
        since: str | None = None,
        until: str | None = None,
        everything: bool = False,
        skip: int = 0,
        limit: int | None = None,
    ) -> tuple[CommitRecord, ...]:
        """Return the history of a revision, newest first.

        Parameters
        ----------
        revision : str
            Where to begin, or a range: ``A..B`` is what B has and A has not, ``A...B`` what either has alone.
        dataset : str, optional
            Only commits that changed this dataset.
        author, text : str, optional
            Only commits with this part in the author's name or address, or in the message; in any case.
        since, until : str, optional
            Only commits made at or after, and before, a moment such as ``"2026-11-01"`` or ``"2 days ago"``; a
            whole day is included in both.
        everything : bool
            All branches and tags instead of `revision`.
        skip, limit : int, optional
            Leave out so many, and return at most so many; not negative.
        """
        for name, count in (("skip", skip), ("limit", limit)):
            if count is not None and count < 0:
                raise UsageProblem(
                    f"a {name} of at least 0 was expected, {count} found", remedy="Leave it out to see all"
                )
        starts, exclude = self._ends(revision, everything)
        if not starts:
            return ()
        moments = (
            None if since is None else self._history.moment(since),
            None if until is None else self._history.moment(until, end=True),
        )
        wanted = LogFilter(dataset, author, text, *moments)
        found = self._catalog.log(starts, exclude=exclude, wanted=wanted, skip=skip, limit=limit)
        if dataset is not None and not found:
            self._require_past(dataset, starts, revision)
        return found

    def changes(self, dataset: str, revision: str = "HEAD", *, limit: int | None = None) -> ChangeFeed:
        """Return the change feed of a dataset: what each commit did to it, commit by commit, the oldest first.

        Commits are those of the branch itself, along first parents: what came by a merge is told at the merge.

        Parameters
        ----------
        dataset : str
            Its name.
        revision : str
            Up to which commit, or a range: ``A..B`` is what B has and A has not.
        limit : int, optional
            Only the latest so many commits.

        Returns
        -------
        ChangeFeed
            Nothing is read before it is asked for; ``to_frame()``, ``to_arrow()``, or an Arrow stream.

        Raises
        ------
        UnknownName
            If there is no such revision, or no commit ever changed such a dataset.
        """
        name = composed(dataset)
        found = {record.id: record.generation for record in self.log(revision, dataset=name)}
        if not found:
            return self._inspector.feed(name, ())
        starts, _ = self._ends(revision, everything=False)
        first = min(found.values())
        line = takewhile(lambda record: record.generation >= first, self._history.mainline(starts[-1]))
        return self._inspector.feed(name, list(islice((record for record in line if record.id in found), limit)))

    def show(self, revision: str = "HEAD") -> CommitChanges:
        """Return a commit with what it changed against its first parent."""
        record = self.resolve(revision)
        parents = record.commit.parents
        before = self._history.tree(parents[0] if parents else None)
        after = self._history.tree(record.id)
        pairs = [(before.get(name), after.get(name)) for name in record.datasets]
        return CommitChanges(record, tuple(self._comparer.change(old, new) for old, new in pairs if old != new))

    # --- parts -------------------------------------------------------------------------------------------------------

    def _start(self, revision: str) -> ObjectId | None:
        """Commit of a revision; None for HEAD of a branch without commits, which has an empty history."""
        return self._history.tip(self.head.branch) if revision == "HEAD" else self.resolve(revision).id

    def _ends(self, revision: str, everything: bool) -> tuple[list[ObjectId], list[ObjectId]]:
        """Commits at which a log begins, and those that cut it off."""
        if everything:
            return list({ref.commit for ref in self._catalog.refs() if ref.commit is not None}), []
        chosen = split_range(revision)
        if chosen is not None:
            return self._history.ends(chosen, self.head)
        start = self._start(revision)
        return ([] if start is None else [start]), []

    def _require_past(self, dataset: str, starts: Sequence[ObjectId], revision: str) -> None:
        """Refuse a dataset that no commit of a history ever changed; close matches are listed."""
        if not self._catalog.log(starts, wanted=LogFilter(dataset=dataset), limit=1):
            names = {entry.dataset for start in starts for entry in self._history.tree(start).entries}
            raise unknown("dataset", dataset, sorted(names), "See `%lf status` for the datasets of HEAD")
