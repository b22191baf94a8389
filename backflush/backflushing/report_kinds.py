"""Taking reports of what was made or received, of any kind and any number, in one transaction.

Each room says of its own kind of report what it is about (`Kind`), and what one comes to (`Gathered`). Keys, the order
of locks, and what is done with reports that were posted before are the same for all of them, and stand here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Generic, Self, TypeVar

from django.db import transaction

from backflush.backflushing.models import Booking
from backflush.backflushing.services import Made, post_bookings
from backflush.core.refusals import Refusal
from backflush.items.models import Item
from backflush.ledger.idempotency import Request, claim_keys
from backflush.ledger.models import Posting
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.structures.selectors import StructureBook
from backflush.structures.services import draft_of_day, freeze, sound_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(ABC):
    """What is reported made or received: when, under which key, and where its goods are kept.

    The goods' batch, serial numbers or bin are needed where the item or the place they go to asks for them (B8).
    """

    at: datetime | date | None = None
    key: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    bin: str = ""

    @property
    @abstractmethod
    def of(self) -> str:
        """What it is about: the number of an order, or the code of an item."""

    @abstractmethod
    def request(self) -> Request:
        """What makes a repeated report the same."""


R = TypeVar("R", bound=Report)
Named = TypeVar("Named", bound=Hashable)


class Turn(IntEnum):
    """In which order a transaction locks what its kinds of reports are about (docs/decisions/0003)."""

    WORKS_ORDERS = 1
    PURCHASE_ORDERS = 2
    NO_ORDERS = 3


class Gathered(ABC, Generic[R]):
    """What some reports of one kind are about, read by a fixed number of statements."""

    @property
    @abstractmethod
    def there(self) -> Mapping[str, object]:
        """What there is of what the reports are about (`Report.of`)."""

    @abstractmethod
    def planned(self, report: R, key: int | None) -> Made:
        """What a report comes to; refused for the first thing that is wrong with it."""

    @abstractmethod
    def refusals(self, report: R) -> Iterator[Refusal]:
        """Every reason for which a report can't be taken, where `planned` gives the first."""

    def require_in_turn(self, reports: Sequence[R]) -> None:
        """Refuse reports that couldn't be taken after those before them, had each come in a call of its own."""
        return

    def booked(self, by: User) -> None:
        """Note on what the reports were about that they are posted."""
        return

    def count_in(self, report: R) -> None:
        """Note on what is at hand, which isn't saved, what a report would make of it: for looking at many in a row."""
        return

    def go_on(self, before: Self) -> None:
        """Take over what reports looked at `before` these were counted in."""
        return


class ReportKind(ABC, Generic[R]):
    """One kind of report, in the words of the room whose it is."""

    report: type[R]
    turn: Turn

    def completed(self, reports: Sequence[R], site: Site) -> Sequence[R | Refusal]:
        """Reports with what may be left out filled in, so that a repeated one is the same however it was written."""
        return reports

    @abstractmethod
    def gathered(self, reports: Sequence[R], *, site: Site, lock: bool) -> Gathered[R]:
        """What reports are about; locked, it is refused where anything isn't there."""


ReportKinds = Sequence[ReportKind[Any]]
AllGathered = Mapping[type[Report], Gathered[Any]]


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What became of a report: its booking, which may be that of an earlier report under its key."""

    booking: Booking
    repeated: bool


@transaction.atomic
def take_reports(
    reports: Sequence[Report], kinds: ReportKinds, *, site: Site, by: User, in_turn: bool = False
) -> list[ReportResult]:
    """Take what was made into stock and assume what went into it: all of the reports, or none.

    A report whose key was posted before answers with that posting's booking. Taken `in_turn`, reports are refused
    that would be if each came in a call of its own.
    """
    reports = [_whole(one) for one in completed(reports, kinds, site=site)]
    claims = claim_keys(site=site, requests=[one.request() for one in reports])
    fresh = _first_of_each_key(one for one in reports if one.key not in claims.posted)
    bookings = _post(fresh, kinds, claims.new, site=site, by=by, in_turn=in_turn) if fresh else []
    done = {one.key: booking for one, booking in zip(fresh, bookings, strict=True) if one.key}
    done |= _bookings_of(claims.posted)
    keyless = iter([booking for one, booking in zip(fresh, bookings, strict=True) if not one.key])
    repeated = set(claims.posted)
    taken = []
    for one in reports:
        taken.append(ReportResult(done[one.key] if one.key else next(keyless), one.key in repeated))
        repeated |= {one.key} - {""}
    return taken


def _post(
    reports: Sequence[Report], kinds: ReportKinds, keys: Mapping[str, int], *, site: Site, by: User, in_turn: bool
) -> list[Booking]:
    gathered = gather(reports, kinds, site=site, lock=True)
    if in_turn:
        for kind, one in gathered.items():
            one.require_in_turn([report for report in reports if type(report) is kind])
    batch = [gathered[type(one)].planned(one, keys.get(one.key)) for one in reports]
    posted = post_bookings(of_their_days(batch, site=site), site=site, by=by)
    for one in gathered.values():
        one.booked(by)
    return posted


def completed(reports: Sequence[Report], kinds: ReportKinds, *, site: Site) -> list[Report | Refusal]:
    """Reports with what may be left out filled in, or why that can't be."""
    done: list[Report | Refusal] = list(reports)
    for kind in kinds:
        places = [place for place, one in enumerate(reports) if type(one) is kind.report]
        filled = kind.completed([reports[place] for place in places], site) if places else ()
        for place, one in zip(places, filled, strict=True):
            done[place] = one
    return done


def gather(reports: Sequence[Report], kinds: ReportKinds, *, site: Site, lock: bool) -> AllGathered:
    """What reports are about, by their kind; locked in the one order of locks."""
    found: dict[type[Report], Gathered[Any]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.turn):
        own = [one for one in reports if type(one) is kind.report]
        if own:
            found[kind.report] = kind.gathered(own, site=site, lock=lock)
    return found


def _whole(report: Report | Refusal) -> Report:
    if isinstance(report, Refusal):
        raise report
    return report


def _first_of_each_key(reports: Iterable[Report]) -> list[Report]:
    """The reports without a key, and of those with the same key the first."""
    seen: set[str] = set()
    first = []
    for one in reports:
        if not one.key or one.key not in seen:
            first.append(one)
            seen.add(one.key)
    return first


def _bookings_of(posted: Mapping[str, Posting]) -> dict[str, Booking]:
    """The bookings that were posted under some keys before."""
    if not posted:
        return {}
    bookings = {booking.posting_id: booking for booking in Booking.objects.filter(posting__in=posted.values())}
    return {key: bookings[posting.pk] for key, posting in posted.items()}


def of_their_days(batch: Sequence[Made], *, site: Site) -> list[Made]:
    """What was made, each with its structure: where that is the one of its day, it is frozen now (S1)."""
    wanted = [(made.item, day_at(site, made.at)) for made in batch if made.of_day]
    if not wanted:
        return list(batch)
    book = StructureBook(site, {item.pk for item, _ in wanted})
    contents = {(item.pk, day): sound_content(book, item, day) for item, day in dict.fromkeys(wanted)}
    frozen = iter(freeze(site=site, contents=[(item, contents[item.pk, day]) for item, day in wanted]))
    return [replace(made, structure=next(frozen).pk, of_day=False) if made.of_day else made for made in batch]


def drafted(made: Made, *, site: Site) -> Made:
    """What was made with the structure of its day, not written, where that is wanted: for a preview."""
    if not made.of_day:
        return made
    structure, lines = draft_of_day(site=site, item=made.item, day=day_at(site, made.at))
    return replace(made, structure=structure.pk, draft=lines, of_day=False)


def day_refusals(batch: Mapping[Named, Made], *, site: Site) -> dict[Named, Refusal]:
    """Those whose structure of their day can't be planned with, with the reason; nothing is written (Q4)."""
    days = {name: (made.item, day_at(site, made.at)) for name, made in batch.items() if made.of_day}
    if not days:
        return {}
    book = StructureBook(site, {item.pk for item, _ in days.values()})
    known = {(item.pk, day): _unsound(book, item, day) for item, day in dict.fromkeys(days.values())}
    refused = {name: known[item.pk, day] for name, (item, day) in days.items()}
    return {name: refusal for name, refusal in refused.items() if refusal is not None}


def _unsound(book: StructureBook, item: Item, day: date) -> Refusal | None:
    return next(refusals_of([lambda: sound_content(book, item, day)]), None)


def refusals_of(checks: Iterable[Callable[[], object]]) -> Iterator[Refusal]:
    """What some checks refuse, each."""
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            yield refusal
