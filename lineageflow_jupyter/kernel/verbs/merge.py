"""``%lf merge``: bring what another branch did into this one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import BAD, CODE, GOOD, MUTED, Answer, Cell, Grid, Note, Part, listed
from lineageflow_jupyter.kernel.variables import bind, live_frames, telling_changes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named

if TYPE_CHECKING:
    from lineageflow_jupyter.merging import MergedDataset, MergeResult

SHOWN = 20
"""So many conflicts are shown."""
_ACTIONS = ("continue", "abort", "conflicts")


def _run(call: Call) -> object:
    arguments, branch = call.arguments, call.arguments.get("branch")
    chosen = [action for action in _ACTIONS if arguments.has(action)]
    if len(chosen) + (branch is not None) != 1:
        raise UsageProblem(
            "a branch to merge was expected, or one of --continue, --abort and --conflicts",
            remedy="Write, say, `%lf merge feature`",
        )
    if branch is not None:
        return _merge(call, branch)
    return {"continue": _continue, "abort": _abort, "conflicts": _conflicts}[chosen[0]](call)


def _merge(call: Call, branch: str) -> object:
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


def _continue(call: Call) -> object:
    repository = call.session.repository
    state = repository.half_done
    given = call.session.conflicts if state is not None else {}
    live = live_frames(call, repository.dataset_names())
    with telling_changes("Commit them, or stash them: `%lf stash`; then go on"), together(repository, repository.undo):
        done = repository.resume(given, resolve=chosen_rules(call), live=live)
        shown = bind(call, done.frames)
    return answered(call, done, shown)


def _abort(call: Call) -> object:
    state = call.session.repository.abort()
    call.session.conflicts = {}
    told = f"the merge of {state.merged} into {state.branch} is forgotten; nothing had moved"
    return Answer(None, (Note(told), Note("`%lf undo` brings it back, with what was decided", MUTED)))


def _conflicts(call: Call) -> object:
    found = call.session.conflicts = call.session.repository.conflicts()
    parts = [part for dataset, frame in found.items() for part in _shown(dataset, frame)]
    return Answer(found, (*parts, _how(found)))


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
        return Answer(report, (Note(f"{done.branch} has all of {done.merged} already"),))
    if done.state == "conflicts":
        told = f"{done.open:,} conflict{'s' * (done.open != 1)} to decide; nothing has moved yet"
        return Answer(report, (Note(told, BAD), *_table(done), *_open(done), _how(done.conflicts)))
    assert done.commit is not None
    call.session.live.follow(call.session.repository.dataset_names())
    verb = "merged:" if done.state == "merged" and len(done.commit.commit.parents) > 1 else "is now at"
    notes = [Note(f"{done.branch} {verb} {commit_named(done.commit)}", GOOD)]
    tail = [Note(f"variables changed: {listed(shown)}")] if shown else []
    return Answer(report, (*notes, *_table(done), *tail, Note("`%lf undo` takes it back", MUTED)))


def _dry(done: MergeResult) -> str:
    if done.state == "up to date":
        return f"{done.branch} has all of {done.merged} already"
    open_ = f"{done.open:,} conflict{'s' * (done.open != 1)} to decide"
    told = {"fast-forward": "the branch would move", "merged": "no conflicts", "conflicts": open_}
    return f"{done.merged} into {done.branch}: {told[done.state]}; nothing was changed"


def _table(done: MergeResult) -> list[Part]:
    if not done.datasets:
        return []
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


def _how(conflicts: Any) -> Part:
    name = next(iter(conflicts), "NAME")
    return Note(
        "decide by rule: `%lf merge --continue --theirs` or `--resolve COL=max`; or by hand: take this answer "
        f"(`m = %lf merge --conflicts`), fill the column resolved of `m.report[{name!r}]`, and `%lf merge --continue`; "
        "`%lf merge --abort` forgets it",
        MUTED,
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

VERB = Verb(
    "merge",
    "bring what another branch did into this one; the variables get the merged frames",
    _run,
    positionals=(Positional("branch", "BRANCH", "what to merge", Holds.REVISION),),
    options=(
        *RESOLVING,
        Option(("--dry-run",), "only tell what would happen"),
        Option(("--no-ff",), "make a commit also where the branch could simply move"),
        Option(("-m", "--message"), "message of the commit", "MSG"),
        Option(("--continue",), "go on with a merge whose conflicts were decided"),
        Option(("--conflicts",), "show what is open in a merge that is half done"),
        Option(("--abort",), "forget a merge that is half done"),
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
