"""Type codes, which decide how items are backflushed, and product groups."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext_lazy

from backflush.core.refusals import NotFound
from backflush.items.models import Item, ProductGroup, TypeCode
from backflush.items.services import (
    ProductGroupIn,
    TypeCodeIn,
    add_product_groups,
    add_type_codes,
    change_type_codes,
    describe_product_groups,
)
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.stockmap.models import Action, ActionType, TransferRule
from backflush.web.forms.fields import Field, FieldKind, Text
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import FormData, NextStep, SetupResource, code_field, count_by

TYPE_CODE_ACTIONS: Final = {
    "completion": (lazy("Completion action"), ActionType.COMPLETION),
    "backflush": (lazy("Backflush action"), ActionType.BACKFLUSH),
    "issue": (lazy("Issue action"), ActionType.ISSUE),
    "return_action": (lazy("Return action"), ActionType.RETURN),
}


class TypeCodeResource(SetupResource[TypeCode], icon="hierarchy-2"):
    """Type codes."""

    slug, title, singular = "type-codes", lazy("Type codes"), lazy("type code")
    table = "type_codes"
    purpose = lazy("The actions of a type code decide whether and how its items are backflushed.")
    verb = Verb.TYPE_CODES
    columns = (lazy("Completion"), lazy("Backflush"), lazy("Issue"), lazy("Return"))
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")
    checks = ("no_rule", "no_completion_action", "no_backflush_action")
    found_as = About.TYPE_CODE

    def records(self, visit: Visit) -> QuerySet[TypeCode]:
        """Return all type codes, which the sites have in common."""
        return TypeCode.objects.select_related(*TYPE_CODE_ACTIONS)

    def cells(self, visit: Visit, records: Sequence[TypeCode]) -> Mapping[int, Sequence[str]]:
        """Return the actions of each."""
        return {
            code.pk: [action.name if (action := getattr(code, name)) else "" for name in TYPE_CODE_ACTIONS]
            for code in records
        }

    def use_counts(self, visit: Visit, records: Sequence[TypeCode]) -> Mapping[int, int]:
        """Return how many items have each."""
        return count_by(Item.objects.all(), "type_code", records)

    def address(self, record: TypeCode) -> str:
        """Return the address of its page."""
        return reverse("type-code", args=[record.code])

    def fields(self, visit: Visit, record: TypeCode | None) -> list[Field]:
        """Return code, description and actions; an action without a rule at this site says so."""
        ruled = set(TransferRule.objects.filter(site=visit.site, active=True).values_list("action", flat=True))
        choices: dict[str, list[tuple[str, Text]]] = {}
        chosen_now = {getattr(record, f"{name}_id", None) for name in TYPE_CODE_ACTIONS}
        for action in Action.objects.order_by("name"):
            if action.ended_on is not None and action.pk not in chosen_now:
                continue
            lacks = "" if action.pk in ruled else _("no rule here")
            choices.setdefault(action.type, []).append(
                (action.name, f"{action.name} ({lacks})" if lacks else action.name)
            )
        return [
            code_field(record),
            Field("description", _("Description"), length_max=200),
            *(
                Field(name, label, FieldKind.CHOICE, choices=[("", _("none")), *choices.get(type.value, [])])
                for name, (label, type) in TYPE_CODE_ACTIONS.items()
            ),
        ]

    def values(self, visit: Visit, record: TypeCode | None) -> dict[str, str]:
        """Return what is on record."""
        if record is None:
            return {}
        actions = {name: action.name if (action := getattr(record, name)) else "" for name in TYPE_CODE_ACTIONS}
        return {"code": record.code, "description": record.description, **actions}

    def save(self, visit: Visit, record: TypeCode | None, form_data: FormData) -> TypeCode:
        """Add or change a type code."""
        actions = {name: action_in(form_data, name) for name in TYPE_CODE_ACTIONS}
        code = TypeCodeIn(
            code=record.code if record else text_in(form_data, "code", most=40),
            description=text_in(form_data, "description", empty=True),
            **actions,
        )
        if record is None:
            return add_type_codes([code])[0]
        change_type_codes([(record, code)])
        return record

    def next_step(self, visit: Visit, record: TypeCode) -> NextStep | None:
        """Lead to its items, which need another type code first."""
        items = f"{reverse('items')}?{urlencode({'type': record.code})}"
        return NextStep(_("Its items keep it until they get another type code."), _("See its items"), items)

    def extra_context(self, visit: Visit, record: TypeCode) -> Mapping[str, Any]:
        """Return the type code whose items the page leads to."""
        return {"items_of": record.code}


def action_in(form_data: FormData, name: str) -> Action | None:
    """Return the action that a field names; None where it is empty."""
    chosen = form_data.get(name, "")
    found = Action.objects.filter(name=chosen).first() if chosen else None
    if chosen and found is None:
        raise NotFound("There is no action {action}.", action=chosen, field=name)
    return found


class ProductGroupResource(SetupResource[ProductGroup], icon="category"):
    """Product groups."""

    slug, title, singular = "groups", lazy("Product groups"), lazy("product group")
    table = "product_groups"
    purpose = lazy("A product group brings together items that belong together.")
    verb = Verb.ITEMS
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")

    def records(self, visit: Visit) -> QuerySet[ProductGroup]:
        """Return all product groups, which the sites have in common."""
        return ProductGroup.objects.all()

    def use_counts(self, visit: Visit, records: Sequence[ProductGroup]) -> Mapping[int, int]:
        """Return how many items are in each."""
        return count_by(Item.objects.all(), "product_group", records)

    def next_step(self, visit: Visit, record: ProductGroup) -> NextStep | None:
        """Lead to its items, which need another group first."""
        items = f"{reverse('items')}?{urlencode({'group': record.code})}"
        return NextStep(_("Its items stay in it until they are taken out."), _("See its items"), items)

    def fields(self, visit: Visit, record: ProductGroup | None) -> list[Field]:
        """Return code and description."""
        return [code_field(record), Field("description", _("Description"), length_max=200)]

    def values(self, visit: Visit, record: ProductGroup | None) -> dict[str, str]:
        """Return what is on record."""
        return {"code": record.code, "description": record.description} if record else {}

    def save(self, visit: Visit, record: ProductGroup | None, form_data: FormData) -> ProductGroup:
        """Add or describe a product group."""
        description = text_in(form_data, "description", empty=True)
        if record is not None:
            describe_product_groups([(record, description)])
            return record
        group = ProductGroupIn(code=text_in(form_data, "code", most=40), description=description)
        return add_product_groups([group])[0]
