"""Purchases, sub-contract work, and the free-issue stock for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from backflush.core.quantity import written
from backflush.demo.acts import Buys, Fills, Moves, Receives, numbered
from backflush.demo.events import Event
from backflush.demo.plant import BEGINNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A purchase order and its receipt: ordered a number of days before the day of the receipt."""

    day: int
    supplier: str
    item: str
    quantity: str
    ahead: int = 10
    clock: str = "10:30"
    unit: str = ""
    receive_action: str = ""
    rejected: str = "0"
    batch: str = ""
    expires: int = 0
    serials: Sequence[str] = ()
    number: str = ""

    def events(self, number: str) -> Iterator[Event]:
        """Return the events that order and receive it."""
        ordered = written(Decimal(self.quantity) + Decimal(self.rejected))
        buys = Buys(number, self.supplier, self.item, ordered, self.unit, self.receive_action, days=self.ahead)
        receives = Receives(number, self.quantity, self.rejected, self.batch, self.expires, self.serials)
        yield Event(max(self.day - self.ahead, BEGINNING), "10:00", "ama", buys)
        yield Event(self.day, self.clock, "rosa", receives)


BOUGHT: Sequence[tuple[str, str, str, str, int, int]] = (
    ("HALLAM", "TB-25", "100", "LEN", -128, 28),
    ("KESTREL", "PNT-5010", "1", "DRUM", -120, 30),
    ("PENNINE", "CVR-BLU", "3", "ROLL", -118, 28),
    ("ORDELL", "RING-40", "1000", "", -114, 35),
    ("ORDELL", "BLT-M8", "2000", "", -110, 40),
    ("ORDELL", "BRK-L", "300", "", -108, 28),
    ("PENNINE", "RIM-20", "240", "", -115, 28),
    ("PENNINE", "HUB-12", "240", "", -113, 28),
    ("PENNINE", "BRG-6001", "500", "", -111, 28),
    ("PENNINE", "AXL-12", "110", "", -104, 35),
    ("PENNINE", "SPK-238", "8000", "", -116, 28),
    ("BRIGHT", "CTN-XL", "110", "", -100, 35),
    ("BRIGHT", "TIE-4", "600", "", -97, 35),
)
"""Repeated purchases: supplier, item, quantity, unit, first day, and days between."""

BATCHES = (
    ("A2244", "3.00", -98, -20),
    ("A2251", "5.56", -70, 18),
    ("A2260", "2.50", -34, 63),
    ("A2263", "0.60", -20, 82),
)
"""Adhesive: batch, quantity, day of receipt, day of expiry."""


def purchases() -> Iterator[Event]:
    """Return the purchases and sub-contract orders, numbered in the order of receipt."""
    every = sorted(
        [*_bought(), *_modules(), *_adhesive(), *_outside(), *LAST_RECEIPTS], key=lambda one: (one.day, one.clock)
    )
    taken = {one.number for one in LAST_RECEIPTS}
    before = [one for one in every if one.day < FIRST_NAMED_DAY]
    free = (number for number in count(FIRST_NAMED - len(before)) if f"R-{number}" not in taken)
    for one in every:
        yield from one.events(one.number or f"R-{next(free)}")


def _bought() -> Iterator[Purchase]:
    for supplier, item, quantity, unit, first, apart in BOUGHT:
        for day in range(first, -12, apart):
            yield Purchase(day=day, supplier=supplier, item=item, quantity=quantity, unit=unit)


def _modules() -> Iterator[Purchase]:
    """Return the receipts of tracker modules, which go to the locked cabinet at the line by serial number."""
    for position, day in enumerate(range(-135, -6, 16)):
        quantity, first = 60 if day < -7 else 13, 401 + 60 * position
        yield Purchase(
            day=day,
            supplier="PENNINE",
            item="GPS-1",
            quantity=str(quantity),
            receive_action="RCV-LINE-B",
            serials=numbered("GT-", first, quantity),
        )


def _adhesive() -> Iterator[Purchase]:
    for batch, quantity, day, expires in BATCHES:
        yield Purchase(day=day, supplier="KESTREL", item="ADH-330", quantity=quantity, batch=batch, expires=expires)


def _outside() -> Iterator[Purchase]:
    """Return the work of Tyne Plating and Calder Sewing on our material."""
    for position, day in enumerate(range(-126, -28, 14)):
        accepted, rejected = ("352", "8") if position % 3 == 1 else ("356", "4")
        action = "RCV-SUB" if position % 2 == 0 else ""
        yield Purchase(
            day=day, supplier="TYNE", item="LUG-6", quantity=accepted, rejected=rejected, receive_action=action
        )
    for day in (-118, -78, -38):
        yield Purchase(day=day, supplier="TYNE", item="HK-6", quantity="236", rejected="4", clock="10:45")
    for day in range(-123, -28, 21):
        yield Purchase(day=day, supplier="CALDER", item="CVR-220", quantity="10", clock="10:50")


FIRST_NAMED, FIRST_NAMED_DAY = 2209, -19
LAST_RECEIPTS = (
    Purchase(day=-27, supplier="TYNE", item="LUG-6", quantity="312", rejected="8", number=""),
    Purchase(day=-19, clock="10:40", supplier="TYNE", item="LUG-6", quantity="120", number="R-2209"),
    Purchase(day=-13, clock="11:10", supplier="TYNE", item="LUG-6", quantity="740", rejected="20", number="R-2214"),
    Purchase(day=-6, clock="09:40", supplier="TYNE", item="LUG-6", quantity="286", rejected="4", number="R-2226"),
    Purchase(day=-1, clock="10:18", supplier="TYNE", item="LUG-6", quantity="60", number="R-2231"),
)


def sendings() -> Iterator[Event]:
    """Return the moves of free-issue stock to and from sub-contractors, and of batches to the line."""
    for position, day in enumerate(range(-132, -34, 14)):
        sent = Fills("SEND", "RING-40", "760", "MAIN/RAW", "TYNE/STOCK", remarks=f"D-{1098 + position}")
        yield Event(day, "09:00", "rosa", sent)
    for position, day in enumerate(range(-133, -28, 21)):
        sent = Fills("SEND", "CVR-BLU", "160", "MAIN/RAW", "CALDER/STOCK", remarks=f"D-{1108 + position}")
        yield Event(day, "09:10", "rosa", sent)
    for day, quantity, paper in ((-17, "1000", "D-1118"), (-1, "56", "D-1123")):
        yield Event(day, "14:00", "rosa", Moves("SEND", "RING-40", quantity, "MAIN/RAW", "TYNE/STOCK", remarks=paper))
    bent = Moves("SEND-BACK", "RING-40", "40", "TYNE/STOCK", "MAIN/RAW", remarks="D-1112, bent")
    yield Event(-60, "09:20", "rosa", bent)
    for batch, quantity, day in (("A2241", "3.00", -119), *((batch, had, day + 1) for batch, had, day, _ in BATCHES)):
        moved = Moves("REPLENISH", "ADH-330", quantity, "MAIN/RAW", "MAIN/LINE-A", batch=batch)
        yield Event(day, "07:15", "rosa", moved)
