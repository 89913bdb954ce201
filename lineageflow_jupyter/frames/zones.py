"""Time zones as plain lists. Conversion of times belongs to the columns that hold them."""

from __future__ import annotations

import datetime as dt
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineageflow_jupyter.errors import NotAvailable
from lineageflow_jupyter.frames.content import Encoded, damaged, unreadable

_TAGS = frozenset({"utc", "zoneinfo", "offset", "pytz", "pytz-offset", "dateutil-utc"})
_MICROSECOND = dt.timedelta(microseconds=1)


def encode_zone(zone: dt.tzinfo) -> Encoded:
    """Plain list of a zone object, of which `decode_zone` makes an equal object of the same class.

    Returns
    -------
    list
        ``["utc"]``, ``["zoneinfo", key]``, ``["offset", microseconds, name or None]``, ``["pytz", name]``,
        ``["pytz-offset", minutes]`` or ``["dateutil-utc"]``.

    Raises
    ------
    ValueError
        If the object cannot be rebuilt; the text says why.
    """
    if zone is dt.UTC:
        return ["utc"]
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        plain = dt.timezone(offset)
        return ["offset", offset // _MICROSECOND, None if str(zone) == str(plain) else str(zone)]
    if type(zone) is ZoneInfo:
        if zone.key is None:
            raise ValueError("the zone was read from a file and has no name")
        return ["zoneinfo", zone.key]
    module = type(zone).__module__.partition(".")[0]
    if module == "pytz":
        if getattr(zone, "zone", None):
            return ["pytz", zone.zone]  # type: ignore[attr-defined]
        minutes = getattr(zone, "_minutes", None)
        if isinstance(minutes, int):
            return ["pytz-offset", minutes]
    if module == "dateutil" and type(zone).__name__ == "tzutc":
        return ["dateutil-utc"]
    raise ValueError(f"zones of the class {type(zone).__module__}.{type(zone).__qualname__} cannot be stored")


def decode_zone(encoded: Encoded) -> dt.tzinfo:
    """Inverse of `encode_zone`.

    Raises
    ------
    NotAvailable
        If this machine does not know the zone.
    """
    match encoded:
        case ["utc"]:
            return dt.UTC
        case ["offset", int(offset), None]:
            return dt.timezone(dt.timedelta(microseconds=offset))
        case ["offset", int(offset), str(name)]:
            return dt.timezone(dt.timedelta(microseconds=offset), name)
        case ["zoneinfo", str(key)]:
            return _zoneinfo(key)
        case ["pytz", str(name)]:
            return _pytz_zone(name)
        case ["pytz-offset", int(minutes)]:
            return _pytz().FixedOffset(minutes)  # type: ignore[no-any-return]
        case ["dateutil-utc"]:
            from dateutil.tz import tzutc

            return tzutc()
    raise unreadable("time zone", encoded, _TAGS)


def encode_dtype_zone(zone: dt.tzinfo) -> Encoded:
    """Zone of a dtype: its name alone where this pandas makes such a zone object of the name.

    pandas 2 makes objects of pytz and pandas 3 of zoneinfo: both write ``"Europe/Berlin"``.

    Returns
    -------
    str or list
        A name such as ``"UTC"`` or ``"Europe/Berlin"``, else as `encode_zone`.
    """
    encoded = encode_zone(zone)
    if encoded == ["utc"] or (encoded[0] in ("zoneinfo", "pytz") and encoded[1] == "UTC"):
        return "UTC"
    return encoded[1] if encoded[0] == _named_by() else encoded


@cache
def _named_by() -> str:
    """Which kind of zone object this pandas makes of a name."""
    import pandas as pd

    return str(encode_zone(pd.DatetimeTZDtype("ns", "Europe/Berlin").tz)[0])


def decode_dtype_zone(encoded: Encoded) -> str | dt.tzinfo:
    """Inverse of `encode_dtype_zone`: a name that is known here, or a zone object."""
    if isinstance(encoded, list) and len(encoded) == 2 and encoded[0] == "pytz" and find_spec("pytz") is None:
        encoded = encoded[1]  # a dtype means the same with either library
    if not isinstance(encoded, str):
        return decode_zone(encoded)
    if encoded == "UTC":
        return encoded
    if "pytz" in sys.modules and encoded in sys.modules["pytz"].all_timezones_set:
        return encoded
    _zoneinfo(encoded)
    return encoded


def arrow_zone(encoded: Encoded) -> str:
    """Name of a zone as Arrow has it: ``+HH:MM`` for fixed offsets."""
    if isinstance(encoded, str):
        return encoded
    zone = decode_zone(encoded)
    if encoded[0] in ("zoneinfo", "pytz"):
        return str(encoded[1])
    offset = zone.utcoffset(None) or dt.timedelta(0)
    minutes, rest = divmod(offset, dt.timedelta(minutes=1))
    if rest or not offset:
        return "UTC"  # the same instants: Arrow has no offsets below a minute
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def zone_of_arrow(name: str) -> Encoded:
    """Zone as `encode_dtype_zone` has it, of a name that Arrow uses."""
    if name[:1] not in ("+", "-"):
        return name
    sign = -1 if name[0] == "-" else 1
    hours, _, minutes = name[1:].partition(":")
    return ["offset", sign * (int(hours) * 60 + int(minutes or 0)) * 60_000_000, None]


def _zoneinfo(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except ZoneInfoNotFoundError as error:
        raise _unknown_zone(key) from error
    except (ValueError, OSError) as error:
        raise damaged(f"time zone {key!r}") from error


def _pytz() -> Any:
    try:
        import pytz
    except ImportError as error:
        raise NotAvailable(
            "the frame holds times with zones of pytz, which is not installed", remedy="pip install pytz"
        ) from error
    return pytz


def _pytz_zone(name: str) -> dt.tzinfo:
    pytz = _pytz()
    try:
        return pytz.timezone(name)  # type: ignore[no-any-return]
    except pytz.UnknownTimeZoneError as error:
        raise _unknown_zone(name) from error


def _unknown_zone(name: str) -> NotAvailable:
    return NotAvailable(
        f"the time zone {name!r} is not known on this machine", remedy="Install the zone data: pip install tzdata"
    )
