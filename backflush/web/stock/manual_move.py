"""Manual moves: scan the place, scan the item, enter the quantity, check the sentence, confirm; then the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.http import QueryDict

from backflush.core.refusals import InvalidValue, Refusal
from backflush.handling.moves import move_stock, moves_by_hand
from backflush.handling.selectors import MoveForeseen, foresee_move, ways_by_hand
from backflush.ledger.models import Balance, Posting
from backflush.ledger.selectors import balances
from backflush.people.rights import Verb
from backflush.stockmap.models import Location, TransferRule
from backflush.web.forms.scan_form import SHOWN_MOST, Scanning, ScanQuery, bins_offered
from backflush.web.forms.values import number_in
from backflush.web.platform.visit import PageRequest, Visit


@dataclass
class MoveAsked(ScanQuery):
    """The item and source entered so far."""

    ways: list[TransferRule] = field(default_factory=list)
    stock_keys: list[Balance] = field(default_factory=list)

    @property
    def there(self) -> Decimal:
        """The balances of the item at the place."""
        return sum((stock_key.quantity for stock_key in self.stock_keys), Decimal(0))

    @property
    def by_stock_key(self) -> bool:
        """Whether the user must choose a batch or bin."""
        return not self.by_serial and (self.by_batch or (self.place is not None and self.place.bin_controlled))

    @property
    def ticked(self) -> list[str]:
        """The balances selected at first: the one in the scanned bin, if there is only one."""
        in_bin = (
            [str(stock_key.pk) for stock_key in self.stock_keys if stock_key.bin == self.bin]
            if self.bin and self.by_stock_key
            else []
        )
        return in_bin if len(in_bin) == 1 else []


class Moving(Scanning[MoveAsked]):
    """The form: from the scanned place along one of the rules that start there."""

    at = slug = "move"
    verb = Verb.MOVE
    asks = MoveAsked
    place = "source"
    fields = frozenset({"quantity", "way", "stock_key", "to_bin"})
    template = "web/stock/move.html"
    will_template = "web/stock/move_will.html"
    words = "web/stock/moved_words.html"

    def look_at(self, visit: Visit, asked: MoveAsked, place: Location) -> None:
        asked.ways = list(ways_by_hand(visit.site, place))
        if not asked.ways:
            raise InvalidValue(
                "No manual action moves stock from {location}. Ask an engineer to add a rule.",
                location=place.path,
                field="source",
            )

    def look_into(self, visit: Visit, asked: MoveAsked) -> None:
        assert asked.item is not None
        assert asked.place is not None
        found = balances(visit.site, item=asked.item.code, location=asked.place.path)
        asked.stock_keys = list(found[: SHOWN_MOST + 1])
        targets = [way.target_id for way in asked.ways if way.target.bin_controlled]
        asked.bins = bins_offered(*targets) if targets else []

    def stays(self, visit: Visit, said: Mapping[str, str]) -> dict[str, str]:
        return {"way": way} if (way := said.get("way", "")) else {}

    def will(self, visit: Visit, asked: MoveAsked, said: QueryDict) -> dict[str, Any]:
        shown: dict[str, Any] = {"ticked": said.getlist("stock_key") or asked.ticked}
        if not asked.ready or not (said.get("quantity", "").strip() or said.getlist("stock_key")):
            return shown
        try:
            movement = _movement_in(asked, said)
            foreseen: MoveForeseen = foresee_move(moves_by_hand(site=visit.site, **movement), visit.site)
        except Refusal as refusal:
            return shown | {"will_refusal": refusal}
        return shown | {"will": movement, "foreseen": foreseen}

    def post(self, request: PageRequest, asked: MoveAsked) -> Posting:
        return move_stock(
            **_movement_in(asked, request.POST),
            site=request.visit.site,
            by=request.user,
            remarks=request.POST.get("remarks", "").strip(),
            key=request.POST.get("key", ""),
        )


def _way(asked: MoveAsked, said: Mapping[str, str]) -> TransferRule:
    chosen = said.get("way", "")
    for way in asked.ways:
        if str(way.pk) == chosen:
            return way
    raise InvalidValue("Choose where the stock goes.", field="way")


def _movement_in(asked: MoveAsked, said: QueryDict) -> dict[str, Any]:
    """Return the arguments for `move_stock`. Serial numbers imply quantity and bin."""
    assert asked.item is not None
    way = _way(asked, said)
    stock_keys = {str(stock_key.pk): stock_key for stock_key in asked.stock_keys}
    named: list[Balance] = [stock_keys[pk] for pk in said.getlist("stock_key") if pk in stock_keys]
    if asked.by_serial:
        if not named:
            raise InvalidValue("Choose the serial numbers to move.", field="stock_key")
        if len({stock_key.bin for stock_key in named}) > 1:
            raise InvalidValue("These serial numbers are in different bins. Move one bin at a time.", field="stock_key")
        quantity, serials = Decimal(len(named)), [stock_key.serial for stock_key in named]
    else:
        quantity = number_in(said, "quantity", unit=asked.item.stock_unit.code, empty=None)
        serials = []
        if asked.by_stock_key and len(named) != 1:
            raise InvalidValue("Choose the stock to move.", field="stock_key")
    return {
        "action": way.action.name,
        "item": asked.item.code,
        "quantity": quantity,
        "source": way.source.path,
        "target": way.target.path,
        "from_bin": named[0].bin if named else "",
        "to_bin": said.get("to_bin", "").strip() if way.target.bin_controlled else "",
        "batch": named[0].batch if named else "",
        "serials": serials,
    }


MOVING: Final = Moving()
urlpatterns = MOVING.urls("stock/move/")
