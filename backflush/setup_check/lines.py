"""Findings about structures and their components."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from backflush.core.moves import Tracking
from backflush.core.sentences import Sentence, Word
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
            Sentence(
                "{item} contains itself: {path}. Its structure can't be saved again, and phantoms in the loop can't "
                "be exploded.",
                item=codes[0],
                path=" > ".join(codes),
            ),
            Sentence("Delete one of these lines, and save the structure again."),
            *((About.ITEM, code) for code in dict.fromkeys(codes)),
        )


def fixed_on_phantoms(chart: Chart) -> Iterator[SetupFinding]:
    """Fixed quantities on phantom lines, which have no effect (S6). The services refuse them; a change of an item's
    class creates one.
    """
    for item in chart.live():
        for line in chart.lines.get(item.pk, ()):
            if line.component.phantom and line.fixed and (line.ends is None or line.ends >= chart.today):
                yield found(
                    "fixed_on_phantom",
                    f"{item.code} line {line.number}",
                    Sentence(
                        "{item} line {line} has a fixed quantity of {component}, which is a phantom and is never "
                        "taken itself: the structure is refused when it is used.",
                        item=item.code,
                        line=line.number,
                        component=line.component.code,
                    ),
                    Sentence("Move the fixed quantity to a line of {component}.", component=line.component.code),
                    (About.ITEM, item.code),
                    (About.ITEM, line.component.code),
                )


def too_large(needs: Needs) -> Iterator[SetupFinding]:
    """Structures that explode to more lines than can be stored."""
    for code, sentence in needs.too_large.items():
        yield found(
            "structure_too_large",
            code,
            Sentence("{item}: {problem}", item=code, problem=sentence),
            Sentence("Change some of its phantoms into stocked items."),
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
            Sentence(
                "There is no conversion from {unit} to {stock_unit} for {component} ({lines}): orders and receipts "
                "that need it are refused.",
                unit=unit,
                stock_unit=stock_unit,
                component=component,
                lines=named(named_lines),
            ),
            Sentence(
                "Add a conversion from {unit} to {stock_unit}, or change the unit of the lines.",
                unit=unit,
                stock_unit=stock_unit,
            ),
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
            yield found(
                "no_structure",
                item.code,
                _no_structure(item.code, min(later, default=None)),
                Sentence(
                    "Enter a structure for {item}, or give it a type code without a backflush action.", item=item.code
                ),
                (About.ITEM, item.code),
            )


def _no_structure(item: str, starts: date | None) -> Sentence:
    if starts is None:
        return Sentence("{item} is backflushed but has no structure in force, so nothing is assumed for it.", item=item)
    return Sentence(
        "{item} is backflushed but has no structure in force until {starts}, so nothing is assumed for it until then.",
        item=item,
        starts=starts,
    )


def empty_phantoms(needs: Needs) -> Iterator[SetupFinding]:
    """Phantoms without a line in force on some day, today or later (S6)."""
    for phantom, users in sorted(needs.empty_phantoms.items()):
        yield found(
            "empty_phantom",
            phantom,
            Sentence(
                "{phantom} is a phantom without a line in force, so nothing is used through it by {users}.",
                phantom=phantom,
                users=named(users),
            ),
            Sentence("Enter a structure for {phantom}, or end the lines that contain it.", phantom=phantom),
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
            Sentence(
                "{item} has been obsolete since {day} but is still used by {lines}.",
                item=item.code,
                day=item.obsolete_on,
                lines=named(lines),
            ),
            Sentence("End these lines, and add lines for the replacement."),
            (About.ITEM, item.code),
        )


def troubled_needs(needs: Needs) -> Iterator[SetupFinding]:
    """Lines that will always be unresolved, lines that will be refused, and components without a stock record."""
    unrecorded: dict[tuple[str, str], list[str]] = defaultdict(list)
    for need, rule, place in needs.assumed():
        if place.pk == rule.target_id:
            yield _same_location(need, rule, place)
        elif need.component.tracking != Tracking.NONE:
            yield _tracked(need, rule)
        elif place.bin_controlled:
            # Places that come from the rule give one finding, about the rule.
            if place.pk != rule.source_id:
                yield _in_bins(need, rule, place)
        elif not place.has_balance:
            if place.pk != rule.source_id:
                yield _without_balance(need, place)
        elif (need.component.pk, place.pk) not in needs.chart.stock_at:
            unrecorded[need.component.code, place.path].append(need.line)
    for (component, path), lines in unrecorded.items():
        yield found(
            "no_stock_record",
            f"{component} at {path}",
            Sentence(
                "{component} was never in stock at {location}, so it will be short. It is taken from there by {lines}.",
                component=component,
                location=path,
                lines=named(lines),
            ),
            Sentence(
                "Move {component} to {location}, or change the line's from-location.",
                component=component,
                location=path,
            ),
            (About.ITEM, component),
            (About.LOCATION, path),
        )


def _same_location(need: Need, rule: TransferRule, place: Location) -> SetupFinding:
    return found(
        "same_location",
        need.line,
        Sentence(
            "{line} takes {component} from {location}, which is also the to-location of {action}: every booking is "
            "refused.",
            line=need.line,
            component=need.component.code,
            location=place.path,
            action=rule.action.name,
        ),
        Sentence("Change or clear the line's own from-location."),
        *_both(need),
        (About.LOCATION, place.path),
        (About.ACTION, rule.action.name),
    )


def _tracked(need: Need, rule: TransferRule) -> SetupFinding:
    item: Item = need.component
    return found(
        f"{item.tracking}_tracked",
        need.line,
        Sentence(
            "{line} backflushes {component}, which is tracked by {tracking}: the system can't know which was used, so "
            "every booking leaves it unresolved.",
            line=need.line,
            component=item.code,
            tracking=Word("batch") if item.tracking == Tracking.BATCH else Word("serial number"),
        ),
        Sentence("Mark the line *by hand* and issue the component, or have stores resolve it each time."),
        *_both(need),
        (About.ACTION, rule.action.name),
    )


def _in_bins(need: Need, rule: TransferRule, place: Location) -> SetupFinding:
    return found(
        "bin_controlled",
        need.line,
        Sentence(
            "{line} takes {component} from {location}, which is bin controlled: the system can't know the bin, so "
            "every booking leaves it unresolved.",
            line=need.line,
            component=need.component.code,
            location=place.path,
        ),
        Sentence("Give the line a from-location without bins, mark it *by hand*, or have stores resolve it each time."),
        *_both(need),
        (About.LOCATION, place.path),
        (About.ACTION, rule.action.name),
    )


def _without_balance(need: Need, place: Location) -> SetupFinding:
    return found(
        "no_balance",
        need.line,
        Sentence(
            "{line} takes {component} from {location}, which keeps no balances: it is never short, and no stock is "
            "reduced.",
            line=need.line,
            component=need.component.code,
            location=place.path,
        ),
        Sentence("Change the line's from-location to where the component is kept."),
        *_both(need),
        (About.LOCATION, place.path),
    )


def _both(need: Need) -> tuple[Named, Named]:
    """Return the parent and the component as the things that a finding concerns."""
    return (About.ITEM, need.made.code), (About.ITEM, need.component.code)
