"""``%lf merge``: bring what another branch did into this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import BAD, CODE, GOOD, MUTED, Answer, Cell, Grid, Note, Part, listed
from lineageflow_jupyter.kernel.variables import bind, live_frames, telling_changes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named
from lineageflow_jupyter.model.merge_reports import MergedDataset, MergeResult

SHOWN = 20
"""So many conflicts are shown."""


def _run(call: Call) -> object:
    action = action_of(call, "branch", ("continue", "abort", "conflicts"))
    return {None: merged, "continue": go_on, "abort": abort, "conflicts": _conflicts}[action](call)


def action_of(call: Call, wanted: str, actions: Sequence[str]) -> str | None:
    """What the line asks for of what is half done; None where it names a revision instead (`wanted`: a branch, say).

    Raises
    ------
    UsageProblem
        If it asks for several things, or for nothing.
    """
    chosen = [action for action in actions if call.arguments.has(action)]
    if len(chosen) + (call.arguments.get("revision") is not None) != 1:
        *most, last = (f"--{action}" for action in actions)
        raise UsageProblem(
            f"one {wanted} was expected, or one of {', '.join(most)} and {last}",
            remedy="`%lf help VERB` shows examples",
        )
    return chosen[0] if chosen else None


def merged(call: Call) -> Answer:
    """Merge a branch."""
    branch = call.arguments.get("revision") or ""
    repository, resolve = call.session.repository, chosen_rules(call)
    if call.arguments.has("dry-run"):
        return answered(call, repository.merge(branch, resolve=resolve, dry_run=True), [])
    live = live_frames(call, sorted({*repository.dataset_names(), *repository.dataset_names(branch)}))
    with telling_changes("Commit them, or stash them: `%lf stash`; then merge"), together(repository, repository.undo):
        done = repository.merge(
            branch,
            resolve=resolve,
            message=call.arguments.get("message"),
            live=live,
            fast_forward=not call.arguments.has("no-ff"),
        )
        shown = bind(call, done.frames)
    return answered(call, done, shown)


def go_on(call: Call) -> Answer:
    """Go on with what is half done: with the answers in the frames of conflicts, and rules of the line."""
    repository = call.session.repository
    state = repository.half_done
    given = call.session.conflicts if state is not None else {}
    live = live_frames(call, repository.dataset_names())
    with telling_changes("Commit them, or stash them: `%lf stash`; then go on"), together(repository, repository.undo):
        done = repository.resume(given, resolve=chosen_rules(call), live=live)
        shown = bind(call, done.frames)
    return answered(call, done, shown)


def abort(call: Call) -> Answer:
    """Forget what is half done."""
    state = call.session.repository.abort()
    call.session.conflicts = {}
    where = "onto" if state.verb == "rebase" else "of"
    told = f"the {state.verb} {where} {state.merged} is forgotten; {state.branch} has not moved"
    return Answer(None, (Note(told), Note("`%lf undo` brings it back, with what was decided", MUTED)))


def _conflicts(call: Call) -> object:
    found = call.session.conflicts = call.session.repository.conflicts()
    state = call.session.repository.half_done
    assert state is not None
    done = MergeResult("conflicts", state.branch, state.merged, conflicts=found, verb=state.verb)
    return Answer(found, (*_open(done), _how(done)))


def chosen_rules(call: Call) -> Any:
    """Rules of the line: a side for everything, rules by column, or both."""
    arguments = call.arguments
    sides = [side for side in ("ours", "theirs", "base") if arguments.has(side)]
    if len(sides) > 1:
        raise UsageProblem(f"--{sides[0]} and --{sides[1]} exclude each other", remedy="Choose one")
    rules: dict[str, Any] = {}
    for text in arguments.all("resolve"):
        column, _, rule = text.rpartition("=")
        if not column or not rule:
            raise UsageProblem(f"COLUMN=RULE was expected, {text!r} found", remedy="As in `--resolve price=max`")
        rules[column] = rule
    if not rules:
        return sides[0] if sides else None
    return {**rules, **({"*": sides[0]} if sides else {})}


def answered(call: Call, done: MergeResult, shown: list[str]) -> Answer:
    """What a merge, revert or cherry-pick did; what is open is remembered for `--continue`."""
    if done.dry_run:
        return Answer(replace(done, frames={}), (Note(_dry(done)), *_table(done), *_open(done)))
    call.session.conflicts = dict(done.conflicts)
    report = replace(done, frames={})
    if done.state == "up to date":
        return Answer(report, (Note(_nothing_to_do(done)),))
    if done.state == "conflicts":
        told = f"{done.open:,} conflict{'s' * (done.open != 1)} to decide; nothing has moved yet"
        if done.verb == "rebase":
            told += f" ({done.done} commits are on top, {done.left} are to come after this one)"
        return Answer(report, (Note(told, BAD), *_table(done), *_open(done), _how(done)))
    assert done.commit is not None
    call.session.live.follow(call.session.repository.dataset_names())
    verb = "merged:" if done.state == "merged" and len(done.commit.commit.parents) > 1 else "is now at"
    notes = [Note(f"{done.branch} {verb} {commit_named(done.commit)}", GOOD)]
    if done.verb == "rebase":
        notes.append(Note(f"{done.done} commit{'s' * (done.done != 1)} on top of {done.merged}"))
    tail = [Note(f"variables changed: {listed(shown)}")] if shown else []
    return Answer(report, (*notes, *_table(done), *tail, Note("`%lf undo` takes it back", MUTED)))


def _nothing_to_do(done: MergeResult) -> str:
    if done.verb == "rebase":
        return f"{done.branch} stands on top of {done.merged} already"
    return f"{done.branch} has all of {done.merged} already"


def _dry(done: MergeResult) -> str:
    if done.state == "up to date":
        return _nothing_to_do(done)
    open_ = f"{done.open:,} conflict{'s' * (done.open != 1)} to decide"
    told = {"fast-forward": "the branch would move", "merged": "no conflicts", "conflicts": open_}
    return f"{done.merged} into {done.branch}: {told[done.state]}; nothing was changed"


def _table(done: MergeResult) -> list[Part]:
    if not done.datasets:
        return []
    if done.state == "rebased":
        return [Note(f"datasets changed: {listed([each.dataset for each in done.datasets])}")]
    rows = tuple((Cell(each.dataset, CODE), _told(each, done)) for each in done.datasets)
    return [Grid(("dataset", "what is merged"), rows)]


def _told(each: MergedDataset, done: MergeResult) -> str:
    if each.how == "theirs":
        return f"as on {done.merged}"
    parts = [f"{each.rows:,} rows"] if each.rows else []
    if each.cells:
        parts.append(f"{each.cells:,} cell{'s' * (each.cells != 1)} from {done.merged}")
    if each.conflicts:
        decided = each.conflicts - each.open
        parts.append(f"{each.conflicts:,} conflict{'s' * (each.conflicts != 1)}, {decided:,} decided")
    return ", ".join(parts) or "both changed it"


def _open(done: MergeResult) -> list[Part]:
    parts = [part for dataset, frame in done.conflicts.items() for part in _shown(dataset, frame)]
    removed = [each.dataset for each in done.datasets if each.open and each.dataset not in done.conflicts]
    return [*parts, *(Note(f"{name} was removed on one side and changed on the other") for name in removed)]


def _shown(dataset: str, frame: Any) -> list[Part]:
    """The first conflicts of a dataset that are open."""
    left = frame[frame["resolved"].map(repr) == "UNRESOLVED"]
    first = left.iloc[:SHOWN].drop(columns=["row_ours", "row_theirs", "resolved"])
    rows = tuple(tuple("" if value is None else str(value) for value in row) for row in first.astype(object).to_numpy())
    more = f"; the first {len(first)} of {len(left):,}" if len(left) > len(first) else ""
    return [Note(f"conflicts in {dataset}{more}"), Grid(tuple(map(str, first.columns)), rows, literal=True)]


def _how(done: MergeResult) -> Part:
    name, verb = next(iter(done.conflicts), "NAME"), done.verb
    skip = ", `%lf rebase --skip` leaves this commit out" if verb == "rebase" else ""
    return Note(
        f"decide by rule: `%lf {verb} --continue --theirs` or `--resolve COL=max`; or by hand: take this answer "
        f"(`m = %lf merge --conflicts`), fill the column resolved of `m.report[{name!r}]`, and `%lf {verb} --continue`"
        f"{skip}; `%lf {verb} --abort` forgets it",
        MUTED,
    )


GOING_ON = (
    Option(("--continue",), "go on where conflicts were left, with what was decided"),
    Option(("--abort",), "forget what is half done"),
)
RESOLVING = (
    Option(("--ours",), "decide conflicts for this branch"),
    Option(("--theirs",), "decide conflicts for the other side"),
    Option(("--base",), "decide conflicts for the common version"),
    Option(
        ("--resolve",),
        "a rule for a column: ours, theirs, base, max, min, latest, earliest, mean or union",
        "COL=RULE",
        many=True,
    ),
)

IN_NOTEBOOKS = (
    *GOING_ON,
    Option(("--conflicts",), "show what is open in a merge that is half done"),
)
VERB = Verb(
    "merge",
    "bring what another branch did into this one; the variables get the merged frames",
    _run,
    positionals=(Positional("revision", "BRANCH", "what to merge", Holds.REVISION),),
    options=(
        *RESOLVING,
        Option(("--dry-run",), "only tell what would happen"),
        Option(("--no-ff",), "make a commit also where the branch could simply move"),
        Option(("-m", "--message"), "message of the commit", "MSG"),
        *IN_NOTEBOOKS,
    ),
    examples=(
        "%lf merge feature",
        "%lf merge feature --dry-run",
        "%lf merge feature --resolve price=max --theirs",
        "%lf merge --continue",
    ),
    notes=(
        "Rows are told apart by the key, else by an index that means something, else by what they hold. What one side "
        "changed is taken; edits of different cells, added rows and columns, moves and renames go together. A conflict "
        "is a cell that both changed to other values, a row that one deleted and the other edited, a row of one key "
        "that both added with other values, or a column that both changed in ways that cannot both be.",
        "Where conflicts are left nothing moves: the merge is half done, also after a restart of the kernel, until "
        "`--continue` or `--abort`. `--resolve` decides by column, --ours, --theirs and --base decide the rest.",
        "Refused where variables hold changes of these datasets that are not committed. `%lf undo` takes a merge back, "
        "frames included.",
    ),
)
