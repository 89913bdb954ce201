"""Settings as frozen values, and the only reader of environment variables.

Who commits is settled here: environment first, then Git's own settings, then the operating system's user. What belongs
to one repository is kept in its catalog, not here.
"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import WorkspaceName

AUTHOR_NAME = "LINEAGEFLOW_AUTHOR_NAME"
AUTHOR_EMAIL = "LINEAGEFLOW_AUTHOR_EMAIL"
NOTEBOOK = "JPY_SESSION_NAME"
CACHE = "LINEAGEFLOW_CACHE"
CACHE_BYTES = "LINEAGEFLOW_CACHE_BYTES"
DEFAULT_CACHE_BYTES = 4 * 2**30
GIT_SECONDS = 2.0
"""How long `git config` may take before the user's name is taken from elsewhere; it answers within milliseconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the surroundings of the process say.

    Parameters
    ----------
    author : Author
        Author of commits that name none.
    user, host : str
        Account and machine; two parts of a workspace's name.
    notebook : str
        Path of the notebook as the Jupyter server tells its kernels, or ``""``.
    cache : bool
        Whether columns that were read are kept to be mapped the next time.
    cache_bytes : int
        Most bytes of them on the disk, for each repository.
    """

    author: Author
    user: str
    host: str
    notebook: str = ""
    cache: bool = True
    cache_bytes: int = DEFAULT_CACHE_BYTES


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings afresh.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Environment variables; those of the process by default.

    Returns
    -------
    Settings
        Always complete: what nobody says is filled in from the operating system.

    Raises
    ------
    UsageProblem
        If a variable holds what it cannot mean.
    """
    known = os.environ if environment is None else environment
    user = _user()
    name, email = (
        known.get(AUTHOR_NAME, "").strip(),
        known.get(AUTHOR_EMAIL, "").strip(),
    )
    if not name:
        git_name, git_email = _git_author()
        name, email = git_name or user, email or git_email
    return Settings(
        Author(name, email),
        user,
        socket.gethostname() or "localhost",
        known.get(NOTEBOOK, ""),
        _number(known, CACHE, 1, most=1) == 1,
        _number(known, CACHE_BYTES, DEFAULT_CACHE_BYTES),
    )


def process_workspace(found: Settings) -> WorkspaceName:
    """Name of the workspace of this process: the notebook where the server named one, else the process itself."""
    return WorkspaceName(found.user, found.host, found.notebook or f"{_folder()}#{os.getpid()}")


def _number(known: Mapping[str, str], name: str, default: int, *, most: int = 2**62) -> int:
    text = known.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) > most:
        expected = f"0 or {most}" if most == 1 else "a number of bytes such as 4000000000"
        raise UsageProblem(
            f"{expected} was expected in the environment variable {name}, {text!r} found",
            remedy="Mend or unset it, then try again",
        )
    return int(text)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # the folder was deleted under the process
        return "?"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"


@lru_cache(maxsize=1)
def _git_author() -> tuple[str, str]:
    """Name and address from Git's settings, ``("", "")`` without Git; asked once a process, since it starts another."""
    try:
        answer = subprocess.run(
            ["git", "config", "--null", "--get-regexp", r"^user\.(name|email)$"],
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return "", ""
    # Each entry is "key\nvalue"; of several values the last is the one that counts, as in Git.
    entries = (entry.partition("\n") for entry in answer.stdout.decode(errors="replace").split("\0") if entry)
    found = {key.lower(): value.strip() for key, _, value in entries}
    return found.get("user.name", ""), found.get("user.email", "")
