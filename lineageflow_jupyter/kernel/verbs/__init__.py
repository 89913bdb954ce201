"""The verbs of ``%lf``, one file each: a table of arguments, and a function that shows what the repository says."""

from __future__ import annotations

from lineageflow_jupyter.kernel.verb import Verb
from lineageflow_jupyter.kernel.verbs import (
    add,
    before,
    blame,
    branch,
    cache,
    changes,
    checkout,
    commit,
    config,
    diff,
    help,  # noqa: A004 - named like their verbs
    history,
    init,
    log,
    merge,
    mv,
    open,  # noqa: A004
    pick,
    read,
    rebase,
    reflog,
    reset,
    restore,
    rm,
    show,
    stash,
    status,
    switch,
    tag,
    undo,
    workspace,
)

_ALL = (
    init.VERB,
    open.VERB,
    status.VERB,
    diff.VERB,
    add.VERB,
    commit.VERB,
    rm.VERB,
    mv.VERB,
    log.VERB,
    show.VERB,
    changes.VERB,
    blame.VERB,
    before.VERB,
    history.VERB,
    read.VERB,
    checkout.VERB,
    restore.VERB,
    branch.VERB,
    switch.VERB,
    merge.VERB,
    pick.VERB,
    pick.CHERRY_PICK,
    rebase.VERB,
    tag.VERB,
    reset.VERB,
    stash.VERB,
    undo.VERB,
    undo.REDO,
    reflog.VERB,
    workspace.VERB,
    cache.VERB,
    config.VERB,
    help.VERB,
)

VERBS: dict[str, Verb] = {verb.name: verb for verb in _ALL}
"""By name, in the order in which help lists them."""
