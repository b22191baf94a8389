"""Check the invariants of the ledger a second time, from the raw rows and by plain arithmetic.

`own_faults` uses nothing of the code under test but the names of its tables; `faults` adds what `verify` finds.
`snapshot` returns every row that an operation may change: a refusal changes none.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import floor
from typing import Any

import pytest

from backflush.audit.verification import verify
from backflush.backflushing.models import Booking
from backflush.core.refusals import Refusal
from backflush.counts.models import CountChange, StockCount
from backflush.items.models import Item
from backflush.ledger.models import Balance, CostObject, Key, Movement, Posting
from backflush.stockmap.models import Location, Site
from backflush.structures.models import FrozenLine, FrozenStructure
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine
from backflush.unresolved.models import Settlement
from backflush.works.models import OrderChange, WorksOrder

STOCK = (
    Movement,
    Balance,
    Posting,
    CostObject,
    Key,
    Booking,
    Settlement,
    StockCount,
    CountChange,
    WorksOrder,
    OrderChange,
    PurchaseOrder,
    PurchaseOrderLine,
    FrozenStructure,
    FrozenLine,
)
Row = dict[str, Any]


def snapshot() -> list[list[Row]]:
    """Return every row that an operation may change."""
    return [_rows(model) for model in STOCK]


def _rows(model: Any, **filters: Any) -> list[Row]:
    return list(model.objects.filter(**filters).order_by("pk").values())


@contextmanager
def refused(code: str, *, field: str | None = None) -> Iterator[None]:
    """Assert that the block is refused with this code and a sentence, and that nothing has changed."""
    before = snapshot()
    with pytest.raises(Refusal) as caught:
        yield
    refusal = caught.value
    assert refusal.code == code, f"refused as {refusal.code} ({refusal}), expected {code}"
    assert refusal.sentence.endswith("."), f"{code} has no sentence: {refusal.sentence!r}"
    assert field is None or refusal.field == field, f"{code} is about {refusal.field!r}, expected {field!r}"
    assert snapshot() == before, f"{code} changed something"


def faults(site: Site) -> list[str]:
    """Return every broken invariant that this module or `verify` finds, in words."""
    return [*_Books(site).faults(), *(fault for check in verify().checks for fault in check.faults)]


def own_faults(site: Site) -> list[str]:
    """Return every broken invariant that this module finds, in words."""
    return list(_Books(site).faults())


class _Books:
    """The raw rows of one site."""

    def __init__(self, site: Site) -> None:
        self.movements = {row["id"]: row for row in _rows(Movement, site=site)}
        self.balances = _rows(Balance, site=site)
        self.postings = {row["id"]: row for row in _rows(Posting, site=site)}
        self.bookings = _rows(Booking, site=site)
        self.cost_objects = _rows(CostObject, site=site)
        self.keys = _rows(Key, site=site)
        self.settlements = _rows(Settlement, site=site)
        self.counts = {row["id"]: row for row in _rows(StockCount, site=site)}
        self.count_changes = _rows(CountChange, site=site)
        self.lines = {row["id"]: row for row in _rows(FrozenLine, site=site)}
        self.keeps = dict(Location.objects.filter(site=site).values_list("pk", "has_balance"))
        self.decimals = dict(Item.objects.values_list("pk", "quantity_decimals"))
        self.mirrors: dict[int, list[Row]] = defaultdict(list)
        self.settling: dict[int, list[Row]] = defaultdict(list)
        self.of_posting: dict[int, list[Row]] = defaultdict(list)
        for row in self.movements.values():
            self.of_posting[row["posting_id"]].append(row)
            if row["reverses_id"] is not None:
                self.mirrors[row["reverses_id"]].append(row)
            if row["resolves_id"] is not None:
                self.settling[row["resolves_id"]].append(row)

    def faults(self) -> Iterator[str]:
        yield from self._balances_equal_movements()
        yield from self._nothing_negative()
        yield from self._in_equals_out_plus_there()
        yield from self._assumed_is_what_was_due()
        yield from self._assumed_is_accounted_for()
        yield from self._settlements_add_up()
        yield from self._mirrors()
        yield from self._cost_objects_follow_their_bookings()
        yield from self._nobody_gave_back_more_than_was_had()
        yield from self._keys_have_outcomes()
        yield from self._counts_hold()

    def _counts_hold(self) -> Iterator[str]:
        """H1 to H5 recomputed: after a count, the book less what waits is what was counted."""
        changed: dict[int, Any] = defaultdict(int)
        postings = {change["posting_id"] for change in self.count_changes}
        for change in self.count_changes:
            changed[change["count_id"]] += change["change"]
            moved = [
                sign * row["quantity"]
                for row in self.of_posting[change["posting_id"]]
                for _, sign, _ in self._ends(row)
            ]
            if sum(moved) != change["change"]:
                yield f"posting {change['posting_id']} moves {sum(moved)}, its count says {change['change']}"
        for count in self.counts.values():
            if count["reversed_by_id"] is not None or count["status"] != "posted":
                if changed[count["id"]]:
                    yield f"count {count['id']} isn't posted and has changed stock by {changed[count['id']]}"
                continue
            if changed[count["id"]] != count["difference"]:
                total = changed[count["id"]]
                yield f"count {count['id']} differs by {count['difference']}, its changes add up to {total}"
            left = self._left_after(count, postings)
            if left != count["quantity"]:
                yield f"count {count['id']} found {count['quantity']}, the ledger has {left} then"

    def _left_after(self, count: Row, postings: set[int]) -> Any:
        """Return the book quantity less what waits, right after a count, as it is known now."""
        key = tuple(count[name] for name in ("item_id", "location_id", "bin", "batch", "serial"))
        moment = count["at"], count["posting_id"]
        left: Any = 0
        for row in self.movements.values():
            if row["posting_id"] in postings or row["status"] not in {"ok", "unresolved"}:
                continue
            root = self._root(row)
            if (root["at"], root["posting_id"]) < moment:
                amount = row["quantity"] + (row["due"] or 0)
                left += sum(sign * amount for stock_key, sign, _ in self._ends(row) if stock_key == key)
        for change in self.count_changes:
            other = self.counts[change["count_id"]]
            same = all(other[name] == count[name] for name in ("item_id", "location_id", "bin", "batch", "serial"))
            if same and (other["at"], other["posting_id"]) <= moment:
                left += change["change"]
        return left

    def _root(self, row: Row) -> Row:
        """Return the movement whose time counts: the assumption that this one settles or continues, or its original."""
        if row["origin_id"] is not None:
            return self.movements[row["origin_id"]]
        if row["reverses_id"] is not None:
            return self._root(self.movements[row["reverses_id"]])
        return row

    def _ends(self, row: Row) -> Iterator[tuple[tuple[Any, ...], int, Any]]:
        for end, sign in (("source", -1), ("target", 1)):
            if self.keeps[row[f"{end}_id"]]:
                stock_key = (row["item_id"], row[f"{end}_id"], row[f"{end}_bin"], row["batch"], row["serial"])
                yield stock_key, sign, row[f"{end}_after"]

    def _balances_equal_movements(self) -> Iterator[str]:
        sums: dict[tuple[Any, ...], Any] = defaultdict(int)
        for row in self.movements.values():
            for stock_key, sign, after in self._ends(row) if row["status"] == "ok" else ():
                sums[stock_key] += sign * row["quantity"]
                if after != sums[stock_key]:
                    yield f"movement {row['id']} records {after} after it in {stock_key}, not {sums[stock_key]}"
        kept = {
            (b["item_id"], b["location_id"], b["bin"], b["batch"], b["serial"]): b["quantity"] for b in self.balances
        }
        for stock_key in sums.keys() | kept.keys():
            if sums.get(stock_key, 0) != kept.get(stock_key, 0):
                yield f"{stock_key} holds {kept.get(stock_key)}, its movements sum to {sums.get(stock_key)}"

    def _nothing_negative(self) -> Iterator[str]:
        places: dict[tuple[int, str], int] = defaultdict(int)
        for balance in self.balances:
            if balance["quantity"] < 0:
                yield f"balance {balance} is negative"
            if balance["serial"]:
                places[balance["item_id"], balance["serial"]] += balance["quantity"]
        yield from (f"{serial} is in stock {times} times" for serial, times in places.items() if times > 1)

    def _in_equals_out_plus_there(self) -> Iterator[str]:
        net: dict[int, Any] = defaultdict(int)
        for row in self.movements.values():
            crossing = self.keeps[row["target_id"]] - self.keeps[row["source_id"]]
            net[row["item_id"]] += crossing * row["quantity"]
        there: dict[int, Any] = defaultdict(int)
        for balance in self.balances:
            there[balance["item_id"]] += balance["quantity"]
        for item in net.keys() | there.keys():
            if net[item] != there[item]:
                yield f"item {item}: the net receipts are {net[item]}, the stock {there[item]}"

    def _assumed_is_what_was_due(self) -> Iterator[str]:
        """Q3 recomputed: the rounded exact requirement of all bookings not reversed, less what they assumed."""
        taken: dict[Any, dict[int, tuple[Fraction, Fraction, Any]]] = defaultdict(dict)
        events = [(booking["posting_id"], booking) for booking in self.bookings if booking["assumed"]]
        events += [
            (booking["reversed_by_id"], booking)
            for booking in self.bookings
            if booking["assumed"] and booking["reversed_by_id"]
        ]
        kinds = {cost_object["id"]: cost_object["kind"] for cost_object in self.cost_objects}
        for posting, booking in sorted(events, key=lambda event: event[0]):
            if posting != booking["posting_id"]:
                for standing in taken.values():
                    standing.pop(booking["id"], None)
                continue
            cost_object = booking["cost_object_id"] or -booking["id"]
            for line in self.lines.values():
                if line["structure_id"] != booking["structure_id"] or line["by_hand"]:
                    continue
                if line["supplier_provides"] and kinds.get(booking["cost_object_id"]) == "purchase order":
                    continue
                standing = taken[cost_object, line["path"], line["component_id"]]
                wanted = self._assumes(standing, line, Fraction(booking["produced"]))
                standing[booking["id"]] = (
                    line["per_piece"] * Fraction(booking["produced"]),
                    line["fixed_exact"],
                    wanted,
                )
                planned = sum(
                    row["quantity"] + (row["due"] or 0)
                    for row in self.of_posting[booking["posting_id"]]
                    if row["line_id"] == line["id"]
                )
                if planned != wanted:
                    yield f"booking {booking['id']} line {line['path']}: {planned} was assumed, {wanted} is due"

    def _assumes(self, standing: dict[int, tuple[Fraction, Fraction, Any]], line: Row, made: Fraction) -> Fraction:
        exact = sum((one[0] for one in standing.values()), line["per_piece"] * made)
        exact += next(iter(standing.values()))[1] if standing else line["fixed_exact"]
        scale = 10 ** self.decimals[line["component_id"]]
        rounded = Fraction(floor(exact * scale + Fraction(1, 2)), scale)
        return max(Fraction(0), rounded - sum(Fraction(one[2]) for one in standing.values()))

    def _assumed_is_accounted_for(self) -> Iterator[str]:
        """U8: for every booking and line, assumed = moved + unresolved + cancelled + dropped."""
        for booking in self.bookings:
            assumed: dict[int, Any] = defaultdict(int)
            became: dict[int, Any] = defaultdict(int)
            for row in self.of_posting[booking["posting_id"]]:
                if row["line_id"] is not None:
                    assumed[row["line_id"]] += row["quantity"] + (row["due"] or 0)
                    became[row["line_id"]] += self._became(row)
            for line in assumed:
                if assumed[line] != became[line]:
                    yield f"booking {booking['id']} line {line}: {assumed[line]} assumed, {became[line]} accounted for"

    def _became(self, row: Row) -> Any:
        if row["status"] == "ok":
            return row["quantity"]
        if row["status"] in {"unresolved", "cancelled"}:
            return row["due"]
        if row["status"] == "withdrawn":
            return 0
        total: Any = sum(
            one["quantity"] for one in self.settling[row["id"]] if not self._was_undone(one) and one["status"] == "ok"
        )
        for settlement in self._standing_settlements(row["id"]):
            total += settlement["dropped"]
            if settlement["kept_id"] is not None:
                total += self._became(self.movements[settlement["kept_id"]])
        return total

    def _was_undone(self, row: Row) -> bool:
        """Return whether a settlement was undone and no longer counts; a booking's reversal is treated separately."""
        return any(
            self.postings[mirror["posting_id"]]["reverses_id"] == row["posting_id"]
            for mirror in self.mirrors.get(row["id"], ())
        )

    def _standing_settlements(self, movement: int) -> list[Row]:
        return [one for one in self.settlements if one["movement_id"] == movement and one["undone_by_id"] is None]

    def _settlements_add_up(self) -> Iterator[str]:
        for one in self.settlements:
            row = self.movements[one["movement_id"]]
            moved = sum(
                other["quantity"]
                for other in self.settling[row["id"]]
                if other["posting_id"] == one["posting_id"] and other["status"] == "ok"
            )
            kept = self.movements[one["kept_id"]]["due"] if one["kept_id"] is not None else 0
            if one["moved"] != moved:
                yield f"settlement {one['id']} says {one['moved']} moved, {moved} did"
            if one["outcome"] == "resolved" and row["due"] != moved + one["dropped"] + kept:
                became = f"{moved} moved, {one['dropped']} dropped, {kept} kept"
                yield f"settlement {one['id']}: {row['due']} was due, {became}"
        for row in self.movements.values():
            standing = self._standing_settlements(row["id"])
            wanted = 1 if row["status"] in {"resolved", "cancelled"} else 0
            if len(standing) != wanted:
                yield f"movement {row['id']} is {row['status']} and has {len(standing)} valid settlements"
            elif standing and standing[0]["outcome"] != row["status"]:
                yield f"movement {row['id']} is {row['status']}, its settlement says {standing[0]['outcome']}"
            if row["status"] == "withdrawn":
                keeper = [one for one in self.settlements if one["kept_id"] == row["id"]]
                if len(keeper) != 1 or keeper[0]["undone_by_id"] is None:
                    yield f"movement {row['id']} is withdrawn, but its settlement is valid"

    def _mirrors(self) -> Iterator[str]:
        for number, mirrors in self.mirrors.items():
            if len(mirrors) != 1:
                yield f"movement {number} has {len(mirrors)} mirrors"
            yield from self._mirror_faults(self.movements[number], mirrors[0])
        reversed_postings = [posting["reverses_id"] for posting in self.postings.values() if posting["reverses_id"]]
        if len(set(reversed_postings)) != len(reversed_postings):
            yield "a posting was reversed twice"
        for posting in reversed_postings:
            for row in self.of_posting[posting]:
                if row["status"] == "ok" and not self.mirrors.get(row["id"]):
                    yield f"movement {row['id']} of the reversed posting {posting} was never reversed"
        for booking in self.bookings:
            if booking["reversed_by_id"] is not None:
                yield from self._reversed_booking_faults(booking)

    def _mirror_faults(self, row: Row, mirror: Row) -> Iterator[str]:
        swapped = {
            "source_id": "target_id",
            "source_bin": "target_bin",
            "target_id": "source_id",
            "target_bin": "source_bin",
        }
        same = ("item_id", "quantity", "batch", "serial", "cost_id", "cost_object_id", "line_id")
        for name in (*same, *swapped):
            if mirror[name] != row[swapped.get(name, name)]:
                yield f"mirror {mirror['id']} of {row['id']} differs in {name}"
        if mirror["charged"] != -row["charged"] or mirror["at"] < row["at"]:
            yield f"mirror {mirror['id']} of {row['id']} is not its opposite, or before it"

    def _reversed_booking_faults(self, booking: Row) -> Iterator[str]:
        roots = {row["id"] for row in self.of_posting[booking["posting_id"]]}
        net = 0
        for row in self.movements.values():
            if row["id"] in roots or row["origin_id"] in roots:
                if row["status"] == "unresolved":
                    yield f"booking {booking['id']} is reversed and {row['id']} is still unresolved"
                if row["status"] == "ok" and row["reverses_id"] is None and not self.mirrors.get(row["id"]):
                    yield f"booking {booking['id']} is reversed and {row['id']} was never reversed"
                net += row["charged"] * row["quantity"]
            elif row["reverses_id"] in roots:
                net += row["charged"] * row["quantity"]
        if net:
            yield f"booking {booking['id']} is reversed and its cost object keeps {net}"

    def _cost_objects_follow_their_bookings(self) -> Iterator[str]:
        for cost_object in self.cost_objects:
            standing = [
                one
                for one in self.bookings
                if one["cost_object_id"] == cost_object["id"] and one["reversed_by_id"] is None
            ]
            wanted = (
                sum(one["good"] for one in standing),
                sum(one["scrap"] for one in standing),
                sum(one["produced"] for one in standing if one["assumed"]),
            )
            if (cost_object["good"], cost_object["scrap"], cost_object["produced"]) != wanted:
                said = cost_object["good"], cost_object["scrap"], cost_object["produced"]
                yield f"cost object {cost_object['number']} says {said}, not {wanted}"

    def _nobody_gave_back_more_than_was_had(self) -> Iterator[str]:
        had: dict[tuple[int, int], Any] = defaultdict(int)
        for row in self.movements.values():
            if row["cost_object_id"] is not None:
                had[row["cost_object_id"], row["item_id"]] += row["charged"] * row["quantity"]
        yield from (
            f"cost object {cost_object} has used {quantity} of {item}"
            for (cost_object, item), quantity in had.items()
            if quantity < 0
        )

    def _keys_have_outcomes(self) -> Iterator[str]:
        used = [posting["key_id"] for posting in self.postings.values() if posting["key_id"] is not None]
        if sorted(used) != sorted(key["id"] for key in self.keys):
            yield "a key has no posting"
