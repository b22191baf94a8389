"""Moving stock by hand: scan the place, scan the item, enter how many, read the sentence, confirm; the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.moves import Tracking
from backflush.core.refusals import InvalidValue, Refusal
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import MoveForeseen, foresee_move, goes_back, ways_by_hand
from backflush.handling.services import move_stock, moves_by_hand
from backflush.handling.services import reverse as take_back
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.models import Balance
from backflush.ledger.selectors import balances, movements_of, posting_numbered
from backflush.people.rights import Verb
from backflush.stockmap.ending import offered
from backflush.stockmap.models import Bin, Location, TransferRule
from backflush.stockmap.selectors import location_at, place_names
from backflush.unresolved.arrivals import proposed_by
from backflush.web.keys import new_key
from backflush.web.pages import page, posts
from backflush.web.reading import number_in
from backflush.web.stock import SUGGESTED_MOST
from backflush.web.visits import PageRequest, Visit

POTS_MOST: Final = 200
"""So many batches, serial numbers or bins are offered."""


@dataclass
class Asked:
    """What is to be moved from where, as far as it has been said. `refusal` is about the place or the item."""

    source: Location | None = None
    item: Item | None = None
    ways: list[TransferRule] = field(default_factory=list)
    pots: list[Balance] = field(default_factory=list)
    bins: list[Bin] = field(default_factory=list)
    refusal: Refusal | None = None

    @property
    def there(self) -> Decimal:
        """All of the item that is at the place."""
        return sum((pot.quantity for pot in self.pots), Decimal(0))

    @property
    def by_serial(self) -> bool:
        """Whether one says which pieces, and so how many."""
        return self.item is not None and self.item.tracking == Tracking.SERIAL

    @property
    def by_pot(self) -> bool:
        """Whether one says which batch or bin."""
        tracked = self.item is not None and self.item.tracking == Tracking.BATCH
        return not self.by_serial and (tracked or (self.source is not None and self.source.bin_controlled))

    @property
    def ready(self) -> bool:
        """Whether it can be said how many go where."""
        return self.source is not None and self.item is not None and bool(self.ways)


def _asked(visit: Visit, said: Mapping[str, str]) -> Asked:
    asked = Asked()
    place, code = said.get("source", "").strip(), said.get("item", "").strip()
    try:
        if place:
            asked.source = location_at(visit.site, place, field="source")
            asked.ways = list(ways_by_hand(visit.site, asked.source))
            if not asked.ways:
                sentence = _("No action moves stock by hand from %(place)s. An engineer can add a rule.")
                raise InvalidValue(sentence % {"place": place}, field="source")
        if code:
            asked.item = item_coded(code)
    except Refusal as refusal:
        asked.refusal = refusal
    if asked.source and asked.item:
        asked.pots = list(balances(visit.site, item=code, location=place)[: POTS_MOST + 1])
        targets = [way.target_id for way in asked.ways if way.target.bin_controlled]
        bins = offered(Bin.objects.filter(location__in=targets).order_by("code"))
        asked.bins = list(bins[:POTS_MOST]) if targets else []
    return asked


def _way(asked: Asked, said: Mapping[str, str]) -> TransferRule:
    chosen = said.get("way", "")
    for way in asked.ways:
        if str(way.pk) == chosen:
            return way
    raise InvalidValue(_("Choose where it goes."), field="way")


def _movement_in(asked: Asked, said: QueryDict) -> dict[str, Any]:
    """What `move_stock` is asked for. Serial numbers say themselves how many and from which bin."""
    assert asked.item is not None
    assert asked.source is not None
    way = _way(asked, said)
    pots = {str(pot.pk): pot for pot in asked.pots}
    named: list[Balance] = [pots[pk] for pk in said.getlist("pot") if pk in pots]
    if asked.by_serial:
        if not named:
            raise InvalidValue(_("Tick the serial numbers that go."), field="pot")
        if len({pot.bin for pot in named}) > 1:
            raise InvalidValue(_("These are in different bins. Move those of one bin at a time."), field="pot")
        quantity, serials = Decimal(len(named)), [pot.serial for pot in named]
    else:
        quantity = number_in(said, "quantity", unit=asked.item.stock_unit.code, empty=None)
        serials = []
        if asked.by_pot and len(named) != 1:
            raise InvalidValue(_("Choose which it is taken from."), field="pot")
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


def _will(visit: Visit, asked: Asked, said: QueryDict) -> dict[str, Any]:
    """What would happen, for the sentence; nothing as long as too little has been said."""
    if not asked.ready or not (said.get("quantity", "").strip() or said.getlist("pot")):
        return {}
    try:
        movement = _movement_in(asked, said)
        foreseen: MoveForeseen = foresee_move(moves_by_hand(site=visit.site, **movement), visit.site)
    except Refusal as refusal:
        return {"will_refusal": refusal}
    return {"will": movement, "foreseen": foreseen}


def _show(request: PageRequest, refusal: Refusal | None, said: QueryDict) -> HttpResponse:
    asked = _asked(request.visit, said)
    shown = {
        "asked": asked,
        "typed": said,
        "ticked": said.getlist("pot"),
        "refusal": refusal or asked.refusal,
        "places": place_names(request.visit.site, most=SUGGESTED_MOST, in_use=True),
        "key": said.get("key", "") or new_key(),
        "undo_key": new_key(),
        **_will(request.visit, asked, said),
        **_strip(request),
    }
    return render(request, "web/stock/move.html", shown)


@page(Verb.MOVE)
def move_page(request: PageRequest) -> HttpResponse:
    """Where from, what, how many, where to."""
    return _show(request, None, request.GET)


@page(Verb.MOVE)
def will_part(request: PageRequest) -> HttpResponse:
    """The sentence that says what will happen."""
    asked = _asked(request.visit, request.GET)
    return render(request, "web/stock/move_will.html", {"asked": asked, **_will(request.visit, asked, request.GET)})


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    return _show(request, refusal, request.POST)


@posts(Verb.MOVE, again=_again)
def move(request: PageRequest) -> HttpResponse:
    """Move it; place and way stay for the next item."""
    said = request.POST
    asked = _asked(request.visit, said)
    if asked.refusal is not None:
        raise asked.refusal
    if not asked.ready:
        raise InvalidValue(_("Scan the place and the item first."), field="source")
    posting = move_stock(
        **_movement_in(asked, said),
        site=request.visit.site,
        by=request.user,
        remarks=said.get("remarks", "").strip(),
        key=said.get("key", ""),
    )
    kept = {"source": said.get("source", "").strip(), "way": said.get("way", ""), "moved": str(posting.pk)}
    return redirect(f"{reverse('move')}?{urlencode(kept)}")


@posts(Verb.REVERSE_OWN, Verb.REVERSE, again=_again)
def undo_move(request: PageRequest) -> HttpResponse:
    """Take the movement back at once: it's exact, and can be made again."""
    number = request.POST.get("posting", "")
    if not number.isdecimal() or len(number) > 18:
        raise InvalidValue(_("Say which movement is to be taken back."), field="posting")
    posting = posting_numbered(request.visit.site, int(number))
    require_may_reverse(request.user, request.visit.site, posting)
    take_back(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    kept = {"source": request.POST.get("source", ""), "way": request.POST.get("way", ""), "moved": str(posting.pk)}
    return redirect(f"{reverse('move')}?{urlencode(kept)}")


def _strip(request: PageRequest) -> dict[str, Any]:
    """What was just moved, read from the ledger."""
    number = request.GET.get("moved", "") or request.POST.get("posting", "")
    if not number.isdecimal() or len(number) > 18:
        return {}
    posting = posting_numbered(request.visit.site, int(number))
    movements = list(movements_of(posting)[: POTS_MOST + 1])
    if not movements:
        return {}
    return {
        "moved": posting,
        "first": movements[0],
        "amount": sum((movement.quantity for movement in movements), Decimal(0)),
        "undone": not goes_back(posting),
        "may_undo": may_reverse(request.user, request.visit.site, posting),
        "proposal": proposed_by(posting, site=request.visit.site) if goes_back(posting) else None,
    }


urlpatterns = [
    path("stock/move/", move_page, name="move"),
    path("stock/move/will/", will_part, name="move-will"),
    path("stock/move/post/", move, name="move-post"),
    path("stock/move/undo/", undo_move, name="move-undo"),
]
