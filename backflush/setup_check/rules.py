"""Findings about actions, rules and type codes."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from backflush.core.sentences import Sentence
from backflush.items.models import ComponentClass, Item, TypeCode
from backflush.setup_check.chart import Chart, named
from backflush.setup_check.findings import About, Named, SetupFinding, found
from backflush.stockmap.models import Action, ActionType

PLACES = ("completion", "backflush", "issue", "return_action")
PRODUCED = {ComponentClass.MADE, ComponentClass.KIT}


def sites_without_set_up(chart: Chart) -> Iterator[SetupFinding]:
    """A site without rules or without items, where nothing can be booked yet and there is little to check."""
    missing = []
    if not chart.rules:
        missing.append(
            Sentence("{site} has no rules for bookings, so nothing can be booked there.", site=chart.site.code)
        )
    if not chart.items:
        missing.append(Sentence("There are no items yet, so nothing can be booked."))
    remedy = Sentence("Home leads through the first steps, with ready-made set-ups to choose from.")
    for sentence in missing:
        yield found("not_set_up", chart.site.code, sentence, remedy, (About.SITE, chart.site.code))


def actions_without_rule(chart: Chart) -> Iterator[SetupFinding]:
    """Inactive actions that a type code, an open purchase order or the site uses (A2)."""
    users: dict[int, list[Named]] = defaultdict(list)
    actions: dict[int, Action] = {}
    for action, user in _named_actions(chart):
        if action.pk not in chart.rules:
            actions[action.pk] = action
            users[action.pk].append(user)
    for pk, action in actions.items():
        yield found(
            "no_rule",
            action.name,
            Sentence(
                "{action} has no rule at {site}, so every {type} by it is refused. Used by {users}.",
                action=action.name,
                site=chart.site.code,
                type=ActionType(action.type),
                users=named(map(_user, users[pk])),
            ),
            Sentence("Add a rule for {action}, or remove the action where it is used.", action=action.name),
            (About.ACTION, action.name),
            *users[pk],
        )


def _user(user: Named) -> str:
    kind, name = user
    return name if kind is About.PURCHASE_ORDER else Sentence("{kind} {name}", kind=kind, name=name)


def _named_actions(chart: Chart) -> Iterator[tuple[Action, Named]]:
    in_use = {item.type_code_id for item in chart.live()}
    for code in chart.type_codes:
        for place in PLACES if code.pk in in_use else ():
            action: Action | None = getattr(code, place)
            if action is not None:
                yield action, (About.TYPE_CODE, code.code)
    for order in chart.open_orders:
        if order.receive_action is not None:
            yield order.receive_action, (About.PURCHASE_ORDER, order.number)
    if chart.site.receive_action is not None:
        yield chart.site.receive_action, (About.SITE, chart.site.code)


def orders_without_receive_action(chart: Chart) -> Iterator[SetupFinding]:
    """Open purchase orders that can't be received for want of a receive action (R5)."""
    orders = [order.number for order in chart.open_orders if order.receive_action is None]
    if orders and chart.site.receive_action is None:
        yield found(
            "no_receive_action",
            chart.site.code,
            Sentence(
                "Neither site {site} nor its open purchase orders {orders} have a receive action, so these orders "
                "can't be received.",
                site=chart.site.code,
                orders=named(orders),
            ),
            Sentence("Set a receive action for the site."),
            (About.SITE, chart.site.code),
        )


def site_without_adjustment_place(chart: Chart) -> Iterator[SetupFinding]:
    """A site that names no place for the differences of its counts, so nothing can be counted (H5)."""
    if chart.site.adjustment_id is None:
        yield found(
            "no_adjustment_place",
            chart.site.code,
            Sentence("Site {site} has no adjustment place, so counts are refused there.", site=chart.site.code),
            Sentence("Name a location without balances as the adjustment place of the site."),
            (About.SITE, chart.site.code),
        )


def made_without_completion(chart: Chart) -> Iterator[SetupFinding]:
    """Manufactured items without a completion action, which can't be booked (B1): one finding for each type code."""
    for code, items in _by_type_code(chart, lambda item: item.component_class in PRODUCED):
        if code.completion_id is None:
            yield found(
                "no_completion_action",
                code.code,
                Sentence(
                    "Type code {type_code} has no completion action, so production of {items} is refused.",
                    type_code=code.code,
                    items=named(item.code for item in items),
                ),
                Sentence(
                    "Give {type_code} a completion action, or give these items another type code.", type_code=code.code
                ),
                (About.TYPE_CODE, code.code),
            )


def subcontracted_without_backflush(chart: Chart) -> Iterator[SetupFinding]:
    """Sub-contracted items without a backflush action, whose receipts assume nothing (B3): one finding for each
    type code."""
    for code, items in _by_type_code(chart, lambda item: item.component_class == ComponentClass.SUBCONTRACTED):
        if code.backflush_id is None:
            yield found(
                "no_backflush_action",
                code.code,
                Sentence(
                    "Type code {type_code} has no backflush action, so receipts of {items} take nothing from the stock "
                    "at the sub-contractor.",
                    type_code=code.code,
                    items=named(item.code for item in items),
                ),
                Sentence(
                    "Give {type_code} a backflush action, or give these items another type code.", type_code=code.code
                ),
                (About.TYPE_CODE, code.code),
            )


def _by_type_code(chart: Chart, wanted: Callable[[Item], bool]) -> Iterator[tuple[TypeCode, list[Item]]]:
    by_code: dict[int, list[Item]] = defaultdict(list)
    for item in chart.live():
        if wanted(item):
            by_code[item.type_code_id].append(item)
    for code in chart.type_codes:
        if code.pk in by_code:
            yield code, by_code[code.pk]


def troubled_backflush_rules(chart: Chart) -> Iterator[SetupFinding]:
    """Backflush rules from a bin-controlled location, where every line waits (T1), or from one without balances, where
    nothing is ever short (U1)."""
    for rule in sorted(chart.rules.values(), key=lambda rule: rule.action.name):
        if rule.action.type != ActionType.BACKFLUSH:
            continue
        name = rule.action.name
        for location in (rule.source, rule.target):
            if location.bin_controlled:
                yield found(
                    "bin_controlled",
                    name,
                    Sentence(
                        "The rule of {action} is from {source} to {target}, and {location} is bin controlled. The "
                        "system can't know the bin, so every line stays unresolved.",
                        action=name,
                        source=rule.source.path,
                        target=rule.target.path,
                        location=location.path,
                    ),
                    Sentence(
                        "Change {location} in the rule of {action} to a location without bins, and move the stock "
                        "there before it is used.",
                        action=name,
                        location=location.path,
                    ),
                    (About.ACTION, name),
                    (About.LOCATION, location.path),
                )
        if not rule.source.has_balance:
            yield found(
                "no_balance",
                name,
                Sentence(
                    "{action} backflushes from {location}, which keeps no balances: nothing is ever short, and no "
                    "stock is reduced.",
                    action=name,
                    location=rule.source.path,
                ),
                Sentence(
                    "Change the rule of {action} to start at the location where the components are kept.", action=name
                ),
                (About.ACTION, name),
                (About.LOCATION, rule.source.path),
            )
