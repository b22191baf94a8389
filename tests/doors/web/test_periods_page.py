"""Periods: what blocks closing, the closing, the reopening, and the effect on other pages."""

from datetime import date
from http import HTTPStatus
from typing import Any

import pytest
from django.utils import timezone

from backflush.ledger.models import PeriodClosing
from backflush.ledger.periods import close_period
from backflush.people.rights import Role
from backflush.stockmap.models import Site
from backflush.web.audit.periods import next_end
from tests.cast import DAY, Plant
from tests.doors.web.visitors import person, signed_in, statements, text_of

PAGE = "/audit/periods/"
FEBRUARY = date(2026, 2, 28)
MARCH = date(2026, 3, 31)


def closed(plant: Plant, through: date) -> PeriodClosing:
    return close_period(
        site=plant.site, through=through, by=person(plant, Role.CONTROLLER, name="cora"), known_unresolved=None
    )


def closing_through(client: Any, day: date, **more: str) -> Any:
    return client.post(f"{PAGE}close/", {"through": day.isoformat(), "waiting": "0", **more})


def test_a_controller_sees_what_blocks_closing_and_closes_the_period(plant: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    client = signed_in(plant, Role.CONTROLLER)
    assert "No period has been closed" in text_of(client.get(PAGE))
    shown = text_of(client.get(f"{PAGE}?through=2026-03-31"))
    assert "No movement up to 31 Mar 2026 is unresolved." in shown
    assert "Close through 31 Mar 2026" in shown
    assert closing_through(client, MARCH, remarks="all slips are in").headers["location"] == PAGE
    shown = text_of(client.get(PAGE))
    assert "MAIN is closed through 31 Mar 2026" in shown
    assert "all slips are in" in shown
    assert PeriodClosing.objects.get().stock_keys == 1


def test_unresolved_movements_link_to_the_queue_and_must_be_confirmed(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    client = signed_in(plant, Role.CONTROLLER, Role.VIEWER)
    shown = text_of(client.get(f"{PAGE}?through=2026-03-31"))
    assert "One movement up to 31 Mar 2026 is unresolved." in shown
    assert 'href="/unresolved/?until=2026-03-31"' in shown
    again = text_of(closing_through(client, MARCH), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "Unresolved movements up to 31 Mar 2026: 1" in again
    plant.books(1, "BRACKET", at=DAY)
    # One more movement has become unresolved since the page was shown.
    again = text_of(closing_through(client, MARCH, although="1", waiting="1"), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "Unresolved movements up to 31 Mar 2026: 2" in again
    assert closing_through(client, MARCH, although="1", waiting="2").status_code == HTTPStatus.FOUND
    assert PeriodClosing.objects.get().unresolved == 2


def test_the_queue_shows_movements_up_to_a_day(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    plant.books(1, "BRACKET", at=date(2026, 4, 1))
    client = signed_in(plant, Role.STORES)
    shown = {
        "2026-03-01": "No movement matches",
        "2026-03-02": "All 1,",
        "2026-03-31": "All 1,",
        "2026-04-01": "All 2,",
    }
    for day, words in shown.items():
        assert words in text_of(client.get(f"/unresolved/?until={day}")), day
    assert "up to <b>31 Mar 2026</b>" in text_of(client.get("/unresolved/?until=2026-03-31"))
    assert client.get("/unresolved/?until=soon").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_day_that_cannot_be_closed_is_refused_at_its_field(plant: Plant) -> None:
    closed(plant, FEBRUARY)
    client = signed_in(plant, Role.CONTROLLER)
    for day, sentence in (
        (timezone.now().date(), "isn&#x27;t over. Close up to"),
        (FEBRUARY, "Everything up to 28 Feb 2026 is closed already."),
    ):
        assert sentence in text_of(client.get(f"{PAGE}?through={day.isoformat()}"))
        assert sentence in text_of(closing_through(client, day), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "is not a date" in text_of(client.get(f"{PAGE}?through=soon"))
    assert client.post(f"{PAGE}close/", {}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    broken = closing_through(client, MARCH, although="1", waiting="many")
    assert broken.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert PeriodClosing.objects.count() == 1


def test_reopening_shows_the_affected_periods_and_asks_for_a_reason(plant: Plant) -> None:
    closed(plant, FEBRUARY)
    closed(plant, MARCH)
    client = signed_in(plant, Role.CONTROLLER)
    assert f'href="{PAGE}2026-02-28/"' in text_of(client.get(PAGE))
    shown = text_of(client.get(f"{PAGE}2026-02-28/"))
    assert "Reopen 2 periods" in shown
    address = f"{PAGE}2026-02-28/reopen/"
    assert "Enter why the period is reopened." in text_of(client.post(address), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert client.post(address, {"remarks": "a slip was found"}).headers["location"] == PAGE
    shown = text_of(client.get(PAGE))
    assert "No period of MAIN is closed" in shown
    assert "a slip was found" in shown
    assert client.get(f"{PAGE}2026-02-28/").status_code == HTTPStatus.NOT_FOUND
    assert client.get(f"{PAGE}soon/").status_code == HTTPStatus.NOT_FOUND


def test_only_controllers_close_periods_and_auditors_may_see_them(plant: Plant) -> None:
    closed(plant, FEBRUARY)
    auditor = signed_in(plant, Role.AUDITOR)
    shown = text_of(auditor.get(PAGE))
    assert "28 Feb 2026" in shown
    assert "Close the next period" not in shown
    assert "Reopen" not in shown
    for client in (auditor, signed_in(plant, Role.SUPERVISOR, name="sue")):
        assert closing_through(client, MARCH).status_code == HTTPStatus.FORBIDDEN
        assert client.get(f"{PAGE}2026-02-28/").status_code == HTTPStatus.FORBIDDEN
        assert client.post(f"{PAGE}2026-02-28/reopen/", {"remarks": "so"}).status_code == HTTPStatus.FORBIDDEN
        assert client.post(f"{PAGE}count/").status_code == HTTPStatus.FORBIDDEN
    assert signed_in(plant, Role.OPERATOR, name="ken").get(PAGE).status_code == HTTPStatus.FORBIDDEN
    assert Site.objects.get().closed_through == FEBRUARY


def test_an_interrupted_closing_can_be_finished(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.has(10, "BOLT")
    with monkeypatch.context() as stopped:
        stopped.setattr("backflush.ledger.periods.count_balances", lambda site: 0)
        closed(plant, MARCH)
    client = signed_in(plant, Role.CONTROLLER)
    assert "Store the balances" in text_of(client.get(PAGE))
    assert client.post(f"{PAGE}count/").headers["location"] == PAGE
    assert "Store the balances" not in text_of(client.get(PAGE))
    assert PeriodClosing.objects.get().stock_keys == 1


def test_a_booking_in_a_closed_period_is_refused_at_its_date(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    closed(plant, MARCH)
    client = signed_in(plant, Role.STORES)
    sentence = "March 2026 is closed. Use 1 Apr 2026 or later, or ask Rosa Marsh to reopen it."
    typed = {"order": "W-BRACKET", "good": "1", "at": "2026-03-02T10:00", "key": "k1"}
    answer = client.post("/book/post/", typed)
    assert sentence in text_of(answer, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="at-error"' in text_of(answer, HTTPStatus.UNPROCESSABLE_ENTITY)
    while_typing = client.get("/book/preview/", typed)
    assert sentence in text_of(while_typing)


def test_the_page_costs_the_same_however_many_closings_there_are(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    client = signed_in(plant, Role.CONTROLLER)
    for day in (date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19), date(2026, 1, 26), FEBRUARY):
        closed(plant, day)
        with statements(most=12):
            client.get(f"{PAGE}?through=2026-03-31")


@pytest.mark.parametrize(
    ("closed_through", "today", "wanted"),
    [
        (None, date(2026, 11, 22), date(2026, 10, 31)),
        (None, date(2026, 3, 1), date(2026, 2, 28)),
        (date(2026, 8, 31), date(2026, 11, 22), date(2026, 9, 30)),
        (date(2026, 10, 14), date(2026, 11, 22), date(2026, 10, 31)),
        (date(2026, 10, 31), date(2026, 11, 22), None),
        (date(2026, 10, 31), date(2026, 11, 30), None),
        (date(2026, 10, 31), date(2026, 12, 1), date(2026, 11, 30)),
    ],
)
def test_the_end_of_the_next_month_is_offered_once_it_is_over(
    closed_through: date | None, today: date, wanted: date | None
) -> None:
    assert next_end(Site(code="MAIN", closed_through=closed_through), today) == wanted
