"""``%lf models``: the models that cells have fitted."""

from __future__ import annotations

from collections.abc import Iterable

from lineageflow_jupyter.kernel.arguments import Option
from lineageflow_jupyter.kernel.display import GOOD, MUTED, WARN, Answer, Cell, Grid, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.model_reports import CodePlace, ModelColumn, ModelReport, Score, TrainingTable

_HEADERS = ("model", "class", "trained on", "rows", "features", "target", "scores", "cell", "state")


def _run(call: Call) -> object:
    session = call.session
    if session.tracking is not None:
        session.tracking.flush()
    every = session.repository.models(former=call.arguments.has("all"))
    shown = every if call.arguments.has("all") else tuple(each for each in every if each.current)
    if not shown:
        return Answer(every, (Note("no cell has fitted a model yet"),))
    notes = (
        [] if len(shown) == len(every) else [Note(f"{len(every) - len(shown):,} that were fitted again: --all", MUTED)]
    )
    why = said_once([each.stale for each in shown])
    grid = Grid(_HEADERS, tuple(_row(each, why) for each in shown), frozenset({3}), literal=True)
    return Answer(every, (grid, *stale_notes(why), *notes))


def _row(model: ModelReport, why: Reasons) -> tuple[str | Cell, ...]:
    return (
        model.name or "–",
        model.kind,
        listed([table_text(each) for each in model.trained_on], limit=3) or "–",
        "" if model.rows is None else f"{model.rows:,}",
        "not seen"
        if model.opaque and not model.features
        else listed([column_text(each) for each in model.features], limit=4),
        listed([column_text(each) for each in model.targets], limit=2),
        listed([score_text(each) for each in model.scores], limit=3),
        place_text(model.place),
        state_cell(model.stale, why) if model.stale or model.current else Cell("fitted again since", MUTED),
    )


Reasons = tuple[str, ...]
"""Why something is out of date."""


def said_once(every: Iterable[Reasons]) -> Reasons:
    """Why several are out of date, all for the same reasons: it is said below them. Empty where reasons differ."""
    found = [each for each in every if each]
    return found[0] if len(found) > 1 and len(set(found)) == 1 else ()


def state_cell(stale: Reasons, once: Reasons) -> Cell:
    """Whether something is out of date, and why, if that is not said below."""
    if not stale:
        return Cell("up to date", GOOD)
    return Cell("out of date" if stale == once else "; ".join(stale), WARN)


def stale_notes(once: Reasons) -> list[Note]:
    """What is said below a table of what is out of date."""
    return [Note(f"out of date: {'; '.join(once)}", WARN)] if once else []


def table_text(table: TrainingTable) -> str:
    """Dataset with the commit or table, such as ``flights 3f2a91c``."""
    if table.commit is not None:
        return f"{table.frame} {short(table.commit)}"
    return table.frame if table.table is None else f"{table.frame} (table {short(table.table)})"


def column_text(column: ModelColumn) -> str:
    """Feature with what it was made of, where that is not a column of its own name."""
    sources = [str(each) for each in column.sources if each.column != column.name]
    return f"{column.name} ← {listed(sources, limit=3)}" if sources else column.name


def score_text(score: Score) -> str:
    """Such as ``r2 0.91``."""
    return score.metric if score.value is None else f"{score.metric} {score.value:.4g}"


def place_text(place: CodePlace) -> str:
    """Cell and line, such as ``[7] line 2``."""
    number = "" if place.number is None else f"[{place.number}]"
    return f"{number} line {place.line}" if place.line is not None else number


VERB = Verb(
    "models",
    "list the models that cells have fitted: what they learned from, and their scores",
    _run,
    options=(Option(("--all",), "also those that were fitted again since"),),
    examples=("%lf models", "%lf models --all"),
    notes=(
        "Models of scikit-learn are seen by themselves. Features are traced to columns of datasets; where nobody saw "
        "what a model was fitted with, it says so.",
        "`m = %lf models` has everything in `m.report`.",
    ),
)
