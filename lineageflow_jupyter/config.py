"""Settings as frozen values, and the only reader of environment variables.

`SETTINGS` is the one table of what can be set; completion, ``%lf config``, the traits of the kernel and
``docs/configuration.md`` are made from it. A value is looked for in this order: what the session was told (`overrides`;
the kernel passes on what its traits hold), the environment, Git's own settings (for the author), the default. What
belongs to one repository is kept in its catalog, not here.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from lineageflow_jupyter.errors import InvalidName, InvalidSetting
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.model.revisions import check_name

NOTEBOOK = "JPY_SESSION_NAME"
GIT_SECONDS = 2.0
"""How long `git config` may take before the user's name is taken from elsewhere; it answers within milliseconds."""

OFF, OPENLINEAGE_CLIENT = "off", "client"
"""Where events of OpenLineage go, besides a file or an address: nowhere; where its own client's configuration says."""

SESSION, ENVIRONMENT, GIT, DEFAULT = "session", "environment", "Git", "default"
"""Where a value may come from."""

Value = str | bool | int

_BOOLS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SIZE = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,9}))?\s*([A-Za-z]*)")
_UNITS: dict[str, int] = {
    **{unit.casefold(): 1000**power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB"))},
    **{unit.casefold(): 1024**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB"))},
    "": 1,
}
_LARGEST = 2**63 - 1
_UNFIT = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Kinds of signs that no name has: control signs, halves of surrogate pairs, ends of lines."""
_NUMBER = re.compile(r"[0-9]{1,9}")
_COUNT = re.compile(r"0*[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set.

    Parameters
    ----------
    name : str
        Its name, the same in Python, in configuration files and in ``%lf config``.
    variable : str
        Environment variable that sets it.
    parse : callable
        Value of a text; raises ValueError where the text is none.
    expected : str
        What `parse` takes, for messages and the documentation.
    help : str
        What it is for, in one line.
    default : str, bool, int or None
        Value where nobody says anything; None where it is found out at run time, as `otherwise` tells.
    otherwise : str
        How it is found out, for the documentation.
    choices : tuple of str
        All texts worth proposing, where there are few.
    """

    name: str
    variable: str
    parse: Callable[[str], Value]
    expected: str
    help: str
    default: Value | None = None
    otherwise: str = ""
    choices: tuple[str, ...] = ()

    def read(self, given: object, place: str = "") -> Value:
        """Return the value that was given, as text or as what it stands for.

        Parameters
        ----------
        given : object
            Text, or a value of the setting's own kind.
        place : str, optional
            Where it was found, for the message; the setting's name by default.

        Raises
        ------
        InvalidSetting
            If it is no such value.
        """
        try:
            if not isinstance(given, str) and type(given) is not type(self.parse(str(given))):
                raise ValueError(given)
            return self.parse(str(given).strip())
        except (ValueError, InvalidName) as error:
            shown = repr(given)
            raise InvalidSetting(
                f"{place or self.name} must be {self.expected}, "
                f"{shown if len(shown) <= 60 else shown[:59] + '…'} found",
                remedy=f"`%lf config {self.name}` shows what counts; docs/configuration.md lists all settings",
            ) from error

    def text(self, value: Value | None) -> str:
        """Text of a value, as `parse` takes it."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        return _size_text(value) if self.parse is _size and isinstance(value, int) else str(value)


def _text(text: str) -> str:
    if not text or any(unicodedata.category(sign) in _UNFIT for sign in text):
        raise ValueError(text)
    return text


def _branch(text: str) -> str:
    return check_name(text, "branch")


def _bool(text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise ValueError(text)
    return _BOOLS[text.lower()]


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None or found[3].casefold() not in _UNITS:
        raise ValueError(text)
    unit, fraction = _UNITS[found[3].casefold()], found[2] or "0"
    count: int = int(found[1]) * unit + int(fraction) * unit // 10 ** len(fraction)
    if (found[2] and unit == 1) or count > _LARGEST:
        raise ValueError(text)
    return count


def _size_text(count: int) -> str:
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count and count % 1024**power == 0:
            return f"{count // 1024**power} {unit}"
    return str(count)


def _openlineage(text: str) -> str:
    """What is no address is a path, in the system's own spelling."""
    if "://" not in text:
        return text.lower() if text.lower() in (OFF, OPENLINEAGE_CLIENT) else _text(text)
    parts = urlsplit(_text(text))
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return text


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError(text)
    return int(text)


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        setting.name: setting
        for setting in (
            Setting(
                "author_name",
                "LINEAGEFLOW_AUTHOR_NAME",
                _text,
                "a name in one line",
                "name under which commits are made",
                otherwise="Git's `user.name`, else the name of the account",
            ),
            Setting(
                "author_email",
                "LINEAGEFLOW_AUTHOR_EMAIL",
                _text,
                "an address in one line",
                "e-mail address that goes with the name",
                otherwise="Git's `user.email`, unless `author_name` is set; else none",
            ),
            Setting(
                "workspace",
                "LINEAGEFLOW_WORKSPACE",
                _text,
                "a name in one line",
                "name of the workspace, so that every run of a script or of papermill continues with the same HEAD",
                otherwise="path of the notebook or script, else folder and process",
            ),
            Setting(
                "branch",
                "LINEAGEFLOW_BRANCH",
                _branch,
                "the name of a branch",
                "branch on which a new workspace starts",
                "main",
            ),
            Setting(
                "cache",
                "LINEAGEFLOW_CACHE",
                _bool,
                "true or false",
                "whether recently used columns are kept ready to be mapped into memory",
                True,
                choices=("true", "false"),
            ),
            Setting(
                "cache_bytes",
                "LINEAGEFLOW_CACHE_BYTES",
                _size,
                "a number of bytes such as 500 MB or 4 GiB",
                "how much room that cache may take",
                4 * 2**30,
            ),
            Setting(
                "track",
                "LINEAGEFLOW_TRACK",
                _bool,
                "true or false",
                "whether cells are recorded: what they read and changed",
                True,
                choices=("true", "false"),
            ),
            Setting(
                "record_operations",
                "LINEAGEFLOW_RECORD_OPERATIONS",
                _bool,
                "true or false",
                "whether calls of pandas and scikit-learn are recorded with the cells that make them",
                True,
                choices=("true", "false"),
            ),
            Setting(
                "track_budget",
                "LINEAGEFLOW_TRACK_BUDGET",
                _number,
                "a number of milliseconds, 0 or more",
                "how long a cell may wait for the snapshots of what it changed; a thread does the rest",
                250,
            ),
            Setting(
                "snapshot_limit",
                "LINEAGEFLOW_SNAPSHOT_LIMIT",
                _size,
                "a number of bytes such as 500 MB or 4 GiB",
                "how large a frame may be of which snapshots are kept",
                4 * 2**30,
            ),
            Setting(
                "snapshot_days",
                "LINEAGEFLOW_SNAPSHOT_DAYS",
                _count,
                "a number of days, 1 or more",
                "how long snapshots are kept",
                14,
            ),
            Setting(
                "snapshot_size",
                "LINEAGEFLOW_SNAPSHOT_SIZE",
                _size,
                "a number of bytes such as 500 MB or 10 GiB",
                "how much room the snapshots of a notebook may take; the oldest go first",
                10 * 2**30,
            ),
            Setting(
                "record_code",
                "LINEAGEFLOW_RECORD_CODE",
                _bool,
                "true or false",
                "whether the code of cells is recorded with them, and the arguments of their calls",
                True,
                choices=("true", "false"),
            ),
            Setting(
                "openlineage",
                "LINEAGEFLOW_OPENLINEAGE",
                _openlineage,
                "off, client, a path, or an address that begins with http:// or https://",
                "where events of OpenLineage go: nowhere, to a file (one event a line), to an address, or where the "
                "configuration of the `openlineage-python` client says",
                OFF,
                choices=(OFF, OPENLINEAGE_CLIENT),
            ),
            Setting(
                "openlineage_namespace",
                "LINEAGEFLOW_OPENLINEAGE_NAMESPACE",
                _text,
                "a name in one line",
                "namespace of the repository's datasets and cells in these events",
                otherwise="`lineageflow://` with the machine and the folder of the repository",
            ),
            Setting(
                "openlineage_code",
                "LINEAGEFLOW_OPENLINEAGE_CODE",
                _bool,
                "true or false",
                "whether these events hold the code of cells",
                False,
                choices=("true", "false"),
            ),
            Setting(
                "log_length",
                "LINEAGEFLOW_LOG_LENGTH",
                _count,
                "a number from 1 to 999999999",
                "commits that `%lf log` shows",
                20,
            ),
        )
    }
)
"""All settings by name."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a setting is, and who said so.

    Parameters
    ----------
    setting : Setting
        The setting.
    value : str, bool, int or None
        Its value; None where nothing is set and the setting has no fixed default, or where `problem` is there.
    source : str
        `SESSION`, `ENVIRONMENT`, `GIT` or `DEFAULT`.
    problem : InvalidSetting, optional
        Why what was said cannot be read.
    """

    setting: Setting
    value: Value | None
    source: str
    problem: InvalidSetting | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the surroundings of the process say.

    A value that cannot be read is an error when it is asked for and not before: a mistyped size of the cache must not
    stop a commit.

    Parameters
    ----------
    user, host : str
        Account and machine; two parts of a workspace's name.
    notebook : str
        Path of the notebook as the Jupyter server tells its kernels, or ``""``.
    found : mapping of str to Found
        Every setting, by name.

    Raises
    ------
    InvalidSetting
        By each property whose setting has a value that cannot be read.
    """

    user: str
    host: str
    notebook: str = ""
    found: Mapping[str, Found] = field(default_factory=dict)

    @property
    def author(self) -> Author:
        """Author of commits that name none."""
        return Author(self._text("author_name"), self._text("author_email"))

    @property
    def workspace(self) -> str:
        """Name of its own for the workspace, or ``""``."""
        return self._text("workspace")

    @property
    def branch(self) -> str:
        """Branch on which a new workspace starts."""
        return self._text("branch")

    @property
    def cache(self) -> bool:
        """Whether the hot cache is used."""
        return bool(self._value("cache"))

    @property
    def track(self) -> bool:
        """Whether cells are recorded."""
        return bool(self._value("track"))

    @property
    def record_operations(self) -> bool:
        """Whether calls of pandas and scikit-learn are recorded with the cells that make them."""
        return bool(self._value("record_operations"))

    @property
    def track_budget(self) -> int:
        """Milliseconds that a cell may wait for snapshots."""
        return int(self._value("track_budget") or 0)

    @property
    def snapshot_limit(self) -> int:
        """Largest frame of which snapshots are kept."""
        return int(self._value("snapshot_limit") or 0)

    @property
    def snapshot_days(self) -> int:
        """Days that snapshots are kept."""
        return int(self._value("snapshot_days") or 0)

    @property
    def snapshot_size(self) -> int:
        """Room for the snapshots of a workspace."""
        return int(self._value("snapshot_size") or 0)

    @property
    def record_code(self) -> bool:
        """Whether their code is."""
        return bool(self._value("record_code"))

    @property
    def openlineage(self) -> str:
        """Where events of OpenLineage go: `OFF`, `OPENLINEAGE_CLIENT`, a path or an address."""
        return self._text("openlineage")

    @property
    def openlineage_namespace(self) -> str:
        """Namespace in these events, or ``""``."""
        return self._text("openlineage_namespace")

    @property
    def openlineage_code(self) -> bool:
        """Whether they hold the code of cells."""
        return bool(self._value("openlineage_code"))

    @property
    def cache_bytes(self) -> int:
        """Room for the hot cache."""
        return int(self._value("cache_bytes") or 0)

    @property
    def log_length(self) -> int:
        """Commits that a log shows unless more are asked for."""
        return int(self._value("log_length") or 0)

    def _text(self, name: str) -> str:
        return str(self._value(name) or "")

    def _value(self, name: str) -> Value | None:
        found = self.found[name]
        if found.problem is not None:
            raise found.problem
        return found.value


def settings(
    environment: Mapping[str, str] | None = None, *, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings afresh.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Environment variables; those of the process by default.
    overrides : mapping of str to object, optional
        Values that go before all others, by name of the setting; None stands for "not set".

    Returns
    -------
    Settings
        Always complete: what nobody says is filled in from Git and the operating system.
    """
    known = os.environ if environment is None else environment
    user = _user()
    found = {name: _found(setting, known, overrides or {}) for name, setting in SETTINGS.items()}
    if found["author_name"].source == DEFAULT:
        git_name, git_email = _git_author()
        found["author_name"] = _from_git(found["author_name"], git_name, user)
        if found["author_email"].source == DEFAULT:
            found["author_email"] = _from_git(found["author_email"], git_email, None)
    return Settings(user, socket.gethostname() or "localhost", known.get(NOTEBOOK, ""), found)


def _found(setting: Setting, environment: Mapping[str, str], overrides: Mapping[str, object]) -> Found:
    given, source, place = overrides.get(setting.name), SESSION, setting.name
    if given is None:
        # An empty variable is how scripts unset one.
        given, source, place = environment.get(setting.variable, "").strip() or None, ENVIRONMENT, setting.variable
    if given is None:
        return Found(setting, setting.default, DEFAULT)
    try:
        return Found(setting, setting.read(given, place), source)
    except InvalidSetting as problem:
        return Found(setting, None, source, problem)


def _from_git(found: Found, said: str, otherwise: str | None) -> Found:
    return Found(found.setting, said, GIT) if said else Found(found.setting, otherwise, DEFAULT)


def process_workspace(found: Settings) -> WorkspaceName:
    """Name of the workspace of this process: its own where one is set, the notebook's, else that of the process itself.

    A name of its own holds on every machine: a job that runs in a new container each time continues with its HEAD.
    """
    if found.workspace:
        return WorkspaceName(found.user, "", found.workspace)
    return WorkspaceName(found.user, found.host, found.notebook or f"{_folder()}#{os.getpid()}")


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


def git_environment() -> dict[str, str]:
    """Environment for a Git that looks at the folder it is told, asks nobody anything, and locks and fetches nothing.

    Where a hook of Git started this process, variables name that hook's repository: they are left out.
    """
    pointing = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in pointing}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    return kept | quiet


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
