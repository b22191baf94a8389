"""Posting one line after the other by scanner: the place, the item, how many; a sentence, one press, and the next.

What pages of this kind have in common. Each says of itself where things are scanned, what more is asked, and what is
posted (`Scanning`); its template fills in the fields of `stock/scan.html`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from backflush.core.input_values import whole_or_none
from backflush.core.moves import Tracking
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.handling.moves import reverse as take_back
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import goes_back
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.models import Posting
from backflush.ledger.selectors import movements_of, posting_numbered
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Bin, Location
from backflush.stockmap.selectors import bin_labelled, location_at, place_names
from backflush.unresolved.arrivals import proposed_by
from backflush.web.forms.idempotency import new_key
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.stock.transactions import SUGGESTED_MOST

SHOWN_MOST: Final = 200
"""So many batches, serial numbers or bins are offered, and so many movements of one line are summed up."""


@dataclass
class ScanQuery:
    """Which item is where, as far as it has been said. `refusal` is about the place or the item.

    `bin` is the one whose label was scanned for the place.
    """

    place: Location | None = None
    bin: str = ""
    item: Item | None = None
    bins: list[Bin] = field(default_factory=list)
    refusal: Refusal | None = None

    @property
    def by_serial(self) -> bool:
        """Whether one names each piece, and so how many there are."""
        return self.item is not None and self.item.tracking == Tracking.SERIAL

    @property
    def by_batch(self) -> bool:
        """Whether one names the batch."""
        return self.item is not None and self.item.tracking == Tracking.BATCH

    @property
    def ready(self) -> bool:
        """Whether it can be said how many."""
        return self.place is not None and self.item is not None


def place_scanned(visit: Visit, text: str, *, field: str) -> tuple[Location, str]:
    """The location that was scanned, by its own label or by that of one of its bins, which is named too."""
    try:
        return location_at(visit.site, text, field=field), ""
    except NotFound:
        found = bin_labelled(visit.site, text)
        if found is None:
            raise
        return found.location, found.code


def bins_offered(*locations: int) -> list[Bin]:
    """Bins that may be chosen at some locations."""
    return list(offered(Bin.objects.filter(location__in=locations).order_by("code"))[:SHOWN_MOST])


A = TypeVar("A", bound=ScanQuery)


class Scanning(Generic[A]):
    """A page of this kind. `place` is the name of the field into which its place is scanned, and `fields` are all at
    which a refusal can stand once place and item are known."""

    at: str
    """The name of its address."""
    slug: str
    """With which the names of its other addresses begin."""
    verb: Verb
    asks: type[A]
    place: str
    fields: Collection[str] = ()
    template: str
    will_template: str
    """What says what would happen."""
    words: str
    """What says what was done."""

    def look_at(self, visit: Visit, asked: A, place: Location) -> None:
        """Take the place that was scanned, or refuse it before anything else is asked."""
        raise NotImplementedError

    def look_into(self, visit: Visit, asked: A) -> None:
        """What is there of the item, and what of it can be chosen."""
        raise NotImplementedError

    def will(self, visit: Visit, asked: A, said: QueryDict) -> dict[str, Any]:
        """What would happen, for the sentence; nothing as long as too little has been said."""
        raise NotImplementedError

    def post(self, request: PageRequest, asked: A) -> Posting:
        """Post the line."""
        raise NotImplementedError

    def stays(self, visit: Visit, said: Mapping[str, str]) -> dict[str, str]:
        """What stays for the next line besides the place."""
        raise NotImplementedError

    @property
    def will_at(self) -> str:
        """The name of the address of the sentence."""
        return f"{self.slug}-will"

    @property
    def post_at(self) -> str:
        """The name of the address at which it is posted."""
        return f"{self.slug}-post"

    @property
    def undo_at(self) -> str:
        """The name of the address at which it is taken back."""
        return f"{self.slug}-undo"

    # The same for all

    def asked(self, visit: Visit, said: Mapping[str, str]) -> A:
        """What has been said so far."""
        asked = self.asks()
        place, code = said.get(self.place, "").strip(), said.get("item", "").strip()
        try:
            if place:
                location, asked.bin = place_scanned(visit, place, field=self.place)
                self.look_at(visit, asked, location)
                asked.place = location
            if code:
                asked.item = item_coded(code)
        except Refusal as refusal:
            asked.refusal = refusal
        if asked.place is not None and asked.item is not None:
            self.look_into(visit, asked)
        return asked

    def show(self, request: PageRequest, refusal: Refusal | None, said: QueryDict) -> HttpResponse:
        """The page, as far as it has been said."""
        asked = self.asked(request.visit, said)
        refusal = refusal or asked.refusal
        shown = {
            "scan": self,
            "asked": asked,
            "typed": said,
            "place_typed": said.get(self.place, ""),
            "stays": self.stays(request.visit, said),
            "refusal": refusal,
            # Until place and item are known there are no other fields to say it at.
            "loose": refusal is not None
            and refusal.field not in {self.place, "item", *(self.fields if asked.ready else ())},
            "places": place_names(request.visit.site, most=SUGGESTED_MOST, in_use=True),
            "key": said.get("key", "") or new_key(),
            "undo_key": new_key(),
            **self.will(request.visit, asked, said),
            **self._strip(request),
        }
        return render(request, self.template, shown)

    def _strip(self, request: PageRequest) -> dict[str, Any]:
        """What was just posted, read from the ledger."""
        posting_id = whole_or_none(request.GET.get("done", "") or request.POST.get("posting", ""))
        if posting_id is None:
            return {}
        posting = posting_numbered(request.visit.site, posting_id)
        movements = list(movements_of(posting)[: SHOWN_MOST + 1])
        if not movements:
            return {}
        undone = not goes_back(posting)
        return {
            "done": posting,
            "first": movements[0],
            "amount": sum((movement.quantity for movement in movements), Decimal(0)),
            "undone": undone,
            "may_undo": may_reverse(request.user, request.visit.site, posting),
            "proposal": None if undone else proposed_by(posting, site=request.visit.site),
        }

    def _on(self, request: PageRequest, posting: int) -> HttpResponse:
        """To the next line, at the same place."""
        place = request.POST.get(self.place, "").strip()
        said = {self.place: place, **self.stays(request.visit, request.POST), "done": str(posting)}
        return redirect(f"{reverse(self.at)}?{urlencode(said)}")

    def urls(self, under: str) -> list[URLPattern]:
        """Its addresses: the page, the sentence while it is being filled in, posting, and taking back."""

        def again(request: PageRequest, refusal: Refusal) -> HttpResponse:
            return self.show(request, refusal, request.POST)

        @page(self.verb)
        def shown(request: PageRequest) -> HttpResponse:
            return self.show(request, None, request.GET)

        @page(self.verb)
        def will_part(request: PageRequest) -> HttpResponse:
            asked = self.asked(request.visit, request.GET)
            facts = {"asked": asked, **self.will(request.visit, asked, request.GET)}
            return render(request, self.will_template, facts)

        @posts(self.verb, again=again)
        def post(request: PageRequest) -> HttpResponse:
            asked = self.asked(request.visit, request.POST)
            if asked.refusal is not None:
                raise asked.refusal
            if not asked.ready:
                raise InvalidValue("Scan the location and the item first.", field=self.place)
            return self._on(request, self.post(request, asked).pk)

        @posts(Verb.REVERSE_OWN, Verb.REVERSE, again=again)
        def undo(request: PageRequest) -> HttpResponse:
            """Take it back at once: it's exact, and can be posted again."""
            posting_id = whole_or_none(request.POST.get("posting", ""))
            if posting_id is None:
                raise InvalidValue("Choose what to reverse.", field="posting")
            posting = posting_numbered(request.visit.site, posting_id)
            require_may_reverse(request.user, request.visit.site, posting)
            take_back(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
            return self._on(request, posting.pk)

        return [
            path(under, shown, name=self.at),
            path(f"{under}will/", will_part, name=self.will_at),
            path(f"{under}post/", post, name=self.post_at),
            path(f"{under}undo/", undo, name=self.undo_at),
        ]
