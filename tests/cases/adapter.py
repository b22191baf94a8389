"""Carry out worked cases through the services that the doors use.

`World` is one plant in one database. Each operation of the format is a method with the operation's fields as keyword
arguments. An operation, field or expectation of the format that the project doesn't implement raises `NotBuilt`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from inspect import Parameter, signature
from typing import Any

import pytest
from django.db.models import Sum

from backflush.backflushing.report_kinds import Report
from backflush.backflushing.selectors import explain
from backflush.backflushing.stream import Booker, StreamLine
from backflush.booking_kinds import KINDS
from backflush.core.input_values import read_amount
from backflush.core.moves import Process, Status, Tracking
from backflush.core.quantity import ZERO
from backflush.core.refusals import NotUnresolved, Refusal
from backflush.costing.selectors import order_cost
from backflush.counts.models import StockCount
from backflush.counts.services import CountIn, enter_counts
from backflush.handling.moves import MoveIn, OpeningIn, move_stock, open_stock, reverse
from backflush.items.models import Item, TypeCode, Unit
from backflush.items.selectors import item_coded, unit_coded
from backflush.items.services import (
    ConversionIn,
    ItemIn,
    add_conversions,
    add_items,
    add_type_code,
    add_unit,
    change_costs,
    set_batch,
)
from backflush.ledger.models import Balance, CostObject, CostObjectKind, Movement
from backflush.ledger.periods import close_period, reopen_period
from backflush.ledger.selectors import posting_keyed, waiting_movements
from backflush.people.services import known_user
from backflush.stockmap.models import Action, Location, Store
from backflush.stockmap.selectors import action_named, location_at
from backflush.stockmap.services import (
    add_action,
    add_bin,
    add_location,
    add_rule,
    add_site,
    add_store,
    add_supplier,
    set_adjustment,
    set_receive_action,
    set_supplier_stock,
)
from backflush.structures.services import LineIn, set_structures
from backflush.subcontract.models import PurchaseOrderLine
from backflush.subcontract.receipts import ReceiptIn, receive
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, place_order
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.resolution import ResolveIn, resolve
from backflush.unresolved.retry import retry
from backflush.works.material_issue import IssueIn, issue, return_material
from backflush.works.models import WorksOrder
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.orders import OrderIn, create_order
from backflush.works.services.production_without_order import ProductionIn, produce
from backflush.works.services.transitions import complete_order, release_order, reset_order
from tests.cases.reading import Case

RECEIVE = "RECEIVE"
Number = Decimal | int | str


def amounts(**given: Number) -> dict[str, Any]:
    """Return the quantities of a report, with the units of those that a case states in a unit of their own (Q6)."""
    read = {field: read_amount(str(value), field=field) for field, value in given.items()}
    units = {field: amount.unit for field, amount in read.items() if amount.unit}
    return {**{field: amount.number for field, amount in read.items()}, "units": tuple(units.items())}


class NotBuilt(Exception):
    """The case needs a part of the format that the project doesn't implement yet."""


NOT_YET = (NotBuilt, Refusal, AssertionError)
"""The exceptions with which a case of a rule that isn't built yet fails."""


def require_built(found: Collection[str], built: Collection[str], where: str) -> None:
    """Raise `NotBuilt` for keys of the format that aren't implemented yet."""
    missing = sorted(set(found) - set(built))
    if missing:
        raise NotBuilt(f"{where}: {', '.join(missing)}")


def number(value: Number) -> Decimal:
    """Return a quantity of a case as a decimal. Raise `NotBuilt` for a ratio or a quantity with a unit."""
    if isinstance(value, str) and ("/" in value or " " in value):
        raise NotBuilt(f"quantity {value!r}")
    return Decimal(value)


def merged(case: Case) -> dict[str, Any]:
    """Return the plant with a case's changes: lists grow, and an entry with the same code replaces the plant's."""
    plant = dict(case.plant)
    for key, value in case.change.items():
        if key == "structures":
            plant[key] = {**plant.get(key, {}), **value}
        elif isinstance(value, list):
            named = {_name(entry): entry for entry in (*plant.get(key, []), *value)}
            plant[key] = list(named.values())
        else:
            plant[key] = value
    return plant


def _name(entry: Any) -> Any:
    """Return the identity of an entry in one of the plant's lists: its code or name, or a conversion's two units."""
    if not isinstance(entry, dict):
        return entry
    return entry.get("code") or entry.get("name") or (entry.get("item"), entry.get("from"), entry.get("to"))


class World:
    """One plant, set up from a case, with a method for each operation."""

    def __init__(self, case: Case) -> None:
        self.by = known_user(name="case")
        self.site = add_site(code="MAIN")
        plant = merged(case)
        self.day: date = plant["date"]
        self._make_units(plant)
        self._make_stockmap(plant)
        self._make_items(plant)
        self._set_structures(plant.get("structures", {}))
        self._open(case.stock)

    # The plant

    def _make_units(self, plant: Mapping[str, Any]) -> None:
        self.units: dict[str, Unit] = {code: add_unit(code=code) for code in plant.get("uoms", [])}
        add_conversions([self._conversion(**entry) for entry in plant.get("conversions", [])])

    def _conversion(self, **entry: Any) -> ConversionIn:
        require_built(entry, {"item", "from", "to", "factor"}, "conversion")
        item = item_coded(entry["item"]) if "item" in entry else None
        return ConversionIn(self.units[entry["from"]], self.units[entry["to"]], Fraction(number(entry["factor"])), item)

    def _make_stockmap(self, plant: Mapping[str, Any]) -> None:
        stores: dict[str, Store] = {}
        for entry in plant.get("locations", []):
            require_built(entry, {"code", "balance", "bins"}, f"location {entry}")
            store, code = entry["code"].split("/")
            if store not in stores:
                stores[store] = add_store(site=self.site, code=store)
            location = add_location(
                store=stores[store], code=code, has_balance=entry["balance"], bin_controlled=bool(entry.get("bins"))
            )
            for bin in entry.get("bins", []):
                add_bin(location=location, code=bin)
        for entry in plant.get("suppliers", []):
            fields = entry if isinstance(entry, dict) else {"code": entry}
            require_built(fields, {"code", "stock"}, f"supplier {entry}")
            supplier = add_supplier(code=fields["code"])
            if "stock" in fields:
                set_supplier_stock(supplier=supplier, location=self._location(fields["stock"]))
        for entry in plant.get("actions", []):
            require_built(entry, {"name", "type", "rules", "short", "retry"}, f"action {entry}")
            action = add_action(
                name=entry["name"],
                type=entry["type"],
                short=entry.get("short", "whole"),
                retry=entry.get("retry", "never"),
            )
            for source, target in entry.get("rules", []):
                add_rule(action=action, source=self._location(source), target=self._location(target))
            if action.name == RECEIVE:
                set_receive_action(site=self.site, action=action)
        if "adjustment" in plant:
            set_adjustment(site=self.site, location=self._location(plant["adjustment"]))

    def _make_items(self, plant: Mapping[str, Any]) -> None:
        codes: dict[str, TypeCode] = {}
        for entry in plant.get("type_codes", []):
            require_built(entry, {"code", "complete", "backflush", "issue", "return"}, f"type code {entry}")
            codes[entry["code"]] = add_type_code(
                code=entry["code"],
                completion=self._action(entry.get("complete")),
                backflush=self._action(entry.get("backflush")),
                issue=self._action(entry.get("issue")),
                return_action=self._action(entry.get("return")),
            )
        add_items([self._item(entry, codes) for entry in plant.get("items", [])])
        add_conversions([self._conversion(**entry) for entry in plant.get("item_conversions", [])])

    def _item(self, entry: Mapping[str, Any], codes: Mapping[str, TypeCode]) -> ItemIn:
        known = {"code", "class", "type", "uom", "decimals", "cost", "tracking", "obsolete"}
        require_built(entry, known, f"item {entry}")
        return ItemIn(
            code=entry["code"],
            component_class=entry["class"],
            type_code=codes[entry["type"]],
            stock_unit=self.units[entry["uom"]],
            quantity_decimals=entry["decimals"],
            tracking=entry.get("tracking", Tracking.NONE),
            obsolete_on=entry.get("obsolete"),
            costs={"standard_material": number(entry.get("cost", 0))},
        )

    def _set_structures(self, structures: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        if any(isinstance(lines, Mapping) for lines in structures.values()):
            raise NotBuilt("a structure for more than one piece")
        set_structures({item_coded(item): [self._line(line) for line in lines] for item, lines in structures.items()})

    def _line(self, entry: Mapping[str, Any]) -> LineIn:
        known = {
            "line",
            "item",
            "qty",
            "uom",
            "waste",
            "start",
            "end",
            "by_hand",
            "fixed",
            "from",
            "supplier_provides",
        }
        require_built(entry, known, f"structure line {entry}")
        component = item_coded(entry["item"])
        return LineIn(
            number=entry["line"],
            component=component,
            quantity=number(entry["qty"]),
            unit=unit_coded(entry["uom"]) if "uom" in entry else component.stock_unit,
            waste=number(entry.get("waste", 0)),
            fixed=number(entry.get("fixed", 0)),
            by_hand=entry.get("by_hand", False),
            supplier_provides=entry.get("supplier_provides", False),
            source=self._location(entry["from"]) if "from" in entry else None,
            starts=entry.get("start"),
            ends=entry.get("end"),
        )

    def _open(self, stock: Mapping[str, Any]) -> None:
        openings = []
        for place, given in stock.items():
            item, location = place.split("@")
            for heap in given if isinstance(given, list) else [given]:
                fields = heap if isinstance(heap, dict) else {"qty": heap}
                require_built(fields, {"qty", "bin", "batch", "serial", "expires"}, f"stock {place}")
                if "expires" in fields:
                    set_batch(item=item_coded(item), code=str(fields["batch"]), expires_on=fields["expires"])
                openings.append(
                    OpeningIn(
                        item=item_coded(item),
                        location=self._location(location),
                        quantity=number(fields["qty"]),
                        bin=str(fields.get("bin", "")),
                        batch=str(fields.get("batch", "")),
                        serial=str(fields.get("serial", "")),
                    )
                )
        # Opening stock is posted before everything else, whatever day a case books on.
        open_stock([one for one in openings if one.quantity], site=self.site, by=self.by, at=date(2000, 1, 1))

    def _location(self, path: str) -> Location:
        return location_at(self.site, path)

    def _action(self, name: str | None) -> Action | None:
        return action_named(name) if name else None

    # The steps

    def do(self, step: Mapping[str, Any]) -> None:
        """Carry out one step, then check its refusal and the state that it expects."""
        operations = [key for key in step if key not in {"error", "expect"}]
        assert len(operations) == 1, f"a step is one operation: {step}"
        name = operations[0]
        require_built([name], OPERATIONS, "operation")
        operation = OPERATIONS[name]
        arguments = _arguments(name, step[name])
        parameters = signature(operation).parameters.values()
        if not any(one.kind is Parameter.VAR_KEYWORD for one in parameters):
            require_built(arguments, {one.name for one in parameters}, name)
        if "error" in step:
            self._refused(name, lambda: operation(self, **arguments), step["error"])
        else:
            operation(self, **arguments)
        if "expect" in step:
            self.check(step["expect"])

    def _refused(self, name: str, operation: Callable[[], object], code: str) -> None:
        before = self._everything()
        with pytest.raises(Refusal) as refused:
            operation()
        assert refused.value.code == code, f"{name}: refused as {refused.value.code} ({refused.value}), expected {code}"
        assert refused.value.sentence, f"{name}: {code} says nothing"
        assert self._everything() == before, f"{name}: a refusal changed something"

    def _everything(self) -> list[Any]:
        """Return every row that an operation may change."""
        return [
            list(model.objects.order_by("pk").values()) for model in (Movement, Balance, CostObject, WorksOrder)
        ] + [sorted(self._balances().items())]

    def works_order(
        self, *, number: Any, item: str, qty: Number, uom: str = "", at: date | None = None, due: date | None = None
    ) -> None:
        order = OrderIn(
            number=str(number), item=item, quantity=Decimal(qty), unit=uom, start_date=at or self.day, due_date=due
        )
        create_order(order, site=self.site, by=self.by)

    def release(self, *, order: Any) -> None:
        release_order(site=self.site, number=str(order), by=self.by)

    def complete_order(self, *, order: Any) -> None:
        complete_order(site=self.site, number=str(order), by=self.by)

    def reset_order(self, *, order: Any) -> None:
        reset_order(site=self.site, number=str(order), by=self.by)

    def book(
        self,
        *,
        order: Any,
        good: Number = 0,
        scrap: Number = 0,
        at: date | None = None,
        key: str = "",
        batch: str = "",
        bin: str = "",
        serials: Sequence[str] = (),
    ) -> None:
        booking = BookingIn(
            order=str(order),
            **amounts(good=good, scrap=scrap),
            at=at or self.day,
            key=str(key),
            batch=batch,
            bin=bin,
            serials=serials,
        )
        self._report(booking)

    def _report(self, report: Report) -> None:
        ALONE[type(report)](report, site=self.site, by=self.by)

    def produce(
        self,
        *,
        item: str,
        good: Number = 0,
        scrap: Number = 0,
        at: date | None = None,
        key: str = "",
        batch: str = "",
        bin: str = "",
        serials: Sequence[str] = (),
    ) -> None:
        production = ProductionIn(
            item=item,
            **amounts(good=good, scrap=scrap),
            at=at or self.day,
            key=str(key),
            batch=batch,
            bin=bin,
            serials=serials,
        )
        self._report(production)

    def purchase_order(
        self,
        *,
        number: Any,
        supplier: str,
        item: str,
        qty: Number,
        uom: str = "",
        receive_action: str = "",
        at: date | None = None,
    ) -> None:
        line = PurchaseLineIn(item=item, quantity=Decimal(qty), unit=uom)
        order = PurchaseOrderIn(
            number=str(number),
            supplier=supplier,
            lines=[line],
            placed_on=at or self.day,
            receive_action=receive_action,
        )
        place_order(order, site=self.site, by=self.by)

    def receive(
        self,
        *,
        order: Any,
        qty: Number = 0,
        rejected: Number = 0,
        at: date | None = None,
        key: str = "",
        batch: str = "",
        bin: str = "",
        serials: Sequence[str] = (),
    ) -> None:
        receipt = ReceiptIn(
            order=str(order),
            **amounts(accepted=qty, rejected=rejected),
            at=at or self.day,
            key=str(key),
            batch=batch,
            bin=bin,
            serials=serials,
        )
        self._report(receipt)

    def issue(self, **fields: Any) -> None:
        issue(self._issue(**fields), site=self.site, by=self.by)

    def return_(self, **fields: Any) -> None:
        return_material(self._issue(**fields), site=self.site, by=self.by)

    def _issue(
        self,
        *,
        order: Any,
        item: str,
        qty: Number,
        batch: str = "",
        bin: str = "",
        serials: Sequence[str] = (),
        at: date | None = None,
        key: str = "",
    ) -> IssueIn:
        return IssueIn(
            order=str(order),
            item=item,
            quantity=number(qty),
            batch=batch,
            bin=bin,
            serials=serials,
            at=at or self.day,
            key=str(key),
        )

    def move(
        self,
        *,
        action: str,
        item: str,
        qty: Number,
        from_: str,
        to: str,
        from_bin: str = "",
        to_bin: str = "",
        batch: str = "",
        serials: Sequence[str] = (),
        at: date | None = None,
        key: str = "",
    ) -> None:
        move_stock(
            MoveIn(
                action=action,
                item=item,
                quantity=number(qty),
                source=from_,
                target=to,
                from_bin=from_bin,
                to_bin=to_bin,
                batch=batch,
                serials=serials,
                at=at or self.day,
                key=str(key),
            ),
            site=self.site,
            by=self.by,
        )

    def resolve(
        self,
        *,
        item: str,
        qty: Number | None = None,
        from_: str = "",
        bin: str = "",
        batch: str = "",
        serials: Sequence[str] = (),
        remainder: Any = "drop",
        at: date | None = None,
        key: str = "",
    ) -> None:
        resolve(
            ResolveIn(
                movement=self._oldest(item, key),
                quantity=None if qty is None else number(qty),
                source=from_,
                bin=bin,
                batch=batch,
                serials=serials,
                remainder=remainder,
                at=at,
                key=str(key),
            ),
            site=self.site,
            by=self.by,
        )

    def cancel(self, *, item: str, remarks: str = "", at: date | None = None, key: str = "") -> None:
        cancel(site=self.site, movements=[self._oldest(item, key)], remarks=remarks, at=at, key=str(key), by=self.by)

    def _oldest(self, item: str, key: str) -> int:
        """Return the oldest unresolved movement of an item; without any, the last settled one, which is then
        refused."""
        if key:
            # A repeated request is about the same movement, although it is settled by now.
            earlier = Movement.objects.filter(settlements__posting__key__key=key, item__code=item).first()
            if earlier is not None:
                return earlier.pk
        oldest = waiting_movements(self.site).filter(item__code=item).first()
        if oldest is not None:
            return oldest.pk
        settled = Movement.objects.filter(site=self.site, item__code=item, due__isnull=False).order_by("-pk").first()
        if settled is None:
            raise NotUnresolved(f"Nothing of {item} was ever unresolved.", field="item")
        return settled.pk

    def retry(self, *, at: date | None = None, key: str = "") -> None:
        retry(site=self.site, at=at, key=str(key), by=self.by)

    def reverse(self, *, of: str, at: date | None = None, key: str = "") -> None:
        posting = posting_keyed(self.site, str(of))
        reverse(site=self.site, posting=posting.pk, at=at, key=str(key), by=self.by)

    def count(
        self,
        *,
        item: str,
        location: str,
        qty: Number,
        bin: str = "",
        batch: str = "",
        serial: str = "",
        at: date | None = None,
        key: str = "",
    ) -> None:
        counted = CountIn(
            item=item,
            location=location,
            quantity=number(qty),
            bin=str(bin),
            batch=str(batch),
            serial=str(serial),
            at=at or self.day,
            key=str(key),
        )
        enter_counts([counted], site=self.site, by=self.by)

    def close_period(self, *, through: date, unresolved: int = 0) -> None:
        close_period(site=self.site, through=through, by=self.by, known_unresolved=unresolved)

    def reopen_period(self, *, through: date, remarks: str = "") -> None:
        reopen_period(site=self.site, through=through, by=self.by, remarks=remarks)

    def standard_cost(self, *, item: str, material: Number) -> None:
        change_costs([(item_coded(item), {"standard_material": number(material)})])

    def structure(self, *, item: str, lines: Sequence[Mapping[str, Any]]) -> None:
        self._set_structures({item: lines})

    def rule(self, *, action: str, from_: str, to: str) -> None:
        add_rule(action=action_named(action), source=self._location(from_), target=self._location(to))

    # What is expected

    def check(self, expect: Mapping[str, Any]) -> None:
        """Compare the state with what the case expects."""
        require_built(expect, CHECKS, "expect")
        for key, wanted in expect.items():
            CHECKS[key](self, wanted)

    def check_movements(self, wanted: Sequence[Sequence[Any]]) -> None:
        for row in wanted:
            assert len(row) in {5, 6, 7}, f"a movement has 5 to 7 fields: {row}"
        found = sorted(map(_shown, self._movements()))
        expected = sorted(map(_normal, wanted))
        # An expected row may leave out the due quantity and the reason.
        lengths = {tuple(row[:5]): len(row) for row in expected}
        found = sorted(tuple(row[: lengths.get(tuple(row[:5]), 7)]) for row in found)
        assert found == expected, "\n".join(
            ["movements differ", "found:", *map(str, found), "expected:", *map(str, expected)]
        )

    def _movements(self) -> Sequence[Movement]:
        return list(
            Movement.objects.filter(site=self.site)
            .exclude(posting__process=Process.OPENING)
            .exclude(status=Status.WITHDRAWN)
            .select_related("item", "source", "target")
        )

    def check_balances(self, wanted: Mapping[str, Any]) -> None:
        balances = self._balances()
        found = {place: balances.get(place, ZERO) for place in wanted}
        for place in wanted:
            item, path = place.split("@")
            assert Item.objects.filter(code=item).exists(), f"no item {item}"
            assert self._location(path).has_balance, f"no balance at {place}"
        assert found == {place: number(quantity) for place, quantity in wanted.items()}

    def _balances(self) -> dict[str, Decimal]:
        rows = Balance.objects.filter(site=self.site).values_list("item__code", "location__path")
        return {f"{item}@{path}": total for item, path, total in rows.annotate(total=Sum("quantity"))}

    def check_orders(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        for order, fields in wanted.items():
            require_built(fields, {"status", "good", "scrap"}, f"order {order}")
            found = WorksOrder.objects.select_related("cost_object").filter(site=self.site, number=str(order)).first()
            if found is not None:
                state = {"status": str(found.status), "good": found.cost_object.good, "scrap": found.cost_object.scrap}
            else:
                line = PurchaseOrderLine.objects.select_related("cost_object", "order").get(order__number=str(order))
                state = {
                    "status": str(line.order.status),
                    "good": line.cost_object.good,
                    "scrap": line.cost_object.scrap,
                }
            expected = {key: value if key == "status" else number(value) for key, value in fields.items()}
            assert {key: state[key] for key in expected} == expected, f"order {order}"

    def check_counts(self, wanted: Sequence[Sequence[Any]]) -> None:
        counts = StockCount.objects.filter(site=self.site).select_related("item", "location").order_by("pk")
        found = [(one.item.code, one.location.path, one.quantity, one.expected_now, one.difference) for one in counts]
        assert found == [_normal(row) for row in wanted]

    def check_unresolved(self, wanted: int) -> None:
        assert waiting_movements(self.site).count() == wanted

    def check_material_cost(self, wanted: Mapping[str, Any]) -> None:
        found = {order: order_cost(self._cost_object(str(order))).material for order in wanted}
        assert found == {order: number(amount) for order, amount in wanted.items()}

    def check_usage_variance(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        for order, amounts in wanted.items():
            cost = order_cost(self._cost_object(str(order)))
            found = {cost.items[variance.item].code: variance.amount for variance in cost.variances}
            assert {item: found[item] for item in amounts} == {item: number(one) for item, one in amounts.items()}

    def check_lines(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        for line, given in wanted.items():
            key, path = str(line).split("/", 1)
            fields = {name: number(value) for name, value in given.items()}
            require_built([name for name in fields if fields[name]], USE_FIELDS, f"lines: {line}")
            found = self._use(key, path)
            assert found == {name: fields.get(name, ZERO) for name in USE_FIELDS}, f"line {line}: {found}"

    def _use(self, key: str, path: str) -> dict[str, Decimal]:
        """Return the use that one booking assumed of one line and its outcome, in the component's stock unit."""
        posting = posting_keyed(self.site, key)
        own = Movement.objects.filter(posting=posting, line__path=path, reverses__isnull=True).first()
        if own is None:
            return dict.fromkeys(USE_FIELDS, ZERO)
        explained = explain(self.site, own.pk)
        became = {name: getattr(explained.outcome, name) for name in USE_FIELDS if name != "assumed"}
        return {"assumed": explained.use.quantity, **became}

    def _cost_object(self, order: str) -> CostObject:
        found = CostObject.objects.filter(site=self.site, number=order, kind=CostObjectKind.WORKS_ORDER).first()
        return found or CostObject.objects.get(site=self.site, purchase_line__order__number=order)


class BulkWorld(World):
    """A plant whose bookings, receipts and productions are sent as a stream; those in a row are posted together."""

    def __init__(self, case: Case) -> None:
        self._stream: list[Report] = []
        super().__init__(case)

    def do(self, step: Mapping[str, Any]) -> None:
        """Carry out one step; a booking without an expectation is only collected and sent with the next ones."""
        if len(step) > 1 or not step.keys() <= REPORTED:
            self.send()
        super().do(step)

    def check(self, expect: Mapping[str, Any]) -> None:
        """Send the collected bookings, then compare the state with what the case expects."""
        self.send()
        super().check(expect)

    def _refused(self, name: str, operation: Callable[[], object], code: str) -> None:
        def booked() -> None:
            operation()
            self.send()

        super()._refused(name, booked, code)

    def _report(self, report: Report) -> None:
        self._stream.append(report)

    def send(self) -> None:
        """Post the collected bookings and raise the first refusal among them."""
        lines, self._stream = [StreamLine(number, one) for number, one in enumerate(self._stream, 1)], []
        for outcome in Booker(KINDS, self.site, self.by).book(lines, chunk=3):
            for refusal in outcome.refusals:
                raise refusal


def _shown(movement: Movement) -> tuple[Any, ...]:
    row = (movement.item.code, movement.source.path, movement.target.path, movement.quantity, movement.status)
    return row if movement.due is None else (*row, movement.due, movement.reason)


def _normal(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(number(value) if isinstance(value, int | Decimal) else str(value) for value in row)


def _arguments(name: str, fields: Any) -> dict[str, Any]:
    """Return the fields of a step as keyword arguments of its operation."""
    if fields is None:
        return {}
    named = dict(fields) if isinstance(fields, Mapping) else {SCALAR[name]: fields}
    renamed = {"from": "from_"} if name not in SCALAR else {"number": "order"}
    if name == "reverse":
        renamed = {"key": "of"}
    return {renamed.get(field, field): value for field, value in named.items()}


ALONE: Mapping[type[Report], Callable[..., object]] = {
    BookingIn: book_production,
    ProductionIn: produce,
    ReceiptIn: receive,
}
REPORTED = {"book", "produce", "receive"}
SCALAR = {"release": "order", "complete_order": "order", "reset_order": "order", "reverse": "of"}
OPERATIONS: dict[str, Callable[..., None]] = {
    "works_order": World.works_order,
    "release": World.release,
    "complete_order": World.complete_order,
    "reset_order": World.reset_order,
    "book": World.book,
    "produce": World.produce,
    "purchase_order": World.purchase_order,
    "receive": World.receive,
    "issue": World.issue,
    "return": World.return_,
    "move": World.move,
    "resolve": World.resolve,
    "cancel": World.cancel,
    "retry": World.retry,
    "reverse": World.reverse,
    "count": World.count,
    "close_period": World.close_period,
    "reopen_period": World.reopen_period,
    "standard_cost": World.standard_cost,
    "structure": World.structure,
    "rule": World.rule,
}
CHECKS: dict[str, Callable[..., None]] = {
    "movements": World.check_movements,
    "balances": World.check_balances,
    "orders": World.check_orders,
    "unresolved": World.check_unresolved,
    "material_cost": World.check_material_cost,
    "usage_variance": World.check_usage_variance,
    "lines": World.check_lines,
    "counts": World.check_counts,
}
USE_FIELDS = ("assumed", "moved", "unresolved", "cancelled", "dropped")
