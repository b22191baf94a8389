"""What booking without an order and receiving share: amounts, a preview of what goes out of stock, one button."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.http import QueryDict

from backflush.backflushing.selectors import Preview
from backflush.core.moves import Tracking
from backflush.core.quantity import ZERO
from backflush.items.models import Item
from backflush.items.selectors import in_stock_unit
from backflush.stockmap.models import Location
from backflush.web.forms.values import number_in
from backflush.web.production.book_order import Foreseen, PreviewRow


@dataclass(frozen=True)
class Task:
    """One thing of which amounts are entered, in `unit`; `good` and `scrap` are the names of the two fields.

    `hidden` is what names it, `into` where the good ones go, `to_go` what is still expected (None: nobody said).
    """

    item: Item
    unit: str
    factor: Fraction
    good: str
    scrap: str
    hidden: dict[str, str]
    preview_at: str
    post_at: str
    into: Location | None = None
    to_go: Decimal | None = None
    quick: list[Decimal] = field(default_factory=list)

    @property
    def other_unit(self) -> bool:
        """Whether the amounts are in another unit than stock is."""
        return self.unit != self.item.stock_unit.code

    @property
    def needs_batch(self) -> bool:
        """Whether the goods' batch must be named (B8)."""
        return bool(self.item.tracking == Tracking.BATCH)

    @property
    def needs_serials(self) -> bool:
        """Whether the goods' serial numbers must be named (B8)."""
        return bool(self.item.tracking == Tracking.SERIAL)

    @property
    def needs_bin(self) -> bool:
        """Whether it must be said in which bin they are put (B8)."""
        return self.into is not None and self.into.bin_controlled


def amounts_in(task: Task, typed: QueryDict) -> tuple[Decimal, Decimal]:
    """What was typed of both; an empty field is nothing."""
    return number_in(typed, task.good, unit=task.unit), number_in(typed, task.scrap, unit=task.unit)


def foreseen_of(preview: Preview) -> Foreseen:
    """A preview with its items; what is short comes first, then what waits for a choice."""
    codes = {line.component for line in preview.lines}
    items = {item.code: item for item in Item.objects.filter(code__in=codes).select_related("stock_unit")}
    lines = [PreviewRow(line, items[line.component]) for line in preview.lines]
    return Foreseen(preview, sorted(lines, key=lambda one: (not one.is_short, one.line.reason is None)))


def shown_of(task: Task, good: Decimal, scrap: Decimal, preview: Preview | None) -> dict[str, Any]:
    """What the preview's template needs."""
    in_stock = {}
    if task.other_unit and good + scrap:
        together = in_stock_unit(good + scrap, task.factor, task.item, field=task.good, unit=task.unit)
        in_stock = {"in_stock": together}
    over = task.to_go is not None and good > task.to_go
    foreseen = foreseen_of(preview) if preview is not None else None
    return {"good": good, "scrap": scrap, "foreseen": foreseen, "over": over, **in_stock}


def left_of(wanted: Decimal, done: Decimal) -> Decimal:
    """What is still to come."""
    return max(ZERO, wanted - done)
