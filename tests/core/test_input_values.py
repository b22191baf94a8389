"""Input of people and programs is read by one grammar, and ambiguous input is refused."""

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.core.input_values import (
    DIGITS_MAX,
    PLAIN,
    SEMICOLON_FILE,
    Amount,
    Dialect,
    read_amount,
    read_day,
    read_moment,
    read_number,
    read_ratio,
    read_whole,
    require_text,
    split_serials,
    whole_or_none,
)
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue

COMMA = Dialect(",")


def refused(read: object, text: str, **how: object) -> str:
    with pytest.raises(InvalidValue) as refusal:
        read(text, field="good", **how)  # type: ignore[operator]
    assert refusal.value.field == "good"
    return refusal.value.sentence


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("38", "38"),
        (" 12.50\n", "12.5"),
        ("+5", "5"),
        ("-5", "-5"),
        ("\N{MINUS SIGN}5", "-5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007", "7"),
        ("9" * DIGITS_MAX, "9" * DIGITS_MAX),
    ],
)
def test_a_number_is_a_sign_digits_and_one_decimal_sign(text: str, number: str) -> None:
    assert read_number(text, field="good") == Decimal(number)
    assert read_number(text.replace(".", ","), field="good", dialect=COMMA) == Decimal(number)


@pytest.mark.parametrize("dialect", [PLAIN, COMMA, SEMICOLON_FILE])
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-", "+", ".", ",", "--1", "+-1", "1-", "1+1", "one", "NaN", "nan", "sNaN", "inf", "Infinity"),
        "-Infinity",
        *("1_0", "1e3", "1E3", "1e-3", "0x10", "0b1", "1j", "1/3", "1..2", "1,,2", "1.2.3", "(1)", "1 2"),
        *("\uff11\uff12", "\u0663", "\u0967", "\u00b2", "1\u0663", "\u2460", "1\u066b5"),
    ],
)  # fmt: skip
def test_any_other_text_is_not_a_number_in_any_dialect(text: str, dialect: Dialect) -> None:
    assert refused(read_number, text, dialect=dialect).endswith(f"Write it like {dialect.written('12.5')}.")


def test_too_many_digits_are_refused_before_they_are_converted() -> None:
    for text in ("1" * 5_000, "0." + "1" * 5_000, "-" + "0" * 5_000, "1" * (DIGITS_MAX + 1)):
        assert "has too many digits. Write at most 40." in refused(read_number, text)
        assert len(refused(read_number, text)) < 120


@pytest.mark.parametrize(
    ("text", "dialect", "question"),
    [
        ("1,460", PLAIN, "'1,460' can be read in two ways. Write 1460 or 1.460."),
        ("1.000", COMMA, "'1.000' can be read in two ways. Write 1000 or 1,000."),
        ("1.250", SEMICOLON_FILE, "'1.250' can be read in two ways. Write 1250 or 1,250."),
        ("-1.250", COMMA, "'-1.250' can be read in two ways. Write -1250 or -1,250."),
        ("1.250 KG", COMMA, "'1.250 KG' can be read in two ways. Write 1250 or 1,250."),
        ("12,5", PLAIN, "'12,5' is not a number here. Write 12.5."),
        ("12.5", COMMA, "'12.5' is not a number here. Write 12,5."),
        ("0.250", COMMA, "'0.250' is not a number here. Write 0,250."),
        ("1.234,5", PLAIN, "'1.234,5' has thousands separators. Write 1234.5."),
        ("1,234.5", PLAIN, "'1,234.5' has thousands separators. Write 1234.5."),
        ("1.234,5", COMMA, "'1.234,5' has thousands separators. Write 1234,5."),
        ("1.234.567", COMMA, "'1.234.567' has thousands separators. Write 1234567."),
        ("1 460", PLAIN, "'1 460' has thousands separators. Write 1460."),
        ("1'460", COMMA, "'1'460' has thousands separators. Write 1460."),
    ],
)
def test_thousands_separators_are_refused_with_the_number_to_write(text: str, dialect: Dialect, question: str) -> None:
    assert refused(read_amount, text, dialect=dialect) == question


@pytest.mark.parametrize(("text", "number"), [("12.5", "12.5"), ("0.250", "0.25"), ("12,5", "12.5"), ("1,250", "1.25")])
def test_a_file_with_semicolons_may_contain_unambiguous_points(text: str, number: str) -> None:
    assert read_number(text, field="good", dialect=SEMICOLON_FILE) == Decimal(number)


@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=6), st.sampled_from([PLAIN, COMMA]))
def test_a_written_number_reads_back_equal(number: Decimal, dialect: Dialect) -> None:
    assert read_number(dialect.written(written(number)), field="good", dialect=dialect) == number


@given(st.text(max_size=30))
def test_every_text_is_a_number_or_refused(text: str) -> None:
    with suppress(InvalidValue):
        assert read_number(text, field="good").is_finite()


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("7", 7, ""),
        ("7 PCS", 7, "PCS"),
        ("7PCS", 7, "PCS"),
        (" 7  PCS ", 7, "PCS"),
        ("7 M2", 7, "M2"),
        ("4%", 4, "%"),
        ("7 St\u00fcck", 7, "St\u00fcck"),
    ],
)
def test_a_quantity_may_carry_its_unit(text: str, number: int, unit: str) -> None:
    assert read_amount(text, field="good") == Amount(Decimal(number), unit)


@pytest.mark.parametrize("text", ["PCS", "PCS 7", "7 7", "7 _X", "1e3", "0x10", "7M2", "1_0 PCS", "\u0663 PCS"])
def test_an_invalid_number_with_a_unit_is_quoted_whole_in_the_refusal(text: str) -> None:
    assert refused(read_amount, text).startswith(repr(text))


@pytest.mark.parametrize(("text", "number"), [("10", 10), ("10.0", 10), ("0", 0), ("+7", 7), (" 3 ", 3)])
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert read_whole(text, field="line") == number
    assert whole_or_none(text) == number


@pytest.mark.parametrize("text", ["", "1.5", "x", "1_0", "1e3", "\u0663", "\uff11", "9" * 5_000, "1,0", "\u00b2"])
def test_an_invalid_whole_number_is_refused(text: str) -> None:
    assert "whole number. Write it like 10." in refused(read_whole, text)
    assert whole_or_none(text) is None


def test_a_whole_number_has_its_bounds() -> None:
    assert refused(read_whole, "-1") == "'-1' is too small. Write a whole number from 0."
    assert refused(read_whole, "11", most=10) == "'11' is too large. Write a whole number up to 10."
    assert whole_or_none("11", most=10) is None
    assert whole_or_none("9223372036854775808") is None


def test_a_ratio_is_a_number_or_two() -> None:
    assert read_ratio("1/3", field="factor") == Fraction(1, 3)
    assert read_ratio(" 2,5 / 10", field="factor", dialect=COMMA) == Fraction(1, 4)
    assert "divides by zero" in refused(read_ratio, "1/0")
    assert "is not a number" in refused(read_ratio, "1/2/3")


@pytest.mark.parametrize(
    "text",
    [
        *("", "today", "12.3.2026", "2026-3-2", "20260312", "2026-W11-4", "2026-02-30", "2025-02-29", "0000-01-01"),
        *("10000-01-01", "-001-01-01", "2026-13-01", "\u0662\u0660\u0662\u0666-03-12", "1" * 5_000),
    ],
)
def test_an_invalid_date_is_refused(text: str) -> None:
    assert refused(read_day, text).endswith(" is not a date. Write it like 2026-03-12.")
    assert refused(read_moment, text).endswith(" is not a date. Write it like 2026-03-12 or 2026-03-12T14:30.")


def test_a_date_may_be_of_any_year_but_has_no_time() -> None:
    assert read_day("0001-01-01", field="starts") == date.min
    assert read_day("9999-12-31", field="ends") == date.max
    assert "has a time. Write the date only" in refused(read_day, "2026-03-12T14:30")


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-12T24:00", "2026-03-12T25:00", "2026-03-12T14:60", "2026-06-30T23:59:60", "2026-06-30T23:59:60Z"),
        *("2026-03-12T14", "2026-03-12T1430", "2026-03-12t14:30", "2026-03-12T14:30+25:00", "2026-03-12X14:30"),
        *("2026-03-12T14:30+01:00:00.5", "2026-03-12T\uff11\uff14:30", "2026-03-12T14:30 Europe/Berlin"),
    ],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    assert "is not a date. Write it like 2026-03-12 or 2026-03-12T14:30." in refused(read_moment, text)


def test_a_moment_is_a_day_or_a_time_with_or_without_an_offset() -> None:
    assert read_moment("2026-03-12", field="at") == date(2026, 3, 12)
    assert read_moment("2026-03-12 14:30:05.25", field="at") == datetime(2026, 3, 12, 14, 30, 5, 250_000)  # noqa: DTZ001
    for text in ("2026-03-12T14:30Z", "2026-03-12T15:30+01:00", "2026-03-12T15:30+0100", "2026-03-12T15:30+01"):
        assert read_moment(text, field="at") == datetime(2026, 3, 12, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("0001-01-01", "0001-01-01T00:00+14:00", "1969-12-31", "1900-01-01T00:00"),
        *("9999-12-31", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999999"),
    ],
)
def test_a_moment_before_1970_or_after_9998_is_refused(text: str) -> None:
    assert "is out of range. Write a date of the years 1970 to 9998." in refused(read_moment, text)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31, 23, 59), timezones=st.timezones()))  # noqa: DTZ001
def test_every_accepted_moment_can_be_converted_to_any_time_zone(moment: datetime) -> None:
    read = read_moment(moment.replace(second=0, microsecond=0).isoformat()[:16] + "-23:59", field="at")
    assert isinstance(read, datetime)
    assert read.astimezone(UTC) == read


@pytest.mark.parametrize(
    ("text", "serials"),
    [
        ("", []),
        (" , ; ", []),
        ("S-1", ["S-1"]),
        ("S-1 S-2,S-3;S-4\nS-5\t,S-6", ["S-1", "S-2", "S-3", "S-4", "S-5", "S-6"]),
    ],
)
def test_serial_numbers_are_split_at_any_separator_that_scanners_send(text: str, serials: list[str]) -> None:
    assert split_serials(text) == serials


def test_text_that_a_database_cannot_store_is_refused() -> None:
    for read in (require_text, read_number, read_amount, read_whole, read_day, read_moment):
        assert "NUL character" in refused(read, "1\0")
        assert "damaged character" in refused(read, "1\udc80")
    assert "damaged character" in refused(require_text, "a\udc80b")
    assert require_text("\U0001f600", field="good") == "\U0001f600"
