"""Words by which rows of two tables are matched: one a row, equal where the values are, from one column or several."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineageflow_jupyter.frames.row_words import row_source
from lineageflow_jupyter.frames.word_parts import MIX, Words, mixed

COSTLY_TYPES = ("utf8", "binary", "list", "fixed_list", "struct")
"""Names of logical types whose words take a pass over bytes or items; all others are read off."""


def value_words(array: Any) -> Words:
    """Word of each value; equal values have equal words, and those of up to 8 bytes only these.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values.
    """
    return row_source(array).words(0, len(array))


def combined_words(words: Words | None, array: Any) -> Words:
    """Word of each row of some columns, and of one more.

    Parameters
    ----------
    words : numpy.ndarray of uint64 or None
        Words of the rows so far; changed in place.
    array : pyarrow.Array
        Normalised values of the next column.
    """
    return mixed_words(words, value_words(array))


def mixed_words(words: Words | None, values: Words) -> Words:
    """Word of each row of some columns, and of one more whose words are known; see `combined_words`."""
    more = mixed(values)
    if words is None:
        return more
    words *= MIX
    words ^= words >> np.uint64(31)
    words += more
    return words
