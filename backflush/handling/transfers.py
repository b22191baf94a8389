"""Stock transfers between sites: one posting at each site, under one key, and a note that accompanies the stock.

The sending site moves the stock to its location IN-TRANSIT; the receiving site moves it from there, under the same key.
Neither needs the other's server, so one may be down: the note, a file, contains everything that the receiving site
needs. A transfer that was sent and not received is in transit. Nothing is lost or doubled, because each of the two
postings is made once, however often it is requested.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from backflush.core.counts import effects_of
from backflush.core.input_values import read_number
from backflush.core.moves import Move, Process, plan_posting, stock_keys_of
from backflush.core.quantity import require_positive, written
from backflush.core.refusals import InvalidValue, NotABalanceLocation, WrongSite
from backflush.core.text import require_short
from backflush.counts.corrections import post_corrected
from backflush.handling.models import StockTransfer, TransferDirection
from backflush.items.selectors import items_coded
from backflush.ledger.idempotency import claim_key
from backflush.ledger.lot_allocation import named_moves
from backflush.ledger.models import Movement, Posting
from backflush.ledger.posting import Entry, lock_balances
from backflush.ledger.selectors import require_not_before
from backflush.people.models import User
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Location, Site, Store
from backflush.stockmap.selectors import bins_of, event_time, location_at, place_in_bin, place_of, site_named

TRANSIT_STORE = "IN-TRANSIT"
NUMBER_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A quantity of an item, in its stock unit, that is sent from one location."""

    item: str
    quantity: Decimal
    source: str
    bin: str = ""
    batch: str = ""
    serials: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLine:
    """One movement of a transfer, as the other site reads it."""

    item: str
    quantity: Decimal
    batch: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """All that the receiving site must know of a transfer, by codes only: primary keys differ between servers."""

    source: str
    target: str
    number: str
    sent_at: datetime
    lines: tuple[NoteLine, ...]

    @property
    def key(self) -> str:
        """The idempotency key of both postings."""
        return key_of(self.source, self.target, self.number)

    def as_payload(self) -> dict[str, Any]:
        """Return the note for a JSON file, with decimals and times as text."""
        lines = [{**asdict(line), "quantity": written(line.quantity)} for line in self.lines]
        return {
            "from": self.source,
            "to": self.target,
            "number": self.number,
            "sent_at": self.sent_at.isoformat(),
            "lines": lines,
        }


def read_note(payload: Mapping[str, Any]) -> Note:
    """Return the note in a JSON file; raises `InvalidValue`."""
    try:
        lines = tuple(
            NoteLine(
                item=str(line["item"]),
                quantity=read_number(str(line["quantity"]), field="quantity"),
                batch=str(line.get("batch", "")),
                serial=str(line.get("serial", "")),
            )
            for line in payload["lines"]
        )
        sent_at = datetime.fromisoformat(payload["sent_at"])
        return Note(
            source=str(payload["from"]),
            target=str(payload["to"]),
            number=str(payload["number"]),
            sent_at=sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=timezone.get_default_timezone()),
            lines=lines,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise InvalidValue(
            "This is not a transfer note ({problem}). Take the one that `backflush send` wrote.",
            problem=fault,
            field="note",
        ) from None


def key_of(source: str, target: str, number: str) -> str:
    """Return the idempotency key under which both sites post a transfer. It names both, so no other request has it."""
    return f"{source}/{target}/{number}"


@transaction.atomic
def send_to_site(
    *,
    site: Site,
    to: str,
    lines: Sequence[Sending],
    by: User,
    number: str = "",
    at: datetime | date | None = None,
    remarks: str = "",
) -> StockTransfer:
    """Send stock to another site. Return the record of the transfer.

    `number` is the caller's own, or a new one; the same number with the same content again posts nothing. Locks the key
    and balances. Raises `WrongSite`, `NotABalanceLocation`, `InvalidQuantity`, `InsufficientStock`, `KeyReused`,
    `PeriodClosed`, and what batch, serial numbers and bins are refused for.
    """
    other = _other_site(site, to)
    number = require_short(number or uuid4().hex, NUMBER_LENGTH, field="number", what="The number of a stock transfer")
    content = {"lines": [_content(line) for line in lines], "remarks": remarks, "at": at}
    key = key_of(site.code, other.code, number)
    new_key, done = claim_key(site=site, key=key, operation="send", content=content)
    if done:
        return _transfer(site, done)
    moves = outgoing(site, lines, transit_location(site, other))
    return _post(
        site, other, TransferDirection.SENT, number, moves, at=event_time(site, at), by=by, key=new_key, remarks=remarks
    )


@transaction.atomic
def arrive(
    *,
    site: Site,
    note: Note,
    into: str,
    by: User,
    bin: str = "",
    at: datetime | date | None = None,
    remarks: str = "",
) -> StockTransfer:
    """Receive a transfer from another site as a whole; the same note again posts nothing. Return the record.

    A quantity that is missing when the box is opened is moved by hand afterwards, because both sites must record the
    same quantities. Locks the key and balances. Raises `WrongSite`, `InvalidValue`, `NotABalanceLocation`,
    `DateBeforeOriginal`, `KeyReused`, `PeriodClosed`, and what batch, serial numbers and bins are refused for.
    """
    require_for(note, site)
    other = _other_site(site, note.source)
    require_short(note.number, NUMBER_LENGTH, field="note", what="The number of a stock transfer")
    content = {**note.as_payload(), "into": into, "bin": bin, "remarks": remarks, "at": at}
    new_key, done = claim_key(site=site, key=note.key, operation="arrive", content=content)
    if done:
        return _transfer(site, done)
    moment = event_time(site, at)
    if at is not None:
        require_not_before(site, moment, note.sent_at)
    moves = incoming(note, transit_location(site, other), location_at(site, into, field="into"), bin)
    return _post(
        site, other, TransferDirection.ARRIVED, note.number, moves, at=moment, by=by, key=new_key, remarks=remarks
    )


def require_for(note: Note, site: Site) -> None:
    """Refuse to receive a transfer that was sent to another site (`WrongSite`)."""
    if note.target != site.code:
        raise WrongSite(
            "Stock transfer {transfer} was sent to {target}, and this is {site}. Receive it there.",
            transfer=note.number,
            target=note.target,
            site=site.code,
            field="note",
        )


@transaction.atomic
def confirm_arrivals(*, site: Site, arrived: Mapping[tuple[str, str], datetime]) -> int:
    """Record at the sending site which of its transfers others have received. Return how many.

    `arrived` has the times of receipt by site code and number. No stock moves: the transfers are only no longer open.
    Locks the transfers.
    """
    found = StockTransfer.objects.select_for_update(no_key=True, of=("self",)).select_related("other")
    sent = found.filter(site=site, way=TransferDirection.SENT, arrived_at__isnull=True).order_by("pk")
    heard = [one for one in sent if (one.other.code, one.number) in arrived]
    for one in heard:
        one.arrived_at = arrived[one.other.code, one.number]
    StockTransfer.objects.bulk_update(heard, ["arrived_at"])
    return len(heard)


def note_lines(movements: Sequence[Movement]) -> tuple[NoteLine, ...]:
    """Return movements of a transfer as lines of its note."""
    return tuple(
        NoteLine(item=one.item.code, quantity=one.quantity, batch=one.batch, serial=one.serial) for one in movements
    )


def transit_location(site: Site, other: Site) -> Location:
    """Return a site's location for stock in transit to or from another site; it is made when it is first needed."""
    store, _ = Store.objects.get_or_create(
        site=site, code=TRANSIT_STORE, defaults={"description": "In transit between sites"}
    )
    location, _ = Location.objects.get_or_create(
        site=site,
        store=store,
        code=other.code,
        defaults={"path": f"{TRANSIT_STORE}/{other.code}", "has_balance": False},
    )
    return location


def _other_site(site: Site, code: str) -> Site:
    other = site_named(code)
    if not code or other == site:
        raise WrongSite("The stock is at {site} already. Choose another site.", site=site.code, field="site")
    return other


def _content(line: Sending) -> dict[str, Any]:
    return {**asdict(line), "serials": sorted(line.serials)}


def outgoing(site: Site, lines: Sequence[Sending], transit: Location) -> list[Move]:
    """Return the moves of some lines to the location in transit; see `send_to_site` for refusals."""
    if not lines:
        raise InvalidValue("There is nothing to send. Enter at least one line.", field="lines")
    items = items_coded({line.item for line in lines})
    places = {path: location_at(site, path, field="source") for path in sorted({line.source for line in lines})}
    _require_balances(places.values(), field="source")
    bins = bins_of({place.pk for place in places.values()}) if any(line.bin for line in lines) else set()
    return [
        move
        for line in lines
        for move in named_moves(
            item=items[line.item],
            quantity=require_positive(
                line.quantity, items[line.item].quantity_decimals, field="quantity", what=line.item
            ),
            source=place_in_bin(places[line.source], line.bin, known=bins),
            target=place_of(transit),
            batch=line.batch,
            serials=line.serials,
        )
    ]


def incoming(note: Note, transit: Location, into: Location, bin: str) -> list[Move]:
    """Return the moves of a note's lines from the location in transit; see `arrive` for refusals."""
    if not note.lines:
        raise InvalidValue("The transfer note has no lines. Take the one that `backflush send` wrote.", field="note")
    _require_balances([into], field="into")
    items = items_coded({line.item for line in note.lines})
    require_in_use(into, field="into")
    target = place_in_bin(into, bin, into=True)
    return [
        move
        for line in note.lines
        for move in named_moves(
            item=items[line.item],
            quantity=require_positive(line.quantity, items[line.item].quantity_decimals, field="note", what=line.item),
            source=place_of(transit),
            target=target,
            batch=line.batch,
            serials=[line.serial] if line.serial else [],
        )
    ]


def _require_balances(places: Iterable[Location], *, field: str) -> None:
    for place in places:
        if not place.has_balance:
            raise NotABalanceLocation(
                "{location} keeps no balances, so it can't hold stock. Choose another location.",
                location=place.path,
                field=field,
            )


def _post(
    site: Site,
    other: Site,
    way: TransferDirection,
    number: str,
    moves: Sequence[Move],
    *,
    at: datetime,
    by: User,
    key: int | None,
    remarks: str,
) -> StockTransfer:
    stock = lock_balances(site=site, stock_keys=stock_keys_of(moves))
    posting = post_corrected(
        lambda: Entry(Process.HAND, at, plan_posting(moves, (), stock), key, remarks=remarks),
        effects_of(moves, at=at),
        site=site,
        by=by,
        stock=stock,
    )
    return StockTransfer.objects.create(site=site, way=way, other=other, number=number, posting=posting)


def _transfer(site: Site, posting: Posting) -> StockTransfer:
    return StockTransfer.objects.select_related("other", "posting").get(site=site, posting=posting)
