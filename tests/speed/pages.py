"""(h) Every list and page of a large database: the first visit of a process, and later ones.

The records in the addresses (a frequent item, a rare one, an order, an unresolved movement) are looked up in the
database, so that the same pages can be measured in any: one with a long history, and AdventureWorks.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final
from urllib.parse import quote

from django.db.models import Model, QuerySet
from django.db.models.functions import Coalesce
from django.test import Client

from backflush.audit.models import Audit
from backflush.audit.services import begin_audit
from backflush.core.moves import Process, Status
from backflush.delivery.pagination import mark_of
from backflush.ledger.models import Movement, Posting
from backflush.ledger.selectors import waiting_movements
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role
from backflush.stockmap.models import Location, Site
from backflush.web.home.blocks import BLOCKS
from backflush.web.platform.preload import warm_up
from backflush.works.models import WorksOrder
from tests.speed.figures import Figure, Watch, counted, peak_memory_mb

VISITS: Final = 3
LIST_MS: Final = 100
"""The limit for a list page (issue 4); other pages may take 300 ms (issue 3)."""
FAR: Final = 50 * 1_000
MARKS: Final = ("far", "far_waiting", "far_order")
MODEL_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"

LISTS: Final = (
    "/unresolved/",
    "/unresolved/?group=item",
    "/unresolved/?group=place",
    "/unresolved/?group=cause",
    "/unresolved/?group=none",
    "/unresolved/?group=none&{far_waiting}",
    "/unresolved/?show=fit",
    "/unresolved/?show=short",
    "/unresolved/?show=choice",
    "/unresolved/?item={short}",
    "/unresolved/?item={rare}",
    "/unresolved/?location={place}",
    "/unresolved/?location={rare_place}",
    "/unresolved/?location={store}",
    "/unresolved/?order={order}",
    "/unresolved/?reason=short",
    "/unresolved/?reason=batch",
    "/unresolved/?days=30",
    "/unresolved/?days=30&item={short}&location={place}",
    "/stock/",
    "/stock/?{far}",
    "/stock/?item={item}",
    "/stock/?item={rare}",
    "/stock/?location={place}",
    "/stock/?location={rare_place}",
    "/stock/?location={store}",
    "/stock/?location={place}&{far}",
    "/stock/?order={order}",
    "/stock/?order={old_order}",
    "/stock/?action={action}",
    "/stock/?person={person}",
    "/stock/?since={month_ago}",
    "/stock/?until={month_ago}",
    "/stock/?since={month_ago}&until={month_ago}",
    *(f"/stock/?status={status.value}" for status in Status),
    *(f"/stock/?process={quote(process.value)}" for process in Process),
    "/stock/?item={item}&location={place}",
    "/stock/?item={item}&location={rare_place}",
    "/stock/?item={rare}&location={rare_place}",
    "/stock/?item={item}&status=ok",
    "/stock/?item={item}&status=cancelled",
    "/stock/?item={item}&process=hand movement",
    "/stock/?item={item}&process=works order",
    "/stock/?item={item}&person={person}",
    "/stock/?item={item}&since={month_ago}",
    "/stock/?location={place}&status=ok",
    "/stock/?location={place}&status=unresolved",
    "/stock/?location={rare_place}&status=ok",
    "/stock/?location={rare_place}&status=unresolved",
    "/stock/?location={place}&process=hand movement",
    "/stock/?location={place}&process=works order",
    "/stock/?location={place}&action={action}",
    "/stock/?location={place}&person={person}",
    "/stock/?location={place}&until={month_ago}",
    "/stock/?location={store}&status=ok&process=works order",
    "/stock/?action={action}&status=ok",
    "/stock/?action={action}&process=works order",
    "/stock/?person={person}&process=works order",
    "/stock/?person={person}&status=cancelled",
    "/stock/?status=resolved&until={month_ago}",
    "/stock/bin-card/?item={item}&location={place}",
    "/stock/bin-card/?item={item}&location={place}&{far}",
    "/stock/bin-card/?item={rare}&location={rare_place}",
    "/stock/bin-card/?item={item}&location={rare_place}",
    "/stock/balances/",
    "/stock/balances/?item={item}",
    "/stock/balances/?location={place}",
    "/stock/balances/?item={item}&on={month_ago}",
    "/orders/",
    "/orders/?{far_order}",
    *(f"/orders/?status={status}" for status in ("new", "released", "open", "complete", "cancelled")),
    "/orders/?number={order}",
    "/orders/purchase/",
    "/orders/receipts/",
    "/items/",
    "/items/?q={item}",
    "/items/orders/{made}/",
    "/items/used/{item}/",
    "/sub-contractors/",
    "/set-up/",
    "/set-up/check/",
    "/set-up/actions/",
    "/set-up/locations/",
    "/set-up/type-codes/",
    "/set-up/units/",
    "/set-up/suppliers/",
    "/set-up/sites/",
    "/set-up/people/",
    "/audit/",
    *(
        f"/audit/{{audit}}/{check}/"
        for check in ("unresolved", "cancelled", "revised", "never-moved", "hand-issues", "structures", "negative")
    ),
)
PAGES: Final = (
    "/",
    *(f"/blocks/{block}/" for block in BLOCKS),
    "/find/?q={order}",
    "/find/?q={item}",
    "/book/",
    "/book/?order={order}&good=3",
    "/book/item/?item={made}&good=3",
    "/unresolved/?open={waiting}",
    "/unresolved/retry/",
    "/stock/movements/{movement}/",
    "/stock/movements/{waiting}/",
    "/stock/postings/{posting}/",
    "/stock/move/?item={item}",
    "/stock/balances/?on={month_ago}",
    "/stock-map/",
    "/stock-map/?item={made}",
    "/orders/materials/{order}/",
    "/orders/bookings/{order}/",
    "/orders/cost/{order}/",
    "/orders/structure/{order}/",
    "/orders/history/{order}/",
    "/orders/print/{order}/",
    "/orders/issue/{order}/",
    "/orders/new/",
    "/items/code/{item}/",
    "/items/code/{made}/",
    "/items/edit/{item}/",
    "/items/structure/{made}/",
    "/items/cost/{made}/",
    "/set-up/locations/at/{place}/",
)
FILES: Final = (
    "/stock/export.csv?item={rare}",
    "/stock/export.csv?order={order}",
    "/stock/export.csv",
    "/unresolved/export.csv?item={rare}",
    "/unresolved/export.csv",
    "/stock/balances/export.csv",
)
"""The first bytes of a file, or the page that offers a background export."""


class Unnamed(dict[str, str]):
    """The records for the places in an address; an address without its record is left out."""

    def __missing__(self, name: str) -> str:
        raise LookupError(name)


def pages_of(engine: str, of: str) -> list[Figure]:
    """Measure all pages of Django's default database; `of` names it."""
    figures = visited(engine, of, (("list", LISTS), ("page", PAGES), ("file", FILES)))
    return [_summary(engine, of, figures), *figures]


def visited(engine: str, of: str, kinds: Sequence[tuple[str, Sequence[str]]]) -> list[Figure]:
    """Measure some pages, each by its kind."""
    site, person = busiest_site_and_user()
    names = Unnamed((name, value if name in MARKS else quote(value)) for name, value in names_in(site, person))
    client = Client(headers={"host": "localhost"})
    client.force_login(person, backend=MODEL_BACKEND)
    warm_up()
    client.get("/")
    return [
        figure
        for kind, addresses in kinds
        for address in addresses
        for figure in _visits(client, engine, of, kind, address, names)
    ]


def _visits(
    client: Client, engine: str, of: str, kind: str, address: str, names: Mapping[str, str]
) -> Iterator[Figure]:
    try:
        wanted = address.format_map(names)
    except LookupError:
        return
    first, watch = Watch(), Watch()
    with counted() as statements, first.timed():
        visit(client, wanted)
    for _ in range(VISITS):
        with watch.timed():
            visit(client, wanted)
    yield Figure(
        "h", engine, f"{kind} {address}, {of}", "visits", 1000 / watch.median_ms, None,
        watch.median_ms, max(watch.seconds) * 1000, statements=len(statements),
        more={"first, ms": first.total * 1000, "best, ms": min(watch.seconds) * 1000},
        detail=not (kind == "list" and watch.median_ms >= LIST_MS),
    )  # fmt: skip


def visit(client: Client, address: str) -> None:
    """Get a whole page, or the first bytes of a file."""
    answer: Any = client.get(address)
    # 409 or 422: the issue page of a complete order says so, and counts like any other page.
    assert answer.status_code in {200, 302, 409, 422}, f"{address}: {answer.status_code}"
    if answer.streaming:
        next(iter(answer.streaming_content))
        answer.close()


def _summary(engine: str, of: str, figures: Sequence[Figure]) -> Figure:
    """Return the median and the slowest of all lists, and how many exceed the limit."""
    lists = {one.what: one.median_ms or 0.0 for one in figures if one.what.startswith("list ")}
    others = [one.median_ms or 0.0 for one in figures if one.what not in lists]
    return Figure(
        "h", engine, f"{len(lists)} lists, {of}: the middle one, the slowest", "visits", 0, None,
        median(lists.values()), max(lists.values()), memory_mb=peak_memory_mb(),
        more={
            f"of {len(lists)} lists, {of}, these take {LIST_MS} ms or more": sum(
                middle >= LIST_MS for middle in lists.values()
            ),
            f"of {len(others)} other pages and files, {of}, the slowest, ms": max(others),
        },
    )  # fmt: skip


# Records


def busiest_site_and_user() -> tuple[Site, User]:
    """Return the site with the most movements, and a user who may see everything there."""
    last = Movement.objects.order_by("-pk")[0]
    give_role(user=last.posting.by, site=last.site, role=Role.ADMINISTRATOR)
    return last.site, last.posting.by


def names_in(site: Site, person: User) -> Iterator[tuple[str, str]]:
    """Return the records for the addresses, looked up row by row, because a join might read the whole ledger."""
    used = Movement.objects.filter(site=site, line__isnull=False, status=Status.OK, cost_object__isnull=False)
    newest, oldest = used.order_by("-pk")[0], used.order_by("pk")[0]
    assert newest.cost_object is not None
    assert oldest.cost_object is not None
    assert newest.rule is not None
    order = WorksOrder.objects.select_related("item").get(cost_object=newest.cost_object)
    yield "person", person.username
    yield "item", newest.item.code
    yield "made", order.item.code
    yield "order", order.number
    yield "old_order", oldest.cost_object.number
    yield "action", newest.rule.action.name
    yield "place", newest.source.path
    yield "store", newest.source.store.code
    yield "movement", str(newest.pk)
    yield "posting", str(newest.posting_id)
    yield "month_ago", f"{newest.at.replace(day=1):%Y-%m-%d}"
    yield from _rarities(site, newest)
    yield from _waiting(site)
    yield from _far(site)
    audit = Audit.objects.filter(site=site).order_by("-number").first() or begin_audit(site=site, by=person)
    yield "audit", str(audit.number)


def _rarities(site: Site, newest: Movement) -> Iterator[tuple[str, str]]:
    """Return a rarely moved item, and a location with few movements."""
    for posting in Posting.objects.filter(site=site, process=Process.HAND).order_by("-at")[:100]:
        moved = Movement.objects.filter(posting=posting).exclude(item=newest.item_id).first()
        if moved is not None:
            yield "rare", moved.item.code
            break
    for place in Location.objects.filter(site=site, has_balance=True).exclude(pk=newest.source_id).order_by("-path"):
        if Movement.objects.filter(target=place).values("pk")[:1_000].count() < 1_000:
            yield "rare_place", place.path
            return


def _waiting(site: Site) -> Iterator[tuple[str, str]]:
    oldest = waiting_movements(site).select_related(None).first()
    if oldest is not None:
        yield "waiting", str(oldest.pk)
        yield "short", oldest.item.code


def _far(site: Site) -> Iterator[tuple[str, str]]:
    """Return the marks of pages a thousand pages from the first."""
    orders = WorksOrder.objects.filter(site=site).order_by("-number")
    queue = waiting_movements(site).select_related(None).annotate(place=Coalesce("origin", "id"))
    lists: tuple[tuple[str, QuerySet[Any, Model], Sequence[str]], ...] = (
        ("far", Movement.objects.filter(site=site).order_by("-at", "-id"), ("at", "id")),
        ("far_waiting", queue, ("at", "place", "pk")),
    )
    for name, found, by in lists:
        if row := found.only("pk", "at", "origin")[FAR : FAR + 1].first():
            yield name, f"after={mark_of(0, row, by)}"
    if row := orders.filter(status="complete")[FAR : FAR + 1].first():
        yield "far_order", f"status=complete&after={mark_of(0, row, ('number',))}"
