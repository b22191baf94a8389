"""Sites: plants, each with its own stores and time zone."""

from collections.abc import Mapping, Sequence
from zoneinfo import available_timezones

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext_lazy

from backflush.ledger.selectors import sites_in_use
from backflush.people.rights import Role, Verb
from backflush.people.selectors import require
from backflush.people.services import give_role
from backflush.setup_check.findings import About
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Action, ActionType, Location, Site, Store
from backflush.stockmap.selectors import location_at
from backflush.stockmap.services import (
    add_site,
    change_site,
    set_adjustment,
    set_complete_when_full,
    set_receive_action,
)
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.classification import action_in
from backflush.web.setup.resource import FormData, SetupResource, code_field, count_by


class SiteResource(SetupResource[Site], icon="building-factory-2"):
    """Sites."""

    slug, title, singular = "sites", lazy("Sites"), lazy("site")
    table = "sites"
    purpose = lazy("A site is a plant with its own stores and its own time zone.")
    verb = Verb.PEOPLE
    columns = (lazy("Time zone"), lazy("Receive action"), lazy("Completes full orders"))
    used_by = ngettext_lazy("%(number)s store", "%(number)s stores", "number")
    checks = ("no_receive_action", "no_adjustment_place", "no_rule")
    found_as = About.SITE

    def records(self, visit: Visit) -> QuerySet[Site]:
        """Return the sites at which the person has a role."""
        return Site.objects.filter(pk__in=[site.pk for site in visit.sites]).select_related(
            "receive_action", "adjustment"
        )

    def about(self, record: Site) -> str:
        """Return its name."""
        return record.name

    def cells(self, visit: Visit, records: Sequence[Site]) -> Mapping[int, Sequence[str]]:
        """Return time zone, receive action, and whether full orders complete automatically."""
        return {
            site.pk: (
                site.time_zone,
                site.receive_action.name if site.receive_action else "",
                _("yes") if site.complete_when_full else _("no"),
            )
            for site in records
        }

    def use_counts(self, visit: Visit, records: Sequence[Site]) -> Mapping[int, int]:
        """Return how many stores each has."""
        return count_by(Store.objects.all(), "site", records)

    def fields(self, visit: Visit, record: Site | None) -> list[Field]:
        """Return code, name, time zone, receive action, and what happens when an order is full."""
        used = record is not None and bool(sites_in_use([record.pk]))
        locked = _("Stock has moved, so the time zone can't change.") if used else ""
        zones = [] if used else sorted(available_timezones())
        now = record.receive_action_id if record else None
        receives = offered(Action.objects.filter(type=ActionType.RECEIVE), current_id=now)
        none = [] if now else [("", _("none"))]
        full = _("Complete a works order automatically once the ordered quantity is booked good")
        return [
            code_field(record, length_max=20),
            Field("name", _("Name"), length_max=100),
            Field("time_zone", _("Time zone"), locked=locked, suggestions=zones),
            Field("receive_action", _("Receive action"), FieldKind.CHOICE,
                  _("For purchase orders that name none."), also=("action",),
                  choices=[*none, *((action.name, action.name) for action in receives.order_by("name"))]),
            Field("adjustment", _("Adjustment place"), FieldKind.CHOICE,
                  _("The location without balances that the differences of counts go to and come from."),
                  choices=self._adjustments(record)),
            Field("complete_when_full", full, FieldKind.CHECKBOX),
        ]  # fmt: skip

    def _adjustments(self, record: Site | None) -> list[tuple[str, str]]:
        """Return the locations without balances of a site, as choices of its adjustment place."""
        places = Location.objects.filter(site=record, has_balance=False) if record else Location.objects.none()
        paths = offered(places, current_id=record.adjustment_id if record else None).order_by("path")
        none = [] if record and record.adjustment_id else [("", _("none"))]
        return [*none, *((path, path) for path in paths.values_list("path", flat=True))]

    def values(self, visit: Visit, record: Site | None) -> dict[str, str]:
        """Return what is on record."""
        if record is None:
            return {"time_zone": visit.site.time_zone}
        return {
            "code": record.code,
            "name": record.name,
            "time_zone": record.time_zone,
            "receive_action": record.receive_action.name if record.receive_action else "",
            "adjustment": record.adjustment.path if record.adjustment else "",
            "complete_when_full": "on" if record.complete_when_full else "",
        }

    def save(self, visit: Visit, record: Site | None, form_data: FormData) -> Site:
        """Add or change a site. The person who adds a site becomes its administrator."""
        if record is not None:
            # The address names any site at which the person has a role, not the one that they are at.
            require(visit.user, record, Verb.PEOPLE)
        name, zone = text_in(form_data, "name", most=100, empty=True), text_in(form_data, "time_zone", most=60)
        action = action_in(form_data, "receive_action")
        site = record
        if site is None:
            site = add_site(code=text_in(form_data, "code", most=20), name=name, time_zone=zone)
            # Without a role at the site nobody could open it.
            give_role(user=visit.user, site=site, role=Role.ADMINISTRATOR)
        else:
            change_site(site, name=name, time_zone=zone, in_use=bool(sites_in_use([site.pk])))
        if action is not None:
            set_receive_action(site=site, action=action)
        if adjustment := text_in(form_data, "adjustment", most=81, empty=True):
            set_adjustment(site=site, location=location_at(site, adjustment, field="adjustment"))
        set_complete_when_full(site=site, on=bool(form_data.get("complete_when_full")))
        return site

    def deletable(self, record: Site) -> bool:
        """Return False: sites are never deleted."""
        return False
