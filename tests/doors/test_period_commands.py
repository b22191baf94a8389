"""close-period, reopen-period and periods at the command line."""

from tests.cast import DAY, Plant
from tests.doors.console import Console


def test_a_period_is_closed_listed_and_reopened(plant: Plant, console: Console) -> None:
    plant.has(10, "BOLT", at="RAW")
    assert console.says("periods") == "No period is closed.\n"
    said = console.says("close-period", "2026-02-28", "--by", "cora", "--remarks", "all slips are in")
    assert said == "Closed through 28 Feb 2026. Balances stored: 1.\n"
    told = console.tells("close-period", "2026-03-31", "--by", "cora")
    assert (told["through"], told["closed_by"], told["balances"]) == ("2026-03-31", "cora", 1)
    told = console.tells("periods")
    assert (told["closed_through"], told["total"]) == ("2026-03-31", 2)
    assert [one["remarks"] for one in told["closings"]] == ["", "all slips are in"]
    assert "all slips are in" in console.says("periods")
    assert console.refuses("move", "REPLENISH", "BOLT", 1, "--from", "MAIN/RAW", "--to", "MAIN/LINE", "--at", DAY) == (
        "period_closed"
    )
    told = console.tells("reopen-period", "2026-03-31", "--remarks", "one was forgotten", "--by", "cora")
    assert (told["closed_through"], [one["through"] for one in told["reopened"]]) == ("2026-02-28", ["2026-03-31"])
    said = console.says("reopen-period", "2026-02-28", "--remarks", "another was forgotten")
    assert said == "Reopened what was closed through 28 Feb 2026. No period is closed any more.\n"
    assert [one["balances"] for one in console.tells("periods")["closings"]] == [None, None]
    assert "another was forgotten" in console.says("periods")


def test_unresolved_movements_of_a_period_are_shown_before_it_is_closed(plant: Plant, console: Console) -> None:
    plant.books(1, "BRACKET")
    assert console.refuses("close-period", "2026-03-31") == "unresolved_in_period"
    said = console.says("close-period", "2026-03-31", "--although-unresolved")
    assert said.endswith("Unresolved movements of the period: 1.\n")
    assert console.tells("periods")["unresolved"] == 1


def test_an_invalid_closing_or_reopening_is_refused(plant: Plant, console: Console) -> None:
    assert console.refuses("close-period", "2999-01-01") == "date_in_future"
    assert console.refuses("close-period", "2026-02-31") == "invalid_value"
    assert console.refuses("reopen-period", "2026-02-28", "--remarks", "why not") == "not_found"
    console.says("close-period", "2026-02-28")
    assert console.refuses("close-period", "2026-02-28") == "period_closed"
    assert console.refuses("reopen-period", "2026-02-28") == "remarks_required"
    assert console.tells("periods", "--count")["closed_through"] == "2026-02-28"
