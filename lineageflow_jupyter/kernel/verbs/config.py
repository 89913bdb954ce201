"""``%lf config``: show and change the settings of this session."""

from __future__ import annotations

from collections.abc import Sequence

from lineageflow_jupyter.config import DEFAULT, ENVIRONMENT, SESSION, SETTINGS, Found
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import BAD, CODE, MUTED, Answer, Cell, Grid, Note
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.lineage.redaction import redacted


def _run(call: Call) -> object:
    name, value = call.arguments.get("name"), call.arguments.get("value")
    unset = call.arguments.has("unset")
    if name is None and unset:
        raise UsageProblem(
            "%lf config --unset needs the NAME of a setting, nothing found", remedy="`%lf config` lists the settings"
        )
    if name is not None and name not in SETTINGS:
        raise UnknownName(
            f"there is no setting {name!r}{did_you_mean(name, SETTINGS)}", remedy="`%lf config` lists the settings"
        )
    if value is not None and unset:
        raise UsageProblem(
            f"%lf config takes a VALUE or --unset, both found ({value!r})", remedy=f"Write `%lf config {name} --unset`"
        )
    if name is None:
        return _shown(call, list(SETTINGS))
    if value is None and not unset:
        return _shown(call, [name])
    setattr(call.session.configuration, name, None if value is None else SETTINGS[name].read(value))
    found = call.session.settings().found[name]
    notes = (Note(_told(call, found, unset=unset)), *_later(call, name))
    return Answer(found, notes)


def _shown(call: Call, names: Sequence[str]) -> Answer:
    found = [call.session.settings().found[name] for name in names]
    rows = tuple(
        (
            Cell(each.setting.name, CODE),
            Cell("cannot be read", BAD) if each.problem else _text(each),
            Cell(_source(call, each), MUTED),
            each.setting.help,
        )
        for each in found
    )
    problems = tuple(Note(redacted(str(each.problem)), BAD) for each in found if each.problem)
    hint = Note(f"`%lf config {names[0] if len(names) == 1 else 'NAME'} VALUE` sets it for this session", MUTED)
    return Answer(tuple(found), (Grid(("setting", "value", "from", "meaning"), rows), *problems, hint))


def _source(call: Call, found: Found) -> str:
    if found.source == ENVIRONMENT:
        return found.setting.variable
    if found.source == SESSION and call.session.configuration.from_file(found.setting.name):
        return "configuration file"
    if found.source == DEFAULT and found.setting.default is None:
        return f"default: {found.setting.otherwise}"
    return found.source


def _text(found: Found) -> str:
    """Text of a value; answers stay in notebooks, and an address may hold a password."""
    text = found.setting.text(found.value)
    return redacted(text) if "://" in text else text


def _told(call: Call, found: Found, *, unset: bool) -> str:
    value = _text(found)
    if not unset:
        return f"{found.setting.name} is {value} for this session"
    if found.problem:
        return f"{found.setting.name} is no longer set here; {found.problem}"
    return f"{found.setting.name} is no longer set here; it is {value or 'empty'} ({_source(call, found)})"


def _later(call: Call, name: str) -> tuple[Note, ...]:
    """Say where a change has no effect yet."""
    repository = call.session.opened
    if repository is None or name not in ("workspace", "branch"):
        return ()
    again = f"`%lf open {repository.location}`"
    if name == "workspace":
        told = (
            f"the repository in use stays with the workspace that it was opened for; {again} opens it for the new one"
        )
    else:
        told = (
            f"only a new workspace starts there: this one stays on {repository.head.branch}, "
            "and `%lf switch BRANCH` takes it elsewhere"
        )
    return (Note(told, MUTED),)


VERB = Verb(
    "config",
    "show the settings, or change one for this session",
    _run,
    positionals=(
        Positional("name", "NAME", "the setting; all by default", Holds.SETTING),
        Positional(
            "value", "VALUE", "what it is to be, until the kernel stops or the extension is unloaded", Holds.VALUE
        ),
    ),
    options=(Option(("--unset",), "leave it to configuration by environment, Git or default again"),),
    examples=(
        "%lf config",
        '%lf config author_name "Ada Lovelace"',
        "%lf config cache_bytes 500MB",
        "%lf config branch --unset",
    ),
    notes=(
        "A setting counts from the first of these that names it: this session (`%lf config`, `%config LineageFlow`, or "
        "`c.LineageFlow` in a configuration file of IPython), an environment variable, Git's own settings for the "
        "author, the default. `docs/configuration.md` has them all in one table.",
        "No repository is changed. `workspace` and `branch` are looked at when a repository is opened: `%lf open .` "
        "opens it again with them.",
    ),
)
