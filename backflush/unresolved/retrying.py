"""A retry of a long queue in the background: any number, step by step, oldest first.

Only those are tried for which there is anything at all where they would take it from; the others can't have become
possible. What has become possible meanwhile at another place is met by the next retry.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django_tasks import task

from backflush.core.moves import Tracking
from backflush.errands.models import Errand, ErrandKind
from backflush.errands.services import Write, begin_errand, carry_on
from backflush.ledger.models import Movement
from backflush.ledger.statements import waiting_with_stock
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.unresolved.listing import SoughtWaiting, WaitingList
from backflush.unresolved.services import retry

STEP: Final = 500
"""So many are tried in one transaction: a booking that wants the same stock waits no longer than that takes."""


def worth_retrying(site: Site, sought: SoughtWaiting) -> QuerySet[Movement]:
    """Those that a retry may be able to settle: no choice is needed, and something is there, oldest first."""
    items = {item for item, _ in waiting_with_stock(site.pk)}
    found = WaitingList(site, sought).plain.filter(
        Q(item__in=items) | Q(source__has_balance=False),
        item__tracking=Tracking.NONE,
        source__bin_controlled=False,
        target__bin_controlled=False,
    )
    return found.annotate(place=Coalesce("origin", "id"))


def begin_retry(*, site: Site, sought: SoughtWaiting, title: str, by: User) -> Errand:
    """Retry all that is looked for, in the background."""
    asked = {
        "item": sought.item,
        "location": sought.location,
        "order": sought.order,
        "supplier": sought.supplier,
        "reason": sought.reason,
        "until": sought.until.isoformat() if sought.until else "",
    }
    return begin_errand(site=site, kind=ErrandKind.RETRY, work=retry_waiting, title=title, by=by, asked=asked)


@task()
def retry_waiting(number: int) -> None:
    """Take the next steps of a retry."""
    carry_on(number, _next_some)


def _sought(asked: Mapping[str, Any]) -> SoughtWaiting:
    until = asked["until"]
    return SoughtWaiting(**{**asked, "until": datetime.fromisoformat(until) if until else None})


def _next_some(errand: Errand) -> Write:
    """The next ones behind the mark."""
    found = worth_retrying(errand.site, _sought(errand.asked))
    whole = errand.of if errand.mark else found.order_by().count()
    behind = found.filter(_behind(errand.mark["after"])) if errand.mark else found
    rows = list(behind.values_list("pk", "at", Coalesce("origin", "id"))[:STEP])

    def write(errand: Errand) -> bool:
        tried = [number for number, _, _ in rows]
        settled = retry(site=errand.site, by=errand.by, movements=tried) if tried else []
        errand.of = whole
        errand.done += len(rows)
        errand.counted += len(settled)
        if len(rows) < STEP:
            errand.outcome = _said(errand)
            return False
        number, at, place = rows[-1]
        errand.mark = {"after": [at.isoformat(), place, number]}
        return True

    return write


def _behind(mark: list[Any]) -> Q:
    at, place, number = datetime.fromisoformat(mark[0]), mark[1], mark[2]
    later = Q(at__gt=at) | Q(at=at, place__gt=place) | Q(at=at, place=place, pk__gt=number)
    return Q(at__gte=at) & later


def _said(errand: Errand) -> str:
    if not errand.counted:
        return "Nothing has become possible yet. Nothing was settled."
    return f"{errand.counted:,} settled. What doesn't fit yet goes on waiting."
