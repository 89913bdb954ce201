"""``%lf restore``: give back a dataset, or some of its columns and rows."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import row_range, split_columns
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.variables import bind, live_frames, stash_notes, targets, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are, commit_named


def _run(call: Call) -> object:
    arguments, session = call.arguments, call.session
    revision, rows = arguments.get("source") or "HEAD", arguments.get("rows")
    named = [session.live.dataset(name) for name in arguments.all("names")]
    datasets, _ = targets(call, named, named=True, revision=revision)
    columns = split_columns(arguments.all("columns")) if arguments.has("columns") else None
    with together(session.repository, session.repository.undo):
        done = session.repository.restore(
            datasets,
            source=revision,
            columns=columns,
            rows=None if rows is None else row_range(rows),
            live=live_frames(call, datasets),
        )
        shown = bind(call, done.frames)
    assert done.commit is not None
    if not shown:
        return Answer(done.commit, (Note(f"nothing to restore: {are(datasets)} as in {commit_named(done.commit)}"),))
    told = _told(shown, columns or [], arguments.get("rows") or "")
    notes = stash_notes(done)
    if notes and (columns or rows):
        notes = [Note("other changes stay; the frame as it was is stashed: `%lf undo` takes the step back", MUTED)]
    return Answer(done.commit, (Note(f"{told} now as in {commit_named(done.commit)}"), *notes))


def _told(shown: list[str], columns: list[str], rows: str) -> str:
    """What was restored, with the verb that fits it."""
    if not columns and not rows:
        return are(shown)
    several = len(columns) > 1 or not columns
    parts = [f"column{'s' * several} {listed(columns)}"] if columns else []
    parts += [f"rows {rows}"] if rows else []
    return f"{' in '.join(parts)} of {shown[0]} {'are' if several else 'is'}"


VERB = Verb(
    "restore",
    "give back a dataset, or some of its columns and rows, from any revision",
    _run,
    positionals=(Positional("names", "DATASET", "datasets to give back", Holds.DATASET, required=True, many=True),),
    options=(
        Option(("-s", "--source"), "where from; HEAD by default", "REV", Holds.REVISION),
        Option(("--columns",), "only these columns (commas between)", "COL", many=True),
        Option(("--rows",), "only the rows START to STOP of the stored version, STOP excluded", "START:STOP"),
    ),
    examples=(
        "%lf restore flights",
        "%lf restore flights --source HEAD~2 --columns dep_delay,arr_delay",
        "%lf restore flights --rows 0:100",
    ),
    notes=(
        "With columns or rows, only those cells change: the rest of the frame stays as it is, changes included. "
        "Where the dataset has a key, rows are matched by it, otherwise by position.",
        "HEAD and the branch stay where they are. What a frame held and was not committed is stashed first; `%lf "
        "undo` gives it back.",
    ),
)
