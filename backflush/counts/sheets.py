"""Make, close and cancel count sheets, and note on them what was counted (H6)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from backflush.core.count_sheets import BalanceName, parts_of, random_sample, walking_order
from backflush.core.moves import Status, StockKey, Tracking
from backflush.core.refusals import (
    AlreadyCounted,
    InvalidValue,
    NotFound,
    RemarksRequired,
    SheetNotFinished,
    SheetNotOpen,
)
from backflush.core.text import require_short
from backflush.counts.approval import approve_counts
from backflush.counts.corrections import stock_key_of
from backflush.counts.models import CountPlan, CountSheet, CountStatus, SheetLine, SheetStatus, StockCount
from backflush.counts.statements import FILL_LINES
from backflush.items.models import ComponentClass, ProductGroup
from backflush.items.selectors import items_coded
from backflush.ledger.models import Balance, Movement
from backflush.ledger.posting import REMARKS_LENGTH
from backflush.people.models import User
from backflush.stockmap.models import Site, Store
from backflush.stockmap.selectors import day_at, find_locations
from backflush.structures.models import StructureLine
from backflush.structures.selectors import in_force_on

LINES_MOST: Final = 20_000
SEED_LENGTH: Final = 60
TITLE_LENGTH: Final = 100
OPEN_STATUSES: Final = tuple(status for status in CountStatus if status.open)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetIn:
    """Which balances a sheet is for; all that is set must match.

    `locations` are paths, or stores for all of their locations. `balances` are pairs of item and location, such as the
    list of what to count next. `sample` draws that many at random; `seed` repeats the same sample. Balances of zero are
    on a sheet if `with_zero` is set, they are listed one by one, or something waits there. `counters` share the lines.
    """

    locations: Sequence[str] = ()
    items: Sequence[str] = ()
    balances: Sequence[tuple[str, str]] = ()
    component_class: str = ""
    abc_class: str = ""
    product_group: str = ""
    backflushed: bool = False
    unresolved: bool = False
    with_zero: bool = False
    sample: int | None = None
    seed: str = ""
    blind: bool = False
    title: str = ""
    counters: Sequence[User] = field(default_factory=tuple)

    def selection(self) -> dict[str, Any]:
        """Return what is set, as it is kept on the sheet."""
        left_out = {"counters", "title", "blind", "seed"}
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in left_out}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class MadeSheet:
    """A new sheet, and how many of the balances chosen were left out because they are on another open sheet."""

    sheet: CountSheet
    lines: int
    elsewhere: int


@transaction.atomic
def make_sheet(one: SheetIn, *, site: Site, by: User) -> MadeSheet:
    """Make a count sheet of the balances that match, in walking order, each on one open sheet only (H6).

    Takes a fixed number of statements. Raises `InvalidValue` where nothing matches, too much does, or a limit is wrong,
    and `NotFound` for items, locations or groups that don't exist.
    """
    _require_sound(one)
    keys = {
        BalanceName(path, bin, item, batch, serial): StockKey(item_id, location_id, bin, batch, serial)
        for item_id, location_id, bin, batch, serial, item, path in _balances(one, site).values_list(
            "item_id", "location_id", "bin", "batch", "serial", "item__code", "location__path"
        )[: LINES_MOST + 1]
    }
    if len(keys) > LINES_MOST:
        raise InvalidValue(
            "More than {most} balances match. Choose fewer, for example one location at a time.",
            most=LINES_MOST,
            field="locations",
        )
    taken = _on_open_sheets(site)
    free = [name for name, key in keys.items() if key not in taken]
    chosen = random_sample(free, one.sample, one.seed) if one.sample is not None else free
    if not chosen:
        raise _nothing_to_count(len(keys))
    sheet = CountSheet.objects.create(
        site=site,
        title=one.title,
        selection=one.selection(),
        seed=one.seed if one.sample is not None else "",
        sample_of=len(free) if one.sample is not None else None,
        blind=one.blind or CountPlan.objects.filter(site=site, blind=True).exists(),
        made_by=by,
        made_at=timezone.now(),
    )
    chosen.sort(key=walking_order)
    lines = [
        SheetLine(site=site, sheet=sheet, position=place, counter=counter, **_columns(keys[name]))
        for place, (name, counter) in enumerate(_with_counters(chosen, one.counters), 1)
    ]
    # Another sheet may have been made at the same moment: a balance that it took is left out here.
    SheetLine.objects.bulk_create(lines, ignore_conflicts=True)
    kept = SheetLine.objects.filter(site=site, sheet=sheet).count()
    if not kept:
        raise _nothing_to_count(len(keys))
    return MadeSheet(sheet, kept, len(keys) - len(free) + len(chosen) - kept)


def _with_counters(names: Sequence[BalanceName], counters: Sequence[User]) -> Iterable[tuple[BalanceName, User | None]]:
    if not counters:
        return [(name, None) for name in names]
    parts = parts_of(names, len(counters))
    return [(name, counter) for part, counter in zip(parts, counters, strict=True) for name in part]


def _require_sound(one: SheetIn) -> None:
    if one.sample is not None and not one.seed:
        raise InvalidValue("Enter a seed for the random sample: the same seed repeats it.", field="seed")
    if one.sample is not None and not 1 <= one.sample <= LINES_MOST:
        raise InvalidValue("Enter how many balances to draw, from 1 to {most}.", most=LINES_MOST, field="sample")
    if one.component_class and one.component_class not in ComponentClass.values:
        raise InvalidValue("There is no item class '{name}'.", name=one.component_class, field="component_class")
    require_short(one.title, TITLE_LENGTH, field="title", what="A title")
    require_short(one.seed, SEED_LENGTH, field="seed", what="A seed")


def _nothing_to_count(matching: int) -> InvalidValue:
    if matching:
        return InvalidValue("All balances that match are on other open sheets. Choose others.", field="locations")
    return InvalidValue(
        "No balance matches. Choose other locations or items, or include empty ones.", field="locations"
    )


def _balances(one: SheetIn, site: Site) -> QuerySet[Balance]:
    """Return the balances that match. One without the batch, serial number or bin that is needed can't be counted."""
    found = Balance.objects.filter(site=site, location__site=site, location__has_balance=True)
    found = found.exclude(item__tracking=Tracking.BATCH, batch="").exclude(item__tracking=Tracking.SERIAL, serial="")
    found = found.exclude(location__bin_controlled=True, bin="")
    waits = Exists(
        Movement.objects.filter(site=site, item=OuterRef("item"), source=OuterRef("location"), status=Status.UNRESOLVED)
    )
    if one.unresolved:
        found = found.filter(waits)
    elif not (one.with_zero or one.balances):
        found = found.filter(Q(quantity__gt=0) | waits)
    if one.locations:
        found = found.filter(_places(one.locations, site))
    if one.balances:
        found = found.filter(_pairs(one.balances, site))
    return found.filter(_of_items(one, site)).order_by()


def _of_items(one: SheetIn, site: Site) -> Q:
    """Return the filter for the items that match."""
    matching = Q()
    if one.items:
        matching &= Q(item__in=[item.pk for item in items_coded(one.items, field="items").values()])
    if one.component_class:
        matching &= Q(item__component_class=one.component_class)
    if one.abc_class:
        matching &= Q(item__abc_class=one.abc_class)
    if one.product_group:
        if not ProductGroup.objects.filter(code=one.product_group).exists():
            raise NotFound("There is no product group {group}.", group=one.product_group, field="product_group")
        matching &= Q(item__product_group__code=one.product_group)
    if one.backflushed:
        today = day_at(site, timezone.now())
        lines = StructureLine.objects.filter(in_force_on(today), component=OuterRef("item"), by_hand=False)
        matching &= Q(Exists(lines))
    return matching


def _places(names: Sequence[str], site: Site) -> Q:
    paths = [name for name in names if "/" in name]
    places = find_locations(site, paths)
    stores = {store.code: store for store in Store.objects.filter(site=site, code__in=set(names) - set(paths))}
    missing = [name for name in names if name not in places and name not in stores]
    if missing:
        raise NotFound("There is no store or location {places}.", places=missing, field="locations")
    return Q(location__in=[place.pk for place in places.values()]) | Q(
        location__store__in=[store.pk for store in stores.values()]
    )


def _pairs(pairs: Sequence[tuple[str, str]], site: Site) -> Q:
    """Return the filter for pairs of item and location."""
    items = items_coded({item for item, _ in pairs}, field="balances")
    places = find_locations(site, {path for _, path in pairs})
    missing = sorted({path for _, path in pairs} - set(places))
    if missing:
        raise NotFound("There is no location {places}.", places=missing, field="balances")
    by_place: dict[int, list[int]] = {}
    for item, path in pairs:
        by_place.setdefault(places[path].pk, []).append(items[item].pk)
    matching = Q(pk__in=[])
    for place, some in by_place.items():
        matching |= Q(location=place, item__in=some)
    return matching


def _on_open_sheets(site: Site) -> set[StockKey]:
    rows = SheetLine.objects.filter(site=site, open=True)
    return {StockKey(*row) for row in rows.values_list("item_id", "location_id", "bin", "batch", "serial")}


def sheet_numbered(site: Site, number: int, *, lock: bool = False) -> CountSheet:
    """Return a sheet of a site; raises `NotFound`."""
    found = CountSheet.objects.filter(site=site, pk=number)
    if lock:
        found = found.select_for_update(of=("self",))
    sheet = found.select_related("made_by").first()
    if sheet is None:
        raise NotFound("There is no count sheet {sheet}.", sheet=number, field="sheet")
    return sheet


def lock_open_sheet(site: Site, number: int) -> CountSheet:
    """Lock a sheet that is open; raises `NotFound`, `SheetNotOpen`."""
    sheet = sheet_numbered(site, number, lock=True)
    if sheet.status != SheetStatus.OPEN:
        raise _not_open(sheet)
    return sheet


def _not_open(sheet: CountSheet) -> SheetNotOpen:
    return SheetNotOpen("Count sheet {sheet} is {status}. Make a new one.", sheet=sheet.pk, status=sheet.status,
                        field="sheet")  # fmt: skip


@transaction.atomic
def close_sheet(*, site: Site, sheet: int, by: User, remarks: str = "") -> CountSheet:
    """Close a sheet. Lines that weren't counted need a reason (`remarks`) and stay listed as not counted (H6).

    Locks the sheet. Raises `SheetNotOpen`, `SheetNotFinished` while counts wait for a recount or an approval, and
    `RemarksRequired`.
    """
    found = lock_open_sheet(site, sheet)
    lines = SheetLine.objects.filter(site=site, sheet=found)
    waiting = lines.filter(count__status__in=OPEN_STATUSES).count()
    if waiting:
        raise SheetNotFinished(
            "Counts of sheet {sheet} that wait for a recount or an approval: {number}. Finish or reject them first.",
            sheet=found.pk,
            number=waiting,
            field="sheet",
        )
    left = lines.filter(count__isnull=True)
    first = left.select_related("item", "location").order_by("position").first()
    if first is not None and not remarks.strip():
        raise RemarksRequired(
            "Lines that aren't counted: {number}. The first is {item} at {location}. Count them, or enter why the "
            "sheet is closed without them.",
            number=left.count(),
            item=first.item.code,
            location=first.location.path,
            field="remarks",
        )
    return _end(found, SheetStatus.CLOSED, by, remarks)


@transaction.atomic
def cancel_sheet(*, site: Site, sheet: int, by: User, remarks: str) -> CountSheet:
    """Cancel a sheet. What was counted on it stays. Raises `SheetNotOpen`, `RemarksRequired`."""
    found = lock_open_sheet(site, sheet)
    if not remarks.strip():
        raise RemarksRequired("The reason is missing. Enter why the sheet is cancelled.", field="remarks")
    return _end(found, SheetStatus.CANCELLED, by, remarks)


def _end(sheet: CountSheet, status: SheetStatus, by: User, remarks: str) -> CountSheet:
    require_short(remarks, REMARKS_LENGTH, field="remarks", what="A reason")
    sheet.status, sheet.ended_by, sheet.ended_at, sheet.ended_because = status, by, timezone.now(), remarks
    sheet.save(update_fields=["status", "ended_by", "ended_at", "ended_because"])
    SheetLine.objects.filter(site=sheet.site_id, sheet=sheet).update(open=False)
    return sheet


@transaction.atomic
def approve_sheet(*, site: Site, sheet: int, by: User, remarks: str = "") -> list[StockCount]:
    """Approve all counts of a sheet that wait for approval: all of them, or none. See `approve_counts`.

    Raises `NotFound`, `InvalidValue` where none waits, and what `approve_counts` is refused for.
    """
    found = sheet_numbered(site, sheet)
    lines = SheetLine.objects.filter(site=site, sheet=found, count__status=CountStatus.APPROVAL)
    numbers = list(lines.values_list("count_id", flat=True))
    if not numbers:
        raise InvalidValue("No count of sheet {sheet} waits for approval.", sheet=found.pk, field="sheet")
    return approve_counts(site=site, counts=numbers, by=by, remarks=remarks)


class OpenLines:
    """The lines of open sheets that some counts belong to, read by one statement.

    A count fills the line of its balance if it isn't filled, whoever enters it and whether or not it names the sheet.
    Read them under the locks of the balances: whoever fills a line holds the lock of its balance.
    """

    def __init__(self, site: Site, counts: Collection[StockCount]) -> None:
        self._site = site
        rows = SheetLine.objects.filter(
            site=site,
            open=True,
            item__in={count.item_id for count in counts},
            location__in={count.location_id for count in counts},
        )
        keys = {stock_key_of(count) for count in counts}
        found = rows.select_related("sheet", "count__counted_by")
        self._lines = {key: line for line in found if (key := line_key(line)) in keys}

    def is_blind(self, count: StockCount) -> bool:
        """Return whether a count is of a line on a blind sheet that isn't counted yet, or is counted again."""
        line = self._lines.get(stock_key_of(count))
        return line is not None and line.sheet.blind and (line.count is None or count.recount_of_id is not None)

    def require_free(self, count: StockCount, sheet: int) -> None:
        """Refuse to count a line of a sheet twice (`AlreadyCounted`), or one of another open sheet (`InvalidValue`)."""
        line = self._lines.get(stock_key_of(count))
        if line is None:
            return
        if line.sheet_id != sheet:
            raise InvalidValue(
                "{item} at {location} is on count sheet {sheet}. Count it there.",
                item=count.item.code,
                location=count.location.path,
                sheet=line.sheet_id,
                field="item",
            )
        if line.count is not None and line.count_id != count.recount_of_id:
            raise AlreadyCounted(
                "{user} has counted {item} at {location} for sheet {sheet}. Count the next line.",
                user=line.count.counted_by.name,
                item=count.item.code,
                location=count.location.path,
                sheet=sheet,
                field="item",
            )

    def fill(self, counts: Sequence[tuple[StockCount, int | None]]) -> None:
        """Note some saved counts on their lines; one that names a sheet without such a line adds a line.

        Takes at most three statements, however many counts there are.
        """
        filled: dict[int, int] = {}
        added: dict[StockKey, tuple[StockCount, int]] = {}
        for count, sheet in counts:
            line = self._lines.get(stock_key_of(count))
            if line is None and sheet is not None:
                added[stock_key_of(count)] = count, sheet
            elif line is not None and _belongs(count, line, named=sheet is not None):
                line.count = count
                filled[line.pk] = count.pk
        if filled:
            columns = {"line_id": list(filled), "count_id": list(filled.values())}
            FILL_LINES.execute_many(columns, site_id=self._site.pk)
        if added:
            self._add(added.values())

    def _add(self, found: Collection[tuple[StockCount, int]]) -> None:
        rows = SheetLine.objects.filter(site=self._site, sheet__in={sheet for _, sheet in found}).order_by()
        last: dict[int, int] = dict(rows.values_list("sheet").annotate(Max("position")))
        lines = []
        for count, sheet in found:
            last[sheet] = last.get(sheet, 0) + 1
            columns = _columns(stock_key_of(count))
            lines.append(
                SheetLine(site=self._site, sheet_id=sheet, position=last[sheet], added=True, count=count, **columns)
            )
        SheetLine.objects.bulk_create(lines)


def _belongs(count: StockCount, line: SheetLine, *, named: bool) -> bool:
    """Return whether a count fills a line: a recount of its count does, or the first count since the sheet was made."""
    if line.count is not None:
        return line.count_id == count.recount_of_id
    return named or count.recount_of_id is not None or count.at >= line.sheet.made_at


def _columns(key: StockKey) -> dict[str, Any]:
    columns = {"bin": key.bin, "batch": key.batch, "serial": key.serial}
    return {"item_id": key.item_id, "location_id": key.location_id, **columns}


def line_key(line: SheetLine) -> StockKey:
    """Return the key of a line's balance."""
    return StockKey(line.item_id, line.location_id, line.bin, line.batch, line.serial)


def require_open_sheets(site: Site, numbers: Collection[int]) -> Mapping[int, CountSheet]:
    """Return sheets that counts name, locked so that none is closed meanwhile; raises `NotFound`, `SheetNotOpen`."""
    found = CountSheet.objects.filter(site=site, pk__in=numbers).select_for_update(of=("self",)).order_by("pk")
    sheets = {sheet.pk: sheet for sheet in found}
    for number in numbers:
        if number not in sheets:
            raise NotFound("There is no count sheet {sheet}.", sheet=number, field="sheet")
        if sheets[number].status != SheetStatus.OPEN:
            raise _not_open(sheets[number])
    return sheets
