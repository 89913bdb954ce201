"""Moments as people type them: dates, days, spans, and clocks that are changed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.model.moments import moment

NOW = datetime(2026, 11, 24, 12, 30, 15, 250_000, UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(*parts: int, zone: timezone | ZoneInfo = UTC) -> int:  # type: ignore[assignment]
    return (datetime(*parts, tzinfo=zone) - EPOCH) // timedelta(microseconds=1)  # type: ignore[misc, arg-type]


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 2),
        max_value=datetime(9998, 12, 30),
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
@example(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_iso_times_come_back_exactly(when: datetime) -> None:
    expected = (when - EPOCH) // timedelta(microseconds=1)
    assert moment(when.isoformat(), NOW) == expected
    assert moment(f"  {when.isoformat(sep=' ')} ", NOW, end=True) == expected


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), ZoneInfo("America/New_York")], ids=str)
@pytest.mark.parametrize(
    ("text", "begin", "stop"),
    [
        ("2026-11-01", (2026, 11, 1), (2026, 11, 2)),
        ("20261101", (2026, 11, 1), (2026, 11, 2)),
        ("2026-W45-2", (2026, 11, 3), (2026, 11, 4)),
        ("2024-02-28", (2024, 2, 28), (2024, 2, 29)),
        ("2026-12-31", (2026, 12, 31), (2027, 1, 1)),
        ("today", (2026, 11, 24), (2026, 11, 25)),
        ("Yesterday", (2026, 11, 23), (2026, 11, 24)),
        ("2026-11-01 00:00", (2026, 11, 1), (2026, 11, 1)),
        ("2026-11-01T14:30", (2026, 11, 1, 14, 30), (2026, 11, 1, 14, 30)),
        ("now", (2026, 11, 24, 12, 30, 15, 250_000), (2026, 11, 24, 12, 30, 15, 250_000)),
    ],
)
def test_days_have_an_end_and_times_have_none(
    text: str, begin: tuple[int, ...], stop: tuple[int, ...], zone: timezone
) -> None:
    now = NOW.replace(tzinfo=zone)
    assert moment(text, now) == micros(*begin, zone=zone)
    assert moment(text, now, end=True) == micros(*stop, zone=zone)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 second ago", (2026, 11, 24, 12, 30, 14, 250_000)),
        ("90 minutes ago", (2026, 11, 24, 11, 0, 15, 250_000)),
        ("an hour ago", (2026, 11, 24, 11, 30, 15, 250_000)),
        ("36 HOURS AGO", (2026, 11, 23, 0, 30, 15, 250_000)),
        ("2.days.ago", (2026, 11, 22, 12, 30, 15, 250_000)),
        ("a  week   ago", (2026, 11, 17, 12, 30, 15, 250_000)),
        ("11 months ago", (2025, 12, 24, 12, 30, 15, 250_000)),
        ("10 years ago", (2016, 11, 24, 12, 30, 15, 250_000)),
        ("0 days ago", (2026, 11, 24, 12, 30, 15, 250_000)),
    ],
)
def test_spans_count_from_the_present(text: str, expected: tuple[int, ...]) -> None:
    assert moment(text, NOW) == moment(text, NOW, end=True) == micros(*expected)


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ((2026, 3, 31), "1 month ago", (2026, 2, 28)),
        ((2024, 3, 31), "1 month ago", (2024, 2, 29)),
        ((2024, 2, 29), "1 year ago", (2023, 2, 28)),
        ((2026, 1, 31), "2 months ago", (2025, 11, 30)),
        ((2026, 5, 31), "12 months ago", (2025, 5, 31)),
        ((2026, 12, 30), "10 months ago", (2026, 2, 28)),
    ],
)
def test_a_month_ago_is_a_day_that_exists(now: tuple[int, ...], text: str, expected: tuple[int, ...]) -> None:
    assert moment(text, datetime(*now, tzinfo=UTC)) == micros(*expected)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "2026-13-01",
        "2026-02-30",
        "2026-11",
        "-1",
        "3 days",
        "days ago",
        "1.5 hours ago",
        "-2 days ago",
        "9999999999 seconds ago",
        "999999999 weeks ago",
        "999999999 years ago",
        "9" * 5_000,
        "yesterday today",
        "\ud800",
        "2026-11-01T25:00",
    ],
)
def test_nonsense_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UnknownName, match="2 days ago") as error:
        moment(text, NOW)
    assert "\n" not in error.value.problem.replace(repr(text), "")


def test_days_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(UnknownName, match="is not a moment"):
        moment("9999-12-31", NOW, end=True)
    assert moment("9999-12-31", NOW) == micros(9999, 12, 31)
    assert moment("0001-01-01", NOW) == micros(1, 1, 1)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    with suppress(UnknownName):
        assert isinstance(moment(text, NOW), int)


BERLIN = """if True:
    import sys
    from datetime import datetime, timezone
    from lineageflow_jupyter.model.moments import moment
    summer = datetime(2026, 10, 25, 12)            # clocks went from 3:00 back to 2:00 this night
    spring = datetime(2026, 3, 29, 12)             # and here from 2:00 to 3:00
    again = datetime(2026, 10, 25, 2, 30, fold=1)  # 2:30 for the second time
    def told(text, now, end=False):
        return datetime.fromtimestamp(moment(text, now, end=end) / 1e6, timezone.utc).strftime("%m-%d %H:%M")
    print(told("2026-07-01 12:00", summer), told("2026-12-01 12:00", summer), sep=", ")
    print(told("2026-10-25", summer), told("2026-10-25", summer, True), sep=", ")
    print(told("2026-03-29", summer), told("2026-03-29", summer, True), sep=", ")
    print(told("today", spring), told("today", spring, True), told("yesterday", spring), sep=", ")
    print(told("12 hours ago", summer), told("12 hours ago", spring), sep=", ")
    print(told("1 day ago", summer), told("1 day ago", spring), sep=", ")
    print(told("now", again), told("10 minutes ago", again), told("1 hour ago", again), sep=", ")
    print(told("2026-07-01T12:00+09:00", summer))
"""


def test_local_time_follows_the_changes_of_the_clock() -> None:
    """A machine in Berlin, where a day has 23 or 25 hours twice a year."""
    environment = {**os.environ, "TZ": "Europe/Berlin"}
    done = subprocess.run(
        [sys.executable, "-c", BERLIN], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == [
        "07-01 10:00, 12-01 11:00",
        "10-24 22:00, 10-25 23:00",
        "03-28 23:00, 03-29 22:00",
        "03-28 23:00, 03-29 22:00, 03-27 23:00",
        "10-24 23:00, 03-28 22:00",
        "10-24 10:00, 03-28 11:00",
        "10-25 01:30, 10-25 01:20, 10-25 00:30",
        "07-01 03:00",
    ]
