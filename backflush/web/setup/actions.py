"""Actions and their rules. A rule is never changed: it ends and another begins, because movements were made by it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.backflushing.material_flow import material_flow
from backflush.core.refusals import Refusal
from backflush.items.models import Item, TypeCode
from backflush.items.selectors import item_coded
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.setup_check.selectors import by_thing, examine
from backflush.stockmap.deactivation import end_action, offered, use_again
from backflush.stockmap.deletion import remove, users_of
from backflush.stockmap.models import Action, ActionType, Location, RetryRule, ShortRule, TransferRule
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
from backflush.web.forms.dry_run import refused_as_it_stands
from backflush.web.forms.fields import Field, shown
from backflush.web.forms.values import text_in
from backflush.web.lists.pagination import page_of
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.setup.classification import TYPE_CODE_ACTIONS
from backflush.web.setup.resource import SETTING_UP, cuts_of

ACTION_CHECKS: Final = ("no_rule", "bin_controlled", "no_balance", "same_location")
"""What the doctor finds about actions, by code."""
ASSUMES: Final = {ActionType.BACKFLUSH}
"""The types of which lines may be short and wait."""


def action_at(name: str) -> Action:
    """The action of an address."""
    found = Action.objects.filter(name=name).first()
    if found is None:
        raise Http404
    return found


@page(*SETTING_UP)
def actions_page(request: PageRequest) -> HttpResponse:
    """All actions with their rules here, and what uses them."""
    cut, cuts = cuts_of(Action.objects.all(), request.GET)
    listed = page_of(cut, request.GET, by=("name",))
    rules: dict[int, list[TransferRule]] = {}
    found = TransferRule.objects.filter(site=request.visit.site, active=True, action__in=listed.rows)
    for rule in found.select_related("source", "target").order_by("source__path", "target__path"):
        rules.setdefault(rule.action_id, []).append(rule)
    used = _type_codes_by_action(listed.rows)
    wrong = by_thing(examine(request.visit.site, codes=ACTION_CHECKS), About.ACTION)
    facts = {
        "page": listed,
        "cuts": cuts,
        "rows": [
            (action, rules.get(action.pk, []), used.get(action.pk, []), wrong.get(action.name, []))
            for action in listed.rows
        ],
        "may": request.visit.may(Verb.ACTIONS),
    }
    return render(request, "web/setup/actions.html", facts)


def _type_codes_by_action(actions: Sequence[Action]) -> dict[int, list[str]]:
    """Which type codes name each of some actions."""
    wanted = {action.pk for action in actions}
    used: dict[int, list[str]] = {}
    places = [f"{name}_id" for name in TYPE_CODE_ACTIONS]
    for code, *named in TypeCode.objects.order_by("code").values_list("code", *places):
        for action in wanted.intersection(named):
            used.setdefault(action, []).append(code)
    return used


def action_fields(action: Action | None) -> list[Field]:
    """What there is to enter of an action; when stock is short matters only where use is assumed."""
    types = [(value, label.capitalize()) for value, label in ActionType.choices]
    stays = _("It stays. Set up another action instead.") if action else ""
    return [
        Field(
            "name", _("Name"), required=True, settled=_("A name stays: movements are known by it.") if action else ""
        ),
        Field("type", _("Type"), "choice", choices=types, settled=stays),
        Field("description", _("Description")),
    ]


def waiting_fields() -> list[Field]:
    """What happens to assumed use that is short."""
    short: Sequence[Any] = [
        (ShortRule.WHOLE.value, _("stays unresolved as a whole"), _("3 there and 5 due: nothing moves, 5 wait")),
        (ShortRule.PART.value, _("moves what is there, the rest waits"), _("3 there and 5 due: 3 move, 2 wait")),
    ]
    retry: Sequence[Any] = [
        (
            RetryRule.NEVER.value,
            _("leave it to whoever looks at the queue"),
            _("nobody is told; what fits now is among Unresolved as before"),
        ),
        (
            RetryRule.PROPOSE.value,
            _("propose it to whoever brings the stock"),
            _("they are told how many fit now, with a list to confirm; nothing moves before"),
        ),
        (
            RetryRule.AUTOMATIC.value,
            _("settle it at once"),
            _("whatever fits, oldest first; nobody is asked, and whoever brought the stock stands beside it"),
        ),
    ]
    return [
        Field("short", _("A component that is short"), "pick", choices=short),
        Field("retry", _("When stock arrives there later"), "pick", choices=retry),
    ]


def action_in(request: PageRequest, action: Action | None) -> ActionIn:
    """The action that was typed."""
    typed = request.POST
    return ActionIn(
        name=action.name if action else text_in(typed, "name", most=40),
        type=action.type if action else typed.get("type", ""),
        description=text_in(typed, "description", empty=True),
        short=typed.get("short") or (action.short if action else ShortRule.WHOLE.value),
        retry=typed.get("retry") or (action.retry if action else RetryRule.NEVER.value),
    )


def show_action(request: PageRequest, refusal: Refusal | None = None, name: str = "") -> HttpResponse:
    """The form of an action, its rules, what it does to a real item, and what is wrong with it."""
    action = action_at(name) if name else None
    typed: Mapping[str, str] = request.POST
    if request.method != "POST" or "name" not in request.POST:
        kept = action or Action(type=request.GET.get("type", ""))
        typed = {field: getattr(kept, field) for field in ("name", "type", "description", "short", "retry")}
    assumes = typed.get("type") in ASSUMES or action is None
    facts: dict[str, Any] = {
        "action": action,
        "fields": shown(action_fields(action), typed),
        "waiting_fields": shown(waiting_fields(), typed) if assumes else [],
        "refusal": refusal,
        "loose": refusal is not None
        and refusal.field not in {"name", "type", "description", "short", "retry", "from", "to"},
        "may": request.visit.may(Verb.ACTIONS),
        "may_rule": request.visit.may(Verb.RULES),
    }
    if action is not None:
        facts |= _rules_of(request, action) | {"users": users_of(action)}
        facts["used"] = _type_codes_by_action([action]).get(action.pk, [])
        facts["items"] = Item.objects.filter(_names(action)).count()
        facts["happens"] = _example(request, action)
    return render(request, "web/setup/action.html", facts)


def _rules_of(request: PageRequest, action: Action) -> dict[str, Any]:
    rules = TransferRule.objects.filter(site=request.visit.site, action=action).select_related("source", "target")
    active = list(rules.filter(active=True).order_by("source__path", "target__path", "pk"))
    single = ActionType(action.type).single
    return {
        "rules": active,
        "ended": rules.filter(active=False).order_by("-pk")[:20],
        "single": single,
        "full": single and bool(active),
        "places": offered(Location.objects.filter(site=request.visit.site).order_by("path")),
        "chosen": {"from": request.POST.get("from", ""), "to": request.POST.get("to", "")},
    }


def _names(action: Action) -> Q:
    """The items whose type code names an action."""
    named = Q()
    for place in TYPE_CODE_ACTIONS:
        named |= Q(**{f"type_code__{place}": action})
    return named


def _example(request: PageRequest, action: Action) -> Any:
    """What the action does with a real item: the one asked for, else the first made one that has it."""
    asked = request.GET.get("item", "").strip()
    found = Item.objects.filter(_names(action)).order_by("code")
    code = asked or found.filter(structure_lines__isnull=False).values_list("code", flat=True).first()
    if not code and (code := found.values_list("code", flat=True).first()) is None:
        return None
    visit = request.visit
    return material_flow(visit.site, item_coded(code), visit.today) if Item.objects.filter(code=code).exists() else None


@page(*SETTING_UP)
def action_page(request: PageRequest, name: str) -> HttpResponse:
    """One action."""
    return show_action(request, None, name)


@page(Verb.ACTIONS)
def new_page(request: PageRequest) -> HttpResponse:
    """A new action."""
    return show_action(request)


@posts(Verb.ACTIONS, again=show_action)
def add_page(request: PageRequest) -> HttpResponse:
    """Add it; then it needs a rule."""
    return redirect("action", add_actions([action_in(request, None)])[0].name)


@posts(Verb.ACTIONS, again=show_action)
def change_page(request: PageRequest, name: str) -> HttpResponse:
    """Change what it does with what is short."""
    action = action_at(name)
    change_actions([(action, action_in(request, action))])
    return redirect("action", name)


@posts(Verb.ACTIONS, again=show_action)
def remove_page(request: PageRequest, name: str) -> HttpResponse:
    """Delete an action that nothing names."""
    remove(action_at(name))
    return redirect("actions")


@posts(Verb.ACTIONS, again=show_action)
def end_page(request: PageRequest, name: str) -> HttpResponse:
    """End an action that has no rule any more."""
    end_action(action=action_at(name), on=request.visit.today)
    return redirect("action", name)


@posts(Verb.ACTIONS, again=show_action)
def again_page(request: PageRequest, name: str) -> HttpResponse:
    """Take it in use again; then it needs a rule."""
    use_again(action_at(name))
    return redirect("action", name)


def rule_in(request: PageRequest, action: Action, typed: Mapping[str, str]) -> RuleIn:
    """The rule that was chosen."""
    site = request.visit.site
    return RuleIn(
        action=action,
        source=location_at(site, typed.get("from", ""), field="from"),
        target=location_at(site, typed.get("to", ""), field="to"),
    )


@posts(Verb.RULES, again=show_action)
def add_rule_page(request: PageRequest, name: str) -> HttpResponse:
    """One rule more; or, where there may be only one, this in its stead."""
    rule = rule_in(request, action_at(name), request.POST)
    require_two_ends(rule)
    (replace_rules if request.POST.get("replace") else add_rules)([rule])
    return redirect("action", name)


@posts(Verb.RULES)
def end_rule_page(request: PageRequest, number: int) -> HttpResponse:
    """End a rule. What was moved by it keeps naming it."""
    rule = TransferRule.objects.filter(pk=number, site=request.visit.site).select_related("action").first()
    if rule is None:
        raise Http404
    end_rule(rule=rule)
    return redirect("action", rule.action.name)


@posts(Verb.RULES)
def judge_rule_part(request: PageRequest, name: str) -> HttpResponse:
    """What is wrong with the ends that are being chosen, while they are: the rule is tried in the place of the old."""
    typed, action = request.POST, action_at(name)
    wrong = None
    if typed.get("from") and typed.get("to"):
        add = replace_rules if ActionType(action.type).single else add_rules
        wrong = refused_as_it_stands(lambda: add([rule_in(request, action, typed)]), typed)
    return render(request, "web/setup/judged.html", {"refusal": wrong})


def _save(action: Action | None, new: ActionIn) -> None:
    """Add it, or change what is there."""
    if action is None:
        add_actions([new])
    else:
        change_actions([(action, new)])


@posts(Verb.ACTIONS)
def judge_part(request: PageRequest, name: str = "") -> HttpResponse:
    """What would be refused of the action as it stands, while it is being filled in."""
    action = action_at(name) if name else None
    refusal = refused_as_it_stands(lambda: _save(action, action_in(request, action)), request.POST)
    labels = {field.name: field.label for field in action_fields(action)}
    label = labels.get(refusal.field, "") if refusal else ""
    return render(request, "web/setup/judged_form.html", {"refusal": refusal, "label": label})


def new_or_add(request: PageRequest) -> HttpResponse:
    """By method."""
    return (add_page if request.method == "POST" else new_page)(request)


def action_or_change(request: PageRequest, name: str) -> HttpResponse:
    """By method."""
    return (change_page if request.method == "POST" else action_page)(request, name=name)


urlpatterns = [
    path("set-up/actions/", actions_page, name="actions"),
    path("set-up/actions/new/", new_or_add, name="action-new"),
    path("set-up/actions/rules/<path:name>/", add_rule_page, name="rule-add"),
    path("set-up/actions/judge/<path:name>/", judge_rule_part, name="rule-judge"),
    path("set-up/actions/judged/", judge_part, name="action-judge-new"),
    path("set-up/actions/judged/<path:name>/", judge_part, name="action-judge"),
    path("set-up/actions/end-rule/<int:number>/", end_rule_page, name="rule-end"),
    path("set-up/actions/end/<path:name>/", end_page, name="action-end"),
    path("set-up/actions/again/<path:name>/", again_page, name="action-again"),
    path("set-up/actions/delete/<path:name>/", remove_page, name="action-delete"),
    path("set-up/actions/at/<path:name>/", action_or_change, name="action"),
]
