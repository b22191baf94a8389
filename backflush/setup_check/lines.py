"""Findings about structures and their components."""

from collections import defaultdict
from collections.abc import Iterator

from backflush.core.moves import Tracking
from backflush.items.models import ComponentClass, Item
from backflush.setup_check.chart import Chart, named
from backflush.setup_check.findings import About, Named, SetupFinding, found
from backflush.setup_check.needs import Need, Needs, loops
from backflush.stockmap.models import Location, TransferRule

MADE_OF_SOMETHING = {ComponentClass.MADE, ComponentClass.KIT, ComponentClass.SUBCONTRACTED}


def structure_loops(chart: Chart) -> Iterator[SetupFinding]:
    """Items that contain themselves (S5). The services refuse to enter a loop; only a change made outside them creates
    one."""
    contains = {item: {line.component.item for line in lines} for item, lines in chart.lines.items()}
    for way in loops(contains):
        codes = [chart.items[item].code for item in way]
        yield found(
            "structure_loop",
            codes[0],
            (
                f"{' contains '.join(codes)}. Its structure can't be saved again, and phantoms in the loop "
                "can't be exploded."
            ),
            "Delete one of these lines, and save the structure again.",
            *((About.ITEM, code) for code in dict.fromkeys(codes)),
        )


def fixed_on_phantoms(chart: Chart) -> Iterator[SetupFinding]:
    """Fixed quantities on phantom lines, which have no effect (S6). The services refuse them; a change of an item's
    class
    creates one."""
    for item in chart.live():
        for line in chart.lines.get(item.pk, ()):
            if line.component.phantom and line.fixed and (line.ends is None or line.ends >= chart.today):
                yield found(
                    "fixed_on_phantom",
                    f"{item.code} line {line.number}",
                    (
                        f"{item.code} line {line.number} has a fixed quantity of {line.component.code}, which is a "
                        "phantom and is never taken itself: the structure is refused when it is used."
                    ),
                    f"Move the fixed quantity to a line of {line.component.code}.",
                    (About.ITEM, item.code),
                    (About.ITEM, line.component.code),
                )


def too_large(needs: Needs) -> Iterator[SetupFinding]:
    """Structures that explode to more lines than can be stored."""
    for code, sentence in needs.too_large.items():
        yield found(
            "structure_too_large",
            code,
            f"{code}: {sentence}",
            "Change some of its phantoms into stocked items.",
            (About.ITEM, code),
        )


def missing_conversions(needs: Needs) -> Iterator[SetupFinding]:
    """Units that can't be converted, also on lines by hand (Q4): one finding for each component and unit."""
    lines: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for need in needs.all:
        for step in need.requirement.steps:
            if step.factor is None:
                lines[step.component.code, step.unit, step.component.unit].append(need.line)
    for (component, unit, stock_unit), named_lines in lines.items():
        yield found(
            "no_conversion",
            f"{component} {unit}",
            (
                f"There is no conversion from {unit} to {stock_unit} for {component} "
                f"({named(named_lines)}): orders and receipts that need it are refused."
            ),
            f"Add a conversion from {unit} to {stock_unit}, or change the unit of the lines.",
            (About.ITEM, component),
            (About.UNIT, unit),
            (About.UNIT, stock_unit),
        )


def without_structure(chart: Chart) -> Iterator[SetupFinding]:
    """Items with a backflush action but without a structure line in force today."""
    for item in chart.live():
        if item.component_class not in MADE_OF_SOMETHING or item.type_code.backflush_id is None:
            continue
        lines = chart.lines.get(item.pk, ())
        if not any(line.in_force(chart.today) for line in lines):
            later = [line.starts for line in lines if line.starts is not None and line.starts > chart.today]
            until = f" until {min(later):%d %b %Y}" if later else ""
            yield found(
                "no_structure",
                item.code,
                (f"{item.code} is backflushed but has no structure in force, so nothing is assumed for it{until}."),
                f"Enter a structure for {item.code}, or give it a type code without a backflush action.",
                (About.ITEM, item.code),
            )


def empty_phantoms(needs: Needs) -> Iterator[SetupFinding]:
    """Phantoms without a line in force on some day, today or later (S6)."""
    for phantom, users in sorted(needs.empty_phantoms.items()):
        yield found(
            "empty_phantom",
            phantom,
            (f"{phantom} is a phantom without a line in force, so {named(users)} uses nothing through it."),
            f"Enter a structure for {phantom}, or end the lines that contain it.",
            (About.ITEM, phantom),
        )


def obsolete_components(needs: Needs) -> Iterator[SetupFinding]:
    """Obsolete components in structures of items that aren't obsolete: one finding for each component."""
    users: dict[int, list[str]] = defaultdict(list)
    for need in needs.all:
        for step in need.requirement.steps:
            if needs.chart.obsolete(needs.chart.items[step.component.item]):
                users[step.component.item].append(need.line)
    for pk, lines in users.items():
        item = needs.chart.items[pk]
        yield found(
            "obsolete_component",
            item.code,
            (f"{item.code} is obsolete since {item.obsolete_on:%d %b %Y} but still used by {named(lines)}."),
            "End these lines, and add lines for the replacement.",
            (About.ITEM, item.code),
        )


def troubled_needs(needs: Needs) -> Iterator[SetupFinding]:
    """Lines that will always be unresolved, lines that will be refused, and components without a stock record."""
    unrecorded: dict[tuple[str, str], list[str]] = defaultdict(list)
    for need, rule, place in needs.assumed():
        if place.pk == rule.target_id:
            yield _same_location(need, rule, place)
        elif need.component.tracking != Tracking.NONE:
            yield _tracked(need)
        elif place.bin_controlled:
            # Places that come from the rule give one finding, about the rule.
            if place.pk != rule.source_id:
                yield _in_bins(need, place)
        elif not place.has_balance:
            if place.pk != rule.source_id:
                yield _without_balance(need, place)
        elif (need.component.pk, place.pk) not in needs.chart.stock_at:
            unrecorded[need.component.code, place.path].append(need.line)
    for (component, path), lines in unrecorded.items():
        yield found(
            "no_stock_record",
            f"{component} at {path}",
            (f"{component} was never in stock at {path}, where {named(lines)} takes it from: it will be short."),
            f"Move {component} to {path}, or change the line's from-location.",
            (About.ITEM, component),
            (About.LOCATION, path),
        )


def _same_location(need: Need, rule: TransferRule, place: Location) -> SetupFinding:
    return found(
        "same_location",
        need.line,
        (
            f"{need.line} takes {need.component.code} from {place.path}, which is also the to-location "
            f"of {rule.action.name}: every booking is refused."
        ),
        "Change or clear the line's own from-location.",
        *_both(need),
        (About.LOCATION, place.path),
        (About.ACTION, rule.action.name),
    )


def _tracked(need: Need) -> SetupFinding:
    item: Item = need.component
    kept = "batch" if item.tracking == Tracking.BATCH else "serial number"
    return found(
        f"{item.tracking}_tracked",
        need.line,
        (
            f"{need.line} backflushes {item.code}, which is tracked by {kept}: the system can't know "
            "which was used, so every booking leaves it unresolved."
        ),
        "Mark the line *by hand* and issue the component, or have stores resolve it each time.",
        *_both(need),
    )


def _in_bins(need: Need, place: Location) -> SetupFinding:
    return found(
        "bin_controlled",
        need.line,
        (
            f"{need.line} takes {need.component.code} from {place.path}, which is bin controlled: the "
            "system can't know which bin, so every booking leaves it unresolved."
        ),
        ("Give the line a from-location without bins, mark it *by hand*, or have stores resolve it each time."),
        *_both(need),
        (About.LOCATION, place.path),
    )


def _without_balance(need: Need, place: Location) -> SetupFinding:
    return found(
        "no_balance",
        need.line,
        (
            f"{need.line} takes {need.component.code} from {place.path}, which keeps no balances: it is "
            "never short, and no stock is reduced."
        ),
        "Change the line's from-location to where the component is kept.",
        *_both(need),
        (About.LOCATION, place.path),
    )


def _both(need: Need) -> tuple[Named, Named]:
    """Return the parent and the component as the things that a finding concerns."""
    return (About.ITEM, need.made.code), (About.ITEM, need.component.code)
