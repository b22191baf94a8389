"""The kinds of set-up together: all lists, forms, and what is deleted."""

from collections.abc import Mapping
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from backflush.core.refusals import Refusal
from backflush.ledger.selectors import bins_holding_stock, bins_in_use
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import bin_coded, end_bin, use_again
from backflush.stockmap.deletion import end_rules_at, remove, remove_bin, users_of
from backflush.stockmap.models import Action, Endable
from backflush.stockmap.services import (
    add_bin,
)
from backflush.web.forms.dry_run import refused_as_it_stands
from backflush.web.forms.fields import shown
from backflush.web.forms.values import text_in
from backflush.web.lists.pagination import page_of
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.setup.classification import Groups, TypeCodeResource
from backflush.web.setup.places import LocationResource, StoreResource
from backflush.web.setup.resource import SETTING_UP, SetupResource, cuts_of
from backflush.web.setup.sites import SiteResource
from backflush.web.setup.suppliers import SupplierResource
from backflush.web.setup.units import ConversionResource, UnitResource
from backflush.web.setup.users import People, rights, role_sites

KINDS: Final[Mapping[str, SetupResource]] = {
    kind.slug: kind
    for kind in (
        StoreResource(), LocationResource(), TypeCodeResource(), UnitResource(), ConversionResource(),
        Groups(), SupplierResource(), SiteResource(), People(),
    )
}  # fmt: skip


def kind_at(request: PageRequest, slug: str) -> SetupResource:
    """The kind of an address, for whom may look at it."""
    if slug not in KINDS:
        raise Http404
    request.visit.require(*KINDS[slug].looks)
    return KINDS[slug]


@page(*SETTING_UP)
def set_up_page(request: PageRequest) -> HttpResponse:
    """All kinds, in the order in which a plant is set up."""
    kinds = [kind for kind in KINDS.values() if any(map(request.visit.may, kind.looks))]
    counts = {kind.slug: kind.things(request.visit).count() for kind in kinds}
    return render(
        request,
        "web/setup/index.html",
        {"kinds": [(kind, counts[kind.slug]) for kind in kinds], "actions": Action.objects.count()},
    )


@page(*SETTING_UP)
def list_page(request: PageRequest, kind: str) -> HttpResponse:
    """All of a kind."""
    shown_kind, visit = kind_at(request, kind), request.visit
    cut, cuts = cuts_of(shown_kind.things(visit), request.GET)
    listed = page_of(cut, request.GET, by=shown_kind.by)
    rows = shown_kind.rows(visit, listed.rows)
    matrix = rights() if shown_kind.slug == People.slug else None
    facts = {"kind": shown_kind, "page": listed, "rows": rows, "may": visit.may(shown_kind.verb), "matrix": matrix}
    facts["cuts"] = cuts
    return render(request, "web/setup/list.html", facts)


def show_form(request: PageRequest, refusal: Refusal | None, kind: str, key: str = "") -> HttpResponse:
    """The form of something new, or of what is there, with what names it."""
    of, visit = kind_at(request, kind), request.visit
    thing = of.find(visit, key) if key else None
    posted = request.method == "POST"
    # A link to the form of something new may say what it is for.
    typed: Any = (
        request.POST if posted else {**(request.GET.dict() if thing is None else {}), **of.values(visit, thing)}
    )
    fields = of.fields(visit, thing)
    facts = {
        "kind": of,
        "thing": thing,
        "key": key,
        "name": of.name(thing) if thing is not None else "",
        "about": of.about(thing) if thing is not None else "",
        "fields": shown(fields, typed),
        "refusal": refusal,
        "loose": refusal is not None and refusal.field not in {field.name for field in fields} | {"roles"},
        "may": visit.may(of.verb),
        "users": users_of(thing) if thing is not None and of.removable(thing) else None,
        "removable": thing is not None and of.removable(thing),
        "step": of.step(visit, thing) if thing is not None else None,
        "ends": isinstance(thing, Endable),
        "paper": of.paper(thing) if thing is not None else "",
        **(of.more(visit, thing) if thing is not None else {}),
    }
    if of.slug == People.slug:
        facts["role_sites"] = role_sites(visit, thing, request.POST if posted else None)
    return render(request, "web/setup/form.html", facts)


@page(*SETTING_UP)
def thing_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """One of a kind."""
    return show_form(request, None, kind, key)


@page(*SETTING_UP)
def new_page(request: PageRequest, kind: str) -> HttpResponse:
    """A new one."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    return show_form(request, None, kind)


@posts(*SETTING_UP, again=show_form)
def add_page(request: PageRequest, kind: str) -> HttpResponse:
    """Add it."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    with transaction.atomic():
        added = of.save(request.visit, None, request.POST)
    return redirect(of.address(added))


@posts(*SETTING_UP, again=show_form)
def change_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Change it."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    with transaction.atomic():
        of.save(request.visit, of.find(request.visit, key), request.POST)
    return redirect("set-up-list", of.slug)


@posts(*SETTING_UP)
def judge_part(request: PageRequest, kind: str, key: str = "") -> HttpResponse:
    """What would be refused of the form as it stands, while it is being filled in."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    thing = of.find(request.visit, key) if key else None
    typed = {**request.POST.dict(), **dict.fromkeys(of.whole, "said")}
    refusal = refused_as_it_stands(lambda: of.try_it(request.visit, thing, request.POST), typed)
    labels = {field.name: field.label for field in of.fields(request.visit, thing)}
    label = labels.get(refusal.field, "") if refusal else ""
    return render(request, "web/setup/judged_form.html", {"refusal": refusal, "label": label})


@posts(*SETTING_UP, again=show_form)
def remove_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Delete what nothing names."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    thing = of.find(request.visit, key)
    if not of.removable(thing):
        raise Http404
    remove(cast(Model, thing))
    return redirect("set-up-list", of.slug)


@posts(*SETTING_UP, again=show_form)
def end_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """End what is used, where deleting it would take its history along."""
    of, thing = _endable(request, kind, key)
    of.end(request.visit, thing)
    return redirect(of.address(thing))


@posts(*SETTING_UP, again=show_form)
def again_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Take it in use again."""
    of, thing = _endable(request, kind, key)
    use_again(thing)
    return redirect(of.address(thing))


def _endable(request: PageRequest, kind: str, key: str) -> tuple[SetupResource, Endable]:
    """What is to be ended or taken in use again, for whom may change it."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    thing = of.find(request.visit, key)
    if not isinstance(thing, Endable):
        raise Http404
    return of, thing


@posts(Verb.RULES, again=lambda request, refusal, key: show_form(request, refusal, LocationResource.slug, key))
def end_rules_page(request: PageRequest, key: str) -> HttpResponse:
    """End every rule from and to a location."""
    end_rules_at(location=KINDS[LocationResource.slug].find(request.visit, key))
    return redirect("set-up-thing", LocationResource.slug, key)


def show_location(request: PageRequest, refusal: Refusal | None, key: str) -> HttpResponse:
    """The page of a location, after a bin of it was refused."""
    return show_form(request, refusal, LocationResource.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def add_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """One bin more at a location."""
    location = KINDS[LocationResource.slug].find(request.visit, key)
    try:
        add_bin(location=location, code=text_in(request.POST, "bin", most=40))
    except Refusal as refusal:
        refusal.field = "bin"
        raise
    return redirect("set-up-thing", LocationResource.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def remove_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """Take a bin away that never held anything."""
    location, code = KINDS[LocationResource.slug].find(request.visit, key), request.POST.get("bin", "")
    remove_bin(location=location, code=code, in_use=bool(bins_in_use(location.pk, [code])))
    return redirect("set-up-thing", LocationResource.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def end_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """End a bin that has held something, and is empty."""
    location, code = KINDS[LocationResource.slug].find(request.visit, key), request.POST.get("bin", "")
    holds_stock = bool(bins_holding_stock(location.pk, [code]))
    end_bin(location=location, code=code, on=request.visit.today, holds_stock=holds_stock)
    return redirect("set-up-thing", LocationResource.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def bin_again_page(request: PageRequest, key: str) -> HttpResponse:
    """Take a bin in use again."""
    location = KINDS[LocationResource.slug].find(request.visit, key)
    use_again(bin_coded(location, request.POST.get("bin", "")))
    return redirect("set-up-thing", LocationResource.slug, key)


def new_or_add(request: PageRequest, kind: str) -> HttpResponse:
    """By method."""
    return (add_page if request.method == "POST" else new_page)(request, kind=kind)


def thing_or_change(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """By method."""
    return (change_page if request.method == "POST" else thing_page)(request, kind=kind, key=key)


urlpatterns = [
    path("set-up/", set_up_page, name="set-up"),
    path("set-up/type-codes/at/<path:key>/", thing_or_change, {"kind": TypeCodeResource.slug}, name="type-code"),
    path("set-up/locations/bins/delete/<path:key>/", remove_bin_page, name="bin-delete"),
    path("set-up/locations/bins/end/<path:key>/", end_bin_page, name="bin-end"),
    path("set-up/locations/bins/again/<path:key>/", bin_again_page, name="bin-again"),
    path("set-up/locations/end-rules/<path:key>/", end_rules_page, name="location-rules-end"),
    path("set-up/locations/bins/<path:key>/", add_bin_page, name="bin-add"),
    path("set-up/<slug:kind>/", list_page, name="set-up-list"),
    path("set-up/<slug:kind>/judge/", judge_part, name="set-up-judge-new"),
    path("set-up/<slug:kind>/judge/<path:key>/", judge_part, name="set-up-judge"),
    path("set-up/<slug:kind>/new/", new_or_add, name="set-up-new"),
    path("set-up/<slug:kind>/delete/<path:key>/", remove_page, name="set-up-delete"),
    path("set-up/<slug:kind>/end/<path:key>/", end_page, name="set-up-end"),
    path("set-up/<slug:kind>/again/<path:key>/", again_page, name="set-up-again"),
    path("set-up/<slug:kind>/at/<path:key>/", thing_or_change, name="set-up-thing"),
]
