"""Writing stock: lock balances, post plans, open cost objects. The only code that writes movements and balances.

Every transaction locks in the same order: key, order, booking, unresolved movements by number, balances by item,
location, bin, batch and serial number. The service opens the transaction. Rows are locked `no_key`: a posting that only
refers to an order must not wait for a booking on it, or the two deadlock.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection
from django.utils import timezone

from backflush.core.moves import Moved, Plan, Process, Shortage, Status, Stock, StockKey, UnresolvedMove
from backflush.core.quantity import LARGEST, ZERO, from_scaled, to_scaled
from backflush.core.refusals import QuantityTooLarge, SerialInStock
from backflush.core.sentences import Count, Sentence
from backflush.core.text import require_short
from backflush.db.statements import columns_of, insert, moment_read
from backflush.items.models import Item
from backflush.ledger.models import Balance, CostObject, CostObjectKind, Movement, Posting
from backflush.ledger.shortages import insufficient_stock
from backflush.ledger.statements import (
    ADD_MOVEMENTS,
    ADD_POSTINGS,
    ADVANCE_COST_OBJECTS,
    CHANGE_BALANCES,
    LOCK_BALANCES,
    LOCK_UNRESOLVED,
    OPEN_BALANCES,
    OPEN_COST_OBJECTS,
    READ_BALANCES,
    SET_STATUS,
)
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import closed_meanwhile, day_at

REMARKS_LENGTH = 500
NUMBER_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting to write. `cost_object` is charged with each move of the plan that names none of its own."""

    process: Process
    at: datetime
    plan: Plan
    key_id: int | None = None
    cost_object_id: int | None = None
    reverses_id: int | None = None
    remarks: str = ""


def lock_balances(*, site: Site, stock_keys: Iterable[StockKey], lock: bool = True) -> Stock:
    """Lock some balances in the order of their keys, after opening those that don't exist yet; return their stock.

    Without `lock`, as for previews, they are only read (`read_balances`).
    """
    in_order = sorted(stock_keys)
    columns = _stock_key_columns(in_order)
    if lock:
        assert connection.in_atomic_block, "the use case owns the transaction"
        rows = LOCK_BALANCES.execute_many(columns, site_id=site.pk)
        if len(rows) < len(in_order):
            OPEN_BALANCES.execute_many(columns, site_id=site.pk)
            rows = LOCK_BALANCES.execute_many(columns, site_id=site.pk)
    else:
        rows = READ_BALANCES.execute_many(columns, site_id=site.pk)
    left: dict[StockKey, Decimal] = {}
    counted: dict[StockKey, datetime] = {}
    for *key, quantity, counted_at in rows:
        stock_key = StockKey(*key)
        left[stock_key] = from_scaled(quantity)
        if counted_at is not None:
            counted[stock_key] = moment_read(counted_at)
    return Stock(left, counted)


def read_balances(*, site: Site, stock_keys: Iterable[StockKey]) -> Stock:
    """Return the stock of some balances without locking them, for previews."""
    return lock_balances(site=site, stock_keys=stock_keys, lock=False)


def post(entries: Sequence[Entry], *, site: Site, by: User, stock: Stock) -> list[Posting]:
    """Post entries: write their postings and movements, and change the balances at source and target.

    The plans were made on `stock`, in the order of the entries; its balances are locked. A balance never becomes
    negative: the plans see to it, and a constraint of the database checks it. Refusals: `InsufficientStock`,
    `QuantityTooLarge`, `SerialInStock`, `InvalidValue`; then nothing is written.
    """
    assert connection.in_atomic_block, "the use case owns the transaction"
    require_possible(
        [shortage for entry in entries for shortage in entry.plan.shortages],
        stock,
        taking_back=any(entry.reverses_id for entry in entries),
    )
    require_countable(step.move.quantity for entry in entries for step in entry.plan.steps)
    for entry in entries:
        if entry.remarks:
            require_short(entry.remarks, REMARKS_LENGTH, field="remarks", what="A remark")
    postings = _add_postings(entries, site, by)
    plans = (entry.plan for entry in entries)
    ADD_MOVEMENTS.execute_many(_movement_columns(zip(postings, plans, strict=True)), site_id=site.pk)
    _change_balances(site, stock)
    return postings


def _add_postings(entries: Sequence[Entry], site: Site, by: User) -> list[Posting]:
    now = timezone.now()
    postings = [
        Posting(
            site=site,
            process=entry.process,
            at=entry.at,
            recorded_at=now,
            by=by,
            key_id=entry.key_id,
            cost_object_id=entry.cost_object_id,
            reverses_id=entry.reverses_id,
            remarks=entry.remarks,
        )
        for entry in entries
    ]
    days = [day_at(site, entry.at) for entry in entries]
    if not insert(ADD_POSTINGS, postings, day=days):
        # Closed after we looked.
        raise closed_meanwhile(site, days)
    return postings


def require_possible(shortages: Sequence[Shortage], stock: Stock, *, taking_back: bool = False) -> None:
    """Refuse what can't be posted, saying of every line what is there and what to do (`insufficient_stock`)."""
    if shortages:
        raise insufficient_stock(shortages, taking_back=taking_back)
    if stock.highest() >= LARGEST:
        raise QuantityTooLarge(
            "A balance would reach {most}. Enter a smaller quantity.", most=Count(LARGEST), field="quantity"
        )


def require_countable(quantities: Iterable[Decimal]) -> None:
    """Refuse what is beyond what the database can hold: assumed quantities, and the sums of an order."""
    if max(quantities, default=ZERO) >= LARGEST:
        raise QuantityTooLarge(
            "A quantity of this posting would reach {most}. Enter a smaller quantity.",
            most=Count(LARGEST),
            field="quantity",
        )


def _change_balances(site: Site, stock: Stock) -> None:
    changes = sorted(stock.changes().items())
    serials = [stock_key for stock_key, by in changes if stock_key.serial and by > 0]
    if not serials:
        CHANGE_BALANCES.execute_many(_balance_change_columns(changes), site_id=site.pk)
        return
    # The database lets a serial number be in one place only, at every moment: first out, then in.
    out, into = ([change for change in changes if (change[1] > 0) is up] for up in (False, True))
    CHANGE_BALANCES.execute_many(_balance_change_columns(out), site_id=site.pk)
    _require_named_once(stock_key for stock_key, by in into if stock_key.serial for _ in range(int(by)))
    _require_out_of_stock(site, serials)
    try:
        CHANGE_BALANCES.execute_many(_balance_change_columns(into), site_id=site.pk)
    except IntegrityError as error:
        # Someone else has put one of them in stock elsewhere since we looked: no lock of ours covers that place.
        raise SerialInStock(
            "One of the serial numbers {serials} is in stock already. Check them.",
            serials=[stock_key.serial for stock_key in serials],
            field="serials",
        ) from error


def _require_named_once(arriving: Iterable[StockKey]) -> None:
    """Refuse a serial number that one posting, or one call, would put in stock twice."""
    times = Counter((stock_key.item_id, stock_key.serial) for stock_key in arriving)
    twice = [serial for (_, serial), count in times.items() if count > 1]
    if twice:
        raise SerialInStock(
            "The serial number {serials} would be in stock twice. Enter it once.", serials=twice, field="serials"
        )


def _require_out_of_stock(site: Site, serials: Sequence[StockKey]) -> None:
    there = Balance.objects.filter(
        site=site,
        item__in={stock_key.item_id for stock_key in serials},
        serial__in={stock_key.serial for stock_key in serials},
        quantity__gt=0,
    ).select_related("item", "location")
    wanted = {(stock_key.item_id, stock_key.serial) for stock_key in serials}
    twice = [balance for balance in there if (balance.item_id, balance.serial) in wanted]
    if twice:
        first, *others = [
            Sentence(
                "{item} serial {serial} is in stock at {location} already. Check the serial number.",
                item=at.item.code,
                serial=at.serial,
                location=at.location.path,
            )
            for at in twice
        ]
        raise SerialInStock.of(first, field="serials", details=others)


def _stock_key_columns(stock_keys: Sequence[StockKey]) -> dict[str, list[Any]]:
    """Return the columns that name some balances within a site."""
    return {
        "item_id": [key.item_id for key in stock_keys],
        "location_id": [key.location_id for key in stock_keys],
        "bin": [key.bin for key in stock_keys],
        "batch": [key.batch for key in stock_keys],
        "serial": [key.serial for key in stock_keys],
    }


def _balance_change_columns(changes: Sequence[tuple[StockKey, Decimal]]) -> dict[str, list[Any]]:
    """Return the columns that name some balances and the change of each, in millionths."""
    return {**_stock_key_columns([key for key, _ in changes]), "change": [to_scaled(by) for _, by in changes]}


def _movement_columns(planned: Iterable[tuple[Posting, Plan]]) -> dict[str, list[Any]]:
    """Return the columns of the movements that some postings write, one row for each step of their plans.

    Quantities become millionths. A booking writes one row a line, so each column is a list of its own: that takes
    three quarters of the time of a tuple for each row. A move without a cost object of its own has its posting's.
    """
    steps = [(posting, step) for posting, plan in planned for step in plan.steps]
    moves = [step.move for _, step in steps]
    moved = [isinstance(step, Moved) for _, step in steps]
    quantities = [to_scaled(move.quantity) for move in moves]
    after = [(step.source_after, step.target_after) if isinstance(step, Moved) else (None, None) for _, step in steps]
    return {
        "posting_id": [posting.pk for posting, _ in steps],
        "job_id": [
            posting.cost_object_id if move.cost_object_id is None else move.cost_object_id
            for (posting, _), move in zip(steps, moves, strict=True)
        ],
        "at": [
            step.at if isinstance(step, UnresolvedMove) and step.at is not None else posting.at
            for posting, step in steps
        ],
        "item_id": [move.item_id for move in moves],
        "quantity": [quantity if ok else 0 for quantity, ok in zip(quantities, moved, strict=True)],
        "source_id": [move.source.location_id for move in moves],
        "source_bin": [move.source.bin for move in moves],
        "target_id": [move.target.location_id for move in moves],
        "target_bin": [move.target.bin for move in moves],
        "batch": [move.batch for move in moves],
        "serial": [move.serial for move in moves],
        "status": [Status.OK.value if ok else Status.UNRESOLVED.value for ok in moved],
        "due": [None if ok else quantity for quantity, ok in zip(quantities, moved, strict=True)],
        "reason": [step.reason.value if isinstance(step, UnresolvedMove) else "" for _, step in steps],
        "charged": [move.charged for move in moves],
        "source_after": [None if source is None else to_scaled(source) for source, _ in after],
        "target_after": [None if target is None else to_scaled(target) for _, target in after],
        "rule_id": [move.rule_id for move in moves],
        "line_id": [move.line_id for move in moves],
        "cost_id": [move.cost_id for move in moves],
        "resolves_id": [move.resolves_id for move in moves],
        "reverses_id": [move.reverses_id for move in moves],
        "origin_id": [move.origin_id for move in moves],
        "remarks": [move.remarks for move in moves],
    }


def lock_waiting(*, site: Site, movements: Collection[int]) -> dict[int, Movement]:
    """Lock assumed movements with those that they go back to, by number; return the requested ones.

    Whatever goes back to one assumed movement is settled under that one's lock, so a reversal that holds it
    finds everything that has become of it.
    """
    assert connection.in_atomic_block, "the use case owns the transaction"
    wanted = set(movements)
    if not wanted:
        return {}
    locked = (row[0] for row in LOCK_UNRESOLVED.rows(site_id=site.pk, movements=sorted(wanted)))
    return {movement.pk: movement for movement in locked if movement.pk in wanted}


def open_cost_objects(*, site: Site, kind: CostObjectKind, numbered: Sequence[tuple[str, Item]]) -> list[CostObject]:
    """Open what material is charged to, one for each works order or purchase order line."""
    for number, _ in numbered:
        require_short(number, NUMBER_LENGTH, field="number", what=f"The number of a {kind.value}")
    cost_objects = [
        CostObject(site=site, kind=kind, number=number, item=item, good=ZERO, scrap=ZERO, produced=ZERO)
        for number, item in numbered
    ]
    insert(OPEN_COST_OBJECTS, cost_objects)
    return cost_objects


def advance_cost_objects(cost_objects: Iterable[CostObject]) -> None:
    """Write the progress of some locked cost objects."""
    cost_objects = list(cost_objects)
    require_countable(
        quantity
        for cost_object in cost_objects
        for quantity in (cost_object.good, cost_object.scrap, cost_object.produced)
    )
    ADVANCE_COST_OBJECTS.execute_many(columns_of(ADVANCE_COST_OBJECTS, cost_objects))


def set_status(movements: Sequence[int], *, site: Site, before: Status, after: Status) -> None:
    """Move the status of locked movements on: all that ever changes in what was posted."""
    if not movements:
        return
    changed = SET_STATUS.fetch(ids=[*movements], site_id=site.pk, before=before.value, after=after.value)
    assert len(changed) == len(movements), "the locked status has changed"
