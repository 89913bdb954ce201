"""The verbs of `Repository` that bring two histories together. What they rest on is in `merging` and `three_way`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.half_done import HalfDone
from lineageflow_jupyter.intake import by_dataset
from lineageflow_jupyter.keeping import Keeper
from lineageflow_jupyter.merging import Merger
from lineageflow_jupyter.model.merge_reports import MergeResult
from lineageflow_jupyter.rebasing import Rebaser
from lineageflow_jupyter.resolving import Resolve


class Combining:
    """Part of `Repository`."""

    _merger: Merger
    _rebaser: Rebaser
    _keeper: Keeper

    def merge(
        self,
        revision: str,
        into: str | None = None,
        *,
        resolve: Resolve = None,
        message: str | None = None,
        live: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        fast_forward: bool = True,
    ) -> MergeResult:
        """Bring what another branch did into a branch, in one commit with two parents.

        What one side did is taken; what both did is put together row by row and cell by cell. What cannot be both is a
        conflict: a cell that both changed to other values, a row that one deleted and the other edited, a row of one
        key that both added with other values, a column that both gave other types or names, or that one deleted and
        the other changed, a dataset that one removed and the other changed. If conflicts are open, nothing moves: the
        half-done merge is kept, and `resume` goes on with it.

        Parameters
        ----------
        revision : str
            What to merge.
        into : str, optional
            The branch to merge into; HEAD's by default.
        resolve : str, mapping or None
            How to decide conflicts: ``"ours"``, ``"theirs"`` or ``"base"``; or rules by column, ``"*"`` standing for
            everything else. A rule is one of these, ``"max"``, ``"min"``, ``"latest"``, ``"earliest"`` (of times),
            ``"mean"``, ``"union"`` (of lists), or a function that is called with the values of base, ours and theirs
            (columns of the dataset's library; base is None where there is none) and gives one value for each.
        message : str, optional
            Of the commit; told by itself if left out.
        live : mapping of str to frame, optional
            The caller's frames. The merge is refused if changes in them that are not committed would be lost.
        dry_run : bool
            Only tell what would happen.
        fast_forward : bool
            Whether a branch that did nothing since simply moves, without a commit of its own.

        Returns
        -------
        MergeResult
            With the frames that are to replace the caller's.

        Raises
        ------
        UnknownName
            If there is no such revision or branch, or a rule names a column that there is not.
        UsageProblem
            If the histories share nothing, a merge is under way, or a rule cannot decide.
        KeyViolation
            If the merged table has no key as declared.
        UncommittedChanges
            If the caller's frames hold changes.

        Examples
        --------
        >>> import pandas as pd, tempfile, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> prices = pd.DataFrame({"item": ["a", "b"], "price": [1.0, 2.0]})
        >>> report = repo.commit({"prices": prices}, message="raw", keys={"prices": ["item"]})
        >>> ref = repo.branch("sale")
        >>> dearer = prices.assign(price=[1.0, 3.0])
        >>> report = repo.commit({"prices": dearer}, message="dearer")
        >>> moved = repo.switch("sale", live={"prices": dearer})
        >>> report = repo.commit({"prices": prices.assign(price=[0.5, 2.5])}, message="sale")
        >>> result = repo.merge("main", resolve={"price": "max"})
        >>> result.state, repo.read("prices")["price"].tolist()
        ('merged', [0.5, 3.0])
        """
        return self._merger.merge(
            revision, into, resolve, message, by_dataset(live or {}), dry_run=dry_run, fast_forward=fast_forward
        )

    def revert(
        self,
        revision: str,
        *,
        resolve: Resolve = None,
        message: str | None = None,
        mainline: int | None = None,
        live: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> MergeResult:
        """Take back what one commit did, in a new commit on HEAD's branch; what came after it stays.

        Parameters
        ----------
        revision : str
            The commit.
        resolve, live, dry_run
            See `merge`. Ours is the branch as it is, theirs the state before the commit.
        message : str, optional
            Of the new commit; told by itself if left out.
        mainline : int, optional
            Of a merge: the number of the parent, from 1, that its changes are against.

        Returns
        -------
        MergeResult
            Its state is ``"up to date"`` where there is nothing to take back.

        Raises
        ------
        UnknownName, UsageProblem, KeyViolation, UncommittedChanges
            See `merge`.
        """
        return self._merger.revert(revision, resolve, message, mainline, by_dataset(live or {}), dry_run=dry_run)

    def cherry_pick(
        self,
        revision: str,
        *,
        resolve: Resolve = None,
        message: str | None = None,
        mainline: int | None = None,
        live: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> MergeResult:
        """Do what one commit did, in a new commit on HEAD's branch, with its message and author.

        Parameters
        ----------
        revision : str
            The commit.
        resolve, live, dry_run
            See `merge`. Ours is the branch as it is, theirs the commit.
        message, mainline
            See `revert`.

        Returns
        -------
        MergeResult
            Its state is ``"up to date"`` where the branch has all of it already.

        Raises
        ------
        UnknownName, UsageProblem, KeyViolation, UncommittedChanges
            See `merge`.
        """
        return self._merger.cherry_pick(revision, resolve, message, mainline, by_dataset(live or {}), dry_run=dry_run)

    def rebase(
        self,
        upstream: str,
        *,
        onto: str | None = None,
        resolve: Resolve = None,
        live: Mapping[str, Any] | None = None,
    ) -> MergeResult:
        """Put the commits of HEAD's branch that another history lacks on top of that, one by one.

        Each is a three-way merge as in `cherry_pick`, and keeps its message and author. Commits whose changes are there
        already are left out, and so are merges: what they brought is put on top by itself. The branch moves when all
        is done; while conflicts are open nothing has moved, and `resume`, `skip` or `abort` goes on.

        Parameters
        ----------
        upstream : str
            The other history; what it has already is not put on top.
        onto : str, optional
            What the commits are put on top of; `upstream` by default.
        resolve, live
            See `merge`. Ours is what is done so far, theirs the commit that is put on top.

        Returns
        -------
        MergeResult
            Its state is ``"up to date"`` where the branch stands there already.

        Raises
        ------
        UnknownName, UsageProblem, KeyViolation, UncommittedChanges
            See `merge`.
        RefMoved
            If the branch went elsewhere meanwhile; commits that others add to it are put on top as well.
        """
        return self._rebaser.rebase(upstream, onto, resolve, by_dataset(live or {}))

    def skip(self, *, resolve: Resolve = None, live: Mapping[str, Any] | None = None) -> MergeResult:
        """Go on with a half-done rebase without the commit that is in conflict.

        Parameters
        ----------
        resolve, live
            See `merge`.

        Raises
        ------
        UsageProblem
            If no rebase is under way.
        """
        return self._rebaser.skip(resolve, by_dataset(live or {}))

    def resume(
        self,
        conflicts: Mapping[str, Any] | None = None,
        *,
        resolve: Resolve = None,
        live: Mapping[str, Any] | None = None,
    ) -> MergeResult:
        """Go on with a half-done merge, revert, cherry-pick or rebase.

        Parameters
        ----------
        conflicts : mapping of str to pandas.DataFrame, optional
            By dataset: the frame that the merge gave, with answers in its column ``resolved``.
        resolve, live
            See `merge`; rules decide what is still open.

        Raises
        ------
        UsageProblem
            If no merge is under way, or an answer fits no conflict or column.
        RefMoved
            If the branch has a new version of a dataset in conflict since.
        """
        return self._merger.resume(resolve, by_dataset(conflicts or {}), by_dataset(live or {}))

    def abort(self) -> HalfDone:
        """Forget the half-done merge; `undo` brings it back.

        Raises
        ------
        UsageProblem
            If no merge is under way.
        """
        return self._merger.abort()

    @property
    def half_done(self) -> HalfDone | None:
        """The merge that waits for decisions in this workspace, if there is one; see `conflicts` for what is open."""
        return self._keeper.found()

    def conflicts(self) -> dict[str, Any]:
        """What is open in the half-done merge, by dataset: see `MergeResult`.

        Raises
        ------
        UsageProblem
            If no merge is under way.
        """
        return self._merger.conflicts()
