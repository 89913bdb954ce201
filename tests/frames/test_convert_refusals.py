"""What could not come back exactly is refused, naming column, row, label, value and remedy."""

from __future__ import annotations

import datetime as dt
import enum
from collections import namedtuple
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.convert import is_frame, to_content


class Colour(enum.Enum):
    RED = 1


class Words(str):
    """Text of a class of its own."""

    __slots__ = ()


class Broken:
    def __repr__(self):
        raise RuntimeError


Point = namedtuple("Point", "x y")


def objects(*values, index=None) -> pd.DataFrame:
    array = np.empty(len(values), object)
    for row, value in enumerate(values):
        array[row] = value
    return pd.DataFrame({"x": pd.Series(array, dtype=object, index=index)}, index=index)


def refusal(frame) -> str:
    with pytest.raises(UnsupportedData) as caught:
        to_content(frame)
    assert caught.value.remedy
    return str(caught.value)


def test_mixed_objects_name_column_row_label_value_and_remedy():
    text = refusal(objects("a", None, 5, index=[10, 20, 30]))
    assert text == (
        "column 'x', row 2 (label 30): 5: is of the class int, where earlier rows hold str. "
        'Convert it first: df["x"] = df["x"].astype("str")'
    )


def test_a_long_value_is_cut():
    text = refusal(objects("a", list(range(1000))))
    assert "[0, 1, 2" in text
    assert "…" in text
    assert len(text) < 300


def test_a_value_that_cannot_be_shown_does_not_hide_the_message():
    assert "<Broken>" in refusal(objects("a", Broken()))


REFUSED = {
    "bool and int": ((True, 1), "class int, where earlier rows hold bool"),
    "int and float": ((1, 2.5), 'astype("float64")'),
    "int and text": ((1, None, "x"), "row 2"),
    "text and bytes": (("a", b"a"), "class bytes"),
    "an int beyond 64 bits": ((1, 2**64), "row 1"),
    "ints of both ends": ((-1, 2**63), "64 bits"),
    "a set": (({1},), "class builtins.set"),
    "an enum": ((Colour.RED,), "Colour"),
    "text of a subclass": ((Words("a"),), "Words"),
    "a named tuple": ((Point(1, 2),), "Point"),
    "a function": ((len,), "builtin_function"),
    "a frame": ((pd.DataFrame(),), "DataFrame"),
    "a complex number": ((1j,), "complex"),
    "a period": ((pd.Period("2020", "M"),), "Period"),
    "a lone surrogate": (("a", None, "\ud800"), "row 2 (label 2): '\\ud800': holds a lone surrogate"),
    "an infinite decimal": ((Decimal(1), Decimal("Infinity")), "not a finite number"),
    "a signalling NaN": ((Decimal(1), Decimal("sNaN")), "signalling"),
    "too many digits": ((Decimal("1E+40"), Decimal("1E-40")), "76 digits"),
    "a time with a zone": ((dt.time(1, tzinfo=dt.UTC),), "zone"),
    "datetimes with and without a zone": (
        (dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
        "another time zone",
    ),
    "datetimes of two zones": (
        (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))),
        "row 1",
    ),
    "a time that the clocks left out": (
        (dt.datetime(2020, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),),
        "would come back as",
    ),
    "a fold without a zone": ((dt.datetime(2020, 1, 1, fold=1),), "would come back as"),
    "Timestamps of two units": ((pd.Timestamp(0).as_unit("s"), pd.Timestamp(0).as_unit("ns")), "unit ns"),
    "a long timedelta": ((dt.timedelta(1), dt.timedelta.max), "row 1"),
    "lists of mixed items": (([1], [2, "x"]), "row 1 (label 1): [2, 'x']: 'x' inside it is of the class str"),
    "lists and tuples": (([1], (1,)), "class tuple"),
    "lists of two kinds of nothing": ((["a", None], ["b", float("nan")]), "another kind of missing"),
    "dicts of other keys": (({"a": 1}, {"b": 1}), "other keys"),
    "dicts of keys in another order": (({"a": 1, "b": 2}, {"b": 2, "a": 1}), "other keys"),
    "dicts without text keys": (({1: 1},), "not text"),
    "empty dicts": (({},), "no keys"),
    "arrays of two dtypes": ((np.array([1]), np.array([1.5])), "float64"),
    "arrays of two dimensions": ((np.zeros((2, 2)),), "one-dimensional"),
    "arrays of objects": ((np.array(["a"], object),), "dtype object"),
    "mixed numpy scalars": ((np.int64(1), np.int32(1)), "int32"),
    "a numpy datetime": ((np.datetime64("2020-01-01"),), "datetime64"),
}


@pytest.mark.parametrize(("values", "text"), REFUSED.values(), ids=REFUSED)
def test_objects(values, text):
    message = refusal(objects(*values))
    assert message.startswith("column 'x', row ")
    assert text in message


def test_the_remedy_for_mixed_objects_works():
    frame = objects("a", 1, None)
    frame["x"] = frame["x"].astype("str")
    to_content(frame)


def test_sparse_columns():
    frame = pd.DataFrame({"x": pd.arrays.SparseArray([0, 0, 1])})
    text = refusal(frame)
    assert 'df["x"] = df["x"].sparse.to_dense()' in text
    frame["x"] = frame["x"].sparse.to_dense()
    to_content(frame)


def test_dtypes_of_other_packages():
    class MoneyDtype(pd.api.extensions.ExtensionDtype):
        name = "money"
        type = float

        @classmethod
        def construct_array_type(cls):
            return MoneyArray

    class MoneyArray(pd.api.extensions.ExtensionArray):
        def __init__(self, values):
            self._values = values

        dtype = MoneyDtype()

        def __len__(self):
            return len(self._values)

        def __getitem__(self, item):
            return type(self)(self._values[item]) if isinstance(item, slice) else self._values[item]

        def copy(self):
            return type(self)(self._values)

    assert "the dtype money" in refusal(pd.DataFrame({"x": MoneyArray([1.0])}))


def test_numbers_that_other_machines_order_otherwise():
    text = refusal(pd.DataFrame({"x": np.array([1, 2], ">i4")}))
    assert 'astype("int32")' in text


@pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="long doubles are doubles here")
def test_long_doubles():
    assert 'astype("float64")' in refusal(pd.DataFrame({"x": np.array([1], "longdouble")}))


def test_classes_derived_from_frames():
    class Geo(pd.DataFrame):
        pass

    class GeoSeries(pd.Series):
        pass

    assert "pd.DataFrame(df)" in refusal(Geo({"x": [1]}))
    assert "pd.Series(df)" in refusal(GeoSeries([1]))
    to_content(pd.DataFrame(Geo({"x": [1]})))


def test_zones_that_have_no_name():
    tz = pytest.importorskip("dateutil.tz")
    frame = pd.DataFrame({"x": pd.to_datetime(["2020-01-01"]).tz_localize(tz.tzoffset("X", 3600))})
    text = refusal(frame)
    assert "tzoffset" in text
    assert 'dt.tz_convert("UTC")' in text


def test_index_and_labels():
    assert refusal(pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", 1], dtype=object))).startswith("the index, row 1")
    level = pd.MultiIndex(levels=[pd.Index(["a", 1], dtype=object)], codes=[[0, 1]], names=["k"])
    assert refusal(pd.DataFrame({"x": [1, 2]}, index=level)).startswith("the index level 'k', row 1")
    assert "label of column 0" in refusal(pd.DataFrame([[1]], columns=pd.Index([Colour.RED], dtype=object)))
    assert "name of the index" in refusal(pd.DataFrame([[1]], index=pd.Index([1], name=Colour.RED)))
    assert "surrogate" in refusal(pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object)))
    assert "name of the series" in refusal(pd.Series([1], name=Colour.RED))


def test_categories():
    mixed = pd.Categorical(["a", 1])
    assert refusal(pd.DataFrame({"x": mixed})).startswith("categories of column 'x', row ")


def test_arrow_types():
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    assert "column 'x'" in refusal(pa.table({"x": union}))
    assert "run_end_encoded" in refusal(pa.table({"x": pa.RunEndEncodedArray.from_arrays([1], ["a"])}))
    period = pa.ExtensionArray.from_storage(_Unknown(), pa.array([1]))
    assert "extension" in refusal(pa.table({"x": period}))
    frame = pd.DataFrame({"x": pd.arrays.ArrowExtensionArray(pa.chunked_array([period]))})
    assert "column 'x'" in refusal(frame)


class _Unknown(pa.ExtensionType):
    def __init__(self):
        super().__init__(pa.int64(), "tests.unknown")

    def __arrow_ext_serialize__(self):
        return b""


def test_polars_dtypes():
    assert "column 'x': the dtype Object" in refusal(pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}))
    if hasattr(pl, "Int128"):
        assert "Int128" in refusal(pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}))
        assert "Int128" in refusal(pl.DataFrame({"x": pl.Series([[1]], dtype=pl.List(pl.Int128))}))


def test_what_is_no_frame():
    assert "not a frame" in refusal([1, 2, 3])
    assert "read" not in refusal(np.zeros((2, 2)))
    for value in (None, [1], {}, np.zeros(3), pa.array([1]), pd.Index([1])):
        assert not is_frame(value)
    for value in (
        pd.DataFrame(),
        pd.Series([1]),
        pl.DataFrame(),
        pl.Series([1]),
        pa.table({}),
        pa.record_batch({"a": [1]}),
    ):
        assert is_frame(value)
