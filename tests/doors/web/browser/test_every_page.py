"""Axe finds no fault on any page; nothing scrolls sideways or violates the policy.

Each page is checked once, with sizes and themes in turn; `make soak` checks every page at every size in both themes.
BACKFLUSH_PICTURES names a folder for a screenshot of each check.
"""

import os
import re
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from backflush.audit.models import CheckName
from backflush.audit.services import begin_audit, compute_audit, look_at, sign_off
from backflush.counts.sheets import SheetIn, make_sheet
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.items.selectors import item_coded
from backflush.ledger.models import Archive, ArchivedKind, ArchivedOrder, ArchivedRange, CostObjectKind, Movement
from backflush.ledger.periods import close_period, reopen_period
from backflush.people.services import known_user
from backflush.unresolved.background_retry import begin_retry
from backflush.unresolved.queue import QueueFilter
from tests.cast import Plant
from tests.doors.web.browser.test_flows import short_of_bolts
from tests.doors.web.browser.visit import SIZES, THEMES, Visit

SEEN = ("sqlite",)
"""The layout of a page doesn't depend on the engine."""

PAGES = (
    "/",
    "/?arrange=1",
    "/blocks/unresolved-over-time/",
    "/more/",
    "/you/",
    "/you/password/",
    "/you/access/",
    "/you/second-factor/",
    "/set-up/security-log/",
    "/programs/",
    "/find/?q=W-404",
    "/find/?q=BRACK",
    "/book/",
    "/book/?order=W-BRACKET&good=3&scrap=1",
    "/book/?order=W-404",
    "/unresolved/",
    "/unresolved/?open={waiting}",
    "/unresolved/?open={waiting}&not_used=1",
    "/unresolved/?show=fit",
    "/unresolved/?group=item",
    "/unresolved/?group=cause&item=BOLT",
    "/unresolved/retry/",
    "/background-jobs/1/",
    "/exports/?list=transactions&kind=xlsx&asked=",
    "/export/",
    "/import/",
    "/unresolved/cancel/?pick={waiting}",
    "/stock/",
    "/stock/?item=BOLT&since=soon",
    "/stock/?item=NOPE",
    "/stock/movements/{waiting}/",
    "/stock/balances/",
    "/stock/balances/?on=2026-03-03",
    "/stock/bin-card/?item=BOLT&location=MAIN/LINE",
    "/stock/move/?source=MAIN/RAW&item=BOLT",
    "/stock/opening/?location=MAIN/RAW&item=BOLT&quantity=2",
    "/stock/counts/",
    "/stock/counts/enter/?location=MAIN/LINE&item=BOLT&quantity=3",
    "/stock/counts/3/",
    "/stock/counts/accuracy/",
    "/stock/counts/next/",
    "/stock/counts/cut-off/",
    "/stock/counts/sheets/",
    "/stock/counts/sheets/new/",
    "/stock/counts/sheets/1/",
    "/stock/counts/sheets/1/enter/",
    "/stock/counts/sheets/1/print/",
    "/stock/transfers/",
    "/stock/transfers/send/",
    "/stock/transfers/receive/",
    "/no/such/page/",
    "/orders/",
    "/orders/?status=new",
    "/orders/new/",
    "/orders/materials/W-BRACKET/",
    "/orders/bookings/W-BRACKET/",
    "/orders/cost/W-BRACKET/",
    "/orders/structure/W-BRACKET/",
    "/orders/structure/W-FRAME/?edit=1",
    "/orders/history/W-BRACKET/",
    "/orders/print/W-BRACKET/",
    "/orders/complete/W-BRACKET/",
    "/orders/cancel/W-FRAME/",
    "/orders/revise/W-BRACKET/",
    "/orders/issue/W-BRACKET/?item=BOLT&quantity=2",
    "/orders/return/W-BRACKET/",
    "/orders/purchase/",
    "/orders/purchase/new/",
    "/orders/purchase/lines/P-PLATED/",
    "/orders/purchase/close/P-PLATED/",
    "/orders/receive/?order=P-PLATED&accepted=3",
    "/orders/receipts/",
    "/book/item/",
    "/book/item/?item=PACK&good=3",
    "/sub-contractors/",
    "/sub-contractors/stock/ACME/",
    "/items/",
    "/items/new/",
    "/items/code/CABINET/",
    "/items/used/LUG/",
    "/items/orders/BRACKET/",
    "/items/cost/FRAME/",
    "/items/edit/BOLT/",
    "/items/structure/FRAME/",
    "/items/copy/PACK/?source=FRAME",
    "/set-up/",
    "/set-up/check/",
    "/set-up/count-tolerances/",
    "/set-up/count-tolerances/new/",
    "/set-up/actions/",
    "/set-up/actions/new/",
    "/set-up/actions/at/BACKFLUSH/",
    "/set-up/locations/",
    "/set-up/locations/at/MAIN/RACK/",
    "/set-up/labels/location/MAIN/RACK/",
    "/set-up/labels/store/MAIN/",
    "/set-up/type-codes/at/MADE/",
    "/set-up/conversions/new/",
    "/set-up/people/",
    "/set-up/people/new/",
    "/set-up/people/at/ama/",
    "/set-up/units/",
    "/set-up/suppliers/at/ACME/",
    "/set-up/sites/at/MAIN/",
    "/stock-map/",
    "/stock-map/?item=FRAME",
    "/audit/",
    "/audit/1/",
    "/audit/2/unresolved/",
    "/audit/2/cancelled/",
    "/audit/2/revised/",
    "/audit/2/hand-issues/",
    "/audit/2/negative/",
    "/audit/2/proof/",
    "/audit/archives/",
    "/audit/archives/1/",
    "/audit/periods/",
    "/audit/periods/?through=2026-03-31",
    "/audit/periods/2026-01-31/",
    "/stock/postings/{posting}/",
    "/stock/postings/{posting}/?home=1",
)
"""Add the address of a new page here."""


LOOKS = [(size, theme) for size in SIZES for theme in THEMES]

pytestmark = pytest.mark.parametrize("committed_database", SEEN, indirect=True)


@pytest.mark.parametrize("share", range(len(LOOKS)))
def test_no_page_has_accessibility_faults(committed_plant: Plant, browser: Browser, served: str, share: int) -> None:
    """Each page once, each size and theme for a part of them."""
    pages = PAGES[share :: len(LOOKS)]
    assert faults_of(browser, served, LOOKS[share], pages, something_on_every_page(committed_plant)) == []


@pytest.mark.soak
@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_accessibility_faults_at_any_size_and_theme(
    committed_plant: Plant, browser: Browser, served: str, look: tuple[str, str]
) -> None:
    assert faults_of(browser, served, look, PAGES, something_on_every_page(committed_plant)) == []


def something_on_every_page(plant: Plant) -> int:
    """Fill the plant so that every page shows something. Return the unresolved movements."""
    waiting = short_of_bolts(plant)
    plant.books(5, "BRACKET")
    plant.orders(5, "FRAME")
    plant.buys(5, "PLATED")
    plant.receives(1, "PLATED")
    audits(plant)
    begin_retry(site=plant.site, filters=QueueFilter(), title="Retry of all movements", by=plant.storekeeper)
    periods(plant)
    put_away(plant)
    counted(plant)
    return waiting


def counted(plant: Plant) -> None:
    """Add a count sheet with a line that is counted, one to be counted again, and one to approve."""
    set_tolerances(
        [
            ToleranceIn(quantity_down=Decimal(1)),
            ToleranceIn(item=item_coded("PAINT"), quantity_down=Decimal(0), recount_beyond=False),
        ],
        site=plant.site,
    )
    sheet = make_sheet(SheetIn(with_zero=True), site=plant.site, by=plant.storekeeper).sheet
    rosa = known_user(name="rosa", first_name="Rosa", last_name="Marsh")
    for item, place, quantity in (("LUG", "RAW", 2), ("LUG", "LINE", 0), ("PAINT", "RAW", 1)):
        plant.counts(quantity, item, place, sheet=sheet.pk, counted_by=rosa, at=timezone.now())


def put_away(plant: Plant) -> None:
    """Add the database record of an archive; the pages don't need its file."""
    archive = Archive.objects.create(
        site=plant.site,
        number=1,
        through=date(2025, 12, 31),
        until=timezone.now(),
        file="MAIN-0001-2025-12-31-1f2e3d4c.archive.zip",
        digest="1f2e3d4c" * 8,
        counts={"works_worksorder": 1, "ledger_posting": 3, "ledger_movement": 12},
        by=plant.storekeeper,
        at=timezone.now(),
    )
    ArchivedOrder.objects.create(site=plant.site, archive=archive, kind=CostObjectKind.WORKS_ORDER, number="W-0001")
    ArchivedRange.objects.create(
        site=plant.site, archive=archive, kind=ArchivedKind.MOVEMENT, first=900_001, last=900_012
    )


def periods(plant: Plant) -> None:
    """Add a closed period and a reopened one."""
    for through in (date(2026, 1, 31), date(2026, 2, 28)):
        close_period(site=plant.site, through=through, by=plant.storekeeper, remarks="all slips are in")
    reopen_period(site=plant.site, through=date(2026, 2, 28), by=plant.storekeeper, remarks="a slip was found")


def audits(plant: Plant) -> None:
    """Add a signed audit and a current one with findings."""
    for signed in (True, False):
        plant.books(1, plant.releases(5, "FRAME", number=f"F-{signed}"))
        plant.cancels("LUG", "counted, none is missing")
        plant.has(20, "PAINT", at="RAW")
        plant.resolves("PAINT", "0.1", source="MAIN/RAW")
        plant.has(5, "LUG", at="RAW")
        plant.issues(2, "LUG", "BRACKET")
        audit = begin_audit(site=plant.site, by=plant.storekeeper)
        compute_audit(audit=audit, by=plant.storekeeper)
        for check in CheckName:
            if signed or check is CheckName.CANCELLED:
                look_at(site=plant.site, number=audit.number, check=check, by=plant.storekeeper, remarks="seen")
        if signed:
            sign_off(site=plant.site, number=audit.number, by=plant.storekeeper)


def faults_of(browser: Browser, served: str, look: tuple[str, str], pages: Iterable[str], waiting: int) -> list[str]:
    """Return the faults of some pages at one size and in one theme: of axe, the policy and the width."""
    posting = Movement.objects.get(pk=waiting).posting_id
    with closing(Visit(browser, served, *look)) as visit:
        visit.goes("/log-in/")
        found = [f"/log-in/ {look}: {one}" for one in visit.violations()]
        visit.sign_in("ama")
        for path in pages:
            visit.goes(path.format(waiting=waiting, posting=posting))
            found += [f"{path} {look}: {one}" for one in visit.violations()]
            picture(visit, path, look)
        return found + [f"{look}: {one}" for one in visit.complaints if "Content Security Policy" in one]


def picture(visit: Visit, path: str, look: tuple[str, str]) -> None:
    """Take a full-page screenshot, if pictures are wanted."""
    if folder := os.environ.get("BACKFLUSH_PICTURES"):
        name = re.sub(r"[^\w]+", "-", path).strip("-") or "home"
        visit.page.screenshot(path=Path(folder, *look, f"{name}.png"), full_page=True)
