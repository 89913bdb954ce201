"""``%lf checkout``: give variables back the frames of a revision."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.engines import ENGINES, engine_named
from lineageflow_jupyter.kernel.places import telling_datasets
from lineageflow_jupyter.kernel.variables import bind, live_frames, stash_notes, targets, telling_changes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are, commit_named


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    revision, named = arguments.get("revision") or "HEAD", arguments.all("names")
    with telling_datasets(repository, revision, " ".join(["%lf checkout HEAD", revision, *named])):
        repository.resolve(revision)
    held, live = repository.dataset_names(revision), call.session.live
    wanted = [name if name in held else live.dataset(name) for name in named] or held
    datasets, skipped = targets(call, wanted, named=bool(named), revision=revision)
    engine = arguments.get("engine")
    remedy = "Commit them, or add --force: then they are stashed first"
    with telling_changes(remedy), together(repository, repository.undo):
        done = repository.checkout(
            revision,
            datasets,
            live=live_frames(call, datasets),
            force=arguments.has("force"),
            engine=engine_named(engine) if engine else None,
        )
        shown = bind(call, done.frames)
    assert done.commit is not None
    notes = [Note(f"{are(shown) if shown else 'no variables are'} now as in {commit_named(done.commit)}")]
    if revision != done.branch and revision in {ref.name for ref in repository.branches()}:
        notes.append(Note(f"commits still go to {done.branch}; `%lf switch {revision}` goes to {revision}", MUTED))
    notes += stash_notes(done)
    if skipped:
        lines = ", ".join(f"`x = %lf read {revision}:{dataset}`" for dataset in skipped[:3])
        notes.append(Note(f"not loaded, since their names cannot be variables: {listed(skipped)} ({lines})", MUTED))
    return Answer(done.commit, tuple(notes))


VERB = Verb(
    "checkout",
    "give variables back the frames of a revision",
    _run,
    positionals=(
        Positional("revision", "REV", "where the frames come from", Holds.REVISION, required=True),
        Positional("names", "DATASET", "datasets to load; all of the revision by default", Holds.DATASET, many=True),
    ),
    options=(
        Option(("--force",), "stash uncommitted changes instead of refusing"),
        Option(
            ("--engine",),
            f"library of the frames: {', '.join(ENGINES)}; as they are now by default",
            "ENGINE",
            Holds.ENGINE,
        ),
    ),
    examples=("%lf checkout HEAD~1 flights", "%lf checkout main@{yesterday} flights", "%lf checkout main --force"),
    notes=(
        "Variables get the frames, under the names of their datasets, and the next commit starts from there. HEAD "
        "stays on its branch: `%lf switch` goes to another. To look without changing a variable, `%lf read`. To commit "
        "an older version on top of the branch, `%lf restore NAME --source REV`: a commit from an older checkout is "
        "refused, since it would undo what came after without having seen it.",
        "Refused where a variable holds changes that are not committed, or is no frame. With `--force` the changes are "
        "stashed first. `%lf undo` gives the variables back what they held.",
    ),
)
