"""The verbs of ``%lf``, one file each: a table of arguments, and a function that shows what the repository says."""

from __future__ import annotations

from lineageflow_jupyter.kernel.verb import Verb
from lineageflow_jupyter.kernel.verbs import (
    add,
    branch,
    checkout,
    commit,
    config,
    help,  # noqa: A004 - named like their verbs
    init,
    log,
    open,  # noqa: A004
    read,
    show,
    status,
    switch,
)

_MODULES = (init, open, status, add, commit, log, show, read, checkout, branch, switch, config, help)

VERBS: dict[str, Verb] = {module.VERB.name: module.VERB for module in _MODULES}
"""By name, in the order in which help lists them."""
