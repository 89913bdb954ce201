"""``%lf tag``: lasting names for commits."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, clipped, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named, commit_text
from lineageflow_jupyter.model.records import Ref


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    name = arguments.get("name")
    if arguments.has("delete"):
        if name is not None:
            raise UsageProblem(f"%lf tag -d deletes, {name!r} found beside it", remedy="Write the names behind -d")
        gone = repository.delete_tag(*arguments.all("delete"))
        told = f"deleted tag{'s' * (len(gone) != 1)} {listed([ref.name for ref in gone])}"
        return Answer(gone, (Note(told), Note(f"`%lf undo` brings {'it' if len(gone) == 1 else 'them'} back", MUTED)))
    if name is None:
        if arguments.has("message"):
            raise UsageProblem("%lf tag -m needs a NAME", remedy='Write `%lf tag NAME -m "…"`')
        return _list(repository.tags(), call)
    ref = repository.tag(
        name, at=arguments.get("at") or "HEAD", message=arguments.get("message"), force=arguments.has("force")
    )
    assert ref.commit is not None
    return Answer(ref, (Note(f"tagged {commit_named(repository.resolve(ref.commit.hex()))} as {ref.name}"),))


def _list(refs: tuple[Ref, ...], call: Call) -> Answer:
    if not refs:
        return Answer((), (Note("no tags yet; `%lf tag NAME` gives HEAD one"),))
    commits = call.session.repository.commits([ref.commit for ref in refs if ref.commit])
    rows = []
    for ref in refs:
        said = ref.annotation
        told = f"{clipped(said.message)} ({said.author.name})" if said else ""
        rows.append((Cell(ref.name, CODE), commit_text(commits[ref.commit]) if ref.commit else "", told))
    return Answer(refs, (Grid(("tag", "commit", "message"), tuple(rows)),))


VERB = Verb(
    "tag",
    "list tags, or give a commit a lasting name",
    _run,
    positionals=(
        Positional("name", "NAME", "the new tag", Holds.TEXT),
        Positional("at", "REV", "the commit; HEAD by default", Holds.REVISION),
    ),
    options=(
        Option(("-m", "--message"), "what it stands for; kept with author and time", "MSG"),
        Option(("-f", "--force"), "move it if it exists"),
        Option(("-d", "--delete"), "delete tags", "TAG", Holds.TAG, many=True),
    ),
    examples=("%lf tag", '%lf tag v1.0 -m "as in the paper"', "%lf tag v0.9 HEAD~3", "%lf tag -d v0.9"),
    notes=(
        "A tag stays where it is, whatever is committed, and can be used wherever a commit is named. With `-m` "
        "the text is kept with author and time, and `%lf show NAME` tells it. A tag that exists is moved by "
        "`--force` only. `%lf undo` takes all of it back.",
    ),
)
