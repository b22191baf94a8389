"""Bookings: checked with everything else, then posted in chunks, each whole and under the keys of its rows.

A key is the row's own, or made from its content and its place among rows that are the same. So an import that was
stopped is finished by running it again, and a file imported twice posts once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from backflush.backflushing.services import Made, goods_bins, goods_moves, require_two_ends
from backflush.backflushing.use import FrozenLines
from backflush.core.refusals import Refusal
from backflush.importing.reading import Row
from backflush.importing.work import Work
from backflush.ledger.keys import posted_keys
from backflush.ledger.selectors import serials_there
from backflush.stockmap.models import Site, TransferRule
from backflush.stockmap.selectors import event_time
from backflush.works.models import WorksOrder
from backflush.works.selectors import Bookable, orders_found
from backflush.works.services.booking import BookingIn, booking_made, booking_refusals, count_in
from backflush.works.services.bulk import Line, book_in_bulk

TABLE: Final = "bookings"
CHUNK: Final = 2_000
CHECKED_AT_ONCE: Final = 5_000
COLUMNS: Final = {"at": "date", "item": "order"}

Entered = tuple[Row, BookingIn]


def check_bookings(work: Work) -> dict[Site, list[Entered]]:
    """Look at every booking against the orders that there are or will be; answers with those still to post.

    What was posted under its key before is passed over without a look at the order, which has gone on since.
    """
    by_site: dict[Site, list[Entered]] = {}
    for row, site, booking in _entered(work):
        by_site.setdefault(site, []).append((row, booking))
    to_post = {}
    for site, entered in by_site.items():
        seen: dict[str, Entered] = {}
        to_post[site] = [one for part in _parts(entered, CHECKED_AT_ONCE) for one in _fresh(work, site, part, seen)]
        checks = _Checks(work, site)
        done = 0
        for part in _parts(to_post[site], CHECKED_AT_ONCE):
            checks.check(part)
            done += len(part)
            work.tell("bookings checked", done, len(to_post[site]))
    return to_post


def post_bookings(work: Work, entered: Sequence[Entered], *, site: Site, chunk: int) -> Iterator[int]:
    """Post a site's bookings in the order of their rows; says after each chunk how many it was.

    One that is refused all the same, because somebody has changed something since the check, is a finding.
    """
    lines = (Line(row.number, booking) for row, booking in entered)
    outcomes = book_in_bulk(lines, site=site, by=work.by, chunk=chunk)
    for part in _parts(entered, chunk):
        for (row, _), outcome in zip(part, islice(outcomes, len(part)), strict=True):
            work.counts[TABLE].new += outcome.booking is not None
            for refusal in outcome.refusals:
                work.refused(TABLE, row, refusal, COLUMNS)
        yield len(part)


def _parts(entered: Sequence[Entered], size: int) -> Iterator[Sequence[Entered]]:
    return (entered[start : start + size] for start in range(0, len(entered), size))


def _entered(work: Work) -> Iterator[tuple[Row, Site, BookingIn]]:
    sheet = work.sheets.get(TABLE)
    if sheet is None:
        return
    work.counts[TABLE].rows = sheet.found
    times: Counter[str] = Counter()
    for row in sheet.rows:
        site = work.site(TABLE, row)
        if site is not None:
            yield row, site, _booking(row, site, times)


def _booking(row: Row, site: Site, times: Counter[str]) -> BookingIn:
    booking = BookingIn(
        order=row["order"],
        good=row["good"],
        scrap=row["scrap"],
        at=row["date"],
        key=row["key"],
        batch=row["batch"],
        serials=tuple(row["serials"].replace(",", " ").replace(";", " ").split()),
        bin=row["bin"],
        scrap_reason=row["scrap_reason"],
    )
    return booking if booking.key else _with_key(booking, site, times)


def _with_key(booking: BookingIn, site: Site, times: Counter[str]) -> BookingIn:
    digest = booking.request().digest
    times[f"{site.pk} {digest}"] += 1
    return replace(booking, key=f"import {digest[:40]} {times[f'{site.pk} {digest}']}")


def _fresh(work: Work, site: Site, entered: Sequence[Entered], seen: dict[str, Entered]) -> list[Entered]:
    """Those bookings that weren't posted before and don't stand in the file twice."""
    once = [one for one in entered if _first_of_its_key(work, one, seen)]
    posted, reused = posted_keys(site=site, requests=[booking.request() for _, booking in once])
    work.counts[TABLE].there += len(posted)
    for row, booking in once:
        if booking.key in reused:
            work.refused(TABLE, row, reused[booking.key], COLUMNS)
    return [(row, booking) for row, booking in once if booking.key not in posted and booking.key not in reused]


def _first_of_its_key(work: Work, entered: Entered, seen: dict[str, Entered]) -> bool:
    row, booking = entered
    first_row, first = seen.setdefault(booking.key, entered)
    if first_row is row:
        return True
    if first.request().digest == booking.request().digest:
        work.counts[TABLE].there += 1
    else:
        fault = f"{booking.key} is the key of another booking in row {first_row.number}."
        work.fault(TABLE, row, "key", fault, "Give each booking a key of its own, or none.")
    return False


class _Checks:
    """Looks at one booking after the other before any is posted."""

    def __init__(self, work: Work, site: Site) -> None:
        self._work = work
        self._site = site
        self._kept: dict[str, WorksOrder] = {}
        self._rules: dict[int, TransferRule] = {}
        self._serials: dict[tuple[int, str], int] = {}
        self._ends: dict[tuple[int | None, int | None], Refusal | None] = {}

    def check(self, entered: Sequence[Entered]) -> None:
        """Note everything that is wrong with some bookings."""
        orders, rules = self._orders({booking.order for _, booking in entered})
        made = []
        for row, booking in entered:
            order = self._work.find(TABLE, row, "order", orders, booking.order)
            if order is None:
                self._note(row, [*self._future(booking)])
                continue
            try:
                made.append((row, booking_made(booking, order, rules, site=self._site, key=None)))
            except Refusal as refusal:
                self._note(row, [*booking_refusals(booking, order, rules, site=self._site)] or [refusal])
            else:
                count_in(order, booking, self._site)
        self._check_goods(made)
        self._check_ends(made)

    def _note(self, row: Row, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            self._work.refused(TABLE, row, refusal, COLUMNS)

    def _future(self, booking: BookingIn) -> Iterator[Refusal]:
        try:
            event_time(self._site, booking.at)
        except Refusal as refusal:
            yield refusal

    def _orders(self, numbers: set[str]) -> Bookable:
        """The orders of these numbers. Where orders complete themselves, how full they are is kept in mind."""
        wanted = sorted(numbers - self._kept.keys())
        found = orders_found(self._site, wanted)
        if not self._site.complete_when_full:
            return found
        self._kept |= found.orders
        self._rules |= found.rules
        return Bookable({number: self._kept[number] for number in numbers if number in self._kept}, self._rules)

    def _check_goods(self, made: Sequence[tuple[Row, Made]]) -> None:
        bins = goods_bins(one for _, one in made)
        tracked = [(row, one, serial) for row, one in made for serial in one.serials]
        there = serials_there(self._site, {one.item.pk for _, one, _ in tracked}, [serial for _, _, serial in tracked])
        for row, one in made:
            try:
                goods_moves(one, bins=bins)
            except Refusal as refusal:
                self._note(row, [refusal])
        for row, one, serial in tracked:
            pot = one.item.pk, serial
            first = self._serials.setdefault(pot, row.number)
            where = f"in row {first}" if first != row.number else f"at {there[pot]}" if pot in there else ""
            if where:
                fault = f"{one.item.code} serial {serial} is {where} already."
                self._work.fault(TABLE, row, "serials", fault, "Correct the serial number.")

    def _check_ends(self, made: Sequence[tuple[Row, Made]]) -> None:
        """Whether every line is taken from somewhere else than it goes to; the same for all of a structure."""
        new = {self._end(one): one for _, one in made if self._end(one) not in self._ends}
        lines = FrozenLines(self._site.pk, {one.structure for one in new.values() if one.structure is not None})
        for key, one in new.items():
            self._ends[key] = None
            try:
                require_two_ends(one, lines)
            except Refusal as refusal:
                self._ends[key] = refusal
        for row, one in made:
            ends = self._ends[self._end(one)]
            if ends is not None:
                self._work.refused(TABLE, row, ends, {"from": "order"})

    @staticmethod
    def _end(made: Made) -> tuple[int | None, int | None]:
        rule, structure = made.backflush_rule, made.structure
        return rule.pk if rule else None, structure
