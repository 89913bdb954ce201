"""Moments as people type them: ``2026-11-01 14:30``, ``yesterday``, ``2 days ago``. No clock is read here."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from lineageflow_jupyter.errors import UnknownName

_UNITS = {"second": 1, "minute": 60, "hour": 3600}
_DAYS_IN = {"day": 1, "week": 7}
_AGO = re.compile(r"(\d{1,9}|an?)[ .]+(second|minute|hour|day|week|month|year)s?[ .]+ago", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS_BACK = {"today": 0, "yesterday": 1}
EXAMPLES = "Examples: 2026-11-01, '2026-11-01 14:30', 2026-11-01T14:30+01:00, yesterday, '2 days ago'"


def moment(text: str, now: datetime, *, end: bool = False) -> int:
    """Time of what a person typed.

    Parameters
    ----------
    text : str
        An ISO 8601 date or time, ``now``, ``today``, ``yesterday``, or such as ``2 hours ago`` (seconds to years).
        Without a zone it is local time.
    now : datetime
        The present: with the person's zone, or without one for the zone of this machine, summer time included.
    end : bool
        Whether a whole day stands for its end (exclusive: the next midnight) instead of its beginning: "as it was
        on that day" includes what happened on it, as pandas slices dates.

    Returns
    -------
    int
        Microseconds since 1970-01-01 UTC.

    Raises
    ------
    UnknownName
        If it is no moment.

    Examples
    --------
    >>> now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    >>> moment("1970-01-02", now), moment("1970-01-02", now, end=True)
    (86400000000, 172800000000)
    """
    words = " ".join(text.strip().split())
    try:
        found, whole_day = _read(words, now)
        if whole_day and end:
            found += timedelta(days=1)  # on the clock: in summer and winter a day ends at midnight
        return (_aware(found) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise UnknownName(f"{text!r} is not a moment that is understood", remedy=EXAMPLES) from error


def _read(words: str, now: datetime) -> tuple[datetime, bool]:
    """The moment, and whether it stands for a whole day; days begin at midnight of the person's zone."""
    lower = words.lower()
    if lower == "now":
        return now, False
    if lower in _DAYS_BACK:
        day = now - timedelta(days=_DAYS_BACK[lower])
        return day.replace(hour=0, minute=0, second=0, microsecond=0), True
    ago = _AGO.fullmatch(words)
    if ago is not None:
        count, unit = (1 if ago.group(1)[0] in "aA" else int(ago.group(1))), ago.group(2).lower()
        return _before(now, count, unit), False
    read = datetime.fromisoformat(words)
    return (read if read.tzinfo else read.replace(tzinfo=now.tzinfo)), _is_day(words)


def _is_day(words: str) -> bool:
    with suppress(ValueError):
        date.fromisoformat(words)
        return True
    return False


def _aware(found: datetime) -> datetime:
    return found if found.tzinfo else found.astimezone()


def _before(now: datetime, count: int, unit: str) -> datetime:
    if unit in _UNITS:  # time that went by: an hour is an hour also where clocks are changed
        return _aware(now).astimezone(UTC) - timedelta(seconds=count * _UNITS[unit])
    if unit in _DAYS_IN:  # but a day ago the clock showed the same
        return now - timedelta(days=count * _DAYS_IN[unit])
    months = now.year * 12 + now.month - 1 - count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    for day in range(now.day, 27, -1):  # 31 March, a month ago: the last day of February
        try:
            return now.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return now.replace(year=year, month=month + 1)
