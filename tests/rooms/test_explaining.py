"""The explanation of a movement's quantity, in words and step by step, from recorded facts only."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from backflush.backflushing.explanation import MINUS, TIMES, QuantityExplanation, figure, in_words
from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import UseOutcome, explain
from backflush.ledger.models import Movement, Posting
from tests.cast import Plant


def told(plant: Plant, of: Booking | Posting, item: str) -> QuantityExplanation:
    posting = of.posting if isinstance(of, Booking) else of
    return in_words(explain(plant.site, Movement.objects.get(posting=posting, item__code=item).pk))


def steps_of(story: QuantityExplanation) -> dict[str, tuple[str, str]]:
    return {step.label: (step.arithmetic, step.result) for step in story.steps}


@pytest.mark.parametrize(
    ("exact", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(40), "40"),
        (Fraction(5, 32), "0.15625"),
        (Fraction(1, 10**9), "0.000000001"),
        (Fraction(100, 97), "100/97 (about 1.030928)"),
        (Fraction(1, 12), "1/12 (about 0.083333)"),
    ],
)
def test_an_exact_value_is_a_finite_decimal_or_a_ratio(exact: Fraction, text: str) -> None:
    assert figure(exact) == text


def test_the_sentence_and_the_steps_of_a_second_booking(plant: Plant) -> None:
    plant.has(50, "PAINT")
    plant.books(57, "FRAME", 3)
    story = told(plant, plant.books(40, "FRAME"), "PAINT")
    assert story.sentence == (
        "40 EA of FRAME were booked on W-FRAME. By its structure, one FRAME takes 150 G of PAINT, with 4 % waste. "
        "With the 60 booked before, the total is 15.625 KG. 9.375 KG had already been assumed, so this booking assumes "
        "6.250 KG. All of it moved."
    )
    assert steps_of(story) == {
        "Made now": ("40 good, 0 scrap", "40 EA"),
        "Made before": ("on W-FRAME", "60 EA"),
        "Line 30": ("PAINT for one FRAME", "150 G"),
        "4 % waste": (f"150 {TIMES} 100 / 96", "156.25 G"),
        "G to KG": (f"156.25 {TIMES} 0.001", "0.15625 KG"),
        "Exact, this booking": (f"40 {TIMES} 0.15625", "6.25 KG"),
        "Exact, before": (f"60 {TIMES} 0.15625", "9.375 KG"),
        "Exact, in total": ("9.375 + 6.25", "15.625 KG"),
        "Rounded": ("half up to 3 decimals", "15.625 KG"),
        "Assumed before": ("the sum of the earlier bookings", "9.375 KG"),
        "Assumed now": (f"15.625 {MINUS} 9.375", "6.250 KG"),
        "of which moved": ("", "6.250 KG"),
    }
    assert story.route == "Type code MADE → action BACKFLUSH → rule from MAIN/LINE to MAIN/WIP."
    assert story.notes == ()


def test_the_first_booking_has_nothing_before_it(plant: Plant) -> None:
    story = told(plant, plant.books(1, "BRACKET"), "BOLT")
    assert story.sentence == (
        "1 EA of BRACKET was booked on W-BRACKET. By its structure, one BRACKET takes 4 EA of BOLT. "
        "The booking takes 4 EA. 4 EA are unresolved: there was not enough stock."
    )
    assert "Assumed before" not in steps_of(story)
    assert steps_of(story)["of which still unresolved"] == ("", "4 EA")


def test_each_phantom_on_the_path_is_a_step(plant: Plant) -> None:
    plant.consists("CABINET", plant.line(10, "PANEL", 2, waste=20))
    plant.has(1000, "BOLT")
    story = told(plant, plant.books(5, "CABINET"), "BOLT")
    assert "one CABINET takes 2 EA of PANEL, one PANEL takes 6 EA of BOLT" in story.sentence
    assert "with 20 % waste on line 10" in story.sentence
    assert steps_of(story)["Line 10"] == ("PANEL for one CABINET", "2 EA")
    assert steps_of(story)["Line 20"] == ("BOLT for one PANEL", "6 EA")
    assert steps_of(story)["For one CABINET"] == (f"2.5 {TIMES} 6", "15 EA")


def test_a_repeating_value_is_shown_as_a_ratio(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "PAINT", 1, waste=3))
    plant.has(50, "PAINT")
    steps = steps_of(told(plant, plant.books(1, "BRACKET"), "PAINT"))
    assert steps["Exact, this booking"][1] == "100/97 (about 1.030928) KG"
    assert steps["Rounded"][1] == "1.031 KG"


def test_a_fixed_quantity_is_taken_by_the_first_booking_only(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "PAINT", 200, "G", fixed=500))
    plant.has(50, "PAINT")
    first, second = plant.books(5, "BRACKET"), plant.books(5, "BRACKET")
    assert "200 G of PAINT, and 500 G once for set-up" in told(plant, first, "PAINT").sentence
    assert steps_of(told(plant, first, "PAINT"))["Set-up, once"] == (
        "taken by the first booking that isn't reversed",
        "0.5 KG",
    )
    after = steps_of(told(plant, second, "PAINT"))
    assert "Set-up, once" not in after
    assert after["Exact, before"] == (f"5 {TIMES} 0.2 + 0.5 for set-up", "1.5 KG")
    assert after["Exact, in total"] == ("1.5 + 1", "2.5 KG")


def test_the_explanation_shows_the_present_state(plant: Plant) -> None:
    booking = plant.books(10, "BRACKET")
    plant.has(100, "BOLT")
    plant.resolves("BOLT", 25, remainder="keep")
    plant.cancels("BOLT")
    story = told(plant, booking, "BOLT")
    assert story.sentence.endswith("25 EA moved, 15 EA were cancelled.")
    assert [step.label for step in story.steps][-2:] == ["of which moved", "of which cancelled"]


def test_less_and_more_use_than_due_are_explained(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    less, more = plant.books(10, "BRACKET"), plant.books(10, "BRACKET")
    plant.resolves("BOLT", 30, source="RAW")
    plant.resolves("BOLT", 41, source="RAW")
    assert told(plant, less, "BOLT").sentence.endswith("30 EA moved, 10 EA were not used.")
    assert told(plant, more, "BOLT").sentence.endswith("41 EA moved, 1 EA more than assumed was used.")


def test_a_resolution_is_explained_by_what_it_settles(plant: Plant) -> None:
    plant.books(10, "BRACKET")
    plant.has(100, "BOLT", at="RAW")
    original = plant.queue()[0].pk
    settled = plant.resolves("BOLT", source="RAW")
    resolution = settled.posting.movements.get()
    story = told(plant, settled.posting, "BOLT")
    assert story.notes == (
        f"Movement {resolution.pk} settles movement {original}.",
        "It came from MAIN/RAW, not from MAIN/LINE as planned.",
    )


def test_a_kept_remainder_and_a_reversal_name_their_original(plant: Plant) -> None:
    booking = plant.books(10, "BRACKET")
    plant.has(100, "BOLT")
    original = plant.queue()[0].pk
    plant.resolves("BOLT", 25, remainder="keep")
    kept = plant.queue()[0].pk
    assert in_words(explain(plant.site, kept)).notes == (
        f"Movement {kept} is the open remainder of movement {original}.",
    )
    reversal = plant.reverses(booking)
    mirror = reversal.movements.get(item__code="BOLT")
    assert in_words(explain(plant.site, mirror.pk)).notes == (
        f"Movement {mirror.pk} reverses movement {mirror.reverses_id}.",
        f"The booking was reversed by posting {reversal.pk}.",
    )


def test_an_undone_resolution_is_unresolved_again_in_the_explanation(plant: Plant) -> None:
    booking = plant.books(10, "BRACKET")
    plant.has(100, "BOLT")
    plant.reverses(plant.resolves("BOLT"))
    facts = explain(plant.site, Movement.objects.get(posting=booking.posting, item__code="BOLT").pk)
    assert facts.outcome == UseOutcome(unresolved=Decimal(40))


def test_a_partly_posted_line_is_explained(plant: Plant) -> None:
    plant.has(7, "LUG")
    facts = explain(plant.site, plant.books(1, "TRAY").posting.movements.filter(item__code="LUG").first().pk)  # type: ignore[union-attr]
    assert facts.outcome == UseOutcome(moved=Decimal(7), unresolved=Decimal(3))


def test_earlier_bookings_reversed_since_still_count_in_the_explanation(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", "0.4"))
    plant.has(100, "BOLT")
    first = plant.books(1, "BRACKET")
    second = plant.books(1, "BRACKET")
    plant.reverses(first)
    facts = explain(plant.site, second.posting.movements.get(item__code="BOLT").pk)
    assert facts.produced_before == 1
    assert facts.use.assumed_before == 0
    assert facts.use.quantity == 1


def test_a_receipt_is_explained_in_its_own_terms(plant: Plant) -> None:
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.buys(20, "PLATED")
    story = told(plant, plant.receives(9, "PLATED", 1), "LUG")
    assert story.sentence.startswith("10 EA of PLATED (9 accepted, 1 rejected) were received on P-PLATED/10.")


def test_an_order_in_another_unit_says_so(plant: Plant) -> None:
    plant.releases(5, "BRACKET", unit="BOX")
    story = told(plant, plant.books(1, "BRACKET", 1), "BOLT")
    assert story.sentence.startswith(
        "24 EA of BRACKET (1 good, 1 scrap, in the order's unit) were booked on W-BRACKET."
    )


def test_a_production_is_explained_without_earlier_bookings(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.produces(1, "PACK")
    story = told(plant, plant.produces(2, "PACK"), "BOLT")
    assert story.sentence.startswith("2 EA of PACK were produced without order.")
    assert steps_of(story)["Made before"] == ("without order, so earlier bookings don't count", "0 EA")


def test_a_place_of_the_line_or_of_the_supplier_is_named(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, source="RAW"))
    assert told(plant, plant.books(1, "BRACKET"), "BOLT").route.endswith(
        "rule from MAIN/LINE to MAIN/WIP; taken from MAIN/RAW, the line's own from-location."
    )
    plant.names_stock_of("ACME", "RAW")
    plant.buys(20, "PLATED")
    assert told(plant, plant.receives(1, "PLATED"), "LUG").route.endswith(
        "rule from ACME/STOCK to ACME/USED; taken from MAIN/RAW, the supplier's stock."
    )


def test_a_later_change_of_the_structure_is_mentioned_and_changes_no_explanation(plant: Plant) -> None:
    plant.has(100, "BOLT")
    booking = plant.books(10, "BRACKET")
    before = told(plant, booking, "BOLT")
    plant.consists("BRACKET", plant.line(10, "BOLT", 5, waste=2))
    after = told(plant, booking, "BOLT")
    assert (after.sentence, after.steps) == (before.sentence, before.steps)
    assert after.notes == ("Since then: line 10 (BOLT) has 5 EA with 2 % waste today.",)
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, ends=date(2026, 3, 12)))
    assert told(plant, booking, "BOLT").notes == ("Since then: line 10 (BOLT) ended on 12 Mar 2026.",)
    plant.consists("BRACKET", plant.line(10, "LUG", 4))
    assert told(plant, booking, "BOLT").notes == ("Since then: line 10 (BOLT) isn't in the structure any more.",)


def test_earlier_receipts_with_another_structure_are_shown_separately(plant: Plant) -> None:
    plant.consists(
        "PLATED",
        plant.line(10, "LUG", 4, ends=date(2026, 3, 2)),
        plant.line(10, "LUG", 5, starts=date(2026, 3, 3)),
    )
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.buys(20, "PLATED")
    plant.receives(2, "PLATED", at=date(2026, 3, 2))
    steps = steps_of(told(plant, plant.receives(2, "PLATED", at=date(2026, 3, 3)), "LUG"))
    assert steps["Exact, before"] == ("each booking with its own structure", "8 EA")
    assert steps["Exact, in total"] == ("8 + 10", "18 EA")
    assert Decimal(steps["Assumed now"][1].split()[0]) == 10
