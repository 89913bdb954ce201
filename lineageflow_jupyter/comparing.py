"""Live frames against what a workspace last saw of their datasets, and what must be kept before they are replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.counting import changed_cells
from lineageflow_jupyter.errors import InvalidName, UncommittedChanges, UnsupportedData
from lineageflow_jupyter.intake import check_texts, contents_of
from lineageflow_jupyter.model.changes import dataset_change
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Author, Tree, TreeEntry
from lineageflow_jupyter.model.records import RefChange
from lineageflow_jupyter.model.reports import DatasetChange, DatasetStatus, RowChange
from lineageflow_jupyter.publishing import NOTHING, Publisher, Written
from lineageflow_jupyter.tables import Objects, TableReader, TableWriter
from lineageflow_jupyter.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Kept:
    """What makes replacing live frames safe.

    Parameters
    ----------
    origins : mapping of str to ObjectId or None
        By dataset: the commit that holds the frame as it is now; None where the caller has no frame.
    equal : frozenset of str
        Datasets whose frames are already as they are wanted; they need not be replaced.
    statuses : tuple of DatasetStatus
        Frames that held changes, and so were stashed.
    bases : mapping of str to ObjectId or None
        By stashed dataset: the commit that its frame started from.
    refs : tuple of RefChange
        The hidden ref of the stash; to be published together with what replaces the frames.
    written : Written
        Its objects.
    """

    origins: Mapping[str, ObjectId | None] = field(default_factory=dict)
    equal: frozenset[str] = frozenset()
    statuses: tuple[DatasetStatus, ...] = ()
    bases: Mapping[str, ObjectId | None] = field(default_factory=dict)
    refs: tuple[RefChange, ...] = ()
    written: Written = NOTHING

    @property
    def stash(self) -> str | None:
        """Name of the hidden ref, a revision; None where there was nothing to stash."""
        return self.refs[0].name if self.refs else None

    @property
    def detail(self) -> dict[str, Any]:
        """What the operation log must know to bring the stash back as it was."""
        if not self.refs:
            return {}
        return {"stashed": {name: None if base is None else base.hex() for name, base in self.bases.items()}}


class Comparer:
    """Compares live frames with stored versions; only ids are computed, nothing is stored but stashes.

    Parameters
    ----------
    objects : Objects
        Manifests.
    writer : TableWriter
        Computes ids; writes nothing.
    reader : TableReader
        For the cells of what changed.
    workspace : Workspace
        What was seen.
    publisher : Publisher
        Writes stashes.
    changes : Changes
        Kept change sets.
    author : callable
        Gives the author of stashes.
    """

    def __init__(
        self,
        objects: Objects,
        writer: TableWriter,
        reader: TableReader,
        workspace: Workspace,
        publisher: Publisher,
        changes: Changes,
        author: Callable[[], Author],
    ) -> None:
        self._objects = objects
        self._writer = writer
        self._reader = reader
        self._workspace = workspace
        self._publisher = publisher
        self._changes = changes
        self._author = author

    def status(self, name: str, frame: Any, tree: Tree, *, cells: bool = True) -> DatasetStatus:
        """Compare a live frame with what the workspace last saw, and that with the branch's tree.

        Parameters
        ----------
        name : str
            The dataset.
        frame : frame
            The live frame.
        tree : Tree
            What the branch holds now.
        cells : bool
            Whether changed cells are counted where that is cheap.
        """
        return self._compare(name, frame, tree, cells=cells)[0]

    def _compare(self, name: str, frame: Any, tree: Tree, *, cells: bool) -> tuple[DatasetStatus, TreeEntry | None]:
        base, current = self._workspace.seen(name), tree.get(name)
        try:
            (content,) = contents_of({name: frame}).values()
        except (UnsupportedData, InvalidName) as error:
            return DatasetStatus(name, "unsupported", problem=str(error)), None
        snapshot = self._writer.add(name, content, parent=base, key=base.key if base else ())
        entry, behind = snapshot.entry, current is not None and current != base
        if base is None or current is None:
            return DatasetStatus(name, "new", dataset_change(None, entry, None, snapshot.table), behind), entry
        if entry == base:
            return DatasetStatus(name, "unchanged", behind=behind), entry
        before, after = self._objects.table(base.table), snapshot.table
        counted = changed_cells(self._reader, name, before, after, (snapshot, content)) if cells else None
        change = replace(dataset_change(base, entry, before, after), cells=counted)
        return DatasetStatus(name, "changed", change, behind), entry

    def change(self, old: TreeEntry | None, new: TreeEntry | None) -> DatasetChange:
        """How two stored versions differ."""
        before, after = (None if entry is None else self._objects.table(entry.table) for entry in (old, new))
        change = dataset_change(old, new, before, after)
        if old is None or new is None or before is None or after is None:
            return change
        kept = self._changes.kept(old, new)
        if kept is not None:
            alignment = kept.alignment
            rows = RowChange(len(alignment.added), len(alignment.removed), len(alignment.moved))
            cells = Counter[str]()
            for place, changed in kept.changed.items():
                cells[after.columns[place].name] += len(changed)
            return replace(change, cells=cells, rows=rows)
        return replace(change, cells=changed_cells(self._reader, change.dataset, before, after))

    def keep(
        self,
        live: Mapping[str, Any],
        wanted: Mapping[str, TreeEntry],
        why: str,
        *,
        force: bool,
        found_at: Mapping[str, tuple[ObjectId, TreeEntry]] | None = None,
    ) -> Kept:
        """Make it safe to replace live frames: what is committed is found again there, the rest is stashed.

        Parameters
        ----------
        live : mapping of str to frame
            The frames that will be replaced, by dataset.
        wanted : mapping of str to TreeEntry
            What will replace them.
        why : str
            Message of the stash.
        force : bool
            False: changes are not stashed but refused.
        found_at : mapping of str to (ObjectId, TreeEntry), optional
            Commits that hold versions which need no stash although they are not the workspace's own.

        Raises
        ------
        UncommittedChanges
            If frames hold changes and `force` is False, or cannot be stored.
        """
        origins: dict[str, ObjectId | None] = {}
        equal: list[str] = []
        lost: list[DatasetStatus] = []
        seen = self._workspace.seen_of(live)
        for name, frame in live.items():
            base = seen[name]
            status, entry = self._compare(name, frame, Tree() if base is None else Tree((base,)), cells=True)
            if _one_frame(entry, wanted.get(name)):
                equal.append(name)
            elif status.state == "unchanged":
                origins[name] = self._workspace.head.bases[name]
            elif found_at and name in found_at and _one_frame(entry, found_at[name][1]):
                origins[name] = found_at[name][0]
            else:
                lost.append(status)
        _refuse_broken(lost)
        if lost and not force:
            raise changes_in_the_way(lost)
        kept = Kept()
        if lost:
            kept = self.stashed({found.dataset: live[found.dataset] for found in lost}, why, tuple(lost))
        return replace(kept, origins={**origins, **kept.origins}, equal=frozenset(equal))

    def stashed(self, live: Mapping[str, Any], why: str, statuses: tuple[DatasetStatus, ...]) -> Kept:
        """Write frames as a stash, to be published."""
        author = self._author()
        check_texts(why, author)
        change, written = self._publisher.stashed(contents_of(live), why, author)
        record = written.records[-1]
        # A frame that is changed may equal the branch's version, if somebody else has committed the same meanwhile.
        held = {*record.datasets, *(found.dataset for found in statuses if found.state != "unchanged")}
        return Kept(
            dict.fromkeys(live, record.id),
            statuses=statuses,
            bases={name: self._workspace.head.bases.get(name) for name in live if name in held},
            refs=(change,),
            written=written,
        )


def _one_frame(one: TreeEntry | None, other: TreeEntry | None) -> bool:
    """Whether two versions give the same frame; a frame does not know its key, so that it may differ."""
    return one is not None and other is not None and (one.table, one.frame) == (other.table, other.frame)


def _refuse_broken(lost: list[DatasetStatus]) -> None:
    for found in lost:
        if found.state == "unsupported":
            raise UncommittedChanges(
                f"{found.dataset!r} holds changes that cannot be stored ({found.problem.rstrip('.')})",
                remedy="Mend it, or `del` the variable first",
            )


def changes_in_the_way(lost: list[DatasetStatus]) -> UncommittedChanges:
    """Error for changes that a request would overwrite; `statuses` tells which, for an edge that names them better."""
    error = UncommittedChanges(
        f"changes that are not committed would be lost: {', '.join(found.dataset for found in lost)}",
        remedy="Commit them, or stash them: `%lf stash`; or add --force: then they are stashed first",
    )
    error.statuses = tuple(lost)
    return error
