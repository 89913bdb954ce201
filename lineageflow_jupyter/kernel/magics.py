"""The ``%lf`` magic: from a line to a verb, and from errors to one line. Loading and unloading of the extension.

What the verbs share is in `session`; this module holds no state of its own: the shell's table of magics holds the one
`LineMagic` of each shell.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from IPython.core.error import UsageError
from IPython.core.magic import needs_local_scope, no_var_expand

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.kernel.arguments import HELP, parse
from lineageflow_jupyter.kernel.completion import Completer
from lineageflow_jupyter.kernel.configuration import configured
from lineageflow_jupyter.kernel.display import Answer, FrameAnswer, say
from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.kernel.tokens import expand, split
from lineageflow_jupyter.kernel.tracking import CellTracking
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.kernel.verbs.help import describe, find, overview
from lineageflow_jupyter.model.revisions import CELL

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
    from traitlets.config import Configurable

MAGIC = "lf"


class LineMagic:
    """``%lf`` in one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.configuration = configured(shell, lambda problem: say(f"LineageFlow: {problem}"))
        self.session = Session(shell.user_ns, self.configuration)
        self.tracking = self.session.tracking = CellTracking(self.session, shell)
        self.completer = Completer(self.session, VERBS)
        self.displaced: Callable[..., Any] | None = None
        self.aliases: list[tuple[str, str]] = []

    # Not IPython's `output_can_be_silenced`: it reads the line as Python, fails on what is none, such as an odd
    # parenthesis in a message, and would turn `df = %lf read main:flights;` into None. The tokenizer sees the `;`.
    @needs_local_scope
    @no_var_expand
    def lf(self, line: str, local_ns: dict[str, Any] | None = None) -> object:
        """Version DataFrames with Git's verbs; `%lf help` lists them, `%lf help VERB` explains one."""
        self.completer.outdate()
        own = local_ns or {}
        names = own if own is self.session.variables else ChainMap(own, self.session.variables)
        try:
            with self.tracking.aside():
                return self._answer(line, names)
        except LineageFlowError as error:
            raise UsageError(" ".join(str(error).split("\n"))) from error

    def let_go(self, result: ExecutionResult) -> None:
        """Let go of frames behind an answer that a cell has only shown, and no variable holds."""
        shown = result.result
        if isinstance(shown, FrameAnswer):
            variables = list(self.session.variables.items())
            if not any(value is shown for name, value in variables if not name.startswith("_")):
                shown.let_go()

    def _answer(self, line: str, names: Any) -> object:
        typed = split(line)
        words = typed.words
        if not words or (words[0].text in HELP.flags and words[0].bare):
            return None if typed.silenced else overview(VERBS)
        verb = find(words[0].text, VERBS)
        arguments = parse(verb.name, verb.positionals, verb.options, words[1:], lambda word: expand(word, names))
        if arguments.has(HELP.name):
            return describe(verb)
        if CELL in line:  # `@{cell:ID}`, of a run that may be on its way to the catalog
            self.tracking.flush()
        result = verb.run(Call(self.session, arguments, names, VERBS))
        return None if typed.silenced and isinstance(result, Answer) else result


def load(shell: InteractiveShell) -> None:
    """Bring the magic, its completion and its settings into a shell; a second time is harmless.

    Prints one line: the repository that was found, or how to make one.
    """
    if _loaded(shell) is not None:
        return
    magic = LineMagic(shell)
    # IPython has an alias of this name, a form of `ls`. It steps aside until we leave; and it must not be defined again
    # by `%reset`, which would complain that the name is taken.
    aliases: Any = shell.alias_manager
    magic.displaced = shell.magics_manager.magics["line"].get(MAGIC)
    magic.aliases = [pair for pair in aliases.default_aliases if pair[0] == MAGIC]
    aliases.default_aliases = [pair for pair in aliases.default_aliases if pair[0] != MAGIC]
    shell.magics_manager.register_function(magic.lf, "line", MAGIC)
    shell.Completer.custom_matchers.append(magic.completer.match)
    shell.events.register("pre_run_cell", magic.tracking.before)
    shell.events.register("post_run_cell", magic.tracking.after)
    shell.events.register("post_run_cell", magic.completer.look_ahead)
    shell.events.register("post_run_cell", magic.let_go)
    _configurables(shell).append(magic.configuration)
    try:
        found = magic.session.found()
    except Exception as error:  # loading must not fail in the user's cell: the first verb will tell what is wrong
        say(f"LineageFlow is loaded, but looking for a repository failed ({type(error).__name__}: {error})")
        return
    if found:
        magic.session.warm_up()
        say(f"LineageFlow: repository {found} (`%lf status`, `%lf help`)")
    else:
        say("LineageFlow: no repository here or above; `%lf init` creates one here")


def unload(shell: InteractiveShell) -> None:
    """Take the magic, its completion and its settings out of a shell and close the repository."""
    magic = _loaded(shell)
    if magic is None:
        return
    del shell.magics_manager.magics["line"][MAGIC]
    delattr(shell.magics_manager.user_magics, MAGIC)  # where `register_function` keeps a second reference
    if magic.displaced is not None:
        shell.magics_manager.register_function(magic.displaced, "line", MAGIC)
    aliases: Any = shell.alias_manager
    aliases.default_aliases = [*aliases.default_aliases, *magic.aliases]
    shell.events.unregister("pre_run_cell", magic.tracking.before)
    shell.events.unregister("post_run_cell", magic.tracking.after)
    shell.events.unregister("post_run_cell", magic.completer.look_ahead)
    shell.events.unregister("post_run_cell", magic.let_go)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if matcher != magic.completer.match]
    _configurables(shell).remove(magic.configuration)
    magic.completer.close()
    magic.tracking.close()
    magic.session.close()


def _configurables(shell: InteractiveShell) -> list[Configurable]:
    return cast("list[Configurable]", shell.configurables)


def _loaded(shell: InteractiveShell) -> LineMagic | None:
    owner = getattr(shell.magics_manager.magics["line"].get(MAGIC), "__self__", None)
    return owner if isinstance(owner, LineMagic) else None
