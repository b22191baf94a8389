"""A local time is exactly one moment, or it is refused (B9, Q6)."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from backflush.core.refusals import InvalidValue
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import moment_of

BERLIN = Site(code="MAIN", time_zone="Europe/Berlin")
HAVANA = Site(code="SUR", time_zone="America/Havana")
KIRITIMATI = Site(code="ISLE", time_zone="Pacific/Kiritimati")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_local_time_is_in_the_site_s_time_zone() -> None:
    assert moment_of(BERLIN, local("2026-03-12T14:30")) == datetime(2026, 3, 12, 13, 30, tzinfo=UTC)
    assert moment_of(BERLIN, local("2026-07-12T14:30")) == datetime(2026, 7, 12, 12, 30, tzinfo=UTC)


def test_a_local_time_that_does_not_exist_is_refused_with_the_next_one() -> None:
    with pytest.raises(InvalidValue) as refused:
        moment_of(BERLIN, local("2026-03-29T02:30"))
    assert refused.value.sentence == (
        "02:30 on 29 Mar 2026 doesn't exist at MAIN: the clocks go forward then. Write 03:30 or another time."
    )
    assert refused.value.field == "at"
    assert moment_of(BERLIN, local("2026-03-29T03:00")) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_local_time_that_occurs_twice_is_refused_with_both() -> None:
    with pytest.raises(InvalidValue) as refused:
        moment_of(BERLIN, local("2026-10-25T02:30"))
    assert refused.value.sentence == (
        "02:30 on 25 Oct 2026 happens twice at MAIN: the clocks go back then. Write "
        "2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00."
    )
    for offset in (1, 2):
        zone = timezone(timedelta(hours=offset))
        moment = moment_of(BERLIN, datetime(2026, 10, 25, 2, 30, tzinfo=zone))
        assert moment == datetime(2026, 10, 25, 2 - offset, 30, tzinfo=UTC)


def test_a_day_that_begins_with_a_change_of_the_clocks_begins_at_the_change() -> None:
    assert moment_of(HAVANA, date(2026, 3, 8)) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert moment_of(BERLIN, date(2026, 10, 25)) == datetime(2026, 10, 24, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "at",
    [
        date.min,
        date.max,
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    ],
)
def test_no_moment_is_too_early_or_too_late_to_be_refused(at: date) -> None:
    for site in (BERLIN, HAVANA, KIRITIMATI):
        with pytest.raises(InvalidValue, match="is out of range"):
            moment_of(site, at)
