from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Final

from backflush.setup_check import lines, rules
from backflush.setup_check.chart import Chart, read_chart
from backflush.setup_check.findings import KINDS, About, SetupFinding
from backflush.setup_check.needs import Needs
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at, event_time

CHARTED: Final[Mapping[Callable[[Chart], Iterable[SetupFinding]], tuple[str, ...]]] = {
    rules.sites_without_set_up: ("not_set_up",),
    rules.actions_without_rule: ("no_rule",),
    rules.orders_without_receive_action: ("no_receive_action",),
    rules.site_without_adjustment_place: ("no_adjustment_place",),
    rules.made_without_completion: ("no_completion_action",),
    rules.subcontracted_without_backflush: ("no_backflush_action",),
    rules.troubled_backflush_rules: ("bin_controlled", "no_balance"),
    lines.structure_loops: ("structure_loop",),
    lines.fixed_on_phantoms: ("fixed_on_phantom",),
    lines.without_structure: ("no_structure",),
}
EXPLODED: Final[Mapping[Callable[[Needs], Iterable[SetupFinding]], tuple[str, ...]]] = {
    lines.too_large: ("structure_too_large",),
    lines.missing_conversions: ("no_conversion",),
    lines.empty_phantoms: ("empty_phantom",),
    lines.obsolete_components: ("obsolete_component",),
    lines.troubled_needs: (
        *("same_location", "batch_tracked", "serial_tracked"),
        *("bin_controlled", "no_balance", "no_stock_record"),
    ),
}
"""Each check with the kinds that it finds. Checks of the second group explode every structure first."""


def examine(site: Site, *, today: date | None = None, codes: Collection[str] = KINDS) -> list[SetupFinding]:
    """Return the findings about a site's set-up, most severe first, each with a remedy. Reads only.

    Covers lines in force today or later. A supplier without a stock location is no finding: the rule's from-location
    applies. With `codes`, only the checks that can find these run.
    """
    wanted = frozenset(codes)
    chart = read_chart(site, today or day_at(site, event_time(site, None)))
    findings = [finding for check, finds in CHARTED.items() if wanted.intersection(finds) for finding in check(chart)]
    exploded = [check for check, finds in EXPLODED.items() if wanted.intersection(finds)]
    if exploded:
        needs = Needs.of(chart)
        findings += [finding for check in exploded for finding in check(needs)]
    order = {code: place for place, code in enumerate(KINDS)}
    return sorted(
        dict.fromkeys(finding for finding in findings if finding.code in wanted),
        key=lambda finding: (order[finding.code], finding.subject, finding.sentence),
    )


def by_thing(findings: Iterable[SetupFinding], kind: About) -> dict[str, list[SetupFinding]]:
    """Return the findings about things of one kind, by code or name."""
    concerns: dict[str, list[SetupFinding]] = {}
    for finding in findings:
        for about, name in finding.about:
            if about is kind:
                concerns.setdefault(name, []).append(finding)
    return concerns
