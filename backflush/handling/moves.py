"""Opening stock, manual movements, and reversals of any posting, each in one transaction."""

from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from backflush.backflushing.reversal import reverse_booking
from backflush.core.counts import effects_of
from backflush.core.moves import Move, Place, Process, plan_posting, stock_keys_of
from backflush.core.quantity import require_positive
from backflush.core.refusals import AlreadyReversed, NoSuchRule, NotABalanceLocation, NotReversible, WrongActionType
from backflush.core.sentences import Sentence
from backflush.counts.corrections import post_corrected
from backflush.counts.reversal import reverse_count
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.idempotency import claim_key
from backflush.ledger.lot_allocation import named_moves
from backflush.ledger.models import CostObject, Movement, Posting
from backflush.ledger.posting import Entry, lock_balances
from backflush.ledger.selectors import move_of, posting_numbered, require_had, require_not_before
from backflush.people.models import User
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Action, ActionType, Location, Site, Store, TransferRule
from backflush.stockmap.selectors import (
    action_named,
    bins_of,
    day_at,
    event_time,
    location_at,
    place_in_bin,
    place_of,
)
from backflush.unresolved.undo import undo

OPENING_STORE = OPENING_LOCATION = "OPENING"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningIn:
    """A quantity of an item, in its stock unit, that is in stock when the ledger begins."""

    item: Item
    location: Location
    quantity: Decimal
    bin: str = ""
    batch: str = ""
    serial: str = ""


@transaction.atomic
def open_stock(
    openings: Sequence[OpeningIn], *, site: Site, by: User, at: datetime | date | None = None, key: str = ""
) -> Posting | None:
    """Post the stock with which a site's ledger begins, from a location outside. Return None where there is none.

    Locks the key and balances. Raises `NotABalanceLocation`, `Ended`, `InvalidQuantity`, `QuantityTooLarge`,
    `DateInFuture`, `PeriodClosed`, `SerialInStock`, and what batch, serial numbers and bins are refused for.
    """
    if not openings:
        return None
    content = [[one.item.code, one.location.path, one.quantity, one.bin, one.batch, one.serial] for one in openings]
    new_key, done = claim_key(site=site, key=key, operation="opening", content={"stock": content, "at": at})
    if done:
        return done
    outside = place_of(_opening_location(site))
    bins = bins_of({one.location.pk for one in openings if one.bin}, into=True)
    moves = [move for one in openings for move in opening_moves(one, outside, bins=bins)]
    stock = lock_balances(site=site, stock_keys=stock_keys_of(moves))
    moment = event_time(site, at)
    return post_corrected(
        lambda: Entry(Process.OPENING, moment, plan_posting(moves, (), stock), new_key),
        effects_of(moves, at=moment),
        site=site,
        by=by,
        stock=stock,
    )


def opening_moves(one: OpeningIn, outside: Place, *, bins: Container[tuple[int, str]]) -> list[Move]:
    """Return the moves of one row of opening stock; see `open_stock` for refusals."""
    if not one.location.has_balance:
        raise NotABalanceLocation(
            "{location} keeps no balances, so it can't hold stock. Choose another location.",
            location=one.location.path,
            field="location",
        )
    require_in_use(one.location, field="location")
    return named_moves(
        item=one.item,
        quantity=require_positive(
            one.quantity, one.item.quantity_decimals, field="quantity", what=f"{one.item.code} at {one.location.path}"
        ),
        source=outside,
        target=place_in_bin(one.location, one.bin, into=True, known=bins),
        batch=one.batch,
        serials=[one.serial] if one.serial else [],
    )


def _opening_location(site: Site) -> Location:
    """Return the location outside that a site's opening stock comes from; it is made when it is first needed."""
    store, _ = Store.objects.get_or_create(
        site=site, code=OPENING_STORE, defaults={"description": "The source of opening stock"}
    )
    location, _ = Location.objects.get_or_create(
        site=site,
        store=store,
        code=OPENING_LOCATION,
        defaults={"path": f"{OPENING_STORE}/{OPENING_LOCATION}", "has_balance": False},
    )
    return location


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveIn:
    """A manual movement as it is entered, along a rule of its action; `quantity` is in the item's stock unit.

    `source` and `target` are paths of locations. Bins, batch and serial numbers are given where a location or the item
    needs them.
    """

    action: str
    item: str
    quantity: Decimal
    source: str
    target: str
    from_bin: str = ""
    to_bin: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    remarks: str = ""
    at: datetime | date | None = None
    key: str = ""


@transaction.atomic
def move_stock(entered: MoveIn, *, site: Site, by: User) -> Posting:
    """Move stock by hand, along a rule of the action (A3).

    Locks the key and balances. Raises `WrongActionType`, `NoSuchRule`, `NotFound`, `InvalidQuantity`,
    `InsufficientStock`, `DateInFuture`, `PeriodClosed`, and what batch, serial numbers and bins are refused for.
    """
    content = {name: value for name, value in asdict(entered).items() if name != "key"}
    content["serials"] = sorted(entered.serials)
    new_key, done = claim_key(site=site, key=entered.key, operation="move", content=content)
    if done:
        return done
    moves = moves_by_hand(entered, site=site)
    stock = lock_balances(site=site, stock_keys=stock_keys_of(moves))
    moment = event_time(site, entered.at)
    return post_corrected(
        lambda: Entry(Process.HAND, moment, plan_posting(moves, (), stock), new_key, remarks=entered.remarks),
        effects_of(moves, at=moment),
        site=site,
        by=by,
        stock=stock,
    )


def moves_by_hand(entered: MoveIn, *, site: Site) -> list[Move]:
    """Return the moves of a manual movement; see `move_stock` for refusals."""
    ends = location_at(site, entered.source), location_at(site, entered.target)
    rule = _rule_by_hand(site, action_named(entered.action), *ends)
    item = item_coded(entered.item)
    return named_moves(
        item=item,
        quantity=require_positive(entered.quantity, item.quantity_decimals, field="quantity", what=entered.item),
        source=place_in_bin(rule.source, entered.from_bin, field="from_bin"),
        target=place_in_bin(rule.target, entered.to_bin, field="to_bin", into=True),
        batch=entered.batch,
        serials=entered.serials,
        rule_id=rule.pk,
    )


def _rule_by_hand(site: Site, action: Action, source: Location, target: Location) -> TransferRule:
    if not ActionType(action.type).by_hand:
        raise WrongActionType(
            "{action} is a {type} action. A manual movement needs a manual, warehouse transfer or despatch action.",
            action=action.name,
            type=action.type,
            field="action",
        )
    rules = list(TransferRule.objects.filter(site=site, action=action, active=True).select_related("source", "target"))
    for rule in rules:
        if (rule.source_id, rule.target_id) == (source.pk, target.pk):
            return rule
    if not rules:
        raise NoSuchRule(
            "{action} has no rule at this site. Ask an engineer to add one.", action=action.name, field="action"
        )
    raise NoSuchRule(
        "{action} doesn't move stock from {source} to {target}. It moves stock along these rules: {rules}.",
        action=action.name,
        source=source.path,
        target=target.path,
        rules=[Sentence("{source} to {target}", source=rule.source.path, target=rule.target.path) for rule in rules],
        field="action",
    )


def reverse(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Posting:
    """Reverse a posting of any process, once: a booking with its use, a settlement, or a manual movement (V1, V3).

    Raises `AlreadyReversed`, `NotReversible`, `NotFound`, `DateBeforeOriginal`, `InsufficientStock`, `PeriodClosed`.
    """
    match Process(posting_numbered(site, posting).process):
        case Process.WORKS_ORDER | Process.GOODS_RECEIVED | Process.PRODUCTION:
            booking = reverse_booking(site=site, posting=posting, by=by, at=at, key=key)
            assert booking.reversed_by is not None
            return booking.reversed_by
        case Process.RESOLUTION:
            return undo(site=site, posting=posting, by=by, at=at, key=key)
        case Process.COUNT:
            return reverse_count(site=site, posting=posting, by=by, at=at, key=key)
        case Process.ISSUE | Process.RETURN | Process.HAND | Process.OPENING:
            return reverse_by_hand(site=site, posting=posting, by=by, at=at, key=key)
        case Process.REVERSAL as process:
            raise not_reversible(posting, process)


def not_reversible(posting: int, process: Process) -> NotReversible:
    """Return the refusal of reversing a posting of a process that has no reversal."""
    return NotReversible(
        "Posting {posting} is a {process}, which can't be reversed.", posting=posting, process=process, field="posting"
    )


@transaction.atomic
def reverse_by_hand(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Posting:
    """Reverse an issue, a return, a manual movement or opening stock, once (V3). See `reverse`.

    Locks the key, the cost object, the posting and balances.
    """
    new_key, done = claim_key(site=site, key=key, operation="reverse", content={"posting": posting, "at": at})
    if done:
        return done
    cost_object = (
        CostObject.objects.select_for_update(no_key=True)
        .filter(site=site, postings__site=site, postings=posting)
        .first()
    )
    original = Posting.objects.select_for_update(no_key=True, of=("self",)).get(site=site, pk=posting)
    require_not_reversed(original)
    moment = event_time(site, at)
    require_not_before(site, moment, original.at)
    taken = (
        Movement.objects.filter(site=site, posting=original).select_related("item", "source", "target").order_by("-pk")
    )
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken]
    if cost_object is not None:
        require_had(cost_object, back)
    stock = lock_balances(site=site, stock_keys=stock_keys_of(back))
    return post_corrected(
        lambda: Entry(
            Process.REVERSAL,
            moment,
            plan_posting(back, (), stock),
            new_key,
            cost_object.pk if cost_object else None,
            original.pk,
        ),
        effects_of(back, at=original.at, order=original.pk),
        site=site,
        by=by,
        stock=stock,
    )


def require_not_reversed(original: Posting) -> None:
    """Refuse to reverse a manual posting twice, or to reverse a transfer between sites.

    A transfer may have been received without this server knowing it; reversed here, the stock would exist twice.
    """
    if original.process == Process.HAND and original.transfers.filter(site=original.site_id).exists():
        raise NotReversible(
            "This stock transfer can't be reversed. Receive it at the other site, and send it back from there.",
            field="posting",
        )
    earlier = original.reversals.filter(site=original.site_id).select_related("by").first()
    if earlier is not None:
        raise AlreadyReversed(
            "This was reversed on {day} by {user}.",
            day=day_at(earlier.site, earlier.at),
            user=earlier.by.name,
            field="posting",
        )
