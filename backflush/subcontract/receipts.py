"""Receiving goods on purchase orders, with the use that it assumes at the sub-contractor (R1 to R3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Gathered, Report, ReportKind, Turn, drafted, refusals_of, take_reports
from backflush.backflushing.selectors import Preview, preview
from backflush.backflushing.services import Made
from backflush.core.lifecycle import PurchaseStatus, refuse_receipt
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidQuantity, NoReceiveAction, NotFound, Refusal
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.idempotency import Request
from backflush.ledger.models import CostObjectKind
from backflush.people.models import User
from backflush.stockmap.models import Action, Site, TransferRule
from backflush.stockmap.selectors import event_time, require_rule, single_rules, supplier_stock
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine
from backflush.subcontract.services import stocked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptIn(Report):
    """A receipt as it is reported, in the order's unit; `line` may be left out where the order has one only."""

    order: str
    accepted: Decimal
    rejected: Decimal = ZERO
    line: int | None = None

    @property
    def of(self) -> str:
        """The purchase order."""
        return self.order

    def request(self) -> Request:
        """What makes a repeated report the same."""
        content = {
            "order": self.order,
            "line": self.line,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "at": self.at,
            "batch": self.batch,
            "serials": sorted(self.serials),
            "bin": self.bin,
        }
        return Request(self.key, "receive", content)


Lines = Mapping[str, Sequence[PurchaseOrderLine]]


class ReceivableLines(Gathered[ReceiptIn]):
    """The lines of the purchase orders of some receipts, with what receiving on them needs."""

    def __init__(self, site: Site, lines: Lines) -> None:
        self._site, self._lines = site, lines
        every = [line for some in lines.values() for line in some]
        actions = {line.order.receive_action for line in every} | {line.item.type_code.backflush for line in every}
        wanted = {action.pk for action in (site.receive_action, *actions) if action is not None} if every else set()
        self._rules = single_rules(site, wanted)
        self._supplier_stock = supplier_stock(site, {line.order.supplier_id for line in every})

    @property
    def there(self) -> Lines:
        """The lines of the orders that there are, by the order's number."""
        return self._lines

    def line_of(self, receipt: ReceiptIn) -> PurchaseOrderLine:
        """The order line that a receipt is for; refused where that isn't said."""
        return _line_of(receipt, self._lines, self._site)

    def planned(self, report: ReceiptIn, key: int | None) -> Made:
        """What a receipt comes to; its structure is that of its day (S1)."""
        line = self.line_of(report)
        item, backflush = line.item, line.item.type_code.backflush
        _require_open(line.order)
        accepted = stocked(report.accepted, line.factor, item, field="accepted")
        rejected = stocked(report.rejected, line.factor, item, field="rejected")
        _require_anything(report, line)
        return Made(
            item=item,
            process=Process.GOODS_RECEIVED,
            at=event_time(self._site, report.at),
            good=report.accepted,
            scrap=report.rejected,
            good_stock=accepted,
            quantity=accepted + rejected,
            goods_rule=require_rule(self._rules, _receive_action(line.order, self._site), self._site),
            backflush_rule=require_rule(self._rules, backflush, self._site) if backflush else None,
            of_day=True,
            supplier_stock=self._supplier_stock.get(line.order.supplier_id),
            cost_object=line.cost_object,
            key=key,
            batch=report.batch,
            serials=tuple(report.serials),
            bin=report.bin,
        )

    def refusals(self, report: ReceiptIn) -> Iterator[Refusal]:
        """Every reason for which a receipt can't be booked."""
        if report.order not in self._lines:
            yield NotFound(f"There is no purchase order {report.order}.", field="order")
            return
        try:
            line = self.line_of(report)
        except NotFound as refusal:
            yield refusal
        else:
            yield from refusals_of(self._checks(report, line))

    def _checks(self, report: ReceiptIn, line: PurchaseOrderLine) -> Sequence[Callable[[], object]]:
        item, backflush, site = line.item, line.item.type_code.backflush, self._site
        return (
            lambda: _require_open(line.order),
            lambda: stocked(report.accepted, line.factor, item, field="accepted"),
            lambda: stocked(report.rejected, line.factor, item, field="rejected"),
            lambda: _require_anything(report, line),
            lambda: event_time(site, report.at),
            lambda: require_rule(self._rules, _receive_action(line.order, site), site),
            lambda: require_rule(self._rules, backflush, site) if backflush else None,
        )


class Receipts(ReportKind[ReceiptIn]):
    """Reports of goods that came in on purchase orders."""

    report = ReceiptIn
    turn = Turn.PURCHASE_ORDERS

    def completed(self, reports: Sequence[ReceiptIn], site: Site) -> Sequence[ReceiptIn | Refusal]:
        """Receipts that name their order line, which may be left out where the order has one only."""
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

    def gathered(self, reports: Sequence[ReceiptIn], *, site: Site, lock: bool) -> ReceivableLines:
        """All lines of their orders: the order itself is locked with the first, so the orders come in one order."""
        orders = {one.order for one in reports}
        lines = _lines(site, orders, lock=lock)
        if lock and len(lines) < len(orders):
            raise no_orders(site, CostObjectKind.PURCHASE_ORDER, sorted(orders - lines.keys()))
        return ReceivableLines(site, lines)


RECEIPTS = Receipts()


def receive_many(receipts: Sequence[ReceiptIn], *, site: Site, by: User) -> list[Booking]:
    """Take received goods into stock, and assume what the sub-contractors used for them: all of it, or nothing.

    A receipt whose key was posted before answers with that posting's booking.
    """
    return [taken.booking for taken in take_reports(receipts, [RECEIPTS], site=site, by=by)]


def receive(receipt: ReceiptIn, *, site: Site, by: User) -> Booking:
    """Take received goods into stock, and assume what the sub-contractor used for them (R1 to R3)."""
    return receive_many([receipt], site=site, by=by)[0]


def preview_receipt(receipt: ReceiptIn, *, site: Site) -> Preview:
    """What a receipt would assume at the sub-contractor, and what of it would wait (B7)."""
    lines = ReceivableLines(site, _lines(site, {receipt.order}, lock=False))
    made = lines.planned(receipt, None)
    return preview(drafted(made, site=site), site=site, factor=lines.line_of(receipt).factor)


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
        numbers = ", ".join(str(line.number) for line in among)
        raise NotFound(f"{receipt.order} has the lines {numbers}. Say which one.", field="line")
    return wanted[0]


def _with_line(receipt: ReceiptIn, lines: Lines, site: Site) -> ReceiptIn | Refusal:
    try:
        return replace(receipt, line=_line_of(receipt, lines, site).number)
    except NotFound as refusal:
        return refusal


def _require_anything(receipt: ReceiptIn, line: PurchaseOrderLine) -> None:
    if not receipt.accepted and not receipt.rejected:
        raise InvalidQuantity(f"{line.item.code}: enter what was received, accepted or rejected.", field="accepted")


def received_along(order: PurchaseOrder) -> TransferRule:
    """Where goods of an order come in (R5)."""
    action = _receive_action(order, order.site)
    return require_rule(single_rules(order.site, [action.pk]), action, order.site)


def _require_open(order: PurchaseOrder) -> None:
    if refusal := refuse_receipt(order.number, PurchaseStatus(order.status)):
        raise refusal


def _receive_action(order: PurchaseOrder, site: Site) -> Action:
    """The order's receive action, else the site's (R5)."""
    action = order.receive_action or site.receive_action
    if action is None:
        raise NoReceiveAction(
            f"Neither {order.number} nor the site {site.code} names a receive action. Name one.", field="receive_action"
        )
    return action
