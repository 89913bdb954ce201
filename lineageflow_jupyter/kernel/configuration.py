"""Settings of a session as traits: ``c.LineageFlow.… = …`` in a configuration file, ``%config LineageFlow.… = …``.

Which settings there are, and what they take, is the table in ``config``; here each only gets its trait. ``%lf config``
sets the same traits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from traitlets import TraitError, TraitType
from traitlets.config import Config, Configurable
from traitlets.config.loader import DeferredConfig

from lineageflow_jupyter.config import SETTINGS
from lineageflow_jupyter.errors import InvalidSetting

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SECTION = "LineageFlow"


class SettingTrait(TraitType[Any, Any]):
    """Trait of one setting; None leaves it to the environment.

    Parameters
    ----------
    name : str
        Name of the setting.
    """

    def __init__(self, name: str) -> None:
        self.setting = SETTINGS[name]
        self.info_text = f"{self.setting.expected}, or None"
        super().__init__(
            None,
            allow_none=True,
            help=f"{self.setting.help}: {self.setting.expected}. None leaves it to {self.setting.variable}.",
        )
        self.tag(config=True)

    def validate(self, obj: Any, value: Any) -> Any:
        """Read a value, which may be text."""
        try:
            return self.setting.read(value, f"{SECTION}.{self.setting.name}")
        except InvalidSetting as error:
            raise TraitError(str(error)) from error


class LineageFlow(Configurable):
    """Settings of LineageFlow in this session; they go before environment variables.

    ``given`` holds those that are set, by name, and is kept up to date.
    """

    author_name = SettingTrait("author_name")
    author_email = SettingTrait("author_email")
    workspace = SettingTrait("workspace")
    branch = SettingTrait("branch")
    cache = SettingTrait("cache")
    cache_bytes = SettingTrait("cache_bytes")
    track = SettingTrait("track")
    record_operations = SettingTrait("record_operations")
    track_budget = SettingTrait("track_budget")
    snapshot_limit = SettingTrait("snapshot_limit")
    snapshot_days = SettingTrait("snapshot_days")
    snapshot_size = SettingTrait("snapshot_size")
    record_code = SettingTrait("record_code")
    openlineage = SettingTrait("openlineage")
    openlineage_namespace = SettingTrait("openlineage_namespace")
    openlineage_code = SettingTrait("openlineage_code")
    log_length = SettingTrait("log_length")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.given: dict[str, object] = {name: getattr(self, name) for name in SETTINGS}
        self._from_file = {name for name, value in self.given.items() if value is not None}
        self.observe(self._changed, list(SETTINGS))

    def from_file(self, name: str) -> bool:
        """Whether the value of a setting comes from a configuration file or the command line of the shell."""
        return name in self._from_file

    def _changed(self, change: Any) -> None:
        self.given[change["name"]] = change["new"]
        self._from_file.discard(change["name"])


def configured(shell: InteractiveShell, complain: Callable[[str], object]) -> LineageFlow:
    """Settings of a shell, with what its configuration files say.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    complain : callable
        Is told, in one line, of each value in them that cannot be read; it is left out, and the others count.
    """
    config = Config(shell.config)
    section = config[SECTION] = Config(shell.config.get(SECTION, {}))
    for name, value in list(section.items()):
        if name not in SETTINGS or value is None:
            continue
        try:
            given = value.get_value(getattr(LineageFlow, name)) if isinstance(value, DeferredConfig) else value
            SETTINGS[name].read(given, f"c.{SECTION}.{name}")
        except InvalidSetting as error:
            complain(str(error))
            del section[name]
    return LineageFlow(parent=shell, config=config)
