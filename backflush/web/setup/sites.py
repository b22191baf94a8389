"""Sites: plants with stores and days of their own."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from backflush.ledger.selectors import sites_in_use
from backflush.people.rights import Role, Verb
from backflush.people.services import give_role
from backflush.setup_check.findings import About
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import (
    Action,
    ActionType,
    Site,
    Store,
)
from backflush.stockmap.services import (
    add_site,
    change_site,
    set_complete_when_full,
    set_receive_action,
)
from backflush.web.forms.fields import Field
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.classification import action_of
from backflush.web.setup.resource import SetupResource, code_field, count_by


class SiteResource(SetupResource, icon="building-factory-2"):
    slug, title, one = "sites", gettext_lazy("Sites"), gettext_lazy("site")
    why = gettext_lazy("A site is a plant with stores and days of its own.")
    verb = Verb.PEOPLE
    columns = (gettext_lazy("Time zone"), gettext_lazy("Receive action"), gettext_lazy("Completes when full"))
    used_by = ngettext_lazy("%(number)s store", "%(number)s stores", "number")
    checks = ("no_receive_action", "no_rule")
    found_as = About.SITE

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Site.objects.filter(pk__in=[site.pk for site in visit.sites]).select_related("receive_action")

    def about(self, thing: Any) -> str:
        return str(thing.name)

    def cells(self, thing: Any) -> Sequence[str]:
        receives = thing.receive_action.name if thing.receive_action else ""
        return (thing.time_zone, receives, _("yes") if thing.complete_when_full else _("no"))

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return count_by(Store.objects.all(), "site", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        used = thing is not None and bool(sites_in_use([thing.pk]))
        stays = _("It stays: stock has moved on its days.") if used else ""
        zones = [] if used else sorted(available_timezones())
        stands = thing.receive_action_id if thing else None
        receives = offered(Action.objects.filter(type=ActionType.RECEIVE), stands=stands)
        first = [] if thing is not None and thing.receive_action_id else [("", _("none"))]
        full = _("Complete a works order by itself once the good quantity is there")
        return [
            code_field(thing, _("Code")),
            Field("name", _("Name")),
            Field("time_zone", _("Time zone"), settled=stays, suggestions=zones),
            Field("receive_action", _("Receive action"), "choice", _("Where a purchase order names none."),
                  choices=[*first, *((one.name, one.name) for one in receives.order_by("name"))]),
            Field("complete_when_full", full, "tick"),
        ]  # fmt: skip

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {"time_zone": visit.site.time_zone}
        return {
            "code": thing.code,
            "name": thing.name,
            "time_zone": thing.time_zone,
            "receive_action": thing.receive_action.name if thing.receive_action else "",
            "complete_when_full": "on" if thing.complete_when_full else "",
        }

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        name, zone = text_in(typed, "name", most=100, empty=True), text_in(typed, "time_zone", most=60)
        action = action_of(typed, "receive_action")
        site = thing
        if site is None:
            site = add_site(code=text_in(typed, "code", most=20), name=name, time_zone=zone)
            # Whoever makes a site can work there, or nobody could.
            give_role(user=visit.user, site=site, role=Role.ADMINISTRATOR)
        else:
            change_site(site, name=name, time_zone=zone, in_use=bool(sites_in_use([site.pk])))
        if action is not None:
            set_receive_action(site=site, action=action)
        set_complete_when_full(site=site, on=bool(typed.get("complete_when_full")))
        return site

    def removable(self, thing: Any) -> bool:
        return False
