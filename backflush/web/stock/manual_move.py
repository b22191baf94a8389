"""Manual moves, one line after another: scan the location, scan the item, enter the quantity, choose the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.refusals import InvalidValue, Refusal
from backflush.handling.moves import MoveIn, move_stock, moves_by_hand
from backflush.handling.selectors import preview_move, ways_by_hand
from backflush.ledger.models import Balance, Posting
from backflush.ledger.selectors import balances
from backflush.people.rights import Verb
from backflush.stockmap.models import Location, TransferRule
from backflush.web.display import formats
from backflush.web.forms.fields import Field, FieldKind, Option
from backflush.web.forms.scan_form import SHOWN_MAX, ScanPage, ScanQuery, bins_offered
from backflush.web.forms.values import stock_quantity_in
from backflush.web.platform.visit import PageRequest, Visit


@dataclass
class MoveQuery(ScanQuery):
    """The location and the item, the rules that lead away from there, and the stock that can be taken."""

    rules: list[TransferRule] = field(default_factory=list)
    stock_keys: list[Balance] = field(default_factory=list)

    @property
    def there(self) -> Decimal:
        """How much of the item is at the location."""
        return sum((stock_key.quantity for stock_key in self.stock_keys), Decimal(0))

    @property
    def by_stock_key(self) -> bool:
        """Whether the batch or the bin must be chosen."""
        return not self.by_serial and (self.by_batch or (self.place is not None and self.place.bin_controlled))

    @property
    def preselected(self) -> list[str]:
        """The stock that is chosen beforehand: all there is in the bin whose label was scanned, if that is one line."""
        if not self.bin or not self.by_stock_key:
            return []
        in_bin = [str(stock_key.pk) for stock_key in self.stock_keys if stock_key.bin == self.bin]
        return in_bin if len(in_bin) == 1 else []


class ManualMovePage(ScanPage[MoveQuery]):
    """A move from the location that was scanned, by one of the rules that lead away from it."""

    address = slug = "move"
    verb = Verb.MOVE
    query_class = MoveQuery
    place_field = "source"
    place_label = lazy("From location")
    template = "web/stock/move.html"
    preview_template = "web/stock/move_preview.html"
    posted_template = "web/stock/move_posted.html"

    def accept_place(self, visit: Visit, query: MoveQuery, place: Location) -> None:
        """Refuse a location from which no rule leads away."""
        query.rules = list(ways_by_hand(visit.site, place))
        if not query.rules:
            raise InvalidValue(
                "No manual action moves stock from {location}. Ask an engineer to add a rule.",
                location=place.path,
                field="source",
            )

    def load_stock(self, visit: Visit, query: MoveQuery) -> None:
        """Load the stock of the item at the location, and the bins of the targets."""
        assert query.item is not None
        assert query.place is not None
        found = balances(visit.site, item=query.item.code, location=query.place.path)
        query.stock_keys = list(found[: SHOWN_MAX + 1])
        targets = [rule.target_id for rule in query.rules if rule.target.bin_controlled]
        query.bins = bins_offered(*targets) if targets else []

    def line_fields(self, query: MoveQuery) -> Sequence[Field]:
        """Return which stock, how much, where to, and a remark."""
        assert query.item is not None
        fields = []
        if query.by_serial or query.by_stock_key:
            fields.append(_stock_key_field(query))
        if not query.by_serial:
            unit = query.item.stock_unit.code
            quantity = Field("quantity", _("Quantity"), FieldKind.QUANTITY, unit=unit, look="scan", focus=True)
            fields.append(quantity)
        targets = [
            Option(str(rule.pk), rule.target.path, rule.target.description, rule.action.name) for rule in query.rules
        ]
        fields.append(Field("rule", _("Where to?"), FieldKind.RADIO, choices=targets, also=("action", "target")))
        if query.bins:
            bins = [bin.code for bin in query.bins]
            hint = _("Only for a location that is kept in bins.")
            fields.append(Field("to_bin", _("Into which bin"), hint=hint, suggestions=bins))
        return [*fields, Field("remarks", _("Remarks"), optional=True, length_max=500)]

    def line_values(self, query: MoveQuery, form_data: QueryDict) -> dict[str, list[str]]:
        """Return what was entered; the only rule, and the stock in a scanned bin, are chosen beforehand."""
        only = [str(query.rules[0].pk)] if len(query.rules) == 1 else []
        return {"rule": only, "stock_key": query.preselected, **super().line_values(query, form_data)}

    def carried_over(self, visit: Visit, form_data: Mapping[str, str]) -> dict[str, str]:
        """Keep the rule for the next line."""
        return {"rule": rule} if (rule := form_data.get("rule", "")) else {}

    def preview(self, visit: Visit, query: MoveQuery, form_data: QueryDict) -> dict[str, Any]:
        """Return what will move and how much will be left."""
        entered = form_data.get("quantity", "").strip() or form_data.getlist("stock_key")
        if not query.ready or not entered:
            return {}
        try:
            move = _move_in(query, form_data)
            preview = preview_move(moves_by_hand(move, site=visit.site), visit.site)
        except Refusal as refusal:
            return {"preview_refusal": refusal}
        return {"move": move, "preview": preview}

    def post(self, request: PageRequest, query: MoveQuery) -> Posting:
        """Post the move."""
        entered = replace(
            _move_in(query, request.POST),
            remarks=request.POST.get("remarks", "").strip(),
            key=request.POST.get("key", ""),
        )
        return move_stock(entered, site=request.visit.site, by=request.user)


def _stock_key_field(query: MoveQuery) -> Field:
    assert query.item is not None
    unit = query.item.stock_unit.code
    options = [
        Option(
            str(stock_key.pk),
            stock_key.serial or stock_key.batch or stock_key.bin,
            stock_key.bin if stock_key.serial or stock_key.batch else "",
            "" if query.by_serial else f"{formats.number(stock_key.quantity, query.item.quantity_decimals)} {unit}",
        )
        for stock_key in query.stock_keys
    ]
    return Field(
        "stock_key",
        _("Which serial numbers?") if query.by_serial else _("Taken from which?"),
        FieldKind.CHECKBOXES if query.by_serial else FieldKind.RADIO,
        hint="" if options else _("None of this item is there."),
        choices=options,
        also=("from_bin", "batch", "serials"),
    )


def _rule_in(query: MoveQuery, form_data: Mapping[str, str]) -> TransferRule:
    chosen = form_data.get("rule", "")
    for rule in query.rules:
        if str(rule.pk) == chosen:
            return rule
    raise InvalidValue("Choose where the stock goes.", field="rule")


def _move_in(query: MoveQuery, form_data: QueryDict) -> MoveIn:
    """Read what is to be moved. Serial numbers determine the quantity and the bin."""
    assert query.item is not None
    rule = _rule_in(query, form_data)
    stock_keys = {str(stock_key.pk): stock_key for stock_key in query.stock_keys}
    chosen: list[Balance] = [stock_keys[pk] for pk in form_data.getlist("stock_key") if pk in stock_keys]
    if query.by_serial:
        if not chosen:
            raise InvalidValue("Choose the serial numbers to move.", field="stock_key")
        if len({stock_key.bin for stock_key in chosen}) > 1:
            raise InvalidValue("These serial numbers are in different bins. Move one bin at a time.", field="stock_key")
        quantity, serials = Decimal(len(chosen)), [stock_key.serial for stock_key in chosen]
    else:
        quantity = stock_quantity_in(form_data, "quantity", query.item)
        serials = []
        if query.by_stock_key and len(chosen) != 1:
            raise InvalidValue("Choose the stock to move.", field="stock_key")
    return MoveIn(
        action=rule.action.name,
        item=query.item.code,
        quantity=quantity,
        source=rule.source.path,
        target=rule.target.path,
        from_bin=chosen[0].bin if chosen else "",
        to_bin=form_data.get("to_bin", "").strip() if rule.target.bin_controlled else "",
        batch=chosen[0].batch if chosen else "",
        serials=serials,
    )


MANUAL_MOVE: Final = ManualMovePage()
urlpatterns = MANUAL_MOVE.urls("stock/move/")
