"""The checks of an audit, each with the number and the list of its findings.

Two checks query the current ledger by index: unresolved and cancelled movements. The others read the whole ledger, or
the whole period, so they are computed once per audit (`computation`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.db.models import F, Q, QuerySet

from backflush.audit.lines import FindingLine
from backflush.audit.models import Audit, AuditComputation, CheckFinding, CheckName, CheckReview
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.ledger.models import Movement, Posting
from backflush.ledger.movement_list import named_in_order
from backflush.ledger.selectors import waiting_movements
from backflush.unresolved.models import Settlement, SettlementOutcome
from backflush.works.models import WorksOrder

COUNTED_MOST: Final = 10_000
CHUNK: Final = 500
WORKED_OUT: Final = frozenset(CheckName) - {CheckName.UNRESOLVED, CheckName.CANCELLED}
"""The checks that a computation answers."""
KEPT_LESS, KEPT_REST, MORE, ELSEWHERE = "dropped", "kept", "more", "elsewhere"
ASSUMED_TOO, BEYOND = "assumed too", "beyond"


@dataclass(frozen=True, slots=True)
class Listed:
    """The findings of a check: the rows, their order, and how rows become lines."""

    found: QuerySet[Any]
    by: tuple[str, ...]
    lines: Callable[[list[Any]], list[FindingLine]]

    def count(self) -> int:
        """The number of findings; 10,001 stands for more than 10,000."""
        return self.found.order_by().values("pk")[: COUNTED_MOST + 1].count()

    def first(self, most: int) -> list[FindingLine]:
        """Return the first lines."""
        return self.lines(list(self.found.order_by(*self.by)[:most]))


def listed(audit: Audit, check: CheckName, computation: AuditComputation | None = None) -> Listed:
    """Return the findings of a check of an audit; for a computed check, those of the last computation."""
    if check in WORKED_OUT:
        found = CheckFinding.objects.filter(site=audit.site_id, computation=computation, check_name=check)
        return Listed(found, ("position",), lambda rows: [FindingLine.of(row.line) for row in rows])
    return _FINDINGS[check](audit)


def last_computation(audit: Audit) -> AuditComputation | None:
    """Return the last completed computation of an audit."""
    done = AuditComputation.objects.filter(site=audit.site_id, audit=audit, finished_at__isnull=False, failed=False)
    return done.select_related("by").order_by("-pk").first()


def latest_looks(audit: Audit) -> dict[str, CheckReview]:
    """Return the last review of each check."""
    looks = CheckReview.objects.filter(site=audit.site_id, audit=audit).select_related("by").order_by("pk")
    return {look.check_name: look for look in looks}


def _unresolved(audit: Audit) -> Listed:
    """Return all unresolved movements of any period, oldest first."""
    waiting = waiting_movements(audit.site).select_related(None).order_by()
    return Listed(waiting, ("at", "pk"), _waiting_lines)


def _waiting_lines(rows: Sequence[Movement]) -> list[FindingLine]:
    return [_waiting(row) for row in named_in_order([row.pk for row in rows])]


def _waiting(row: Movement) -> FindingLine:
    return FindingLine(
        **_item(row),
        movement=row.pk,
        order=_order(row),
        quantity=row.due,
        place=row.source.path,
        kind=row.reason,
        who=row.posting.by.name,
        at=row.at,
    )


def _settled(audit: Audit, outcome: SettlementOutcome) -> QuerySet[Settlement]:
    """Return the settlements of the period that weren't undone, without cancellations by a booking's reversal."""
    found = Settlement.objects.filter(
        site=audit.site_id,
        posting__gt=audit.first_posting,
        posting__lte=audit.last_posting,
        outcome=outcome,
        undone_by__isnull=True,
    )
    named = ("movement__item__stock_unit", "movement__cost_object", "movement__source", "posting__by", "kept")
    return found.select_related(*named)


def _cancelled(audit: Audit) -> Listed:
    """Return movements that a user cancelled, not those of a reversed booking."""
    found = _settled(audit, SettlementOutcome.CANCELLED).filter(posting__process=Process.RESOLUTION)
    return Listed(found, ("posting_id", "pk"), lambda rows: [_settlement(row) for row in rows])


def _settlement(row: Settlement, **more: Any) -> FindingLine:
    movement = row.movement
    return FindingLine(
        **_item(movement),
        movement=movement.pk,
        order=_order(movement),
        quantity=movement.due,
        place=movement.source.path,
        who=row.posting.by.name,
        at=row.posting.recorded_at,
        why=row.remarks,
        **more,
    )


def revised(audit: Audit) -> Iterator[FindingLine]:
    """Return resolutions with another quantity or source than planned. Every resolution moves something."""
    moved = "movement__resolved_by"
    elsewhere = Q(**{f"{moved}__source__lt": F("movement__source")}) | Q(
        **{f"{moved}__source__gt": F("movement__source")}
    )
    found = _settled(audit, SettlementOutcome.RESOLVED).filter(
        Q(kept__isnull=False) | ~Q(dropped=0) | elsewhere, **{f"{moved}__posting": F("posting")}
    )
    rows = found.distinct().order_by("posting", "pk").iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        yield from _revisions(chunk)


def _revisions(rows: list[Settlement]) -> list[FindingLine]:
    moves = Movement.objects.filter(posting__in={row.posting_id for row in rows}, resolves__isnull=False)
    places = dict(moves.values_list("resolves", "source__path"))
    return [_revision(row, places.get(row.movement_id, "")) for row in rows]


def _revision(row: Settlement, place: str) -> FindingLine:
    planned = row.movement.source.path
    kinds = [
        word
        for word, holds in (
            (KEPT_REST, row.kept_id is not None),
            (KEPT_LESS, row.dropped > 0),
            (MORE, row.dropped < 0),
            (ELSEWHERE, place != planned),
        )
        if holds
    ]
    return _settlement(row, other=row.moved, other_place=place if place != planned else "", kind=kinds[0])


def issued(audit: Audit) -> Iterator[FindingLine]:
    """Return issues by hand of components that are backflushed, although the structure doesn't mark them *by hand*.

    Reversed issues are left out. If the structure assumes the component too, its use is probably recorded twice.
    """
    found = Posting.objects.filter(
        site=audit.site_id,
        process=Process.ISSUE,
        pk__gt=audit.first_posting,
        pk__lte=audit.last_posting,
        reversals__isnull=True,
        cost_object__works_order__item__type_code__backflush__isnull=False,
    )
    rows = found.select_related("cost_object", "by").order_by("pk").iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        yield from _issues(chunk)


def _issues(rows: list[Posting]) -> Iterator[FindingLine]:
    lines = WorksOrder.objects.filter(cost_object__in={row.cost_object_id for row in rows}).values_list(
        "cost_object", "structure__lines__component", "structure__lines__by_hand"
    )
    by_hand = {(cost_object, item): hand for cost_object, item, hand in lines.order_by("structure__lines__by_hand")}
    moved: dict[int, list[Movement]] = {}
    named = Movement.objects.filter(posting__in=[row.pk for row in rows]).select_related("item__stock_unit", "source")
    for movement in named.order_by("pk"):
        moved.setdefault(movement.posting_id, []).append(movement)
    for row in rows:
        assert row.cost_object_id is not None, "an issue is to an order"
        planned = by_hand.get((row.cost_object_id, moved[row.pk][0].item_id))
        if not planned:
            yield _issue(row, moved[row.pk], BEYOND if planned is None else ASSUMED_TOO)


def _issue(row: Posting, moved: list[Movement], kind: str) -> FindingLine:
    """One issue of one item, with one movement per serial number."""
    first = moved[0]
    return FindingLine(
        **_item(first),
        movement=first.pk,
        order=row.cost_object.number if row.cost_object else "",
        quantity=sum((movement.quantity for movement in moved), ZERO),
        place=first.source.path,
        kind=kind,
        who=row.by.name,
        at=row.at,
        why=row.remarks,
    )


def _item(row: Movement) -> dict[str, Any]:
    item = row.item
    return {
        "item": item.code,
        "about": item.description,
        "unit": item.stock_unit.code,
        "decimals": item.quantity_decimals,
    }


def _order(row: Movement) -> str:
    return row.cost_object.number if row.cost_object is not None else ""


_FINDINGS: Final[Mapping[CheckName, Callable[[Audit], Listed]]] = {
    CheckName.UNRESOLVED: _unresolved,
    CheckName.CANCELLED: _cancelled,
}


def kept(lines: Iterable[FindingLine]) -> list[dict[str, Any]]:
    """Return lines as they are stored with a review."""
    return [line.kept() for line in lines]
