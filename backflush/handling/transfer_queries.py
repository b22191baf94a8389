"""Stock transfers between sites: what is open at one site, and whether the records of all sites agree.

The records may be in one database or in several; `using` is the database that is read.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet

from backflush.core.moves import Move, Moved, plan_posting, stock_keys_of
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import NotFound
from backflush.handling.models import StockTransfer, TransferDirection
from backflush.handling.transfers import Note, NoteLine, Sending, incoming, note_lines, outgoing, require_for
from backflush.ledger.models import Movement
from backflush.ledger.posting import read_balances, require_possible
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import location_at

Name = tuple[str, str, str]
"""The sending site, the receiving site, and the number of a transfer."""

CHUNK = 500
NOWHERE = 0
"""A location number that doesn't exist: the place in transit of a preview."""


def open_transfers(site: Site) -> QuerySet[StockTransfer]:
    """Return the transfers that a site sent and doesn't know to be received, oldest first."""
    found = StockTransfer.objects.filter(site=site, way=TransferDirection.SENT, arrived_at__isnull=True)
    return found.select_related("site", "other", "posting__by").order_by("pk")


def sent_transfer(source: str, target: str, number: str, *, using: str = DEFAULT_DB_ALIAS) -> StockTransfer:
    """Return the sender's record of a transfer; raises `NotFound`."""
    found = StockTransfer.objects.using(using).filter(
        site__code=source, other__code=target, way=TransferDirection.SENT, number=number
    )
    transfer = found.select_related("site", "other", "posting").first()
    if transfer is None:
        raise NotFound(
            "There is no stock transfer {transfer} from {source} to {target}.",
            transfer=number,
            source=source,
            target=target,
            field="number",
        )
    return transfer


def to_arrive(site: Site) -> list[StockTransfer]:
    """Return the transfers that other sites of this database sent to a site and it hasn't received, oldest first."""
    sent = StockTransfer.objects.filter(way=TransferDirection.SENT, other=site, arrived_at__isnull=True)
    found = list(sent.select_related("site", "other", "posting__by").order_by("pk"))
    here = StockTransfer.objects.filter(
        site=site, way=TransferDirection.ARRIVED, number__in=[one.number for one in found]
    )
    arrived = set(here.values_list("other", "number"))
    return [one for one in found if (one.site_id, one.number) not in arrived]


def arrived_transfer(site: Site, source: str, number: str) -> StockTransfer | None:
    """Return the receiver's record of a transfer, if there is one."""
    found = StockTransfer.objects.filter(site=site, way=TransferDirection.ARRIVED, other__code=source, number=number)
    return found.select_related("site", "other", "posting__by").first()


def transfer_values(transfers: Sequence[StockTransfer]) -> dict[int, Decimal]:
    """Return the value of some transfers, by their primary key, at the standard cost of when they moved."""
    totals: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for start in range(0, len(transfers), CHUNK):
        some = transfers[start : start + CHUNK]
        moved = Movement.objects.filter(
            site__in={one.site_id for one in some}, posting__in=[one.posting_id for one in some]
        )
        costs = (f"cost__standard_{element}" for element in ("material", "labour", "outside", "overhead"))
        for site, posting, quantity, *standard in moved.values_list("site", "posting", "quantity", *costs):
            totals[site, posting] += quantity * sum(standard, ZERO)
    return {one.pk: totals[one.site_id, one.posting_id] for one in transfers}


def preview_sending(lines: Sequence[Sending], *, site: Site) -> list[Decimal]:
    """Return the balance that each line would leave at its source; refused where sending them would be."""
    moves = outgoing(site, lines, Location(pk=NOWHERE, has_balance=False))
    left = [one.source_after or ZERO for one in _planned(moves, site)]
    behind, taken = [], 0
    for line in lines:
        taken += len(line.serials) or 1
        behind.append(left[taken - 1])
    return behind


def preview_receiving(note: Note, *, site: Site, into: str, bin: str = "") -> Location:
    """Return the location that a transfer would be received into; refused where receiving it would be."""
    require_for(note, site)
    place = location_at(site, into, field="into")
    _planned(incoming(note, Location(pk=NOWHERE, has_balance=False), place, bin), site)
    return place


def _planned(moves: Sequence[Move], site: Site) -> list[Moved]:
    stock = read_balances(site=site, stock_keys=stock_keys_of(moves))
    plan = plan_posting(moves, (), stock)
    require_possible(plan.shortages, stock)
    return list(plan.moved)


def notes_of(transfers: Sequence[StockTransfer], *, using: str = DEFAULT_DB_ALIAS) -> list[Note]:
    """Return the notes of some transfers, with a line for each of their movements."""
    moved: dict[int, list[Movement]] = defaultdict(list)
    for start in range(0, len(transfers), CHUNK):
        some = transfers[start : start + CHUNK]
        found = Movement.objects.using(using).filter(
            site__in={one.site_id for one in some}, posting__in=[one.posting_id for one in some]
        )
        for movement in found.select_related("item").order_by("pk"):
            moved[movement.posting_id].append(movement)
    return [_note(one, note_lines(moved[one.posting_id])) for one in transfers]


def _note(one: StockTransfer, lines: tuple[NoteLine, ...]) -> Note:
    ends = (one.site.code, one.other.code) if one.way == TransferDirection.SENT else (one.other.code, one.site.code)
    return Note(source=ends[0], target=ends[1], number=one.number, sent_at=one.posting.at, lines=lines)


@dataclass(slots=True)
class Book:
    """All transfers that one site sent and received; `heard` are those whose receipt was reported back."""

    site: str
    sent: dict[Name, Note] = field(default_factory=dict)
    arrived: dict[Name, Note] = field(default_factory=dict)
    arrived_at: dict[Name, datetime] = field(default_factory=dict)
    heard: set[Name] = field(default_factory=set)


def books(*, using: str = DEFAULT_DB_ALIAS) -> list[Book]:
    """Return the records of all sites that have any in one database."""
    found = StockTransfer.objects.using(using).select_related("site", "other", "posting").order_by("pk")
    transfers = list(found)
    made: dict[str, Book] = {}
    for one, note in zip(transfers, notes_of(transfers, using=using), strict=True):
        _enter(made.setdefault(one.site.code, Book(one.site.code)), one, note)
    return list(made.values())


def _enter(book: Book, one: StockTransfer, note: Note) -> None:
    name = (note.source, note.target, note.number)
    if one.way == TransferDirection.ARRIVED:
        book.arrived[name] = note
        book.arrived_at[name] = one.posting.at
        return
    book.sent[name] = note
    if one.arrived_at is not None:
        book.heard.add(name)


@dataclass(slots=True)
class TransferComparison:
    """The transfers that the records of some sites show together."""

    on_the_way: list[Note] = field(default_factory=list)
    arrived_at: dict[Name, datetime] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def compare(found: Sequence[Book], *, looked_at: Collection[str]) -> TransferComparison:
    """Compare the records of some sites: which transfers are in transit, and where the records disagree.

    `looked_at` are the sites whose records would be here if they had any. A transfer to a site that isn't among them is
    in transit until its sender knows that it was received; one from such a site can't be checked.
    """
    sent = {name: note for book in found for name, note in book.sent.items()}
    arrived = {name: note for book in found for name, note in book.arrived.items()}
    heard = {name for book in found for name in book.heard}
    return TransferComparison(
        on_the_way=[note for name, note in sent.items() if name not in arrived and name not in heard],
        arrived_at={name: at for book in found for name, at in book.arrived_at.items()},
        faults=[*_twice(found), *_misheard(heard - arrived.keys(), looked_at), *_unsent(sent, arrived, looked_at)],
    )


def _twice(found: Sequence[Book]) -> Iterator[str]:
    for site, times in Counter(book.site for book in found).items():
        if times > 1:
            yield f"{site} has records in {times} databases. Only one of them can be its own."


def _misheard(names: Collection[Name], looked_at: Collection[str]) -> Iterator[str]:
    for source, target, number in sorted(names):
        if target in looked_at:
            yield f"{source} was told that {target} received {number}, and {target} has no such receipt."


def _unsent(sent: Mapping[Name, Note], arrived: Mapping[Name, Note], looked_at: Collection[str]) -> Iterator[str]:
    for name, note in sorted(arrived.items()):
        source, target, number = name
        if name in sent:
            if sorted(map(_content, note.lines)) != sorted(map(_content, sent[name].lines)):
                yield f"{target} received something else under {number} than {source} sent."
        elif source in looked_at:
            yield f"{target} received {number}, which {source} never sent."


def _content(line: NoteLine) -> tuple[str, str, str, str]:
    return line.item, line.batch, line.serial, written(line.quantity)
