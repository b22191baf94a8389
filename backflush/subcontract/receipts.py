"""Book receipts on purchase orders, with the use that they assume at the sub-contractor (R1 to R3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated

from django.utils.translation import gettext_noop as marked

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_inputs import QuantityInput, SubjectInput, WholeInput
from backflush.backflushing.report_kinds import LockOrder, Report, ReportKind, Subject, Subjects
from backflush.core.lifecycle import PurchaseStatus, refuse_receipt
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.core.refusals import NoReceiveAction, NotFound, Refusal
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.models import CostObjectKind
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.stockmap.models import Site, TransferRule
from backflush.stockmap.selectors import require_rule, single_rules, supplier_stock
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptIn(Report):
    """The input for a receipt, in the order's unit; `line` can be left out for an order with a single line."""

    order: Annotated[
        str,
        SubjectInput(
            marked("Purchase order"), marked("The purchase order number."), length=50, refers="purchase_orders"
        ),
    ]
    line: Annotated[
        int | None,
        WholeInput(
            marked("Line"),
            marked("The order line. Can be left out if there is only one."),
            identifies=True,
        ),
    ] = None
    accepted: Annotated[Decimal, QuantityInput(marked("Accepted"), marked("Accepted pieces, in the order's unit."))] = (
        ZERO
    )
    rejected: Annotated[
        Decimal,
        QuantityInput(
            marked("Rejected"), marked("Rejected pieces, in the order's unit. They used their components too.")
        ),
    ] = ZERO

    operation = "receive"


Lines = Mapping[str, Sequence[PurchaseOrderLine]]


class ReceivableLines(Subjects[ReceiptIn]):
    """The lines of the purchase orders of some receipts, by the order's number."""

    found: Lines

    def __init__(self, site: Site, lines: Lines) -> None:
        self.site, self.found = site, lines
        every = [line for some in lines.values() for line in some]
        actions = {line.order.receive_action for line in every} | {line.item.type_code.backflush for line in every}
        wanted = {action.pk for action in (site.receive_action, *actions) if action is not None} if every else set()
        self.rules = single_rules(site, wanted)
        self._supplier_stock = supplier_stock(site, {line.order.supplier_id for line in every})

    def subject(self, report: ReceiptIn) -> Subject:
        """Return the order line of a receipt, refused where the order isn't open; its structure is the day's (S1)."""
        line = _line_of(report, self.found, self.site)
        order = line.order
        action = order.receive_action or self.site.receive_action
        refusals = [refusal] if (refusal := refuse_receipt(order.number, PurchaseStatus(order.status))) else []
        if action is None:
            refusals.append(_no_receive_action(order, self.site))
        return Subject(
            item=line.item,
            process=Process.GOODS_RECEIVED,
            good=report.accepted,
            scrap=report.rejected,
            amount_fields=("accepted", "rejected"),
            factor=line.factor,
            unit_code=lambda: str(line.unit.code),
            ordered=line.quantity,
            in_stock_unit=report.in_stock_unit,
            goods_action=action,
            received=True,
            supplier_stock=self._supplier_stock.get(order.supplier_id),
            cost_object=line.cost_object,
            refusals=refusals,
        )


class Receipts(ReportKind[ReceiptIn]):
    """Receipts of goods on purchase orders."""

    report = ReceiptIn
    lock_order = LockOrder.PURCHASE_ORDERS
    verb = Verb.RECEIVE
    word = "receipt"
    command = "receive"
    about = (
        "Receive goods on a purchase order. The accepted pieces go into stock, and the components "
        "that the sub-contractor must have used are taken out of our stock there. Components that "
        "are not available stay unresolved."
    )
    done = "Received"
    table = "receipts"
    rows = "Receipts on purchase orders. Rows that were posted before are skipped."
    example = MappingProxyType({"order": "P-207", "accepted": "18", "rejected": "2", "key": "gate-2/88"})
    row = MappingProxyType(
        {"key": "2026-01-09/1", "order": "PO-1", "accepted": "18", "rejected": "1", "date": "2026-01-09"}
    )
    may_complete = True

    def completed(self, reports: Sequence[ReceiptIn], site: Site) -> Sequence[ReceiptIn | Refusal]:
        """Return the receipts with their order lines filled in; a line can be left out for an order with a single
        line."""
        orders = {one.order for one in reports if one.line is None}
        lines = _lines(site, orders, lock=False) if orders else {}
        missing = orders - lines.keys()
        nothing = no_orders(site, CostObjectKind.PURCHASE_ORDER, sorted(missing)) if missing else None
        done: list[ReceiptIn | Refusal] = []
        for one in reports:
            if one.line is not None:
                done.append(one)
            elif nothing is not None and one.order in missing:
                done.append(nothing)
            else:
                done.append(_with_line(one, lines, site))
        return done

    def subjects(self, reports: Sequence[ReceiptIn], *, site: Site, lock: bool) -> ReceivableLines:
        """Return all lines of the orders, locked in a fixed order: an order is locked together with its first line."""
        orders = {one.order for one in reports}
        lines = _lines(site, orders, lock=lock)
        if lock and len(lines) < len(orders):
            raise no_orders(site, CostObjectKind.PURCHASE_ORDER, sorted(orders - lines.keys()))
        return ReceivableLines(site, lines)


RECEIPTS = Receipts()


def receive(receipt: ReceiptIn, *, site: Site, by: User) -> Booking:
    """Book a receipt on a purchase order line (R1 to R3). `take_reports` says what is locked and refused."""
    [result] = take_reports([receipt], [RECEIPTS], site=site, by=by)
    assert result.booking is not None, "a refused report raises its refusal"
    return result.booking


def _lines(site: Site, orders: set[str], *, lock: bool) -> dict[str, list[PurchaseOrderLine]]:
    lines = PurchaseOrderLine.objects.filter(site=site, order__number__in=orders).select_related(
        "order__supplier",
        "order__receive_action",
        "cost_object",
        "item__stock_unit",
        "item__type_code__backflush",
    )
    if lock:
        lines = lines.select_for_update(no_key=True, of=("order", "self", "cost_object"))
    found: dict[str, list[PurchaseOrderLine]] = {}
    for line in lines.order_by("pk"):
        found.setdefault(line.order.number, []).append(line)
    return found


def _line_of(receipt: ReceiptIn, lines: Lines, site: Site) -> PurchaseOrderLine:
    if receipt.order not in lines:
        raise no_orders(site, CostObjectKind.PURCHASE_ORDER, [receipt.order])
    among = lines[receipt.order]
    wanted = [line for line in among if receipt.line in {None, line.number}]
    if len(wanted) != 1:
        raise NotFound(
            "Order {order} has these lines: {lines}. Enter the one that was received.",
            order=receipt.order,
            lines=[line.number for line in among],
            field="line",
        )
    return wanted[0]


def _with_line(receipt: ReceiptIn, lines: Lines, site: Site) -> ReceiptIn | Refusal:
    try:
        return replace(receipt, line=_line_of(receipt, lines, site).number)
    except NotFound as refusal:
        return refusal


def received_along(order: PurchaseOrder) -> TransferRule:
    """Return the rule by which goods of an order are received (R5); raises `NoReceiveAction` and `NoRule`."""
    action = order.receive_action or order.site.receive_action
    if action is None:
        raise _no_receive_action(order, order.site)
    return require_rule(single_rules(order.site, [action.pk]), action, order.site)


def _no_receive_action(order: PurchaseOrder, site: Site) -> NoReceiveAction:
    return NoReceiveAction(
        "Neither order {order} nor site {site} has a receive action. Set one.",
        order=order.number,
        site=site.code,
        field="receive_action",
    )
