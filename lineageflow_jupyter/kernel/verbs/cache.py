"""``%lf cache``: what is kept so that reading it again takes no decoding."""

from __future__ import annotations

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.kernel.arguments import Option
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, size
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.reports import CacheReport


def _run(call: Call) -> object:
    settings, repository = call.session.settings(), call.session.repository
    _ = settings.cache, settings.cache_bytes  # says what is wrong with them: a repository opens all the same
    notes = []
    if call.arguments.has("clear"):
        freed = repository.clear_cache()
        notes.append(Note(f"freed {size(freed)}; frames that were read stay as they are"))
    report = repository.cache_usage()
    return Answer(report, (*notes, *_notes(report), *_snapshots(call)))


def _snapshots(call: Call) -> list[Note]:
    settings = call.session.settings()
    try:
        held = call.session.repository.snapshot_bytes()
        room, days = settings.snapshot_size, settings.snapshot_days
    except LineageFlowError:  # not of the cache: it is told where snapshots are asked for
        return []
    return [Note(f"snapshots of frames take {size(held)} of {size(room)}, and are kept for {days} days", MUTED)]


def _notes(report: CacheReport) -> list[Note]:
    if not report.limit:
        return [Note(f"the cache is off (LINEAGEFLOW_CACHE=1 turns it on); {_held(report)} — {report.location}")]
    notes = [
        Note(f"{_held(report)} of {size(report.limit)} — {report.location}"),
        Note(f"in this session: {_columns(report.hits)} from the cache, {_columns(report.misses)} decoded", MUTED),
    ]
    if report.waiting:
        notes.append(Note(f"{_columns(report.waiting)} still to be written", MUTED))
    return notes


def _held(report: CacheReport) -> str:
    return f"{_columns(report.files)} cached, {size(report.bytes)}"


def _columns(count: int) -> str:
    return f"{count:,} column{'s' * (count != 1)}"


VERB = Verb(
    "cache",
    "show what is kept to make reading again quick; --clear empties it",
    _run,
    options=(Option(("--clear",), "remove its files; nothing that was committed is lost"),),
    examples=("%lf cache", "%lf cache --clear"),
    notes=(
        "Columns that were read are kept, decoded, as files beside the repository, so that the next read maps "
        "them. The oldest ones go when the limit is reached. `LINEAGEFLOW_CACHE=0` turns it off, "
        "`LINEAGEFLOW_CACHE_BYTES` sets the limit.",
    ),
)
