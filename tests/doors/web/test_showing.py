"""Numbers and dates as users write and read them, without a database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from backflush.core.refusals import InvalidValue
from backflush.items.models import Item, Unit
from backflush.web.display import formats, number_format
from backflush.web.display.tags.pieces import icon, q
from backflush.web.forms.values import number_in, pks_in
from backflush.web.platform.static_files import STAMP, gather


def test_the_unit_of_the_field_may_follow_a_number() -> None:
    assert number_in({"good": "240 EA"}, "good", unit="EA") == Decimal(240)
    assert number_in({"good": "240ea"}, "good", unit="EA") == Decimal(240)
    with pytest.raises(InvalidValue, match="Enter this quantity in EA, not in KG") as refused:
        number_in({"good": "12 KG"}, "good", unit="EA")
    assert refused.value.field == "good"


def test_the_decimal_sign_is_that_of_the_number_format() -> None:
    assert number_in({"good": "0.5"}, "good") == Decimal("0.5")
    with number_format.override(number_format.COMMA):
        assert number_in({"good": "0,5"}, "good") == Decimal("0.5")
        assert formats.number(Decimal("1460.25")) == "1.460,25"
        assert formats.for_input(Decimal("1460.25")) == "1460,25"
        with pytest.raises(InvalidValue, match=r"can be read in two ways\. Write 1000 or 1,000"):
            number_in({"good": "1.000"}, "good")


def test_an_empty_field_is_none_or_refused() -> None:
    assert number_in({"good": " "}, "good") == Decimal(0)
    with pytest.raises(InvalidValue):
        number_in({}, "good", empty=None)


def test_only_numbers_are_accepted_as_picked_rows() -> None:
    assert pks_in(["1", "2"], field="pick") == [1, 2]
    with pytest.raises(InvalidValue):
        pks_in(["1 or 1=1"], field="pick")


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [("6.2", 2, "6.20"), ("-1460", 0, "\N{MINUS SIGN}1,460"), ("0", 0, "0"), ("1234567.891", None, "1,234,567.891")],
)
def test_numbers_have_their_decimals_and_a_true_minus(value: str, decimals: int | None, shown: str) -> None:
    assert formats.number(Decimal(value), decimals) == shown


def test_a_quantity_has_its_unit_behind_a_space_that_does_not_break() -> None:
    lug = Item(code="LUG-6", quantity_decimals=2, stock_unit=Unit(code="KG"))
    assert q(Decimal("6.2"), lug) == '<span class="quantity">6.20<span class="quantity-unit">&nbsp;KG</span></span>'
    assert "zero" in q(Decimal(0), lug)
    assert q(None, lug) == ""


def test_a_unit_is_never_markup() -> None:
    assert "<b>" not in q(Decimal(1), unit="<b>")


def test_ages_are_counted_by_the_days_of_the_site() -> None:
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert formats.age(midnight) == "today"
    assert formats.age(midnight - timedelta(minutes=1)) == "1 day"
    assert formats.age(midnight - timedelta(days=23)) == "23 days"
    moment = datetime(2025, 3, 12, 23, 30, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        assert formats.when(moment) == "13 Mar 2025 00:30"
        assert formats.weekday(moment) == "Thursday 13 March 2025"


def test_a_count_that_reached_its_limit_says_so() -> None:
    assert formats.counted(10_000, 10_000) == "10,000"
    assert formats.counted(10_001, 10_000) == "more than 10,000"


def test_an_icon_missing_from_the_sprite_is_an_error() -> None:
    assert "#check" in icon("check")
    with pytest.raises(AssertionError, match="make setup"):
        icon("no-such-icon")


def test_collecting_static_files_again_changes_nothing() -> None:
    gather()
    stamp = Path(settings.STATIC_ROOT) / STAMP
    before = stamp.stat().st_mtime_ns
    gather()
    assert stamp.stat().st_mtime_ns == before
