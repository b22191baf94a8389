"""The same hostile texts in counts and in the other lines of a stream, with the answers that bookings give (Q6)."""

import csv
import json
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

import pytest
from django.urls import reverse

from backflush.counts.models import StockCount
from backflush.imports.findings import CORRECT
from backflush.people.rights import Role
from backflush.streams.line_format import read_line
from backflush.streams.line_posting import LinePoster
from tests.doors.api.programs import program
from tests.doors.console import Console
from tests.doors.test_hostile_values import AMBIGUOUS, NO_NUMBER, NO_TIME, NOT_YET, Answer, Doors, Refused, one_answer
from tests.doors.test_hostile_values import doors as doors
from tests.doors.web.visitors import signed_in
from tests.imports import bring

pytestmark = pytest.mark.parametrize("plant", ["sqlite"], indirect=True)
"""The answers don't depend on the engine."""


class CountDoors(Doors):
    """The doors through which a count comes in."""

    def raw(self, field: str, text: str) -> dict[str, str]:
        """Return what is entered: the text in its field, and seven pieces where that isn't the quantity."""
        count = {"item": "BOLT", "location": "MAIN/LINE", "quantity": "7", "at": "2026-03-02"}
        return {**count, field: text}

    def page(self, field: str, text: str) -> Answer:
        """Send the form."""
        sent = {**self.raw(field, text), "method": "seen", "key": "k"}
        response = signed_in(self.plant, Role.ADMINISTRATOR).post(reverse("count-post"), sent)
        return self.shown(response)

    def api(self, field: str, text: str) -> Answer:
        """Send an array with one line."""
        body = [{"kind": "count", **self.raw(field, text)}]
        status, answers = program(self.plant, Role.ADMINISTRATOR).posts("/sites/MAIN/bookings/bulk", body)
        assert status == HTTPStatus.OK
        (answer,) = answers
        return self.posted() if answer["outcome"] == "booked" else _first(answer)

    def stream(self, field: str, text: str) -> Answer:
        """Send one line."""
        raw = json.dumps({"kind": "count", **self.raw(field, text)}).encode()
        (result,) = LinePoster(self.plant.site, self.plant.storekeeper).post([read_line(1, raw)])
        refused = result.refusals
        return (refused[0].code, refused[0].field, str(refused[0].sentence)) if refused else self.posted()

    def command(self, field: str, text: str) -> Answer:
        """Run the command."""
        entered = self.raw(field, text)
        result = Console().run(
            "count", "enter", "--json", f"--at={entered['at']}", "--", "BOLT", "MAIN/LINE", entered["quantity"]
        )
        if result.exit_code == 0:
            return self.posted()
        error = json.loads(result.stderr)["error"]
        return error["code"], error["field"], error["sentence"]

    def imported(self, field: str, text: str) -> Answer:
        """Import a file with one row."""
        entered = self.raw(field, text)
        path = self.folder / "counts.csv"
        with path.open("w", encoding="utf-8", newline="", errors="surrogatepass") as lines:
            csv.writer(lines).writerows([entered.keys(), entered.values()])
        report = bring(path)
        if not report.findings:
            return self.posted()
        fault = report.findings[0]
        remedy = "" if fault.remedy == CORRECT else f" {fault.remedy}"
        return fault.code, fault.column, f"{fault.fault}{remedy}"

    def posted(self) -> Decimal:
        """Return the quantity that was counted last."""
        quantity: Decimal = StockCount.objects.latest("pk").quantity
        return quantity


def _first(answer: dict[str, Any]) -> Refused:
    refusal = answer["refusals"][0]
    return refusal["code"], refusal["field"], refusal["sentence"]


@pytest.fixture
def counts(doors: Doors) -> CountDoors:
    return CountDoors(doors.plant, doors.folder)


@pytest.mark.parametrize("text", ["7", " 7 ", "+7", "007", "7.000000", "7 EA", "7ea"])
def test_a_count_is_entered_at_every_door(counts: CountDoors, text: str) -> None:
    assert one_answer(counts.answers("quantity", text)) == 7


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_refused_alike_in_counts(counts: CountDoors, text: str) -> None:
    answer = one_answer(counts.answers("quantity", text))
    assert answer == ("invalid_value", "quantity", f"'{text}' is not a number. Write it like 12.5.")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "invalid_value") for text in (*AMBIGUOUS, "1" * 5_000, "0." + "1" * 5_000, "7\0")),
        *((text, "invalid_quantity") for text in ("-7", "\N{MINUS SIGN}7", "7.5", "7.5 EA")),
        ("7 PALLET", "no_conversion"),
        ("7 CRATE", "not_found"),
        ("9" * 13, "quantity_too_large"),
    ],
)
def test_a_quantity_that_cannot_be_counted_is_refused_alike_at_every_door(
    counts: CountDoors, text: str, code: str
) -> None:
    answer = one_answer(counts.answers("quantity", text))
    assert isinstance(answer, tuple)
    assert answer[:2] == (code, "quantity")
    assert len(answer[2]) < 300


@pytest.mark.parametrize(
    ("text", "code"),
    [*((text, "invalid_value") for text in NO_TIME), *((text, "date_in_future") for text in NOT_YET)],
)
def test_a_time_that_cannot_be_is_refused_alike_in_counts(counts: CountDoors, text: str, code: str) -> None:
    answer = one_answer(counts.answers("at", text))
    assert isinstance(answer, tuple)
    assert answer[:2] == (code, "at")


LINES: Final = [
    {"kind": "move", "action": "REPLENISH", "item": "BOLT", "quantity": "1", "from": "MAIN/RAW", "to": "MAIN/LINE"},
    {"kind": "issue", "order": "W-BRACKET", "item": "LUG", "quantity": "1"},
    {"kind": "return", "order": "W-BRACKET", "item": "LUG", "quantity": "1"},
    {"kind": "resolve", "of": "B1", "item": "BOLT", "quantity": "1"},
    {"kind": "cancel", "of": "B1", "item": "BOLT", "remarks": "not used"},
    {"kind": "reverse", "of": "B1"},
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["kind"])
def test_the_other_lines_of_a_stream_refuse_what_bookings_refuse(doors: Doors, line: dict[str, str]) -> None:
    """Numbers and times are refused when the line is read, so nothing has to exist for it."""
    bad = [("at", text) for text in NO_TIME]
    if "quantity" in line:
        bad += [("quantity", text) for text in (*NO_NUMBER, *AMBIGUOUS, "1" * 5_000, "7\0")]
    read = [
        read_line(number, json.dumps({**line, field: text}).encode()) for number, (field, text) in enumerate(bad, 1)
    ]
    results = LinePoster(doors.plant.site, doors.plant.storekeeper).post(read)
    for (field, text), result in zip(bad, results, strict=True):
        refusal = result.refusals[0]
        assert (refusal.code, refusal.field) == ("invalid_value", field), text
        assert str(refusal.sentence) == doors.stream("at" if field == "at" else "good", text)[2]  # type: ignore[index]
