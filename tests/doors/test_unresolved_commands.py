"""unresolved, resolve, cancel and retry, as a person types them."""

from datetime import date

import pytest

from backflush.items.selectors import item_coded
from backflush.items.services import set_batch
from backflush.stockmap.models import Action, RetryRule
from tests.cast import Plant
from tests.doors.console import Console


def test_the_queue_lists_unresolved_movements_oldest_first(plant: Plant, console: Console) -> None:
    plant.has(30, "BOLT")
    plant.books(5, "CABINET", at=date(2026, 3, 3))
    plant.books(10, "BRACKET", at=date(2026, 3, 2))
    told = console.tells("unresolved")
    assert told["total"] == 5
    assert [(row["item"], row["due"], row["there_now"], row["reason"], row["for"]) for row in told["unresolved"]] == [
        ("BOLT", "40", "30", "short", "W-BRACKET"),
        ("SHEET", "20", "0", "short", "W-CABINET"),
        ("BOLT", "60", "30", "short", "W-CABINET"),
        ("MOTOR", "5", "0", "serial", "W-CABINET"),
        ("RESIN", "2.5", "0", "batch", "W-CABINET"),
    ]
    lines = console.says("unresolved").splitlines()
    assert lines[0].split()[:4] == ["Movement", "Age", "Item", "Due"]
    assert "short 10" in lines[1]
    assert lines[-1] == "5 unresolved."


def test_the_queue_is_never_cut_silently(plant: Plant, console: Console) -> None:
    for _ in range(3):
        plant.books(1, "BRACKET")
    assert console.says("unresolved", "--limit", 2).splitlines()[-1].startswith("2 of 3 unresolved.")
    assert len(console.tells("unresolved", "--limit", 2)["unresolved"]) == 2
    assert len(console.tells("unresolved", "--limit", 0)["unresolved"]) == 3


def test_filters_of_the_queue(plant: Plant, console: Console) -> None:
    plant.books(1, "CABINET")
    plant.buys(5, "PLATED")
    plant.receives(2, "PLATED")
    plant.produces(1, "PACK")

    def items(*words: str) -> list[str]:
        return [row["item"] for row in console.tells("unresolved", *words)["unresolved"]]

    assert items("--item", "MOTOR") == ["MOTOR"]
    assert items("--reason", "batch") == ["RESIN"]
    assert items("--order", "P-PLATED") == items("--supplier", "ACME") == items("--location", "ACME") == ["LUG"]
    assert items("--location", "MAIN/LINE", "--reason", "short") == ["SHEET", "BOLT", "BOLT", "LUG"]
    assert console.says("unresolved", "--item", "TUBE") == "None.\n"
    for words in (
        ("--item", "NO"),
        ("--order", "NO"),
        ("--supplier", "NO"),
        ("--location", "NO"),
        ("--location", "N/O"),
    ):
        assert console.refuses("unresolved", *words) == "not_found"
    assert console.refuses("unresolved", "--reason", "lazy") == "invalid_value"


def test_an_empty_queue_says_so(plant: Plant, console: Console) -> None:
    assert console.says("unresolved") == "Nothing is unresolved.\n"
    assert console.tells("unresolved") == {"total": 0, "unresolved": []}


def test_a_production_without_order_is_shown_with_its_item(plant: Plant, console: Console) -> None:
    plant.has(5, "BOLT")
    plant.produces(1, "PACK")
    plant.resolves("BOLT", 5, remainder="keep")
    assert {row["for"] for row in console.tells("unresolved")["unresolved"]} == {"PACK"}


def test_one_movement_is_shown_with_every_place_that_it_could_come_from(plant: Plant, console: Console) -> None:
    plant.has(5, "RESIN", batch="LATE")
    plant.has(1, "RESIN", batch="SOON")
    plant.has(9, "RESIN", at="RAW", batch="SOON")
    set_batch(item=item_coded("RESIN"), code="LATE", expires_on=date(2027, 9, 1))
    set_batch(item=item_coded("RESIN"), code="SOON", expires_on=date(2027, 4, 1))
    plant.books(4, "CABINET")
    number = plant.queue("RESIN")[0].pk
    told = console.tells("unresolved", number)
    assert [(one["location"], one["batch"], one["quantity"]) for one in told["candidates"]] == [
        ("MAIN/LINE", "SOON", "1"),
        ("MAIN/LINE", "LATE", "5"),
        ("MAIN/RAW", "SOON", "9"),
    ]
    assert "which batch?" in console.says("unresolved", number)
    assert console.refuses("unresolved", 987654) == "not_found"


def test_a_posted_movement_is_reported_as_never_unresolved(plant: Plant, console: Console) -> None:
    moved = plant.books(1, "BRACKET").posting.movements.get(item__code="BRACKET")
    assert console.refuses("unresolved", moved.pk) == "not_unresolved"


def test_resolving_moves_the_quantity_due(plant: Plant, console: Console) -> None:
    plant.books(10, "BRACKET")
    plant.has(50, "BOLT")
    number = plant.queue()[0].pk
    told = console.tells("resolve", number)
    assert (told["resolves"], told["outcome"], told["moved"], told["dropped"], told["kept"]) == (
        number,
        "resolved",
        "40",
        "0",
        None,
    )
    assert plant.balance("BOLT") == 10
    assert console.refuses("resolve", number) == "not_unresolved"


def test_resolving_less_from_another_place_and_keeping_the_rest(plant: Plant, console: Console) -> None:
    plant.books(10, "BRACKET")
    plant.has(50, "BOLT", at="RAW")
    number = plant.queue()[0].pk
    assert console.refuses("resolve", number) == "insufficient_stock"
    said = console.says("resolve", number, "--quantity", 30, "--from", "MAIN/RAW", "--keep")
    assert "30 EA of BOLT moved; 10 EA stay unresolved" in said
    assert plant.waiting() == ["BOLT 10 short"]
    said = console.says("resolve", plant.queue()[0].pk, "--quantity", 4, "--from", "MAIN/RAW")
    assert "4 EA of BOLT moved; 6 EA were not used" in said
    assert plant.balance("BOLT", at="RAW") == 16


def test_resolving_names_the_pieces(plant: Plant, console: Console) -> None:
    plant.has(2, "MOTOR", serials=["S1", "S2"])
    plant.books(2, "CABINET")
    number = plant.queue("MOTOR")[0].pk
    assert console.refuses("resolve", number, "--serial", "S1") == "serials_required"
    told = console.tells("resolve", number, "--serial", "S1", "--serial", "S2")
    assert [movement["serial"] for movement in told["movements"]] == ["S1", "S2"]


@pytest.mark.parametrize("quantity", ["", "NaN", "-1", "0", "0.5"])
def test_an_invalid_quantity_resolves_nothing(plant: Plant, console: Console, quantity: str) -> None:
    plant.books(1, "BRACKET")
    code = console.refuses("resolve", plant.queue()[0].pk, "--quantity", quantity)
    assert code in {"invalid_value", "invalid_quantity"}
    assert plant.waiting() == ["BOLT 4 short"]


def test_cancelling_needs_a_reason(plant: Plant, console: Console) -> None:
    plant.books(1, "BRACKET")
    plant.books(2, "BRACKET")
    numbers = [movement.pk for movement in plant.queue()]
    assert console.refuses("cancel", *numbers) == "remarks_required"
    told = console.tells("cancel", *numbers, "--remarks", "booth was off")
    assert told["cancelled"] == numbers
    assert plant.waiting() == []
    console.says("reverse", told["posting"])
    assert plant.waiting() == ["BOLT 4 short", "BOLT 8 short"]
    assert "1 movement was cancelled" in console.says("cancel", numbers[0], "--remarks", "booth was off")
    assert console.refuses("cancel", numbers[0], "--remarks", "again") == "not_unresolved"


def test_a_retry_settles_the_movements_that_fit(plant: Plant, console: Console) -> None:
    plant.books(1, "BRACKET")
    plant.books(5, "BRACKET")
    plant.has(10, "BOLT")
    preview = console.tells("retry", "--preview")
    assert [(row["due"], row["would_move"]) for row in preview["would_settle"]] == [("4", "4")]
    assert (preview["short"], preview["choice"]) == (1, 0)
    said = console.says("retry", "--preview")
    assert "1 of 2 would be settled; 1 still short, 0 need a choice. Nothing was posted." in said
    assert plant.balance("BOLT") == 10
    told = console.tells("retry", "--key", "morning")
    assert ([one["moved"] for one in told["settled"]], told["unresolved"], len(told["postings"])) == (["4"], 1, 1)
    assert console.tells("retry", "--key", "morning")["postings"] == told["postings"]
    assert plant.balance("BOLT") == 6
    assert console.says("retry") == "0 settled; 1 are still unresolved.\n"
    assert console.refuses("retry", "--at", "2999-01-01") == "date_in_future"


def test_a_retry_can_be_limited_to_some_movements(plant: Plant, console: Console) -> None:
    plant.books(1, "BRACKET")
    plant.books(2, "BRACKET")
    plant.has(50, "BOLT")
    second = plant.queue()[1].pk
    console.says("retry", second)
    assert plant.waiting() == ["BOLT 4 short"]


def test_a_preview_counts_movements_that_need_a_choice_separately(plant: Plant, console: Console) -> None:
    plant.books(1, "BRACKET")
    plant.books(1, "CABINET")
    plant.has(10, "BOLT")
    preview = console.tells("retry", "--preview")
    assert (len(preview["would_settle"]), preview["short"], preview["choice"]) == (1, 2, 2)
    of_one = console.tells("retry", "--preview", plant.queue("MOTOR")[0].pk)
    assert (of_one["would_settle"], of_one["short"], of_one["choice"]) == ([], 0, 1)


def proposes(plant: Plant) -> None:
    Action.objects.filter(name="BACKFLUSH").update(retry=RetryRule.PROPOSE)
    plant.books(2, "BRACKET")
    plant.books(1, "FRAME")
    plant.has(50, "LUG")
    plant.has(9, "BOLT", at="RAW")


def test_a_receipt_lists_the_movements_that_fit_now_and_a_retry_settles_only_these(
    plant: Plant, console: Console
) -> None:
    proposes(plant)
    bolt = plant.queue("BOLT")[0].pk
    moving = ("move", "REPLENISH", "BOLT", 9, "--from", "MAIN/RAW", "--to", "MAIN/LINE", "--key", "m")
    told = console.tells(*moving)
    assert told["fits_now"] == [bolt]
    asks = f"backflush retry --preview --arrived {told['posting']}"
    assert f"1 unresolved movement of this stock fits now. To see them: {asks}" in console.says(*moving)
    assert [one["movement"] for one in console.tells(*asks.split()[1:])["would_settle"]] == [bolt]
    assert [one["resolves"] for one in console.tells("retry", "--arrived", told["posting"])["settled"]] == [bolt]
    assert plant.queue("LUG") != []
    assert console.tells(*moving)["fits_now"] == []
    assert console.tells("retry", "--arrived", told["posting"])["settled"] == []


def test_a_retry_of_arrived_stock_takes_no_movement_numbers_and_no_key(plant: Plant, console: Console) -> None:
    proposes(plant)
    posting = plant.moves(9, "BOLT").pk
    assert console.refuses("retry", plant.queue("BOLT")[0].pk, "--arrived", posting) == "invalid_value"
    assert console.refuses("retry", "--arrived", posting, "--key", "k") == "invalid_value"
    assert console.refuses("retry", "--arrived", 987654) == "not_found"
