"""Near the limits of the database, sums, balances and amounts stay exact or are refused (Q1, Q5)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backflush.core.quantity import from_scaled
from backflush.costing.selectors import order_cost
from backflush.db.fields import ExactSum
from backflush.items.selectors import item_coded
from backflush.items.services import set_costs
from backflush.ledger.models import Balance
from tests.cast import Plant
from tests.databases import rolled_back
from tests.oracle import faults, refused

MOST = Decimal("999999999999.999")
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def test_a_balance_never_exceeds_its_limit(plant: Plant) -> None:
    plant.has(MOST, "PAINT")
    plant.has(MOST, "PAINT", at="RAW")
    with refused("quantity_too_large", field="quantity"):
        plant.has("0.001", "PAINT")
    with refused("quantity_too_large", field="quantity"):
        plant.moves("0.001", "PAINT")
    with refused("quantity_too_large"):
        plant.has(10**12, "PAINT", at="FG")
    assert faults(plant.site) == []


def test_an_assumed_quantity_beyond_the_limit_is_refused(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 100_000_000))
    plant.books(9_999, "BRACKET")
    with refused("quantity_too_large"):
        plant.books(10_000, "BRACKET")
    plant.releases(1, "BRACKET", number="W-2")
    with refused("quantity_too_large"):
        plant.books(999_999_999_999, "W-2")
    assert faults(plant.site) == []


def test_an_order_s_total_beyond_the_limit_is_refused(plant: Plant) -> None:
    plant.consists("BRACKET")
    plant.books(0, "BRACKET", 999_999_999_999)
    with refused("quantity_too_large"):
        plant.books(0, "BRACKET", 1)
    with refused("quantity_too_large"):
        plant.books(1, "BRACKET")


def test_a_structure_keeps_every_digit_it_was_given(plant: Plant) -> None:
    exact = "0.1234567890123456789012345678901234567"
    plant.consists("BRACKET", plant.line(10, "PAINT", exact, "G"))
    plant.has(10**11, "PAINT")
    plant.books(10**11, "BRACKET")
    # A hundred thousand million times a few grams, less than a thousandth of a kilogram out.
    assert plant.balance("PAINT") == 10**11 - Decimal("12345678.901")


@pytest.mark.parametrize("quantity", ["1E+70", "1E-70", "1E-999999", "NaN", "Infinity", "0." + "1" * 60])
def test_a_structure_quantity_with_too_many_digits_is_refused(plant: Plant, quantity: str) -> None:
    with refused("invalid_quantity", field="quantity"):
        plant.consists("BRACKET", plant.line(10, "BOLT", quantity))


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=QUIET)
@given(st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=12))
def test_a_sum_of_the_largest_is_exact(plant: Plant, millionths: list[int]) -> None:
    """Written directly to the table, because the services refuse such quantities."""
    with rolled_back():
        bolt, line = item_coded("BOLT"), plant.location("LINE")
        Balance.objects.bulk_create(
            Balance(site=plant.site, item=bolt, location=line, batch=str(n), quantity=from_scaled(some))
            for n, some in enumerate(millionths)
        )
        rows = Balance.objects.filter(site=plant.site)
        assert rows.aggregate(total=ExactSum("quantity"))["total"] == from_scaled(sum(millionths))
        grouped = rows.values_list("item").annotate(total=ExactSum("quantity"))
        assert list(grouped) == [(bolt.pk, from_scaled(sum(millionths)))]
        assert plant.balance("BOLT") == from_scaled(sum(millionths))


def test_the_sum_of_no_rows_is_zero(plant: Plant) -> None:
    assert Balance.objects.none().aggregate(total=ExactSum("quantity"))["total"] is None
    assert Balance.objects.filter(site=plant.site).aggregate(total=ExactSum("quantity"))["total"] is None
    assert plant.balance("BOLT") == 0


def test_ten_full_batches_are_counted_together(plant: Plant) -> None:
    for number in range(11):
        plant.has(MOST, "RESIN", batch=f"B{number}")
    plant.consists("BRACKET", plant.line(10, "RESIN", 1))
    assert plant.balance("RESIN") == 11 * MOST
    assert plant.foresees(1, "BRACKET").lines[0].there == 11 * MOST
    assert faults(plant.site) == []


def test_the_use_of_an_order_may_exceed_the_limit_of_a_balance(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    set_costs(item_coded("PAINT"), {"standard_material": Decimal("999999999999.999999")})
    for _ in range(11):
        plant.has(MOST, "PAINT", at="RAW")
        plant.issues(MOST, "PAINT", "BRACKET")
    plant.returns(MOST, "PAINT", "BRACKET")
    # Ten times 999,999,999,999.999 at 999,999,999,999.999999 each, computed in whole numbers.
    thousand_millionths = 10 * 999_999_999_999_999 * 999_999_999_999_999_999
    cost = order_cost(plant.cost_object("BRACKET")).material
    assert Fraction(cost) == Fraction(thousand_millionths, 10**9)
    assert faults(plant.site) == []


def test_the_databases_refuse_a_negative_balance_themselves(plant: Plant) -> None:
    plant.has(5, "BOLT")
    with pytest.raises(Exception, match="balance_never_negative"), connection.cursor() as cursor, rolled_back():
        cursor.execute("UPDATE ledger_balance SET quantity = -1")
