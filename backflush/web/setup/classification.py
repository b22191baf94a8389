"""Type codes, which decide how items are backflushed, and product groups."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

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
from backflush.stockmap.models import (
    Action,
    ActionType,
    TransferRule,
)
from backflush.web.forms.fields import Field
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import NextStep, SetupResource, Text, Typed, code_field, count_by

TYPE_CODE_ACTIONS: Final = {
    "completion": (gettext_lazy("Completion action"), ActionType.COMPLETION),
    "backflush": (gettext_lazy("Backflush action"), ActionType.BACKFLUSH),
    "issue": (gettext_lazy("Issue action"), ActionType.ISSUE),
    "return_action": (gettext_lazy("Return action"), ActionType.RETURN),
}


class TypeCodeResource(SetupResource, icon="hierarchy-2"):
    slug, title, one = "type-codes", gettext_lazy("Type codes"), gettext_lazy("type code")
    why = gettext_lazy("A type code decides by its actions whether and how its items are backflushed.")
    verb = Verb.TYPE_CODES
    columns = (gettext_lazy("Completion"), gettext_lazy("Backflush"), gettext_lazy("Issue"), gettext_lazy("Return"))
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")
    checks = ("no_rule", "no_completion_action", "no_backflush_action")
    found_as = About.TYPE_CODE

    def things(self, visit: Visit) -> QuerySet[Any]:
        return TypeCode.objects.select_related(*TYPE_CODE_ACTIONS)

    def cells(self, thing: Any) -> Sequence[str]:
        return [action.name if (action := getattr(thing, name)) else "" for name in TYPE_CODE_ACTIONS]

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return count_by(Item.objects.all(), "type_code", things)

    def address(self, thing: Any) -> str:
        return reverse("type-code", args=[thing.code])

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        named = TransferRule.objects.filter(site=visit.site, active=True).values_list("action", flat=True)
        ruled = set(named)
        choices: dict[str, list[tuple[str, Text]]] = {}
        stand = {getattr(thing, f"{name}_id", None) for name in TYPE_CODE_ACTIONS}
        for action in Action.objects.order_by("name"):
            if action.ended_on is not None and action.pk not in stand:
                continue
            lacks = "" if action.pk in ruled else _("no rule here")
            choices.setdefault(action.type, []).append(
                (action.name, f"{action.name} ({lacks})" if lacks else action.name)
            )
        return [
            code_field(thing, _("Code")),
            Field("description", _("Description")),
            *(
                Field(name, label, "choice", choices=[("", _("none")), *choices.get(type.value, [])])
                for name, (label, type) in TYPE_CODE_ACTIONS.items()
            ),
        ]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {}
        actions = {name: action.name if (action := getattr(thing, name)) else "" for name in TYPE_CODE_ACTIONS}
        return {"code": thing.code, "description": thing.description, **actions}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        actions = {name: action_of(typed, name) for name in TYPE_CODE_ACTIONS}
        code = TypeCodeIn(
            code=thing.code if thing else text_in(typed, "code", most=40),
            description=text_in(typed, "description", empty=True),
            **actions,
        )
        if thing is None:
            return add_type_codes([code])[0]
        change_type_codes([(thing, code)])
        return thing

    def step(self, visit: Visit, thing: Any) -> NextStep | None:
        items = f"{reverse('items')}?{urlencode({'type': thing.code})}"
        return NextStep(_("Its items keep it until they get another type code."), _("See its items"), items)

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        return {"items": Item.objects.filter(type_code=thing).order_by("code")[:6], "items_at": thing.code}


def action_of(typed: Typed, name: str) -> Action | None:
    asked = typed.get(name, "")
    found = Action.objects.filter(name=asked).first() if asked else None
    if asked and found is None:
        raise NotFound("There is no action {action}.", action=asked, field=name)
    return found


class Groups(SetupResource, icon="category"):
    slug, title, one = "groups", gettext_lazy("Product groups"), gettext_lazy("product group")
    why = gettext_lazy("A product group holds items that are looked at together.")
    verb = Verb.ITEMS
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return ProductGroup.objects.all()

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return count_by(Item.objects.all(), "product_group", things)

    def step(self, visit: Visit, thing: Any) -> NextStep | None:
        items = f"{reverse('items')}?{urlencode({'group': thing.code})}"
        return NextStep(_("Its items stay in it until they are taken out."), _("See its items"), items)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        return [code_field(thing, _("Code")), Field("description", _("Description"))]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        return {"code": thing.code, "description": thing.description} if thing else {}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        description = text_in(typed, "description", empty=True)
        if thing is None:
            return add_product_groups([ProductGroupIn(code=text_in(typed, "code", most=40), description=description)])[
                0
            ]
        describe_product_groups([(thing, description)])
        return thing
