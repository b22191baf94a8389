"""Verify the ledger: nothing is lost or duplicated, and every assumed quantity follows from its structure.

`verify` reads the whole ledger and reports what it checked. It trusts nothing that the services computed: balances are
summed from the movements, and the assumed use of every booking is recomputed from the frozen structures in the order of
recording.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet, Sum

from backflush.audit import statements
from backflush.backflushing.consumption import FrozenLines, events_of
from backflush.backflushing.models import Booking
from backflush.core.consumption import CumulativeUse
from backflush.core.moves import Status
from backflush.core.quantity import SCALE, ZERO, from_scaled, round_half_up, written
from backflush.counts.models import StockCount
from backflush.counts.statements import CHANGES_AGAINST_MOVEMENTS, COUNTS_AGAINST_CHANGES, COUNTS_AGAINST_LEDGER
from backflush.db.statements import Statement
from backflush.ledger.models import Balance, CostObject, CostObjectKind, Key, Movement, PeriodBalance, Posting
from backflush.structures.models import FrozenLine
from backflush.unresolved.models import Settlement

FAULTS_SHOWN = 1_000
CHUNK = 500

Progress = Callable[[str, int, int], None]
"""Called with the current check, the progress, and the total."""


@dataclass(frozen=True, slots=True)
class InvariantCheck:
    """One invariant: the number of cases tested, and the faults (the first thousand in words)."""

    name: str
    sentence: str
    counted: int
    faults: tuple[str, ...] = ()
    fault_count: int = 0

    @property
    def sound(self) -> bool:
        """Whether the invariant holds everywhere."""
        return not self.fault_count


@dataclass(slots=True)
class VerificationReport:
    """The checked invariants with their faults."""

    checks: list[InvariantCheck] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every invariant holds."""
        return all(check.sound for check in self.checks)

    @property
    def fault_count(self) -> int:
        """The number of faults of all checks."""
        return sum(check.fault_count for check in self.checks)


def verify(progress: Progress | None = None) -> VerificationReport:
    """Check the whole ledger of all sites."""
    tell = progress or (lambda name, done, total: None)
    report = VerificationReport()
    for position, check in enumerate(CHECKS):
        tell(check.__name__.replace("_", " "), position, len(CHECKS))
        report.checks.append(check(tell))
    tell("done", len(CHECKS), len(CHECKS))
    return report


def _found(name: str, sentence: str, counted: int, faults: Iterable[str]) -> InvariantCheck:
    shown: list[str] = []
    count = 0
    for fault in faults:
        count += 1
        if count <= FAULTS_SHOWN:
            shown.append(fault)
    return InvariantCheck(name, sentence, counted, tuple(shown), count)


def _rows(statement: Statement) -> Iterator[tuple[Any, ...]]:
    return statement.iterate_replanned()


def _difference(whole: Any, part: Any) -> str:
    return written(from_scaled(int(whole) * SCALE + int(part)))


def _amount(scaled: Any) -> str:
    return written(from_scaled(int(scaled)))


def _stock_key(item: str, path: str, bin: str, batch: str, serial: str) -> str:
    named = (("bin", bin), ("batch", batch), ("serial", serial))
    return f"{item} at {path}" + "".join(f", {word} {value}" for word, value in named if value)


def _balances_equal_movements(_: Progress) -> InvariantCheck:
    return _found(
        "balances",
        "Every balance equals the sum of its movements.",
        Balance.objects.count(),
        (
            (f"{_stock_key(*stock_key)}: the sum of the movements exceeds the balance by {_difference(whole, part)}.")
            for *stock_key, whole, part in _rows(statements.BALANCES_AGAINST_MOVEMENTS)
        ),
    )


def _no_balance_is_impossible(_: Progress) -> InvariantCheck:
    faults = [
        f"{_stock_key(*stock_key)}: the balance is {_amount(quantity)}."
        for *stock_key, quantity in _rows(statements.IMPOSSIBLE_BALANCES)
    ]
    faults += [
        f"{item}: serial {serial} is in {places} places."
        for item, serial, places in _rows(statements.SERIALS_IN_TWO_PLACES)
    ]
    sentence = "No balance is negative or at a location without balances, and no serial number is in stock twice."
    return _found("never negative", sentence, Balance.objects.count(), faults)


def _nothing_is_made_or_lost(_: Progress) -> InvariantCheck:
    return _found(
        "in and out",
        "For every item, the quantity received equals the quantity that left plus the stock.",
        Movement.objects.values("site", "item").distinct().count(),
        (
            (
                f"{item}: the quantity received exceeds the quantity that left plus the stock by "
                f"{_difference(whole, part)}."
            )
            for item, whole, part in _rows(statements.ITEMS_IN_AGAINST_OUT)
        ),
    )


def _each_balance_left_behind_follows(_: Progress) -> InvariantCheck:
    return _found(
        "running balances",
        "The balance recorded after each movement follows from the one before it.",
        Movement.objects.filter(status=Status.OK).count(),
        (
            (
                f"Movement {number} of {item} at {path} recorded "
                f"{'no balance' if after is None else _amount(after)} after it; the balance before was "
                f"{_amount(before)}, and the change {_amount(change)}."
            )
            for number, item, path, before, change, after in _rows(statements.BROKEN_RUNNING_BALANCES)
        ),
    )


def _every_assumed_quantity_is_accounted_for(tell: Progress) -> InvariantCheck:
    bookings = Booking.objects.filter(assumed=True)
    counted = bookings.count()
    return _found(
        "assumed use",
        (
            "For every booking and line, the use that the structure requires has moved, or is "
            "unresolved, cancelled or dropped."
        ),
        counted,
        _unaccounted(bookings, counted, tell),
    )


def _unaccounted(bookings: QuerySet[Booking], total: int, tell: Progress) -> Iterator[str]:
    lines = _KnownLines()
    done = 0
    for chunk in _histories(bookings):
        expected = _assumed_again(chunk, lines)
        recorded = _recorded(chunk)
        for posting, line in sorted({*expected, *recorded}):
            due = expected.get((posting, line), ZERO)
            found = recorded.get((posting, line), {})
            if due != sum(found.values(), ZERO):
                parts = ", ".join(f"{written(quantity)} {word}" for word, quantity in found.items() if quantity)
                yield (
                    f"Posting {posting}, {_line_name(line)}: the structure requires {written(due)}, but "
                    f"{parts or 'nothing'} is recorded."
                )
        done += len(chunk)
        tell("assumed use", done, total)


def _line_name(line: int) -> str:
    frozen = FrozenLine.objects.select_related("component").get(pk=line)
    return f"line {frozen.path} ({frozen.component.code})"


def _histories(bookings: QuerySet[Booking]) -> Iterator[list[Booking]]:
    """Yield bookings in chunks that contain all of a cost object, in the order of recording."""
    cost_objects = (
        CostObject.objects.filter(bookings__assumed=True).distinct().order_by("pk").values_list("pk", flat=True)
    )
    for group in _grouped(cost_objects.iterator()):
        yield list(bookings.filter(cost_object__in=group).select_related("cost_object").order_by("posting"))
    alone = bookings.filter(cost_object__isnull=True).order_by("posting").values_list("pk", flat=True)
    for group in _grouped(alone.iterator()):
        yield list(bookings.filter(pk__in=group).order_by("posting"))


def _grouped(keys: Iterable[int]) -> Iterator[list[int]]:
    group: list[int] = []
    for key in keys:
        group.append(key)
        if len(group) == CHUNK:
            yield group
            group = []
    if group:
        yield group


class _KnownLines:
    """Frozen lines, each read once: many bookings share them, and they never change."""

    def __init__(self) -> None:
        self._known: dict[int, FrozenLines] = {}

    def learn(self, history: Iterable[Booking]) -> None:
        new: dict[int, set[int]] = {}
        for booking in history:
            if booking.structure_id is not None and booking.structure_id not in self._known:
                new.setdefault(booking.site_id, set()).add(booking.structure_id)
        for site, structures in new.items():
            self._known.update(dict.fromkeys(structures, FrozenLines(site, structures)))

    def of(self, booking: Booking) -> FrozenLines:
        assert booking.structure_id is not None
        return self._known[booking.structure_id]


def _assumed_again(history: Sequence[Booking], known: _KnownLines) -> dict[tuple[int, int], Decimal]:
    """Yield the quantity that each booking must have assumed of each line, recomputed from the start."""
    known.learn(history)
    tallies: dict[int, CumulativeUse] = {}
    assumed: dict[tuple[int, int], Decimal] = {}
    for _, booking, taken_back in events_of(history):
        cumulative_use = tallies.setdefault(booking.cost_object_id or -booking.pk, CumulativeUse())
        if taken_back:
            cumulative_use.take_back(booking.pk)
            continue
        assert booking.structure_id is not None
        received = booking.cost_object is not None and booking.cost_object.kind == CostObjectKind.PURCHASE_ORDER
        lines = [use for _, use in known.of(booking).of(booking.structure_id, received=received)]
        for use in cumulative_use.book(booking.pk, lines, booking.produced):
            if use.quantity:
                assumed[booking.posting_id, use.line.line_id] = use.quantity
    return assumed


def _recorded(history: Sequence[Booking]) -> dict[tuple[int, int], dict[str, Decimal]]:
    """Return the recorded outcome of each booking's assumed use: moved, unresolved, cancelled, dropped."""
    found: dict[tuple[int, int], dict[str, Decimal]] = {}

    def note(of: tuple[int, int], what: str, quantity: Decimal | None) -> None:
        parts = found.setdefault(of, {})
        parts[what] = parts.get(what, ZERO) + (quantity or ZERO)

    settled: dict[int, tuple[int, int]] = {}
    postings = [booking.posting_id for booking in history]
    own = Movement.objects.filter(posting__in=postings, line__isnull=False)
    for pk, posting, line, status, moved, due in own.values_list(
        "pk", "posting", "line", "status", "quantity", "due"
    ).iterator():
        note((posting, line), "moved", moved)
        if status in WAITING_OR_CANCELLED:
            note((posting, line), status, due)
        if status == Status.RESOLVED:
            settled[pk] = posting, line
    # Only a resolved movement has followers: kept remainders, and settlements that moved or dropped a quantity.
    for group in _grouped(list(settled)):
        kept = Movement.objects.filter(origin__in=group, due__isnull=False, reverses__isnull=True)
        for pk, origin, status, due in kept.values_list("pk", "origin", "status", "due"):
            assert origin is not None, "the bookings were found by it"
            settled[pk] = settled[origin]
            if status in WAITING_OR_CANCELLED:
                note(settled[origin], status, due)
    standing = Settlement.objects.filter(undone_by__isnull=True, outcome="resolved")
    for group in _grouped(list(settled)):
        for movement, moved, dropped in standing.filter(movement__in=group).values_list("movement", "moved", "dropped"):
            note(settled[movement], "moved", moved)
            note(settled[movement], "dropped", dropped)
    return found


WAITING_OR_CANCELLED = frozenset({Status.UNRESOLVED, Status.CANCELLED})


def _what_was_made_is_in_stock(_: Progress) -> InvariantCheck:
    bookings = Booking.objects.count()
    moved = (
        Booking.objects.filter(posting__movements__line__isnull=True, posting__movements__status=Status.OK)
        .values_list("posting")
        .annotate(moved=Sum("posting__movements__quantity"))
        .order_by()
    )
    goods: dict[int, Decimal] = dict(moved.iterator())
    faults = (
        (
            f"Posting {posting}: {written(goods.get(posting, ZERO))} went into stock, but "
            f"{written(due)} were made or received."
        )
        for posting, due in _goods_due()
        if goods.get(posting, ZERO) != due
    )
    return _found("goods", "The good quantity of every booking went into stock once.", bookings, faults)


def _goods_due() -> Iterator[tuple[int, Decimal]]:
    """Yield the quantity that each booking added to stock: its good share, which may need more than six decimals."""
    names = ("posting", "good", "scrap", "produced", "item__quantity_decimals")
    for posting, good, scrap, produced, decimals in Booking.objects.order_by("posting").values_list(*names).iterator():
        yield posting, round_half_up(Fraction(produced) * Fraction(good) / Fraction(good + scrap), decimals)


def _every_settlement_adds_up(_: Progress) -> InvariantCheck:
    faults = [
        f"Movement {movement} of {item} is {status}, but its settlements don't agree."
        for movement, item, status in _rows(statements.UNSETTLED_MOVEMENTS)
    ]
    faults += [
        (
            f"Movement {movement} of {item}: {_amount(due)} were due; settlement {settlement} records "
            f"{_amount(moved)} moved, {_amount(dropped)} dropped and {_amount(kept)} kept, but "
            f"{_amount(really)} moved."
        )
        for settlement, item, movement, due, moved, dropped, kept, really in _rows(
            statements.SETTLEMENTS_AGAINST_MOVEMENTS
        )
    ]
    counted = Movement.objects.filter(due__isnull=False).count()
    sentence = "Every movement that was unresolved still is, or one settlement accounts for all of it."
    return _found("settlements", sentence, counted, faults)


def _every_reversal_mirrors(_: Progress) -> InvariantCheck:
    faults = [
        f"Movement {mirror} of {item} isn't the exact reverse of movement {original}."
        for mirror, item, original in _rows(statements.UNEQUAL_REVERSALS)
    ]
    faults += [
        f"Movement {original} of {item} was reversed {times} times."
        for item, original, times in _rows(statements.MOVEMENTS_REVERSED_TWICE)
    ]
    faults += [
        f"Posting {posting} was reversed, but movement {movement} of {item} is still {status}."
        for movement, item, status, posting in _rows(statements.MOVEMENTS_LEFT_BY_REVERSALS)
    ]
    faults += [
        f"The booking of posting {posting} and its reversal don't refer to each other."
        for (posting,) in _rows(statements.BOOKINGS_WITHOUT_THEIR_REVERSAL)
    ]
    counted = Movement.objects.filter(reverses__isnull=False).count()
    sentence = "Each reversed movement has one reverse movement, and every movement of a reversed posting is reversed."
    return _found("reversals", sentence, counted, faults)


def _orders_say_what_was_booked(_: Progress) -> InvariantCheck:
    faults = (
        (
            f"{number} has good {_amount(good)}, scrap {_amount(scrap)}, backflushed "
            f"{_amount(produced)}; its bookings add up to {_amount(booked_good)}, "
            f"{_amount(booked_scrap)}, {_amount(booked)}."
        )
        for number, good, scrap, produced, booked_good, booked_scrap, booked in _rows(
            statements.COST_OBJECTS_AGAINST_BOOKINGS
        )
    )
    return _found(
        "orders", "The quantities of every order equal the sums of its bookings.", CostObject.objects.count(), faults
    )


def _every_posting_has_its_reason(_: Progress) -> InvariantCheck:
    faults = [
        f"Posting {posting} of {process} has {bookings} bookings."
        for posting, process, bookings in _rows(statements.POSTINGS_WITHOUT_BOOKING)
    ]
    faults += [
        f"The key {key!r} of {operation} has no posting." for key, operation in _rows(statements.KEYS_WITHOUT_POSTING)
    ]
    counted = Posting.objects.count() + Key.objects.count()
    return _found("postings", "Every posting of a booking has its booking, and every key its posting.", counted, faults)


def _closed_periods_stay(_: Progress) -> InvariantCheck:
    return _found(
        "closed periods",
        ("The balances of every closed period equal those of the one before plus the movements in between."),
        PeriodBalance.objects.count(),
        (
            (
                f"{_stock_key(*stock_key)}, at the end of {through}: the sum of the movements exceeds the "
                f"stored balance by {_difference(whole, part)}."
            )
            for *stock_key, through, whole, part in _rows(statements.PERIOD_BALANCES_AGAINST_MOVEMENTS)
        ),
    )


def _counts_hold(_: Progress) -> InvariantCheck:
    faults = [
        f"Count {count} of {item} at {path}: {_amount(counted)} were counted, but the ledger has "
        f"{_difference(whole, part)} after it."
        for count, item, path, counted, whole, part in _rows(COUNTS_AGAINST_LEDGER)
    ]
    faults += [
        f"Count {count} of {item} at {path} differs by {_amount(difference)}, but its postings add up to "
        f"{_amount(total)}."
        for count, item, path, difference, total in _rows(COUNTS_AGAINST_CHANGES)
    ]
    faults += [
        f"Posting {posting} of {item} moves {_amount(total)}, but its count records {_amount(change)}."
        for posting, item, change, total in _rows(CHANGES_AGAINST_MOVEMENTS)
    ]
    sentence = "After every posted count the book quantity, less what was unresolved, is what was counted."
    return _found("counts", sentence, StockCount.objects.count(), faults)


CHECKS: tuple[Callable[[Progress], InvariantCheck], ...] = (
    _balances_equal_movements,
    _no_balance_is_impossible,
    _nothing_is_made_or_lost,
    _each_balance_left_behind_follows,
    _every_assumed_quantity_is_accounted_for,
    _what_was_made_is_in_stock,
    _every_settlement_adds_up,
    _every_reversal_mirrors,
    _orders_say_what_was_booked,
    _every_posting_has_its_reason,
    _closed_periods_stay,
    _counts_hold,
)
