"""The verbs of ``lineageflow``. Those that need no frames are the magic's own; the others have one file each."""

from __future__ import annotations

from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.cli.verbs import (
    blame,
    branch,
    changes,
    diff,
    export,
    fsck,
    history,
    importing,
    init,
    log,
    merge,
    show,
    status,
    tag,
)

_ALL = (
    init.COMMAND,
    status.COMMAND,
    log.COMMAND,
    show.COMMAND,
    diff.COMMAND,
    changes.COMMAND,
    blame.COMMAND,
    history.COMMAND,
    branch.COMMAND,
    merge.COMMAND,
    tag.COMMAND,
    export.COMMAND,
    importing.COMMAND,
    fsck.COMMAND,
)

COMMANDS: dict[str, Command] = {command.verb.name: command for command in _ALL}
"""By name, in the order in which help lists them."""
