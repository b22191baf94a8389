"""Actions and their transfer rules.

A rule is never changed, because movements refer to it: it is ended, and a new one takes its place.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.backflushing.material_flow import material_flow
from backflush.core.refusals import Refusal
from backflush.delivery.pagination import page_of
from backflush.items.models import Item, TypeCode
from backflush.items.selectors import item_coded
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.setup_check.selectors import by_thing, examine
from backflush.stockmap.deactivation import end_action, offered, use_again
from backflush.stockmap.deletion import remove, users_of
from backflush.stockmap.models import Action, ActionType, Location, RetryRule, ShortRule, Site, TransferRule
from backflush.stockmap.selectors import location_at
from backflush.stockmap.services import (
    ActionIn,
    RuleIn,
    add_actions,
    add_rules,
    change_actions,
    end_rule,
    replace_rules,
    require_two_ends,
)
from backflush.web.forms.dry_run import live_check
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import text_in
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.setup.classification import TYPE_CODE_ACTIONS
from backflush.web.setup.resource import SETTING_UP, tabs_of

ACTION_CHECKS: Final = ("no_rule", "bin_controlled", "no_balance", "same_location")
"""The codes of the set-up check's findings about actions."""
MAY_BE_SHORT: Final = {ActionType.BACKFLUSH}
"""The types of action whose movements may stay unresolved."""


def action_at(name: str) -> Action:
    """Return the action of an address; 404 where there is none."""
    found = Action.objects.filter(name=name).first()
    if found is None:
        raise Http404
    return found


@page(*SETTING_UP)
def actions_page(request: PageRequest) -> HttpResponse:
    """Show all actions with their rules at this site, and what uses them."""
    actions, tabs = tabs_of(Action.objects.all(), request.GET)
    listed = page_of(actions, request.GET, by=("name",))
    rules: dict[int, list[TransferRule]] = {}
    found = TransferRule.objects.filter(site=request.visit.site, active=True, action__in=listed.rows)
    for rule in found.select_related("source", "target").order_by("source__path", "target__path"):
        rules.setdefault(rule.action_id, []).append(rule)
    used = _type_codes_by_action(listed.rows)
    findings = by_thing(examine(request.visit.site, codes=ACTION_CHECKS), About.ACTION)
    context = {
        "page": listed,
        "tabs": tabs,
        "rows": [
            (action, rules.get(action.pk, []), used.get(action.pk, []), findings.get(action.name, []))
            for action in listed.rows
        ],
        "may": request.visit.may(Verb.ACTIONS),
    }
    return render(request, "web/setup/actions.html", context)


def _type_codes_by_action(actions: Sequence[Action]) -> dict[int, list[str]]:
    """Return the codes of the type codes that use each of some actions."""
    wanted = {action.pk for action in actions}
    used: dict[int, list[str]] = {}
    places = [f"{name}_id" for name in TYPE_CODE_ACTIONS]
    for code, *named in TypeCode.objects.order_by("code").values_list("code", *places):
        for action in wanted.intersection(named):
            used.setdefault(action, []).append(code)
    return used


def action_fields(action: Action | None) -> list[Field]:
    """Return the fields of an action."""
    types = [(value, label.capitalize()) for value, label in ActionType.choices]
    locked_name = _("The name can't change: past movements show it.") if action else ""
    locked_type = _("The type can't change. Add another action instead.") if action else ""
    return [
        Field("name", _("Name"), required=True, length_max=40, locked=locked_name),
        Field("type", _("Type"), FieldKind.CHOICE, choices=types, locked=locked_type),
        Field("description", _("Description"), length_max=200),
    ]


def short_fields() -> list[Field]:
    """Return the fields about components that are short; they matter for backflush actions only."""
    short = [
        (ShortRule.WHOLE.value, _("stays unresolved as a whole"), _("3 there and 5 due: nothing moves, 5 wait")),
        (ShortRule.PART.value, _("moves what is there, the rest waits"), _("3 there and 5 due: 3 move, 2 wait")),
    ]
    retry = [
        (
            RetryRule.NEVER.value,
            _("do nothing"),
            _("what fits now is shown among Unresolved, and stores settle it there"),
        ),
        (
            RetryRule.PROPOSE.value,
            _("propose a retry"),
            _("the person who posts the receipt sees how many movements fit now, and confirms a list of them"),
        ),
        (
            RetryRule.AUTOMATIC.value,
            _("settle automatically"),
            _("whatever fits, oldest first; recorded under the user who posted the receipt"),
        ),
    ]
    return [
        Field("short", _("A component that is short"), FieldKind.RADIO, choices=short),
        Field("retry", _("When stock arrives there later"), FieldKind.RADIO, choices=retry),
    ]


def rule_fields(site: Site) -> list[Field]:
    """Return the two ends of a new rule."""
    places = [
        (place.path, f"{place.path} {place.description}")
        for place in offered(Location.objects.filter(site=site).order_by("path"))
    ]
    choices = [("", _("Choose")), *places]
    return [
        Field("from", _("From"), FieldKind.CHOICE, choices=choices, also=("source",)),
        Field("to", _("To"), FieldKind.CHOICE, choices=choices, also=("target",)),
    ]


def action_in(request: PageRequest, action: Action | None) -> ActionIn:
    """Read the action from its form."""
    form_data = request.POST
    return ActionIn(
        name=action.name if action else text_in(form_data, "name", most=40),
        type=action.type if action else form_data.get("type", ""),
        description=text_in(form_data, "description", empty=True),
        short=form_data.get("short") or (action.short if action else ShortRule.WHOLE.value),
        retry=form_data.get("retry") or (action.retry if action else RetryRule.NEVER.value),
    )


def show_action(request: PageRequest, refusal: Refusal | None = None, name: str = "") -> HttpResponse:
    """Show the form of an action, its rules, what it does to a real item, and what is wrong with it."""
    action = action_at(name) if name else None
    values: Mapping[str, str] = request.POST
    if "name" not in request.POST:
        # The page, or one of its small forms such as the one for a rule: the action's own fields weren't sent.
        now = action or Action(type=request.GET.get("type", ""))
        names = ("name", "type", "description", "short", "retry")
        values = {**{field: getattr(now, field) for field in names}, **request.POST.dict()}
    may_rule = action is not None and request.visit.may(Verb.RULES)
    shown_short = short_fields() if values.get("type") in MAY_BE_SHORT or action is None else []
    fields = [*action_fields(action), *shown_short, *(rule_fields(request.visit.site) if may_rule else [])]
    context: dict[str, Any] = {
        "action": action,
        "form": (form := Form(fields, values, refusal)),
        "short_fields": form.some(*(field.name for field in shown_short)),
        "may": request.visit.may(Verb.ACTIONS),
        "may_rule": may_rule,
    }
    if action is not None:
        context |= _rules_of(request, action) | {"users": users_of(action)}
        context["used"] = _type_codes_by_action([action]).get(action.pk, [])
        context["items"] = Item.objects.filter(_uses(action)).count()
        context["happens"] = _example(request, action)
    return render(request, "web/setup/action.html", context)


def _rules_of(request: PageRequest, action: Action) -> dict[str, Any]:
    rules = TransferRule.objects.filter(site=request.visit.site, action=action).select_related("source", "target")
    active = list(rules.filter(active=True).order_by("source__path", "target__path", "pk"))
    single = ActionType(action.type).single
    return {
        "rules": active,
        "ended": rules.filter(active=False).order_by("-pk")[:20],
        "single": single,
        "full": single and bool(active),
    }


def _uses(action: Action) -> Q:
    """Return the condition that an item's type code has an action."""
    uses = Q()
    for place in TYPE_CODE_ACTIONS:
        uses |= Q(**{f"type_code__{place}": action})
    return uses


def _example(request: PageRequest, action: Action) -> Any:
    """Return what the action does to a real item: the one in the address, otherwise the first made one that has it."""
    text = request.GET.get("item", "").strip()
    found = Item.objects.filter(_uses(action)).order_by("code")
    code = text or found.filter(structure_lines__isnull=False).values_list("code", flat=True).first()
    if not code and (code := found.values_list("code", flat=True).first()) is None:
        return None
    visit = request.visit
    return material_flow(visit.site, item_coded(code), visit.today) if Item.objects.filter(code=code).exists() else None


@page(*SETTING_UP)
def action_page(request: PageRequest, name: str) -> HttpResponse:
    """Show an action."""
    return show_action(request, None, name)


@page(Verb.ACTIONS)
def new_page(request: PageRequest) -> HttpResponse:
    """Show the form of a new action."""
    return show_action(request)


@posts(Verb.ACTIONS, again=show_action)
def add_page(request: PageRequest) -> HttpResponse:
    """Add an action; it does nothing at a site until it has a rule there."""
    return redirect("action", add_actions([action_in(request, None)])[0].name)


@posts(Verb.ACTIONS, again=show_action)
def change_page(request: PageRequest, name: str) -> HttpResponse:
    """Change an action."""
    action = action_at(name)
    change_actions([(action, action_in(request, action))])
    return redirect("action", name)


@posts(Verb.ACTIONS, again=show_action)
def delete_page(request: PageRequest, name: str) -> HttpResponse:
    """Delete an action that nothing uses."""
    remove(action_at(name))
    return redirect("actions")


@posts(Verb.ACTIONS, again=show_action)
def deactivate_page(request: PageRequest, name: str) -> HttpResponse:
    """Deactivate an action that has no rule any more."""
    end_action(action=action_at(name), on=request.visit.today)
    return redirect("action", name)


@posts(Verb.ACTIONS, again=show_action)
def reactivate_page(request: PageRequest, name: str) -> HttpResponse:
    """Make an inactive action active again; it needs a new rule."""
    use_again(action_at(name))
    return redirect("action", name)


def rule_in(request: PageRequest, action: Action, form_data: Mapping[str, str]) -> RuleIn:
    """Read the rule from its form."""
    site = request.visit.site
    return RuleIn(
        action=action,
        source=location_at(site, form_data.get("from", ""), field="from"),
        target=location_at(site, form_data.get("to", ""), field="to"),
    )


@posts(Verb.RULES, again=show_action)
def add_rule_page(request: PageRequest, name: str) -> HttpResponse:
    """Add a rule, or replace the only one."""
    rule = rule_in(request, action_at(name), request.POST)
    require_two_ends(rule)
    (replace_rules if request.POST.get("replace") else add_rules)([rule])
    return redirect("action", name)


@posts(Verb.RULES)
def end_rule_page(request: PageRequest, number: int) -> HttpResponse:
    """End a rule; past movements still refer to it."""
    rule = TransferRule.objects.filter(pk=number, site=request.visit.site).select_related("action").first()
    if rule is None:
        raise Http404
    end_rule(rule=rule)
    return redirect("action", rule.action.name)


@posts(Verb.RULES)
def check_rule_part(request: PageRequest, name: str) -> HttpResponse:
    """Say what is wrong with the two ends while they are being chosen."""
    form_data, action = request.POST, action_at(name)
    form = Form(rule_fields(request.visit.site))
    # A type of action that takes one rule per site is checked as if its rule were replaced.
    add = replace_rules if ActionType(action.type).single else add_rules
    chosen = form_data.get("from") and form_data.get("to")
    return live_check(request, lambda: chosen and add([rule_in(request, action, form_data)]), form)


def _save(action: Action | None, new: ActionIn) -> None:
    """Add an action or change an existing one."""
    if action is None:
        add_actions([new])
    else:
        change_actions([(action, new)])


@posts(Verb.ACTIONS)
def check_part(request: PageRequest, name: str = "") -> HttpResponse:
    """Say what would be refused of the form as it stands, while it is being filled in."""
    action = action_at(name) if name else None
    return live_check(request, lambda: _save(action, action_in(request, action)), Form(action_fields(action)))


new_or_add: Final = by_method(new_page, add_page)
show_or_change: Final = by_method(action_page, change_page)

urlpatterns = [
    path("set-up/actions/", actions_page, name="actions"),
    path("set-up/actions/new/", new_or_add, name="action-new"),
    path("set-up/actions/rules/<path:name>/", add_rule_page, name="rule-add"),
    path("set-up/actions/check-rule/<path:name>/", check_rule_part, name="rule-live-check"),
    path("set-up/actions/check/", check_part, name="action-live-check-new"),
    path("set-up/actions/check/<path:name>/", check_part, name="action-live-check"),
    path("set-up/actions/end-rule/<int:number>/", end_rule_page, name="rule-end"),
    path("set-up/actions/deactivate/<path:name>/", deactivate_page, name="action-deactivate"),
    path("set-up/actions/reactivate/<path:name>/", reactivate_page, name="action-reactivate"),
    path("set-up/actions/delete/<path:name>/", delete_page, name="action-delete"),
    path("set-up/actions/at/<path:name>/", show_or_change, name="action"),
]
