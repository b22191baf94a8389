"""Tolerances of counts: how far a count may differ before it is counted again or approved."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.input_values import whole_or_none
from backflush.counts.models import CountTolerance
from backflush.counts.tolerances import LIMITS, ToleranceIn, set_tolerances
from backflush.items.selectors import item_coded
from backflush.people.rights import Verb
from backflush.stockmap.selectors import location_at
from backflush.web.forms.fields import Field, FieldKind, input_text
from backflush.web.forms.values import optional_number
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import FormData, SetupResource

SWITCHES: Final = ("post_within", "recount_beyond", "blind")


class ToleranceResource(SetupResource[CountTolerance], icon="scale"):
    """Tolerances of counts."""

    slug, title, singular = "count-tolerances", lazy("Count tolerances"), lazy("count tolerance")
    purpose = lazy(
        "How far a count may differ: of an item at a location, an item, an ABC class or the site; the first that "
        "exists in this order decides."
    )
    verb = Verb.STOCK_MAP
    ordering = ("pk",)
    columns = (lazy("Surplus"), lazy("Loss"), lazy("Approval above"))

    def records(self, visit: Visit) -> QuerySet[CountTolerance]:
        """Return the tolerances of the site."""
        return CountTolerance.objects.filter(site=visit.site).select_related("item", "location")

    def name(self, record: CountTolerance) -> str:
        """Return what the tolerance is for."""
        if record.item is not None:
            return f"{record.item.code} {record.location.path}" if record.location else record.item.code
        return _("ABC class %(name)s") % {"name": record.abc_class} if record.abc_class else _("The whole site")

    def about(self, record: CountTolerance) -> str:
        """Say whether counters see the book quantity."""
        return _("blind") if record.blind else ""

    def cells(self, visit: Visit, records: Sequence[CountTolerance]) -> Mapping[int, Sequence[str]]:
        """Return the limits of each."""
        return {record.pk: (_limits(record, "up"), _limits(record, "down"), _approval(record)) for record in records}

    def address(self, record: CountTolerance) -> str:
        """Return the address of its page, which has its primary key."""
        return reverse("set-up-record", args=[self.slug, str(record.pk)])

    def find(self, visit: Visit, key: str) -> CountTolerance:
        """Return the tolerance with a primary key."""
        number = whole_or_none(key)
        found = self.records(visit).filter(pk=number).first() if number is not None else None
        if found is None:
            raise Http404
        return found

    def deletable(self, record: CountTolerance) -> bool:
        """A tolerance is changed, not deleted: counts follow the one that is there."""
        return False

    def fields(self, visit: Visit, record: CountTolerance | None) -> list[Field]:
        """Return what it is for, its limits, and what becomes of a count."""
        locked = _("It can't be changed. Add another tolerance instead.") if record else ""
        none = _("Empty: no limit.")
        return [
            Field("item", _("Item"), FieldKind.CODE, codes="items", locked=locked, optional=record is None),
            Field("location", _("Location"), FieldKind.CODE, codes="locations", locked=locked,
                  optional=record is None),
            Field("abc_class", _("ABC class"), locked=locked, optional=record is None, length_max=1, look="narrow"),
            Field("quantity_up", _("Surplus, quantity"), FieldKind.QUANTITY, none),
            Field("percent_up", _("Surplus, per cent"), FieldKind.QUANTITY, none),
            Field("value_up", _("Surplus, value"), FieldKind.QUANTITY, none),
            Field("quantity_down", _("Loss, quantity"), FieldKind.QUANTITY, none),
            Field("percent_down", _("Loss, per cent"), FieldKind.QUANTITY, none),
            Field("value_down", _("Loss, value"), FieldKind.QUANTITY, none),
            Field("approval_value", _("A recount needs approval above the value"), FieldKind.QUANTITY,
                  _("Empty: it always does.")),
            Field("post_within", _("Post within the tolerance at once"), FieldKind.CHECKBOX),
            Field("recount_beyond", _("Beyond it another person counts again"), FieldKind.CHECKBOX),
            Field("blind", _("Blind: counters don't see the book quantity"), FieldKind.CHECKBOX),
        ]  # fmt: skip

    def values(self, visit: Visit, record: CountTolerance | None) -> dict[str, str]:
        """Return what is on record."""
        if record is None:
            return {"post_within": "on", "recount_beyond": "on"}
        return {
            "item": record.item.code if record.item else "",
            "location": record.location.path if record.location else "",
            "abc_class": record.abc_class,
            **{name: input_text(getattr(record, name)) for name in (*LIMITS, "approval_value", *SWITCHES)},
        }

    def save(self, visit: Visit, record: CountTolerance | None, form_data: FormData) -> CountTolerance:
        """Set a tolerance; one for the same item, location or class is replaced."""
        code, path = form_data.get("item", "").strip(), form_data.get("location", "").strip()
        limits: dict[str, Any] = {name: optional_number(form_data, name) for name in (*LIMITS, "approval_value")}
        switches: dict[str, Any] = {name: bool(form_data.get(name)) for name in SWITCHES}
        given = ToleranceIn(
            item=record.item if record else item_coded(code) if code else None,
            location=record.location if record else location_at(visit.site, path) if path else None,
            abc_class=record.abc_class if record else form_data.get("abc_class", "").strip(),
            **limits,
            **switches,
        )
        return set_tolerances([given], site=visit.site)[0]


def _limits(record: CountTolerance, way: str) -> str:
    units = (("quantity", ""), ("percent", " %"), ("value", _(" in value")))
    limits = [(getattr(record, f"{name}_{way}"), unit) for name, unit in units]
    return ", ".join(f"{input_text(limit)}{unit}" for limit, unit in limits if limit is not None)


def _approval(record: CountTolerance) -> str:
    return _("always") if record.approval_value is None else input_text(record.approval_value)
