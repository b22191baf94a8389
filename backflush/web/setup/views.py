"""The pages of all kinds of record in set-up: their lists and forms, and deleting and deactivating records."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.core.refusals import Refusal
from backflush.delivery.pagination import page_of
from backflush.ledger.selectors import bins_holding_stock, bins_in_use
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import bin_coded, end_bin, use_again
from backflush.stockmap.deletion import end_rules_at, remove, remove_bin, users_of
from backflush.stockmap.models import Action, Endable
from backflush.stockmap.services import add_bin
from backflush.web.forms.dry_run import live_check
from backflush.web.forms.fields import Field, Form
from backflush.web.forms.values import text_in
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.setup.classification import ProductGroupResource, TypeCodeResource
from backflush.web.setup.places import LocationResource, StoreResource
from backflush.web.setup.resource import SETTING_UP, SetupResource, tabs_of
from backflush.web.setup.sites import SiteResource
from backflush.web.setup.suppliers import SupplierResource
from backflush.web.setup.tolerances import ToleranceResource
from backflush.web.setup.units import ConversionResource, UnitResource
from backflush.web.setup.users import UserResource, rights_matrix, role_fields, role_values

LOCATIONS: Final = LocationResource()
KINDS: Final[Mapping[str, SetupResource[Any]]] = {
    kind.slug: kind
    for kind in (
        StoreResource(), LOCATIONS, TypeCodeResource(), UnitResource(), ConversionResource(),
        ProductGroupResource(), SupplierResource(), SiteResource(), ToleranceResource(), UserResource(),
    )
}  # fmt: skip


def kind_at(request: PageRequest, slug: str) -> SetupResource[Any]:
    """Return the kind of an address, for a person who may look at it."""
    if slug not in KINDS:
        raise Http404
    request.visit.require(*KINDS[slug].viewed_by)
    return KINDS[slug]


def kind_to_change(request: PageRequest, slug: str) -> SetupResource[Any]:
    """Return the kind of an address, for a person who may change it."""
    kind = kind_at(request, slug)
    request.visit.require(kind.verb)
    return kind


@page(*SETTING_UP)
def set_up_page(request: PageRequest) -> HttpResponse:
    """Show all kinds, in the order in which a plant is set up."""
    kinds = [kind for kind in KINDS.values() if any(map(request.visit.may, kind.viewed_by))]
    counts = {kind.slug: kind.records(request.visit).count() for kind in kinds}
    return render(
        request,
        "web/setup/index.html",
        {
            "kinds": [(kind, counts[kind.slug]) for kind in kinds],
            "actions": Action.objects.count(),
            "sees_security_log": request.visit.may(Verb.PEOPLE),
        },
    )


@page(*SETTING_UP)
def list_page(request: PageRequest, kind: str) -> HttpResponse:
    """Show the records of a kind."""
    listed, visit = kind_at(request, kind), request.visit
    records, tabs = tabs_of(listed.records(visit), request.GET)
    shown = page_of(records, request.GET, by=listed.ordering)
    context = {
        "kind": listed,
        "page": shown,
        "rows": listed.rows(visit, shown.rows),
        "may": visit.may(listed.verb),
        "matrix": rights_matrix() if listed.slug == UserResource.slug else None,
        "tabs": tabs,
        "table": listed.table,
    }
    return render(request, "web/setup/list.html", context)


def show_form(request: PageRequest, refusal: Refusal | None, kind: str, key: str = "") -> HttpResponse:
    """Show the form of a new record or, with a key, of an existing one with what uses it."""
    shown_kind, visit = kind_at(request, kind), request.visit
    record = shown_kind.find(visit, key) if key else None
    may = visit.may(shown_kind.verb)
    # A link to the form of a new record may fill in some of its fields.
    values: Any = {**(request.GET.dict() if record is None else {}), **shown_kind.values(visit, record)}
    fields = shown_kind.fields(visit, record)
    roles = role_fields(visit) if shown_kind.slug == UserResource.slug else []
    if roles:
        values |= role_values(visit, record)
    context: dict[str, Any] = {}
    if record is not None:
        deletable = shown_kind.deletable(record)
        context = {
            "record": record,
            "name": shown_kind.name(record),
            "about": shown_kind.about(record),
            "users": users_of(record) if deletable else None,
            "deletable": deletable,
            "next_step": shown_kind.next_step(visit, record),
            "has_status": isinstance(record, Endable),
            "labels_address": shown_kind.labels_address(record),
            **shown_kind.extra_context(visit, record),
        }
    bin_fields = [_bin_field()] if may and context.get("bins") is not None else []
    # The small forms of the page, such as the one that adds a bin, are sent without the record's fields.
    sent = any(field.name in request.POST for field in fields)
    form = Form([*fields, *roles, *bin_fields], request.POST if sent else values, refusal)
    context |= {
        "kind": shown_kind,
        "key": key,
        "may": may,
        "form": form,
        "record_fields": form.some(*(field.name for field in fields)),
        "role_fields": form.some(*(field.name for field in roles)),
    }
    return render(request, "web/setup/form.html", context)


def _bin_field() -> Field:
    return Field("bin", _("Code of a new bin"), required=True, length_max=40, also=("location",))


@page(*SETTING_UP)
def record_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Show one record."""
    return show_form(request, None, kind, key)


@page(*SETTING_UP)
def new_page(request: PageRequest, kind: str) -> HttpResponse:
    """Show the form of a new record."""
    kind_to_change(request, kind)
    return show_form(request, None, kind)


@posts(*SETTING_UP, again=show_form)
def add_page(request: PageRequest, kind: str) -> HttpResponse:
    """Add a record."""
    changed = kind_to_change(request, kind)
    with transaction.atomic():
        added = changed.save(request.visit, None, request.POST)
    return redirect(changed.address(added))


@posts(*SETTING_UP, again=show_form)
def change_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Change a record."""
    changed = kind_to_change(request, kind)
    with transaction.atomic():
        changed.save(request.visit, changed.find(request.visit, key), request.POST)
    return redirect("set-up-list", changed.slug)


@posts(*SETTING_UP)
def check_part(request: PageRequest, kind: str, key: str = "") -> HttpResponse:
    """Say what would be refused of the form as it stands, while it is being filled in."""
    changed, visit = kind_to_change(request, kind), request.visit
    record = changed.find(visit, key) if key else None
    form = Form(changed.fields(visit, record))
    return live_check(
        request, lambda: changed.save_dry(visit, record, request.POST), form, always=changed.checked_always
    )


@posts(*SETTING_UP, again=show_form)
def delete_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Delete a record that nothing uses."""
    changed = kind_to_change(request, kind)
    record = changed.find(request.visit, key)
    if not changed.deletable(record):
        raise Http404
    remove(record)
    return redirect("set-up-list", changed.slug)


@posts(*SETTING_UP, again=show_form)
def deactivate_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Deactivate a record that is in use and so can't be deleted."""
    changed, record = _with_status(request, kind, key)
    changed.deactivate(request.visit, record)
    return redirect(changed.address(record))


@posts(*SETTING_UP, again=show_form)
def reactivate_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Make an inactive record active again."""
    changed, record = _with_status(request, kind, key)
    use_again(record)
    return redirect(changed.address(record))


def _with_status(request: PageRequest, kind: str, key: str) -> tuple[SetupResource[Any], Endable]:
    """Return a record that can be active or inactive, for a person who may change it."""
    changed = kind_to_change(request, kind)
    record = changed.find(request.visit, key)
    if not isinstance(record, Endable):
        raise Http404
    return changed, record


def show_location(request: PageRequest, refusal: Refusal | None, key: str) -> HttpResponse:
    """Show a location's page."""
    return show_form(request, refusal, LOCATIONS.slug, key)


@posts(Verb.RULES, again=show_location)
def end_rules_page(request: PageRequest, key: str) -> HttpResponse:
    """End every rule that moves stock from or to a location."""
    end_rules_at(location=LOCATIONS.find(request.visit, key))
    return redirect("set-up-record", LOCATIONS.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def add_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """Add a bin to a location."""
    location = LOCATIONS.find(request.visit, key)
    try:
        add_bin(location=location, code=text_in(request.POST, "bin", most=40))
    except Refusal as refusal:
        refusal.field = "bin"
        raise
    return redirect("set-up-record", LOCATIONS.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def delete_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """Delete a bin that has never held stock."""
    location, code = LOCATIONS.find(request.visit, key), request.POST.get("bin", "")
    remove_bin(location=location, code=code, in_use=bool(bins_in_use(location.pk, [code])))
    return redirect("set-up-record", LOCATIONS.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def deactivate_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """Deactivate an empty bin that has held stock before."""
    location, code = LOCATIONS.find(request.visit, key), request.POST.get("bin", "")
    holds_stock = bool(bins_holding_stock(location.pk, [code]))
    end_bin(location=location, code=code, on=request.visit.today, holds_stock=holds_stock)
    return redirect("set-up-record", LOCATIONS.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def reactivate_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """Make an inactive bin active again."""
    location = LOCATIONS.find(request.visit, key)
    use_again(bin_coded(location, request.POST.get("bin", "")))
    return redirect("set-up-record", LOCATIONS.slug, key)


new_or_add: Final = by_method(new_page, add_page)
show_or_change: Final = by_method(record_page, change_page)

urlpatterns = [
    path("set-up/", set_up_page, name="set-up"),
    path("set-up/type-codes/at/<path:key>/", show_or_change, {"kind": TypeCodeResource.slug}, name="type-code"),
    path("set-up/locations/bins/delete/<path:key>/", delete_bin_page, name="bin-delete"),
    path("set-up/locations/bins/deactivate/<path:key>/", deactivate_bin_page, name="bin-deactivate"),
    path("set-up/locations/bins/reactivate/<path:key>/", reactivate_bin_page, name="bin-reactivate"),
    path("set-up/locations/end-rules/<path:key>/", end_rules_page, name="location-rules-end"),
    path("set-up/locations/bins/<path:key>/", add_bin_page, name="bin-add"),
    path("set-up/<slug:kind>/", list_page, name="set-up-list"),
    path("set-up/<slug:kind>/check/", check_part, name="set-up-live-check-new"),
    path("set-up/<slug:kind>/check/<path:key>/", check_part, name="set-up-live-check"),
    path("set-up/<slug:kind>/new/", new_or_add, name="set-up-new"),
    path("set-up/<slug:kind>/delete/<path:key>/", delete_page, name="set-up-delete"),
    path("set-up/<slug:kind>/deactivate/<path:key>/", deactivate_page, name="set-up-deactivate"),
    path("set-up/<slug:kind>/reactivate/<path:key>/", reactivate_page, name="set-up-reactivate"),
    path("set-up/<slug:kind>/at/<path:key>/", show_or_change, name="set-up-record"),
]
