"""Printed labels for places: the code in large letters, and a QR code that *Scan or find* opens."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, QuerySet, Value
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from backflush.delivery.pagination import page_along
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Bin, Location, Store
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.setup.resource import SETTING_UP

AT_ONCE: Final = 60
"""The most labels at once: five sheets of twelve."""
BY: Final = ("path", "bin")
LONG: Final = 8
"""Longer codes are printed smaller."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label: its large text, the place, the description, and the content of the QR code."""

    large: str
    path: str
    about: str
    scanned: str

    @property
    def long(self) -> bool:
        """Whether the large text must be printed smaller."""
        return len(self.large) > LONG


def _label(place: Any) -> Label:
    """Return the label of a location or bin. A bin's QR code includes the location, because bin codes may repeat."""
    if isinstance(place, Bin):
        return Label(place.code, place.path, "", f"{place.path}/{place.code}")  # type: ignore[attr-defined]
    return Label(place.code, place.path, place.description, place.path)


def _show(request: PageRequest, places: QuerySet[Location], bins: QuerySet[Bin], **about: Any) -> HttpResponse:
    """Show the labels of locations, then of their bins, up to the limit."""
    runs: list[Any] = [
        places.annotate(bin=Value("")),
        bins.annotate(path=F("location__path"), bin=F("code")),
    ]
    total = places.count() + bins.count()
    listed = page_along(runs, request.GET, by=BY, total=total, size=AT_ONCE)
    context = {"page": listed, "labels": [_label(one) for one in listed.rows], **about}
    if any(map(request.visit.may, SETTING_UP)):
        context["back"] = reverse("set-up-record", args=[about["kind"], about["of"]])
    return render(request, "web/setup/labels.html", context)


def _used(visit: Visit, **where: Any) -> QuerySet[Bin]:
    """Return the active bins."""
    return offered(Bin.objects.filter(site=visit.site, **where))


@page()
def location_labels(request: PageRequest, key: str) -> HttpResponse:
    """Show the labels of one location and its bins, or of a single bin."""
    here = Location.objects.filter(site=request.visit.site, path=key)
    if not here.exists():
        raise Http404
    bins = _used(request.visit, location__path=key)
    if alone := request.GET.get("bin", ""):
        here, bins = here.none(), bins.filter(code=alone)
    return _show(request, here, bins, kind="locations", of=key)


@page()
def store_labels(request: PageRequest, key: str) -> HttpResponse:
    """Show the labels of a store. Locations without balances have none, because they don't exist physically."""
    if not Store.objects.filter(site=request.visit.site, code=key).exists():
        raise Http404
    places = offered(Location.objects.filter(site=request.visit.site, store__code=key, has_balance=True))
    bins = _used(request.visit, location__store__code=key).filter(location__ended_on__isnull=True)
    return _show(request, places, bins, kind="stores", of=key)


urlpatterns = [
    path("set-up/labels/location/<path:key>/", location_labels, name="location-labels"),
    path("set-up/labels/store/<path:key>/", store_labels, name="store-labels"),
]
