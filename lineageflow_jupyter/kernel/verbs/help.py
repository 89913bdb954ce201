"""``%lf help``: the verbs, or one of them."""

from __future__ import annotations

from collections.abc import Mapping

from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.kernel.arguments import HELP, Holds, Positional
from lineageflow_jupyter.kernel.display import CODE, MUTED, STRONG, Answer, Cell, Grid, Note
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.verb import Call, Verb

_FROM_GIT = {
    "difftool": "`%lf diff` shows the rows and cells that changed",
    "pull": "`%lf merge BRANCH` brings what a branch did into this one",
    "bisect": "`%lf changes NAME` tells what each commit changed in a dataset",
    **dict.fromkeys(("clone", "fetch", "push", "remote"), "`%lf open PATH` uses the repository of another folder"),
    "worktree": "each notebook has a HEAD of its own: `%lf workspace` lists them",
}
"""What comes closest to the verbs of Git that are missing."""


def overview(verbs: Mapping[str, Verb]) -> Answer:
    """All verbs with what they do."""
    rows = tuple((Cell(verb.shortest_usage, CODE), verb.summary) for verb in verbs.values())
    return Answer(
        tuple(verbs),
        (
            Note("LineageFlow: version DataFrames with Git's verbs", STRONG),
            Grid(("line", "what it does"), rows),
            Note("`%lf help VERB` shows flags and examples; a last `;` keeps the answer quiet", MUTED),
        ),
    )


def describe(verb: Verb) -> Answer:
    """One verb with what it does, its arguments and examples."""
    arguments = [(Cell(place.metavar, CODE), place.help) for place in verb.positionals]
    for option in (*verb.options, HELP):
        value = f" {option.metavar}{'…' * option.many}" if option.metavar else ""
        arguments.append((Cell(f"{', '.join(option.flags)}{value}", CODE), option.help))
    examples = tuple(Note(f"    {example}", CODE) for example in verb.examples)
    return Answer(
        verb,
        (
            Note(verb.usage, CODE),
            Note(f"{verb.summary[0].upper()}{verb.summary[1:]}."),
            *map(Note, verb.notes),
            Grid(("argument", "meaning"), tuple(arguments)),
            *((Note("Examples", MUTED), *examples) if examples else ()),
        ),
    )


def find(name: str, verbs: Mapping[str, Verb]) -> Verb:
    """Return a verb by its name.

    Raises
    ------
    UnknownName
        If there is none; close matches are listed.
    """
    if name not in verbs:
        near = "" if name in _FROM_GIT else did_you_mean(name, verbs)
        remedy = _FROM_GIT.get(name, "`%lf help` lists the verbs")
        raise UnknownName(f"%lf has no verb {name!r}{near}", remedy=remedy)
    return verbs[name]


def _run(call: Call) -> object:
    name = call.arguments.get("verb")
    return overview(call.verbs) if name is None else describe(find(name, call.verbs))


VERB = Verb(
    "help",
    "show the verbs, or the flags and examples of one",
    _run,
    positionals=(Positional("verb", "VERB", "the verb to explain", Holds.VERB),),
    examples=("%lf help commit",),
    notes=("`%lf VERB --help` shows the same.",),
)
