"""The movements that completing or receiving an item would make, from its set-up: rules and order of posting."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from backflush.core.refusals import FixedOnPhantom, StructureTooDeep, StructureTooLarge
from backflush.core.structure import Requirement
from backflush.items.models import ComponentClass, Item
from backflush.stockmap.models import Action, Location, Site
from backflush.stockmap.selectors import single_rules
from backflush.structures.selectors import StructureBook

BY_ORDER = {ComponentClass.MADE, ComponentClass.KIT}


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step: an action from one location to another, of the item itself (`components` 0) or of some components.

    `source` and `target` are empty where the action has no rule at the site: then all of it is refused.
    """

    action: Action
    source: Location | None
    target: Location | None
    components: int = 0


@dataclass(frozen=True, slots=True)
class MaterialFlow:
    """All steps in the order of posting, and the number of components that are issued by hand."""

    item: Item
    steps: tuple[FlowStep, ...]
    by_hand: int = 0

    @property
    def whole(self) -> bool:
        """Whether every action has its rule."""
        return all(step.source is not None for step in self.steps)


def material_flow(site: Site, item: Item, day: date) -> MaterialFlow:
    """Return what completing one piece of an item does, or receiving it where it is bought or sub-contracted.

    A line with a from-location of its own is a step of its own. What can't be exploded has no components.
    """
    code = item.type_code
    first = code.completion if item.component_class in BY_ORDER else site.receive_action
    rules = single_rules(site, [action.pk for action in (first, code.backflush) if action is not None])
    steps: list[FlowStep] = []
    if first is not None:
        rule = rules.get(first.pk)
        steps.append(FlowStep(first, rule.source if rule else None, rule.target if rule else None))
    if code.backflush is None:
        return MaterialFlow(item, tuple(steps))
    needed = list(_requirements(site, item, day))
    assumed = [need for need in needed if not need.by_hand]
    rule = rules.get(code.backflush.pk)
    if rule is None:
        steps.append(FlowStep(code.backflush, None, None, len(assumed)))
        return MaterialFlow(item, tuple(steps), len(needed) - len(assumed))
    own = Location.objects.in_bulk({need.source for need in assumed if need.source is not None})
    counts = Counter(own.get(need.source, rule.source) if need.source else rule.source for need in assumed)
    places = sorted(counts, key=lambda place: (place.pk != rule.source_id, place.path)) or [rule.source]
    steps.extend(FlowStep(code.backflush, place, rule.target, counts[place]) for place in places)
    return MaterialFlow(item, tuple(steps), len(needed) - len(assumed))


def _requirements(site: Site, item: Item, day: date) -> Iterator[Requirement]:
    received = item.component_class not in BY_ORDER
    try:
        content = StructureBook(site, [item.pk]).explode(item.pk, day)
    except (FixedOnPhantom, StructureTooDeep, StructureTooLarge):
        return
    for need in content.requirements:
        if not (received and need.supplier_provides):
            yield need
