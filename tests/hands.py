"""All operations of users in the plant of `tests/cast.py`, chosen at random.

A `Deed` is one operation with its content; `Hands` picks the next one from the present state: an unresolved movement, a
posting that can be reversed, an order. Hypothesis chooses in property tests, a seeded random generator in races. An
operation may be refused, but only by `REFUSALS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report
from backflush.booking_kinds import KINDS as ALL
from backflush.core.moves import Process
from backflush.counts.models import StockCount
from backflush.ledger.models import Movement, Posting
from backflush.unresolved.models import Settlement
from tests.cast import DAY, Plant

REFUSALS: Final = frozenset(
    {
        "already_reversed",
        "batch_required",
        "bin_required",
        "insufficient_stock",
        "invalid_quantity",
        "more_than_issued",
        "not_reversible",
        "not_unresolved",
        "order_not_open",
        "serial_in_stock",
        "serials_required",
        "settled_since",
    }
)
"""The refusals that can follow from the state; any other is an error of the operation or the program."""

ORDERED = ("BRACKET", "FRAME", "CABINET", "TRAY", "CRATE")
COMPONENTS = ("BOLT", "LUG", "TUBE", "PAINT", "SHEET")
SERIALS = ("S1", "S2", "S3", "S4")
BATCHES = ("B1", "B2")
QUANTITIES = ("1", "2", "3", "5", "8", "20")
Choose = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Deed:
    """One operation with its arguments."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def do(self, plant: Plant, **more: Any) -> Any:
        """Carry it out, and return what identifies its outcome."""
        if self.name == "books_many":
            reports = [one.report(plant) for one in self.arguments["deeds"]]
            return identity([one.booking for one in take_reports(reports, ALL, site=plant.site, by=plant.storekeeper)])
        return identity(getattr(plant, self.name)(**{**self.arguments, **more}))

    def report(self, plant: Plant, **more: Any) -> Report:
        """Return the report of a booking, receipt or production."""
        makes: dict[str, Callable[..., Report]] = {
            "books": plant.booking,
            "receives": plant.receipt,
            "produces": plant.production,
        }
        return makes[self.name](**{**self.arguments, **more})


def identity(outcome: Any) -> Any:
    """Return what identifies an outcome, so that two outcomes can be compared."""
    if isinstance(outcome, list):
        return [identity(one) for one in outcome]
    return type(outcome).__name__, outcome.pk


class Hands:
    """Picks the next operation."""

    def __init__(self, plant: Plant, choose: Choose) -> None:
        self.plant = plant
        self.choose = choose

    def start(self) -> None:
        """Release the orders and post opening stock: enough for some operations, too little for others."""
        for item in ORDERED:
            self.plant.releases(1000, item)
        self.plant.buys(1000, "PLATED")
        for item in COMPONENTS:
            self.plant.has(30, item, at="LINE")
            self.plant.has(200, item, at="RAW")
        self.plant.has(10, "LUG", at="ACME/STOCK")
        self.plant.has(6, "LUG", at="RACK", bin="R1")
        for batch in BATCHES:
            self.plant.has(3, "RESIN", at="LINE", batch=batch)
        self.plant.has(4, "MOTOR", at="LINE", serials=SERIALS)

    def pick(self, name: str) -> Deed | None:
        """Return an operation of a kind; None if the state allows none."""
        picked = getattr(self, name)()
        assert picked is None or isinstance(picked, Deed)
        return picked

    def _quantity(self) -> Decimal:
        return Decimal(self.choose(QUANTITIES))

    def _day(self) -> date:
        day: date = self.choose((DAY, DAY, DAY - timedelta(days=2), DAY + timedelta(days=2)))
        return day

    def book(self) -> Deed:
        return Deed(
            "books",
            {
                "good": self._quantity(),
                "item": self.choose(ORDERED),
                "scrap": self.choose(("0", "0", "1")),
                "at": self._day(),
            },
        )

    def book_many(self) -> Deed:
        return Deed("books_many", {"deeds": [self.reported() for _ in range(3)]})

    def reported(self) -> Deed:
        """Pick a booking, a receipt or a production."""
        return self.pick(self.choose(("book", "book", "receive", "produce"))) or self.book()

    def produce(self) -> Deed:
        return Deed("produces", {"good": self._quantity(), "item": self.choose(("PACK", "BRACKET")), "at": self._day()})

    def receive(self) -> Deed:
        return Deed(
            "receives", {"accepted": self._quantity(), "item": "PLATED", "rejected": self.choose(("0", "0", "1"))}
        )

    def issue(self) -> Deed:
        return Deed(
            "issues",
            {"quantity": self._quantity(), "item": self.choose(COMPONENTS), "to": self.choose(("BRACKET", "FRAME"))},
        )

    def give_back(self) -> Deed:
        return Deed(
            "returns",
            {"quantity": self._quantity(), "item": self.choose(COMPONENTS), "of": self.choose(("BRACKET", "FRAME"))},
        )

    def move(self) -> Deed:
        way = self.choose((("RAW", "LINE", "REPLENISH"), ("LINE", "RAW", "REPLENISH"), ("RAW", "ACME/STOCK", "SEND")))
        source, target, action = way
        what = {"quantity": self._quantity(), "item": self.choose(COMPONENTS), "at": self._day()}
        return Deed("moves", {**what, "source": source, "target": target, "action": action})

    def resolve(self) -> Deed | None:
        waiting = self._one_waiting()
        if waiting is None:
            return None
        due = waiting.due or Decimal(0)
        how: dict[str, Any] = {"what": waiting.pk}
        less = Decimal(1) if due > 1 else due / 2
        less = less if waiting.item.quantity_decimals or less == less.to_integral_value() else due
        quantity = self.choose((None, None, due - less, due + 1))
        if quantity:
            how["quantity"] = quantity
        if quantity and quantity < due:
            how["remainder"] = self.choose(("drop", "keep"))
        wanted = int(quantity or due)
        match waiting.item.code, waiting.source.path:
            case "MOTOR", _:
                how["serials"] = SERIALS[:wanted]
            case "RESIN", _:
                how["batch"] = self.choose(BATCHES)
            case _, "MAIN/RACK":
                how["bin"] = self.choose(("R1", "R2"))
            case _:
                how["source"] = self.choose(("", "", "RAW"))
        return Deed("resolves", how)

    def count(self) -> Deed:
        """Pick a count of a component, or of what is made, on one of a few days."""
        item, place = self.choose((*((one, "LINE") for one in COMPONENTS), ("BRACKET", "FG"), ("LUG", "RAW")))
        return Deed("counts", {"quantity": self._quantity(), "item": item, "place": place, "at": self._day()})

    def _one_waiting(self) -> Movement | None:
        queue = self.plant.queue()[:6]
        return self.choose(queue) if queue else None

    def cancel(self) -> Deed | None:
        waiting = self._one_waiting()
        return None if waiting is None else Deed("cancels", {"what": waiting.pk})

    def retry(self) -> Deed:
        return Deed("retries")

    def reverse(self) -> Deed | None:
        """Pick a booking, production or receipt to reverse."""
        return self._taking_back(Booking.objects.order_by("-pk").values_list("posting", flat=True))

    def undo(self) -> Deed | None:
        """Pick a resolution, a cancellation or a retry to undo."""
        found = Settlement.objects.filter(posting__process=Process.RESOLUTION)
        return self._taking_back(found.order_by("-pk").values_list("posting", flat=True))

    def take_back(self) -> Deed | None:
        """Pick an issue, a return or a manual move to reverse."""
        by_hand = Posting.objects.filter(process__in=[Process.ISSUE, Process.RETURN, Process.HAND])
        return self._taking_back(by_hand.order_by("-pk").values_list("pk", flat=True))

    def take_back_count(self) -> Deed | None:
        """Pick a count to reverse."""
        return self._taking_back(StockCount.objects.order_by("-pk").values_list("posting", flat=True))

    def _taking_back(self, postings: Any) -> Deed | None:
        some = list(postings[:8])
        return Deed("reverses_number", {"posting": self.choose(some)}) if some else None


KINDS: Final = (
    "book",
    "produce",
    "receive",
    "issue",
    "give_back",
    "move",
    "resolve",
    "cancel",
    "retry",
    "reverse",
    "undo",
    "take_back",
    "count",
    "take_back_count",
)
