"""Which functions of pandas and scikit-learn are noticed, and to which family each belongs.

A family says how columns go through a call (`operations_flow`). What is not in the tables is not noticed: it neither
costs anything nor is it guessed.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

FUNCTIONS = {
    "concat": "concat",
    "merge": "merge",
    "merge_asof": "merge",
    "merge_ordered": "merge",
    "get_dummies": "dummies",
    "from_dummies": "mix",
    "cut": "derive",
    "qcut": "derive",
    "to_datetime": "derive",
    "to_numeric": "derive",
    "to_timedelta": "derive",
    "isna": "derive",
    "notna": "derive",
    "melt": "melt",
    "lreshape": "mix",
    "wide_to_long": "mix",
    "pivot": "pivot",
    "pivot_table": "pivot",
    "crosstab": "cross",
    "json_normalize": "make",
}
"""Functions of the module `pandas`; those whose names begin with ``read_`` are found by that."""

ROWS = "get head tail filter xs take sample truncate first last squeeze at_time between_time pop select_dtypes"
LABELS = (
    "set_index reset_index rename rename_axis add_prefix add_suffix set_axis droplevel swaplevel reorder_levels copy"
    " drop reindex reindex_like to_frame unique"
)
SAME = (
    "fillna ffill bfill interpolate replace clip where mask astype round abs shift diff pct_change rank cumsum cumprod"
    " cummax cummin convert_dtypes infer_objects isna notna isnull notnull isin combine_first update combine"
    " tz_localize tz_convert to_timestamp to_period add sub mul div truediv floordiv mod pow radd rsub rmul rdiv"
    " rtruediv rfloordiv rmod rpow eq ne lt le gt ge dot between case_when duplicated asfreq"
)
OPERATORS = (
    "__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __floordiv__ __rfloordiv__ __mod__"
    " __rmod__ __pow__ __rpow__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __invert__ __neg__ __abs__ __eq__"
    " __ne__ __lt__ __le__ __gt__ __ge__ __iadd__ __isub__ __imul__ __itruediv__ __array_ufunc__ __round__"
)
REDUCED = (
    "sum mean median min max prod std var sem skew kurt count nunique quantile all any idxmin idxmax mode value_counts"
    " describe corr cov corrwith size first last nth ohlc cumcount ngroup agg aggregate"
)
SHOWN = "__repr__ _repr_html_ _repr_latex_ _repr_data_resource_ to_string info"
"""What only shows a frame: nothing comes of it, and what it calls is not the user's."""

METHODS: dict[str, str] = {
    **dict.fromkeys(("to_numpy", "__array__"), "array"),
    **dict.fromkeys(REDUCED.split(), "reduce"),
    **dict.fromkeys(("__getitem__", *ROWS.split()), "select"),
    **dict.fromkeys(LABELS.split(), "labels"),
    **dict.fromkeys((*SAME.split(), *OPERATORS.split()), "derive"),
    "value_counts": "counts",
    "query": "query",
    "eval": "evaluate",
    "dropna": "filter",
    "drop_duplicates": "filter",
    "nlargest": "sort",
    "nsmallest": "sort",
    "sort_values": "sort",
    "sort_index": "sort",
    "assign": "assign",
    "insert": "insert",
    "isetitem": "set",
    "_set_item": "set",
    "_setitem_array": "set",
    "_setitem_frame": "set",
    "_setitem_slice": "set",
    "_set_item_frame_value": "set",
    "_set_value": "set_cell",
    "_set_values": "set_cell",
    "_set_with": "set_cell",
    "_set_with_engine": "set_cell",
    "__delitem__": "delete",
    "_set_axis": "relabel",
    "merge": "merge",
    "join": "merge",
    "groupby": "groupby",
    "resample": "groupby",
    "rolling": "window",
    "expanding": "window",
    "ewm": "window",
    "melt": "melt",
    "pivot": "pivot",
    "pivot_table": "pivot",
    "stack": "mix",
    "unstack": "mix",
    "explode": "labels",
    "transpose": "mix",
    "apply": "apply",
    "map": "map",
    "applymap": "map",
    "transform": "map",
    "pipe": "pipe",
    **dict.fromkeys(SHOWN.split(), "show"),
}
WRITERS = [
    "to_csv",
    "to_parquet",
    "to_json",
    "to_excel",
    "to_sql",
    "to_feather",
    "to_hdf",
    "to_stata",
    "to_orc",
    "to_xml",
    "to_html",
    "to_latex",
    "to_markdown",
    "to_pickle",
    "to_clipboard",
    "to_gbq",
    "to_iceberg",
]
GROUPS = {
    "__getitem__": "select",
    "__iter__": "iterate",
    **dict.fromkeys(REDUCED.split(), "reduce"),
    **dict.fromkeys(
        ["ffill", "bfill", "fillna", "shift", "diff", "pct_change", "rank", "cumsum", "cumprod", "cummax", "cummin"],
        "derive",
    ),
    **dict.fromkeys(["head", "tail", "sample"], "select"),
    "filter": "apply",
    "transform": "map",
    "apply": "apply",
    "pipe": "pipe",
    "rolling": "window",
    "expanding": "window",
    "interpolate": "derive",
    "asfreq": "derive",
}
SAME_NAME = {
    "_set_item": "__setitem__",
    "_setitem_array": "__setitem__",
    "_setitem_frame": "__setitem__",
    "_setitem_slice": "__setitem__",
    "_set_item_frame_value": "__setitem__",
    "_set_values": "__setitem__",
    "_set_with": "__setitem__",
    "_set_with_engine": "__setitem__",
    "_get_setitem_indexer": "__setitem__",
    "_setitem_with_indexer": "__setitem__",
    "_set_value": "__setitem__",
    "_set_axis": "set_axis",
}
"""Public names of what is noticed within: pandas counts references in the public one, which no frame may add to."""
LEVELLED = frozenset({"query", "eval"})
ACCESSORS = ("str", "dt", "cat")
ESTIMATOR = {
    "fit": "fit",
    "partial_fit": "fit",
    "fit_transform": "fit",
    "fit_predict": "fit",
    "transform": "predict",
    "inverse_transform": "predict",
    "predict": "predict",
    "predict_proba": "predict",
    "predict_log_proba": "predict",
    "decision_function": "predict",
    "score_samples": "predict",
    "score": "predict",
}

ESTIMATORS = (
    "BaseEstimator",
    "TransformerMixin",
    "ClassifierMixin",
    "RegressorMixin",
    "ClusterMixin",
    "OutlierMixin",
)
"""Classes of ``sklearn.base`` that have such methods or hand them on."""

Place = tuple[types.FunctionType, str, str, str]
"""A function, the name of what it belongs to (``""``: told from `self`), its public name, its family."""


def pandas_places() -> Iterator[Place]:
    """Functions of pandas; a function that several classes share comes once."""
    import pandas as pd
    from pandas.core import indexing

    for name, thing in vars(pd).items():
        family = FUNCTIONS.get(name) or ("read" if name.startswith("read_") else "")
        if family and isinstance(thing, types.FunctionType):
            yield thing, "pandas", name, family
    methods = METHODS | dict.fromkeys(WRITERS, "write")
    yield from _methods((pd.DataFrame, pd.Series), methods, "")
    for cls in (pd.DataFrame, pd.Series):
        for name in ("from_dict", "from_records"):
            made = cls.__dict__.get(name)
            if isinstance(made, classmethod) and isinstance(made.__func__, types.FunctionType):
                yield made.__func__, cls.__name__, name, "make"
    yield from _methods(_grouped(), GROUPS, "")
    yield from _part_places()
    yield from _accessor_places(pd)
    yield from _indexer_places(indexing)


def _grouped() -> list[Any]:
    """Classes of groups and windows. `pandas.api.typing` names them too, and warns of names of its own past."""
    from pandas.core import groupby, resample, window

    found = [groupby.DataFrameGroupBy, groupby.SeriesGroupBy, resample.Resampler]
    return found + [thing for thing in vars(window).values() if isinstance(thing, type)]


def _part_places() -> Iterator[Place]:
    """What cuts one group off for ``for key, part in groups``."""
    from pandas.core.groupby import ops

    for name, owner in (("FrameSplitter", "DataFrameGroupBy"), ("SeriesSplitter", "SeriesGroupBy")):
        cut = getattr(ops, name, object).__dict__.get("_chop")
        if isinstance(cut, types.FunctionType):
            yield cut, owner, "__iter__", "part"


def _of_pandas(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "pandas"  # public classes say "pandas" alone from pandas 3 on


def _methods(classes: Any, families: dict[str, str], owner: str) -> Iterator[Place]:
    for cls in classes:
        for base in cls.__mro__:
            if not _of_pandas(base):
                continue
            for name, family in families.items():
                thing = base.__dict__.get(name)
                if isinstance(thing, types.FunctionType):
                    yield thing, owner, SAME_NAME.get(name, name), family
    if any(cls.__name__ == "DataFrame" for cls in classes):
        for cls in classes:
            yield cls.T.fget, owner, "T", "mix"
            yield cls.values.fget, owner, "values", "array"


def _accessor_places(pd: Any) -> Iterator[Place]:
    for accessor in ACCESSORS:
        for root in _accessor_classes(getattr(pd.Series, accessor)):
            for base in root.__mro__:
                if not _of_pandas(base) or base.__name__ == "PandasDelegate":
                    continue
                for name, thing in list(vars(base).items()):
                    function = thing.fget if isinstance(thing, property) else thing
                    if name.startswith("_") and name != "__getitem__":
                        continue
                    if isinstance(function, types.FunctionType):
                        yield function, f"Series.{accessor}", name, "derive"


def _accessor_classes(root: type) -> Iterator[type]:
    """The class of an accessor, and for dates those that it makes: dates, time deltas, periods, Arrow's."""
    yield root
    yield from (base for base in root.__mro__[1:] if base.__name__.endswith("Properties"))


def _indexer_places(indexing: Any) -> Iterator[Place]:
    for name in ("_LocationIndexer", "_ScalarAccessIndexer"):
        yield indexing.__dict__[name].__dict__["__getitem__"], "", "__getitem__", "located"
    yield indexing._AtIndexer.__dict__["__getitem__"], "", "__getitem__", "located"
    for cls in (indexing._LocationIndexer, indexing._iLocIndexer):
        for name, family in (("_get_setitem_indexer", "note_key"), ("_setitem_with_indexer", "set_located")):
            thing = cls.__dict__.get(name)
            if isinstance(thing, types.FunctionType):
                yield thing, "", "__setitem__", family


def constructors() -> tuple[type, ...]:
    """Classes whose ``__init__`` is noticed."""
    import pandas as pd

    series: Any = pd.Series
    return pd.DataFrame, series, series.cat


def warns_for_its_caller() -> Iterator[types.FunctionType]:
    """What only functions call that are noticed, and warns about who called them: it must count one frame more."""
    import pandas as pd

    check = getattr(pd.DataFrame, "_check_inplace_deprecation", None)  # from pandas 3.1 on
    if isinstance(check, types.FunctionType):
        yield check


def estimator_places(cls: type) -> Iterator[Place]:
    """Methods of a class of estimators. Those that a notebook defines stay as they are: they are its variables."""
    if cls.__module__ == "__main__":
        return
    for name, family in ESTIMATOR.items():
        thing = cls.__dict__.get(name)
        # What is there only if a part of the model has it (a pipeline's `predict`) is kept in a descriptor.
        function = getattr(thing, "fn", thing)
        if isinstance(function, types.FunctionType):
            yield function, "", name, family


SPLITS = {
    "train_test_split": "split",
    "cross_val_score": "judge",
    "cross_validate": "judge",
    "cross_val_predict": "judge",
}
"""Functions of ``sklearn.model_selection``."""


def split_places() -> Iterator[Place]:
    """Functions that part data, and judge models by parts of it."""
    module = sys.modules.get("sklearn.model_selection")
    for name, family in SPLITS.items():
        function = getattr(module, name, None)
        if isinstance(function, types.FunctionType):
            yield function, "", name, family


def metric_places() -> Iterator[Place]:
    """Public functions of ``sklearn.metrics``; which of them give a number is seen when they are called."""
    module = sys.modules.get("sklearn.metrics")
    for name in getattr(module, "__all__", ()):
        function = getattr(module, name, None)
        if isinstance(function, types.FunctionType):
            yield function, "", name, "metric"


def new_estimators() -> types.FunctionType | None:
    """What scikit-learn calls with each new class of estimators; None where this version has no such thing."""
    base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", object)
    for cls in base.__mro__:
        made = cls.__dict__.get("__init_subclass__")
        if isinstance(made, classmethod) and isinstance(made.__func__, types.FunctionType):
            return made.__func__
    return None


def estimator_classes() -> list[type]:
    """All classes of estimators and the mixins that give them methods, as far as they are imported."""
    base = sys.modules.get("sklearn.base")
    if base is None:
        return []
    found, todo = [], [getattr(base, "BaseEstimator", None), getattr(base, "TransformerMixin", None)]
    todo += [
        getattr(base, name, None) for name in ("ClassifierMixin", "RegressorMixin", "ClusterMixin", "OutlierMixin")
    ]
    seen: set[type] = set()
    while todo:
        cls = todo.pop()
        if cls is None or cls in seen:
            continue
        seen.add(cls)
        found.append(cls)
        todo.extend(cls.__subclasses__())
    return found
