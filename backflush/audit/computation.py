"""The computation of an audit: the verification, and the five checks that read the whole ledger, once per audit.

No page waits for it: for a large ledger the worker computes it, or `backflush verify --record`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from django.db.models import Count, Max, Q
from django.utils import timezone

from backflush.audit.checks import issued, revised
from backflush.audit.lines import FindingLine
from backflush.audit.models import Audit, AuditComputation, CheckFinding, CheckName
from backflush.audit.statements import BELOW_ZERO_BY_EVENT_TIME
from backflush.audit.verification import Progress, VerificationReport, verify
from backflush.core.lifecycle import BOOKABLE
from backflush.core.moves import Reason, Status
from backflush.core.quantity import from_scaled
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.stockmap.models import Location
from backflush.stockmap.selectors import day_at
from backflush.structures.models import FrozenStructure
from backflush.structures.selectors import StructureBook
from backflush.structures.services import digest
from backflush.works.models import WorksOrder

RECURS_FROM: Final = 3
"""The number of bookings in the period that must have been short of an item to count as a recurring shortage."""
FOUND_MOST: Final = 10_000
ORDERS_NAMED: Final = 10
"""How many orders a finding names."""
BELOW_ZERO, RECURS = "below zero", "recurs"
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


def work_out(computation: AuditComputation, progress: Progress | None = None) -> None:
    """Compute everything and store it. Each part is stored when it is found; only a completed computation counts."""
    tell = _telling(computation, progress)
    report = verify(tell)
    counts = {CheckName.PROOF: report.fault_count}
    _keep(computation, CheckName.PROOF, _faults(report))
    for check, find in FOUND_BY.items():
        tell(f"check {check.value}", 0, 1)
        counts[check] = _keep(computation, check, find(computation.audit))
    computation.invariants = [
        {"name": one.name, "sentence": one.sentence, "counted": one.counted, "faults": one.fault_count}
        for one in report.checks
    ]
    computation.counts = {str(check.value): count for check, count in counts.items()}
    computation.moved_at = computation.finished_at = timezone.now()
    computation.save(update_fields=["invariants", "counts", "moved_at", "finished_at"])


def _telling(computation: AuditComputation, progress: Progress | None) -> Progress:
    """Report the progress, and store it for the page at each new step."""

    def tell(name: str, done: int, total: int) -> None:
        if name != computation.step:
            computation.step = name[:100]
            AuditComputation.objects.filter(pk=computation.pk).update(step=computation.step, moved_at=timezone.now())
        if progress:
            progress(name, done, total)

    return tell


def _keep(computation: AuditComputation, check: CheckName, lines: Iterable[FindingLine]) -> int:
    """Store the lines of a check, up to the limit of counting. Return how many."""
    some = list(islice(lines, FOUND_MOST + 1))
    CheckFinding.objects.bulk_create(
        (
            CheckFinding(
                site_id=computation.site_id, computation=computation, check_name=check, position=place, line=line.kept()
            )
            for place, line in enumerate(some)
        ),
        batch_size=500,
    )
    return len(some)


def _faults(report: VerificationReport) -> Iterator[FindingLine]:
    for check in report.checks:
        yield from (FindingLine(kind=check.name, why=fault) for fault in check.faults)


def never_moved(audit: Audit) -> list[FindingLine]:
    """Return components assumed in the period of which nothing has moved: everything is unresolved or cancelled."""
    rows = (
        Movement.objects.filter(
            site=audit.site_id,
            posting__gt=audit.first_posting,
            posting__lte=audit.last_posting,
            line__isnull=False,
            origin__isnull=True,
            reverses__isnull=True,
            posting__reversals__isnull=True,
        )
        .values_list("item")
        .annotate(
            moved=Count("pk", filter=Q(status__in=(Status.OK, Status.RESOLVED))),
            assumed=Count("pk"),
            due=ExactSum("due"),
            latest=Max("at"),
        )
        .filter(moved=0)
        .order_by("item__code")
    )
    found = [(item, count, due, at) for item, _moved, count, due, at in rows]
    items = _items(item for item, *_ in found)
    return [
        FindingLine(**_named(items[item]), count=count, quantity=due if due is not None else Decimal(0), at=at)
        for item, count, due, at in found
    ]


def changed_structures(audit: Audit) -> list[FindingLine]:
    """Return items whose open orders have another structure than the one in force on the last day, with the first of
    these orders."""
    orders = WorksOrder.objects.filter(site=audit.site_id, status__in=BOOKABLE)
    made = list(orders.values_list("item", "structure").annotate(Count("pk")).order_by())
    items = _items(item for item, *_ in made)
    now = _digests_in_force(audit, items.keys())
    copies = dict(
        FrozenStructure.objects.filter(
            site=audit.site_id, pk__in={structure for _, structure, _ in made if structure}
        ).values_list("pk", "digest")
    )
    older: Counter[int] = Counter()
    other: set[int] = set()
    for item, structure, count in made:
        if copies.get(structure) != now[item]:
            older[item] += count
            other.add(structure)
    numbers: dict[int, list[str]] = defaultdict(list)
    for item, number in orders.filter(structure__in=other).order_by("number").values_list("item", "number"):
        if len(numbers[item]) < ORDERS_NAMED:
            numbers[item].append(number)
    return [
        FindingLine(**_named(items[item]), count=older[item], why=", ".join(numbers[item]))
        for item in sorted(older, key=lambda pk: items[pk].code)
    ]


def _digests_in_force(audit: Audit, items: Collection[int]) -> dict[int, str]:
    day = day_at(audit.site, audit.until)
    book = StructureBook(audit.site, items)
    return {item: digest(book.explode(item, day)) for item in items}


def negative_tendencies(audit: Audit) -> list[FindingLine]:
    """Return balances that were negative by event time, and items that were short repeatedly."""
    return [*_below_zero(audit), *_recurring(audit)]


def _below_zero(audit: Audit) -> list[FindingLine]:
    rows = BELOW_ZERO_BY_EVENT_TIME.fetch_replanned(
        site_id=audit.site_id, since=audit.since or BEGINNING, until=audit.until
    )
    items = _items(item for item, *_ in rows)
    places = Location.objects.in_bulk({place for _, place, *_ in rows})
    return [
        FindingLine(
            **_named(items[item]),
            kind=BELOW_ZERO,
            place=places[place].path,
            other=from_scaled(int(lowest)),
            at=_moment(first),
            count=count,
        )
        for item, place, lowest, first, count in rows
    ]


def _moment(found: Any) -> datetime:
    """Convert a moment from a plain statement: SQLite returns text."""
    at = datetime.fromisoformat(found) if isinstance(found, str) else found
    assert isinstance(at, datetime)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _recurring(audit: Audit) -> list[FindingLine]:
    rows = (
        Movement.objects.filter(
            site=audit.site_id,
            posting__gt=audit.first_posting,
            posting__lte=audit.last_posting,
            reason=Reason.SHORT,
            origin__isnull=True,
        )
        .values_list("item", "source")
        .annotate(times=Count("posting", distinct=True), due=ExactSum("due"), latest=Max("at"))
        .filter(times__gte=RECURS_FROM)
        .order_by("-times", "item__code")
    )
    found = list(rows)
    items = _items(item for item, *_ in found)
    places = Location.objects.in_bulk({place for _, place, *_ in found})
    return [
        FindingLine(**_named(items[item]), kind=RECURS, place=places[place].path, count=times, quantity=due, at=at)
        for item, place, times, due, at in found
    ]


def _items(numbers: Iterable[int]) -> dict[int, Item]:
    return Item.objects.select_related("stock_unit").in_bulk(set(numbers))


def _named(item: Item) -> dict[str, Any]:
    return {
        "item": item.code,
        "about": item.description,
        "unit": item.stock_unit.code,
        "decimals": item.quantity_decimals,
    }


FOUND_BY: Final[dict[CheckName, Callable[[Audit], Iterable[FindingLine]]]] = {
    CheckName.REVISED: revised,
    CheckName.NEVER_MOVED: never_moved,
    CheckName.HAND_ISSUES: issued,
    CheckName.STRUCTURES: changed_structures,
    CheckName.NEGATIVE: negative_tendencies,
}
