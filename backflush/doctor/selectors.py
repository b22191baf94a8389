from datetime import date

from backflush.doctor import lines, rules
from backflush.doctor.chart import read_chart
from backflush.doctor.findings import KINDS, Finding
from backflush.doctor.needs import Needs
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at, event_time

CHARTED = (
    rules.actions_without_rule,
    rules.orders_without_receive_action,
    rules.made_without_completion,
    rules.subcontracted_without_backflush,
    rules.troubled_backflush_rules,
    lines.structure_loops,
    lines.fixed_on_phantoms,
    lines.without_structure,
)
EXPLODED = (
    lines.too_large,
    lines.missing_conversions,
    lines.empty_phantoms,
    lines.obsolete_components,
    lines.troubled_needs,
)


def examine(site: Site, *, today: date | None = None) -> list[Finding]:
    """What will go wrong at a site as it is set up, the heaviest first; each with its remedy. Reads only.

    Lines in force today or later are looked at; those of the past can't do harm any more. A supplier without a stock
    location of its own is no fault: then the rule's place stands.
    """
    chart = read_chart(site, today or day_at(site, event_time(site, None)))
    needs = Needs.of(chart)
    findings = [finding for check in CHARTED for finding in check(chart)]
    findings += [finding for check in EXPLODED for finding in check(needs)]
    order = {code: place for place, code in enumerate(KINDS)}
    return sorted(dict.fromkeys(findings), key=lambda finding: (order[finding.code], finding.subject, finding.sentence))
