"""The same hostile texts at every door: page, API, stream, command and import give the same answer (Q6).

The answer is the booked quantity, or a refusal with code, field and sentence.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import transaction
from django.urls import reverse

from backflush.backflushing.models import Booking
from backflush.core.refusals import Refusal
from backflush.imports.findings import CORRECT
from backflush.items.models import Unit
from backflush.people.rights import Role
from backflush.streams.line_format import read_line
from backflush.streams.line_posting import LinePoster
from backflush.web.display import number_format
from tests.cast import Plant
from tests.doors.api.programs import program
from tests.doors.console import Console
from tests.doors.web.visitors import signed_in
from tests.imports import bring

AT_FIELD: Final = re.compile(r'id="(?P<field>\w+)-error" role="alert">.*?<span>(?P<sentence>.*?)</span>', re.DOTALL)
AT_HEAD: Final = re.compile(r'(?:role="alert">.*?|</h1>\s*)<p>(?P<sentence>.*?)</p>', re.DOTALL)
Refused = tuple[str, str, str]
Answer = Decimal | Refused
Door = Callable[[str, str], Answer]


@dataclass
class Doors:
    """All doors of one plant; each books one report and takes it back again."""

    plant: Plant
    folder: Path
    kind: str = "booking"
    subject: tuple[str, str] = ("order", "W-BRACKET")
    quantity: str = "good"

    def raw(self, field: str, text: str) -> dict[str, str]:
        """Return what is entered: the text in its field, and one piece where that isn't the quantity."""
        name, value = self.subject
        entered = {name: value, self.quantity: "1", field: text}
        return {**entered, "at": "2026-03-02"} if field != "at" else entered

    def page(self, field: str, text: str) -> Answer:
        """Send the form."""
        name = {"booking": "book-post", "receipt": "receive-post"}[self.kind]
        response = signed_in(self.plant, Role.ADMINISTRATOR).post(reverse(name), {**self.raw(field, text), "key": "k"})
        return self.shown(response)

    def shown(self, response: Any) -> Answer:
        """Return what a page answered."""
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return self.posted()
        html = response.content.decode()
        at_field, at_head = AT_FIELD.search(html), AT_HEAD.search(html)
        shown = at_field or at_head
        assert shown, "a refusal always shows"
        sentence = unescape(shown["sentence"]).replace("\N{MINUS SIGN}", "-")
        return "", at_field["field"] if at_field else "", sentence

    def api(self, field: str, text: str) -> Answer:
        """Send one booking."""
        sent = {"kind": self.kind, **self.raw(field, text)}
        status, body = program(self.plant, Role.ADMINISTRATOR).posts("/sites/MAIN/bookings", sent)
        return self.posted() if status < HTTPStatus.BAD_REQUEST else (body["code"], body["field"], body["sentence"])

    def stream(self, field: str, text: str) -> Answer:
        """Send one line."""
        raw = json.dumps({"kind": self.kind, **self.raw(field, text)}).encode()
        (result,) = LinePoster(self.plant.site, self.plant.storekeeper).post([read_line(1, raw)])
        return _refused(result.refusals[0]) if result.refusals else self.posted()

    def command(self, field: str, text: str) -> Answer:
        """Run the command."""
        entered = self.raw(field, text)
        words: list[str] = [entered.pop(self.subject[0])]
        words += [f"--{name}={value}" for name, value in entered.items() if name != self.quantity]
        # What begins with a minus is marked off, as a person does in a shell.
        words += ["--", entered[self.quantity]]
        command = {"booking": "book", "receipt": "receive"}[self.kind]
        result = Console().run(command, "--json", *words)
        if result.exit_code == 0:
            return self.posted()
        error = json.loads(result.stderr)["error"]
        return error["code"], error["field"], error["sentence"]

    def imported(self, field: str, text: str) -> Answer:
        """Import a file with one row."""
        columns = {"at": "date"}
        entered = {columns.get(name, name): value for name, value in self.raw(field, text).items()}
        path = self.folder / f"{self.kind}s.csv"
        with path.open("w", encoding="utf-8", newline="", errors="surrogatepass") as lines:
            csv.writer(lines).writerows([entered.keys(), entered.values()])
        report = bring(path)
        if not report.findings:
            return self.posted()
        fault = report.findings[0]
        names = {column: name for name, column in columns.items()}
        remedy = "" if fault.remedy == CORRECT else f" {fault.remedy}"
        return fault.code, names.get(fault.column, fault.column), f"{fault.fault}{remedy}"

    @property
    def all(self) -> dict[str, Door]:
        """The doors by name."""
        return {
            "page": self.page,
            "api": self.api,
            "stream": self.stream,
            "command": self.command,
            "import": self.imported,
        }

    def answers(self, field: str, text: str) -> dict[str, Answer]:
        """Return the answer of each door; nothing that one has booked is there for the next."""
        found = {}
        for name, door in self.all.items():
            with taken_back():
                found[name] = door(field, text)
        return found

    def posted(self) -> Decimal:
        """Return the quantity that was posted last."""
        good: Decimal = Booking.objects.latest("pk").good
        return good


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _refused(refusal: Refusal) -> Refused:
    return refusal.code, refusal.field, str(refusal.sentence)


def one_answer(answers: dict[str, Answer]) -> Answer:
    """Return the answer that all doors give. A page shows no code, and at its head no field."""
    first = answers["api"]
    page = answers["page"]
    if isinstance(page, tuple) and isinstance(first, tuple):
        assert page[2] == first[2]
        assert page[1] in {first[1], ""}
        answers = {**answers, "page": first}
    assert answers == dict.fromkeys(answers, first)
    return first


@pytest.fixture
def doors(plant: Plant, tmp_path: Path) -> Doors:
    """A plant with an order of brackets, which are counted in whole pieces, and more than enough of what they take."""
    Unit.objects.create(code="PALLET", name="Pallet")
    plant.has(10**6, "BOLT")
    plant.releases(1000, "BRACKET")
    return Doors(plant, tmp_path)


@pytest.fixture
def receipts(plant: Plant, tmp_path: Path) -> Doors:
    """The same for a purchase order."""
    plant.buys(10, "PLATED")
    return Doors(plant, tmp_path, "receipt", ("order", "P-PLATED"), "accepted")


TAKEN: Final = [
    ("7", "7"),
    (" 7 ", "7"),
    ("+7", "7"),
    ("007", "7"),
    ("7.", "7"),
    ("7.000000", "7"),
    ("7 EA", "7"),
    ("7ea", "7"),
    ("2 BOX", "24"),
]
NO_NUMBER: Final = [
    *("1_0", "1__0", "_1", "1e3", "1E3", "1e-3", "1e999999999", "0x10", "0b1", "1/2", "(7)", "7-", "--7", "+-7"),
    *("NaN", "nan", "sNaN", "inf", "Infinity", "-Infinity", "seven", ".", ",", "+", "-", "1..2", "1.2.3", "1 2"),
    "\u00bd",
    *("\uff17", "\u0667", "\u06f7", "\u096d", "\u2466", "\u2077", "7\u0667", "7\u066b5", "EA", "EA 7", "7 _", "7 7"),
]  # fmt: skip
AMBIGUOUS: Final = ["1,460", "1,5", "0,25", "1.460,5", "1,460.5", "1.460.000", "1 460", "1\u00a0460", "1'460"]


@pytest.mark.parametrize(("text", "quantity"), TAKEN)
def test_a_number_is_booked_at_every_door(doors: Doors, text: str, quantity: str) -> None:
    assert one_answer(doors.answers("good", text)) == Decimal(quantity)


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_refused_alike_at_every_door(doors: Doors, text: str) -> None:
    answer = one_answer(doors.answers("good", text))
    assert answer == ("invalid_value", "good", f"'{text}' is not a number. Write it like 12.5.")


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_other_separators_are_refused_with_the_question_at_every_door(doors: Doors, text: str) -> None:
    answer = one_answer(doors.answers("good", text))
    assert isinstance(answer, tuple)
    assert answer[:2] == ("invalid_value", "good")
    assert " Write " in answer[2]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "invalid_quantity", "enter a quantity, good or scrap"),
        (" ", "invalid_quantity", "enter a quantity, good or scrap"),
        ("0", "invalid_quantity", "enter a quantity, good or scrap"),
        ("-0", "invalid_quantity", "enter a quantity, good or scrap"),
        ("-7", "invalid_quantity", "Enter 0 or more"),
        ("\N{MINUS SIGN}7", "invalid_quantity", "Enter 0 or more"),
        ("7.5", "invalid_quantity", "Enter 7 or 8"),
        ("0.5 BOX", "invalid_quantity", ""),
        ("7.5 EA", "invalid_quantity", "Enter 7 or 8"),
        ("7 PALLET", "no_conversion", "There is no conversion from PALLET to EA"),
        ("1j", "not_found", "There is no unit j"),
        ("7 CRATE", "not_found", "There is no unit CRATE"),
        ("9" * 12 + "9", "quantity_too_large", "too large"),
        ("1" * 40, "quantity_too_large", "too large"),
        ("1" * 5_000, "invalid_value", "too many digits"),
        ("0." + "1" * 5_000, "invalid_value", "too many digits"),
        ("-" + "0" * 5_000, "invalid_value", "too many digits"),
        ("7\0", "invalid_value", "NUL character"),
    ],
)
def test_a_quantity_that_cannot_be_booked_is_refused_alike_at_every_door(
    doors: Doors, text: str, code: str, words: str
) -> None:
    answer = one_answer(doors.answers("good", text))
    if text == "0.5 BOX":
        assert answer == Decimal(6)
        return
    assert isinstance(answer, tuple)
    assert answer[:2] == (code, "good")
    assert words in answer[2]
    assert len(answer[2]) < 300


NO_TIME: Final = [
    *("soon", "12.3.2026", "2026-3-2", "20260302", "2026-W10-1", "2026-02-30", "0000-01-01", "10000-01-01"),
    *("-001-01-01", "\u0662026-03-02", "1" * 5_000, "2026-03-02T24:00", "2026-03-02T25:00", "2026-03-02T10"),
    *("2026-03-02t10:00", "2026-06-30T23:59:60", "2026-03-02T10:00+25:00", "2026-03-02 10:00 CET", "2026-03-02\0"),
    *("0001-01-01", "0001-01-01T00:00+14:00", "1900-01-01", "1969-12-31T23:00"),
    *("9999-12-31", "9999-12-31T23:59:59-23:59"),
]
NOT_YET: Final = ["2999-01-01", "2999-01-01T10:00", "2999-01-01T10:00-11:00"]


@pytest.mark.parametrize(
    ("text", "code"),
    [*((text, "invalid_value") for text in NO_TIME), *((text, "date_in_future") for text in NOT_YET)],
)
def test_a_time_that_cannot_be_is_refused_alike_at_every_door(doors: Doors, text: str, code: str) -> None:
    answer = one_answer(doors.answers("at", text))
    assert isinstance(answer, tuple)
    assert answer[:2] == (code, "at")
    assert len(answer[2]) < 300


@pytest.mark.parametrize("text", ["2026-03-02", "2026-03-02T10:00", "2026-03-02 10:00:30.5", "2026-03-02T10:00Z", ""])
def test_a_time_is_taken_at_every_door(doors: Doors, text: str) -> None:
    assert one_answer(doors.answers("at", text)) == 1


@pytest.mark.parametrize(
    ("text", "words"), [("2026-03-29T02:30", "doesn't exist"), ("2025-10-26T02:30", "happens twice")]
)
def test_a_time_that_the_clocks_skip_or_repeat_is_refused_alike_at_every_door(
    doors: Doors, text: str, words: str
) -> None:
    doors.plant.site.time_zone = "Europe/Berlin"
    doors.plant.site.save()
    answer = one_answer(doors.answers("at", text))
    assert isinstance(answer, tuple)
    assert answer[:2] == ("invalid_value", "at")
    assert words in answer[2]
    assert one_answer(doors.answers("at", f"{text}+01:00")) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("1_0", "1e1", "ten", "1.5", "-1", "0x10", "\u0661\u0660", "\uff11\uff10", "\u00b9", "10 EA", "1,0", "10\0"),
        *("2147483648", "9" * 19, "9" * 5_000),
    ],
)
def test_a_line_number_that_is_none_is_refused_alike_at_every_door(receipts: Doors, text: str) -> None:
    answer = one_answer(receipts.answers("line", text))
    assert isinstance(answer, tuple)
    assert answer[:2] == ("invalid_value", "line")
    assert len(answer[2]) < 300


@pytest.mark.parametrize("text", ["10", " 10 ", "+10", "10.0", "010", ""])
def test_a_line_number_is_taken_at_every_door(receipts: Doors, text: str) -> None:
    assert one_answer(receipts.answers("line", text)) == 1


COMMAS: Final = [
    ("7,0", Decimal(7)),
    ("1,000", Decimal(1)),
    ("1.000", "'1.000' can be read in two ways. Write 1000 or 1,000."),
    ("1.250 EA", "'1.250 EA' can be read in two ways. Write 1250 or 1,250."),
    ("1.460,5", "'1.460,5' has thousands separators. Write 1460,5."),
    ("1.460.000", "'1.460.000' has thousands separators. Write 1460000."),
    ("1_0", "'1_0' is not a number. Write it like 12,5."),
]


@pytest.mark.parametrize(("text", "answer"), COMMAS)
def test_a_point_between_thousands_is_refused_with_the_question_where_commas_are_decimal_signs(
    doors: Doors, text: str, answer: Decimal | str
) -> None:
    client = signed_in(doors.plant, Role.ADMINISTRATOR)
    client.cookies[number_format.COOKIE] = number_format.COMMA.name
    path = doors.folder / "bookings.csv"
    path.write_text(f"order;good;date\nW-BRACKET;{text};2026-03-02\n", encoding="utf-8")
    with taken_back():
        response = client.post(reverse("book-post"), {**doors.raw("good", text), "key": "k"})
        page = Booking.objects.latest("pk").good if response.status_code < HTTPStatus.BAD_REQUEST else None
    shown = AT_FIELD.search(response.content.decode())
    assert (page or unescape(shown["sentence"] if shown else "")) == answer
    report = bring(path)
    found = report.findings[0] if report.findings else None
    assert (f"{found.fault} {found.remedy}" if found else Booking.objects.latest("pk").good) == answer


def test_a_file_with_semicolons_may_have_points_that_mean_one_thing_only(doors: Doors) -> None:
    path = doors.folder / "bookings.csv"
    path.write_text("order;good;date\nW-BRACKET;7.0;2026-03-02\n", encoding="utf-8")
    assert not bring(path).findings
    assert Booking.objects.get().good == 7
