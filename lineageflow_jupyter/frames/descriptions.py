"""What differs between the descriptions of two frames, told for people: dtypes, orders of categories, labels, attrs.

Column types that make values compare as different are no matter of descriptions, nor is what follows from rows and
columns that came or went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineageflow_jupyter.frames.content import (
    EVERY_COLUMN,
    Encoded,
    FrameContent,
    companion,
    flavours_at,
    reading,
    shown,
)
from lineageflow_jupyter.frames.convert import library_of_body
from lineageflow_jupyter.frames.taking import loose_columns
from lineageflow_jupyter.frames.texts import array_texts
from lineageflow_jupyter.model.diffs import Described

CATEGORIES_TOLD = 6
"""So many categories are named."""
_MISSING = {1: "None", 2: "NaN", 3: "NaT", 4: "NA", 5: "numpy's NaN", 6: "Decimal NaN"}


def described_differences(
    old: FrameContent, new: FrameContent, pairs: Sequence[tuple[int, int, str]]
) -> list[Described]:
    """Tell what differs in how two frames were described.

    Parameters
    ----------
    old, new : FrameContent
        All columns of both, without rows, and the companions that do not go by rows.
    pairs : sequence of (int, int, str)
        Columns that belong together: places in both, and the name.

    Returns
    -------
    list of Described
        Columns first. Of frames of two libraries only that is told.
    """
    libraries = [library_of_body(side.body) for side in (old, new)]
    if libraries[0] != libraries[1]:
        return [Described("library", libraries[0], libraries[1], column=False)]
    with reading():
        facts = [_facts(side) for side in (old, new)]
        found = _columns(old, new, pairs)
        found += [
            Described(what, text, facts[1][what][1], column=False)
            for what, (fact, text) in facts[0].items()
            if facts[1][what][0] != fact
        ]
    return found


Description = tuple[Encoded, Sequence[Any]]
"""Body of a frame description, and what tells its companions apart, such as their ids."""


def columns_alike(one: Description, other: Description, places: tuple[int, int]) -> bool:
    """Whether a column of one table and one of another are described alike: values of one are at home in the other.

    Parameters
    ----------
    one, other : tuple of (list, sequence)
        The descriptions.
    places : tuple of (int, int)
        Position of each column among all columns, index levels included.

    Returns
    -------
    bool
        False also where the description follows from the values: where something is told for each row, and for
        Python objects other than texts.
    """
    told = []
    for (body, companions), place in zip((one, other), places, strict=True):
        with reading():
            library, owners = library_of_body(body), body[2]
            own = [number for number, (_, position) in enumerate(owners) if position == place]
            (flavour,) = flavours_at(_flavours(body), [place])
            if (_is_object(flavour) and flavour[1] != "str") or any(owners[number][0] for number in own):
                return False
            required = flavours_at(body[3][2], [place]) if library == "arrow" else []
            told.append((library, own, [companions[number] for number in own], flavour, required))
    return bool(told[0] == told[1])


def with_facts_of(body: Encoded, base: Encoded, other: Encoded) -> Encoded:
    """A description with what another one changed about the frame as a whole since their common base.

    That is, of pandas `attrs`, the flag of duplicate labels, and the names of the column labels and of counted row
    labels; of Arrow the metadata of the schema. What both changed stays as it is in `body`.

    Parameters
    ----------
    body, base, other : list
        Bodies of the descriptions.
    """
    libraries = {library_of_body(each) for each in (body, base, other)}
    if len(libraries) > 1 or "polars" in libraries:
        return body
    with reading():
        mine, common, theirs = (list(each[3]) for each in (body, base, other))
        for place in (4, 5) if "pandas" in libraries else (4,):
            mine[place] = _changed_once(mine[place], common[place], theirs[place])
        if "pandas" in libraries:
            parts = [each[2] for each in (mine, common, theirs)]
            if mine[0] == "frame" and all(part[0] != "multi" for part in parts):
                mine[2] = [*mine[2][:-1], _changed_once(*(part[-1] for part in parts))]
            parts = [each[1] for each in (mine, common, theirs)]
            if all(part[0] == "range" for part in parts):
                mine[1] = [*mine[1][:-1], _changed_once(*(part[-1] for part in parts))]
    return [*body[:3], mine]


def _changed_once(mine: Encoded, base: Encoded, theirs: Encoded) -> Encoded:
    return theirs if mine == base else mine


def holds_objects(body: Encoded, place: int) -> bool:
    """Whether a column is one of Python objects: then its description tells how values are missing, if some are.

    Parameters
    ----------
    body : list
        Body of the description.
    place : int
        Position among all columns, index levels included.
    """
    with reading():
        return _is_object(flavours_at(_flavours(body), [place])[0])


def _is_object(flavour: Encoded) -> bool:
    return isinstance(flavour, list) and flavour[:1] == ["object"]


def labels_alike(one: Description, other: Description, *, rows: bool) -> bool:
    """Whether two frames have the same column labels, whose texts may be equal where labels are not.

    Parameters
    ----------
    one, other : tuple of (list, sequence)
        The descriptions.
    rows : bool
        Whether the row index, with the names of its levels, is to be the same too.
    """
    told = []
    for body, companions in (one, other):
        with reading():
            own = [number for number, (_, position) in enumerate(body[2]) if position == EVERY_COLUMN]
            labels = body[3][1 if rows else 2 : 3] if library_of_body(body) == "pandas" else []
            told.append((library_of_body(body), labels, own, [companions[number] for number in own]))
    return bool(told[0] == told[1])


def rows_may_change(body: Encoded) -> bool:
    """Whether a frame's row index, if it has one, is described alike whatever rows it has.

    Parameters
    ----------
    body : list
        Body of the description.
    """
    if library_of_body(body) != "pandas":
        return True
    with reading():
        match body[3][1]:
            case ["range", 0, 1, _] | ["index", _, None]:
                return True
    return False


# --- columns ---------------------------------------------------------------------------------------------------------


def _columns(old: FrameContent, new: FrameContent, pairs: Sequence[tuple[int, int, str]]) -> list[Described]:
    flavours = [flavours_at(_flavours(side.body), range(len(side.columns))) for side in (old, new)]
    extras = [_extras(side) for side in (old, new)]
    differing = []
    for before, after, name in pairs:
        one, other = _resolved(flavours[0][before], old), _resolved(flavours[1][after], new)
        if one != other:
            dtypes = _dtype(old, before, flavours[0][before]), _dtype(new, after, flavours[1][after])
            differing.append(Described(name, dtypes[0], dtypes[1]))
        one, other = extras[0][before], extras[1][after]
        if one != other and one and other:
            differing.append(Described(name, one, other))
    return differing


def _flavours(body: Encoded) -> Encoded:
    payload = body[3]
    return payload[3] if library_of_body(body) == "pandas" else payload[1]


def _resolved(flavour: Encoded, content: FrameContent) -> Encoded:
    """A flavour with values instead of the numbers of companions; without those that go by rows."""
    match flavour:
        case ["categorical", ordered, number, inner, form]:
            return ["categorical", ordered, _listed(content, number), _resolved(inner, content), form]
        case ["arrow", kind, number]:
            return ["arrow", kind, _listed(content, number)]
        case ["Enum", number]:
            return ["Enum", _listed(content, number)]
        case ["object", kind, missing]:
            return ["object", "decimal" if kind[0] == "decimal" else kind, missing if type(missing) is int else "mixed"]
        case list():
            return [_resolved(part, content) for part in flavour]
    return flavour


def _listed(content: FrameContent, number: Encoded) -> Any:
    """Values of a companion, in order, as texts: these tell values of one type apart."""
    return array_texts(companion(content.companions, number)).to_pylist()


def _dtype(content: FrameContent, place: int, flavour: Encoded) -> str:
    """Text of a dtype, with what of it the library does not say."""
    library = library_of_body(content.body)
    one = FrameContent(0, (content.columns[place],), content.companions, content.body)
    frame = loose_columns(one, engine=library, positions=[place])
    if library == "arrow":
        text = str(frame.schema.types[0])
    else:
        text = str(frame.dtypes.iloc[0] if library == "pandas" else frame.dtypes[0])
    match flavour:
        case ["object", kind, missing]:
            absent = _MISSING.get(missing, "") if type(missing) is int else "several kinds"
            return f"{text} of {kind if isinstance(kind, str) else kind[0]}, missing as {absent}"
        case ["categorical", ordered, number, *_]:
            return f"{text}{', ordered' if ordered else ''}: {_categories(content, number)}"
        case ["arrow", _, number]:
            return f"{text}: {_categories(content, number)}"
    return text


def _categories(content: FrameContent, number: Encoded) -> str:
    values = _listed(content, number)
    more = f", … ({len(values):,})" if len(values) > CATEGORIES_TOLD else ""
    return ", ".join(map(str, values[:CATEGORIES_TOLD])) + more


def _extras(content: FrameContent) -> list[str]:
    """What is known of each column besides its dtype: kind of its label, Arrow's nullability and metadata.

    Empty where nothing is to be compared.
    """
    count, body = len(content.columns), content.body
    library, payload = library_of_body(body), body[3]
    if library == "arrow":
        required = flavours_at(payload[2], range(count))
        metadata = dict(payload[3])
        return [
            f"{'not nullable' if needed else 'nullable'}, metadata {shown(dict(metadata.get(place, [])))}"
            for place, needed in enumerate(required)
        ]
    if library == "pandas" and payload[2][0] == "tagged":
        levels = count - len(payload[2][1])
        return [""] * levels + [f"label {shown(_label(label))}" for label in payload[2][1]]
    if library == "pandas" and payload[2][0] == "names":
        return [f"label {column.name!r}" if column.role == "data" else "" for column in content.columns]
    return [""] * count


# --- frames ----------------------------------------------------------------------------------------------------------


def _facts(content: FrameContent) -> dict[str, tuple[Any, str]]:
    """By what it is about: something comparable, and its text."""
    payload = content.body[3]
    library = library_of_body(content.body)
    found = {"kind": (payload[0], payload[0])}
    if library == "arrow":
        found["metadata"] = (payload[4], shown(dict(payload[4])))
    if library != "pandas":
        return found
    _, rows, labels, _, attrs, duplicates = payload
    return {
        **found,
        "index": (_resolved_rows(rows, content), _rows_text(rows, content)),
        "column labels": (_labels(labels), _labels_text(labels)),
        "attrs": (attrs, "none" if attrs is None else shown(_label(attrs))),
        "flags": (duplicates, f"allows_duplicate_labels={duplicates}"),
    }


def _resolved_rows(rows: Encoded, content: FrameContent) -> Encoded:
    if rows[0] != "multi":
        return rows
    return ["multi", [[name, _order(order, content), form] for name, order, form in rows[1]]]


def _order(order: Encoded, content: FrameContent) -> Encoded:
    return None if order is None else [_listed(content, order[0]), order[1]]


def _rows_text(rows: Encoded, content: FrameContent) -> str:
    match rows:
        case ["range", start, step, name]:
            return f"RangeIndex from {start}{f' by {step}' if step != 1 else ''}{_named(name)}"
        case ["index", name, form]:
            return f"index{_named(name)}{f', {_form(form)}' if form is not None else ''}"
    orders = [
        f", level {place} in the order {shown(_order(order, content)[0])}"
        for place, (_, order, _) in enumerate(rows[1])
        if order is not None
    ]
    names = ", ".join(str(_label(name)) for name, *_ in rows[1])
    return f"MultiIndex of {names}{''.join(orders)}"


def _form(form: Encoded) -> str:
    return "a range" if form == ["range"] else f"frequency {form}"


def _named(name: Encoded) -> str:
    return "" if name is None else f" named {shown(_label(name))}"


def _labels(labels: Encoded) -> Encoded:
    """Column labels without the labels themselves."""
    match labels:
        case ["names", flavour, name]:
            return ["names", flavour, name]
        case ["range", start, step, name]:
            return ["range", start, step, name]
        case ["index", _, flavour, form, name]:
            return ["index", flavour, form, name]
        case ["tagged", _, name]:
            return ["tagged", name]
    return ["multi", [name for *_, name in labels[1]]]


def _labels_text(labels: Encoded) -> str:
    match labels:
        case ["names", flavour, name]:
            return f"texts{'' if flavour is None else ' of another dtype'}{_named(name)}"
        case ["range", start, step, name]:
            return f"RangeIndex from {start}{f' by {step}' if step != 1 else ''}{_named(name)}"
        case ["index", _, flavour, _, name]:
            return f"labels of a dtype{'' if flavour is None else f' {flavour[0]}'}{_named(name)}"
        case ["tagged", _, name]:
            return f"labels of several kinds{_named(name)}"
    return f"MultiIndex of {', '.join(str(_label(name)) for *_, name in labels[1])}"


def _label(encoded: Encoded) -> object:
    """A label as a Python value; pandas is imported only where there is one."""
    from lineageflow_jupyter.frames.labels import decode_value

    return decode_value(encoded)
