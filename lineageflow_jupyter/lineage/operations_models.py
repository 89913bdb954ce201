"""Calls of scikit-learn: models that learn, predict and are judged, and what became of their predictions."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.lineage.operations_drafts import Note, drafted, where
from lineageflow_jupyter.lineage.operations_origins import ALL, NONE, UNKNOWN, Origin, Source
from lineageflow_jupyter.lineage.operations_parameters import parameters_of
from lineageflow_jupyter.lineage.operations_predictions import made_from
from lineageflow_jupyter.lineage.operations_run import Run, is_frame, may_be_remembered
from lineageflow_jupyter.lineage.operations_shape import labels_of
from lineageflow_jupyter.lineage.operations_text import shown

_LEARNS = frozenset({"fit", "partial_fit"})
_TRANSFORMS = frozenset({"transform", "fit_transform", "inverse_transform"})
_DATA = frozenset({"X", "y", "Y", "y_true", "y_pred", "y_score", "y_prob", "y_proba", "labels_true", "labels_pred"})
_WEIGHTS = "sample_weight"
_TRUTH = ("y_true", "labels_true")


def estimated(note: Note, result: Any) -> None:
    """A model learns from columns, makes values of them, or scores them."""
    run, given, name = note.run, note.given, note.point.name
    model, rest = note.args[0], list(given.items())[1:]
    data = given.get("X", rest[0][1] if rest else None)
    features, target = run.origin(data) or UNKNOWN, given.get("y", given.get("Y"))
    fed, hidden = {"X": features.all}, features.opaque
    learns = note.point.family == "fit"
    if not learns and name != "score":
        fed = _transformed(result, features)
    if learns and name not in _LEARNS:
        fed = _transformed(result, features)
    if target is not None and (learns or name == "score"):
        found = run.origin(target) or UNKNOWN
        fed["y"] = fed.get("y", NONE) | found.all
        hidden = hidden or found.opaque
    if name in _LEARNS or name == "score":
        others = ((key, run.origin(thing)) for key, thing in rest if thing is not data and thing is not target)
        fed |= {key: found.all for key, found in others if found is not None}
    number = run.model(model)
    line, key = where(run)
    call = f"{type(model).__name__}.{name}"
    made = None if name in _LEARNS or name == "score" else result
    inner = Note(run, note.point, (), {key: thing for key, thing in rest if key != "self"}, data, None, ())
    said = parameters_of(model) if learns else _shown(rest)
    draft = drafted(call, inner, made, Origin(fed, features.extra, hidden), line, parameters=said)
    draft.model = number
    draft.rows_in = _rows(data) if draft.rows_in is None else draft.rows_in
    if name in _LEARNS:
        draft.output = number
        _labels_of(run, model, number, features)
    elif name == "score":
        draft.metric, draft.value = "score", _finite(result)
    elif result is not data:  # a transformer may hand on what it was given
        _made(run, result, number, features, predicts=name not in _TRANSFORMS)
    run.keep((*key, call), draft)


def _transformed(result: Any, features: Origin) -> dict[str, frozenset[Source]]:
    if not is_frame(result):
        return {ALL: features.all}
    return {name: features.columns.get(name, features.all) for name in labels_of(result)}


def _made(run: Run, result: Any, model: int, features: Origin, *, predicts: bool) -> None:
    """A model made values of features: each may come of all of them."""
    if not may_be_remembered(result):
        return
    whole = getattr(result, "base", None) if predicts and type(result).__name__ == "ndarray" else None
    for thing in (result, whole):  # what is cut from either is a part of the whole
        if thing is None or not may_be_remembered(thing):
            continue
        run.made(thing, model, predicts=predicts)
        if not is_frame(thing):
            run.remember(thing, Origin({"": features.all}, features.extra, features.opaque))


def _labels_of(run: Run, model: Any, number: int, features: Origin) -> None:
    """Clusters are asked for by `labels_` more often than by `fit_predict`."""
    labels = getattr(model, "__dict__", {}).get("labels_")
    if labels is not None:
        _made(run, labels, number, features, predicts=True)


def measured(note: Note, result: Any) -> None:
    """A metric compares what was predicted with what is true."""
    run, given = note.run, {name: thing for name, thing in note.given.items() if name != "kwargs"}
    # Curves, matrices and reports are not measures of anything; one number for each output is.
    several = getattr(result, "ndim", 0) == 1 and any(name in given for name in _TRUTH)
    if not (_is_number(result) or several):
        return
    data = dict(list(given.items())[:2])
    origins = {name: run.origin(thing) or UNKNOWN for name, thing in data.items()}
    if given.get(_WEIGHTS) is not None:
        origins[_WEIGHTS] = run.origin(given[_WEIGHTS]) or UNKNOWN
    fed = {name: found.all for name, found in origins.items()}
    extra = NONE.union(*(found.extra for found in origins.values()))
    origin = Origin(fed, extra, any(found.opaque for found in origins.values()))
    line, key = where(run)
    name = note.point.name
    inner = Note(run, note.point, (), given, next(iter(data.values()), None), None, ())
    draft = drafted(name, inner, None, origin, line, parameters=_shown(given.items()))
    draft.model = _judged(run, data)
    draft.metric, draft.value = name, _finite(result) if _is_number(result) else None
    draft.rows_in = _rows(inner.subject) if draft.rows_in is None else draft.rows_in
    run.keep((*key, name), draft)


def _judged(run: Run, data: Mapping[str, Any]) -> int | None:
    """The model whose predictions are measured, if they are those of one."""
    makers = [run.maker(thing) for name, thing in data.items() if name not in _TRUTH]
    # `silhouette_score(X, labels)`: what made X is of no interest, if something predicted the labels.
    found = [maker for maker in makers if maker is not None and maker.predicts] or [
        maker for maker in makers if maker is not None
    ]
    return run.number_of(found[-1]) if found else None


def crossed(note: Note, result: Any) -> None:
    """A model is judged, or predicts, by parts of the data that it has not learned from."""
    run, given, name = note.run, note.given, note.point.name
    model, data, target = given.get("estimator"), given.get("X"), given.get("y")
    features, wanted = run.origin(data) or UNKNOWN, Origin() if target is None else run.origin(target) or UNKNOWN
    number = run.model(model)
    line, key = where(run)
    rest = [(one, thing) for one, thing in given.items() if one not in ("estimator", "kwargs")]
    predicts = name == "cross_val_predict"
    fed = _transformed(result, features) if predicts else {"X": features.all}
    if target is not None:
        fed["y"] = fed.get("y", NONE) | wanted.all
    origin = Origin(fed, features.extra, features.opaque or wanted.opaque)
    inner = Note(run, note.point, (), dict(rest), data, None, ())
    for metric, value in ({"": None} if predicts else _means(name, result)).items():
        draft = drafted(name, inner, result if predicts else None, origin, line, parameters=_shown(rest))
        draft.model, draft.metric, draft.value = number, metric, value
        draft.rows_in = _rows(data) if draft.rows_in is None else draft.rows_in
        run.keep((*key, name, metric), draft)
    if predicts:
        _made(run, result, number, features, predicts=True)


def _means(name: str, result: Any) -> dict[str, float | None]:
    """Means of the scores of all parts, by name of the score where there are several."""
    if not isinstance(result, Mapping):
        return {name: _finite(result.mean())}
    scores = {key.removeprefix("test_"): found for key, found in result.items() if key.startswith("test_")}
    return {name if key == "score" else key: _finite(found.mean()) for key, found in scores.items()}


def split(note: Note, result: Any) -> None:
    """Each array gives two: one record for each that is a frame or a Series."""
    run, arrays = note.run, note.args
    line, key = where(run)
    for place, part in enumerate(result):
        whole = arrays[place // 2]
        origin = run.origin(whole) or UNKNOWN
        inner = Note(run, note.point, (whole,), {"arrays": (whole,), **note.given.get("kwargs", {})}, whole, None, ())
        if not is_frame(part) and may_be_remembered(part):
            run.remember(part, origin)
        run.keep((*key, "train_test_split", place), drafted("train_test_split", inner, part, origin, line))


def values(note: Note, result: Any) -> None:
    """An array of a frame's or Series' values: no step of its own, but what is made of it came from their columns."""
    origin = note.run.origin(note.subject)
    if origin is None or not may_be_remembered(result):
        return
    note.run.remember(result, origin)
    made_from(note.run, result, note.subject)


def _shown(given: Any) -> str:
    """Arguments but the data."""
    return shown({name: thing for name, thing in given if name not in _DATA}, None, ())


def _rows(data: Any) -> int | None:
    found = getattr(data, "shape", None)
    return int(found[0]) if isinstance(found, tuple) and found else None


def _is_number(thing: Any) -> bool:
    return isinstance(thing, numbers.Real) and not isinstance(thing, bool)


def _finite(thing: Any) -> float | None:
    value = float(thing) if _is_number(thing) else math.nan
    return value if math.isfinite(value) else None
