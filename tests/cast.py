"""The plant that most tests use, with the same few people and items.

    plant.has(5, "BOLT", at="LINE")
    plant.books(2, "BRACKET")                    # each bracket takes four bolts
    assert plant.waiting() == ["BOLT 8 short"]

Everything goes through the services that the doors use. Locations have short names: LINE is MAIN/LINE, and the
sub-contractor's are ACME/STOCK and ACME/USED. The set-up is committed once for each worker and database
(`Plant.build`); changes of a test are rolled back.

    BRACKET   made       4 BOLT
    FRAME     made       3.2 M of TUBE, 6 LUG, 150 G of PAINT (4 % waste)
    CABINET   made       2 PANEL (a phantom: 2 SHEET, 6 BOLT), 1 MOTOR (serial), 0.5 KG of RESIN (batch)
    TRAY      made       10 LUG, posted in part
    CRATE     made       3 LUG from the rack, which has bins R1 and R2
    PLATED    S          4 LUG, free-issued to ACME
    PACK      kit        8 BOLT, 2 LUG
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import Preview
from backflush.booking_kinds import preview_report
from backflush.core.moves import Tracking
from backflush.core.quantity import written
from backflush.counts.models import StockCount
from backflush.counts.services import CountIn, enter_counts
from backflush.handling.moves import MoveIn, OpeningIn, move_stock, open_stock, reverse
from backflush.items.models import Item, TypeCode
from backflush.items.selectors import item_coded, unit_coded
from backflush.items.services import ConversionIn, ItemIn, add_conversions, add_items, add_type_code, add_unit
from backflush.ledger.models import CostObject, Movement, Posting
from backflush.ledger.selectors import total_at, waiting_movements
from backflush.people.services import known_user
from backflush.stockmap.models import Action, Location, Site
from backflush.stockmap.selectors import action_named, location_at, site_named, supplier_named
from backflush.stockmap.services import (
    add_action,
    add_bin,
    add_location,
    add_rule,
    add_site,
    add_store,
    add_supplier,
    set_adjustment,
    set_complete_when_full,
    set_receive_action,
    set_supplier_stock,
)
from backflush.structures.services import LineIn, set_structure
from backflush.subcontract.receipts import ReceiptIn, receive
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, place_order
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.models import Settlement
from backflush.unresolved.resolution import ResolveIn, resolve
from backflush.unresolved.retry import retry
from backflush.works.material_issue import IssueIn, issue, return_material
from backflush.works.models import WorksOrder
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.orders import OrderIn, create_order
from backflush.works.services.production_without_order import ProductionIn, produce
from backflush.works.services.transitions import release_order

Number = Decimal | int | str
When = datetime | date | None

DAY = date(2026, 3, 2)
YEARS_AGO = date(2000, 1, 1)
PLENTY = 1_000_000

UNITS = ("EA", "KG", "G", "M", "MM", "BOX")
CONVERSIONS = (("KG", "G", 1000), ("M", "MM", 1000))
# Store, location, and its kind: with balances, outside, or with bins.
LOCATIONS = {
    "RAW": "balances",
    "LINE": "balances",
    "FG": "balances",
    "RACK": "bins",
    "WIP": "outside",
    "BOUGHT": "outside",
    "ADJUST": "outside",
    "ACME/STOCK": "balances",
    "ACME/USED": "outside",
}
BINS = ("R1", "R2")
ACTIONS = (
    ("COMPLETE", "completion", "whole", [("WIP", "FG")]),
    ("BACKFLUSH", "backflush", "whole", [("LINE", "WIP")]),
    ("PARTFLUSH", "backflush", "part", [("LINE", "WIP")]),
    ("RACKFLUSH", "backflush", "whole", [("RACK", "WIP")]),
    ("SUBFLUSH", "backflush", "whole", [("ACME/STOCK", "ACME/USED")]),
    ("ISSUE", "issue", "whole", [("RAW", "WIP")]),
    ("RETURN", "return", "whole", [("WIP", "RAW")]),
    ("RECEIVE", "receive", "whole", [("BOUGHT", "FG")]),
    ("REPLENISH", "manual", "whole", [("RAW", "LINE"), ("LINE", "RAW")]),
    ("SEND", "manual", "whole", [("RAW", "ACME/STOCK")]),
    ("RACK UP", "manual", "whole", [("RAW", "RACK"), ("RACK", "RAW")]),
    ("ADJUST", "manual", "whole", [("ADJUST", "LINE"), ("LINE", "ADJUST"), ("FG", "ADJUST")]),
)
TYPE_CODES: dict[str, dict[str, str]] = {
    "MADE": {"completion": "COMPLETE", "backflush": "BACKFLUSH", "issue": "ISSUE", "return_action": "RETURN"},
    "PARTLY": {"completion": "COMPLETE", "backflush": "PARTFLUSH", "issue": "ISSUE", "return_action": "RETURN"},
    "RACKED": {"completion": "COMPLETE", "backflush": "RACKFLUSH", "issue": "ISSUE", "return_action": "RETURN"},
    "BYHAND": {"completion": "COMPLETE", "issue": "ISSUE", "return_action": "RETURN"},
    "SUBCON": {"backflush": "SUBFLUSH"},
    "BOUGHT": {},
}
# Code, class, type code, unit, decimals, tracking, standard material cost.
ITEMS = (
    ("BOLT", "B", "BOUGHT", "EA", 0, Tracking.NONE, "0.10"),
    ("LUG", "B", "BOUGHT", "EA", 0, Tracking.NONE, "0.75"),
    ("TUBE", "B", "BOUGHT", "M", 3, Tracking.NONE, "4"),
    ("PAINT", "B", "BOUGHT", "KG", 3, Tracking.NONE, "12.50"),
    ("SHEET", "B", "BOUGHT", "EA", 0, Tracking.NONE, "7"),
    ("MOTOR", "B", "BOUGHT", "EA", 0, Tracking.SERIAL, "90"),
    ("RESIN", "B", "BOUGHT", "KG", 3, Tracking.BATCH, "8"),
    ("BRACKET", "M", "MADE", "EA", 0, Tracking.NONE, "0"),
    ("FRAME", "M", "MADE", "EA", 0, Tracking.NONE, "0"),
    ("PANEL", "P", "BOUGHT", "EA", 0, Tracking.NONE, "0"),
    ("CABINET", "M", "MADE", "EA", 0, Tracking.NONE, "0"),
    ("TRAY", "M", "PARTLY", "EA", 0, Tracking.NONE, "0"),
    ("CRATE", "M", "RACKED", "EA", 0, Tracking.NONE, "0"),
    ("PLATED", "S", "SUBCON", "EA", 0, Tracking.NONE, "0"),
    ("PACK", "K", "MADE", "EA", 0, Tracking.NONE, "0"),
)
STRUCTURES: dict[str, list[tuple[Any, ...]]] = {
    "BRACKET": [(10, "BOLT", 4)],
    "FRAME": [(10, "TUBE", "3.2"), (20, "LUG", 6), (30, "PAINT", 150, "G", 4)],
    "PANEL": [(10, "SHEET", 2), (20, "BOLT", 6)],
    "CABINET": [(10, "PANEL", 2), (20, "MOTOR", 1), (30, "RESIN", "0.5")],
    "TRAY": [(10, "LUG", 10)],
    "CRATE": [(10, "LUG", 3)],
    "PLATED": [(10, "LUG", 4)],
    "PACK": [(10, "BOLT", 8), (20, "LUG", 2)],
}


class Plant:
    """One plant, with methods named as its people would speak."""

    def __init__(self, site: Site | None = None) -> None:
        self.site = site or site_named()
        self.storekeeper = known_user(name="sam")

    @classmethod
    def build(cls, *, code: str = "MAIN", time_zone: str = "UTC") -> Self:
        """Set up the stock map, the items and the structures, without stock."""
        for name, type, short, _ in ACTIONS:
            add_action(name=name, type=type, short=short)
        add_supplier(code="ACME")
        plant = cls.build_site(code=code, time_zone=time_zone)
        for unit in UNITS:
            add_unit(code=unit)
        add_conversions([ConversionIn(unit_coded(a), unit_coded(b), Fraction(ratio)) for a, b, ratio in CONVERSIONS])
        for type_code, actions in TYPE_CODES.items():
            plant.type_code(type_code, **actions)
        for item, cls_, code_, unit, decimals, tracking, cost in ITEMS:
            plant.stocks(item, cls_, code_, unit, decimals, tracking=tracking, cost=cost)
        add_conversions([ConversionIn(unit_coded("BOX"), unit_coded("EA"), Fraction(12), item_coded("BRACKET"))])
        for item, lines in STRUCTURES.items():
            plant.consists(item, *(plant.line(*line) for line in lines))
        return plant

    @classmethod
    def build_site(cls, *, code: str, time_zone: str = "UTC") -> Self:
        """Add a site with the stores and rules that each site of the plant has; items and actions are common to all."""
        plant = cls(add_site(code=code, time_zone=time_zone))
        plant._lay_out()
        for name, _, _, rules in ACTIONS:
            for source, target in rules:
                add_rule(action=action_named(name), source=plant.location(source), target=plant.location(target))
        set_receive_action(site=plant.site, action=action_named("RECEIVE"))
        set_adjustment(site=plant.site, location=plant.location("ADJUST"))
        return plant

    def _lay_out(self) -> None:
        stores: dict[str, Any] = {}
        for name, kind in LOCATIONS.items():
            store, code = self.path(name).split("/")
            if store not in stores:
                stores[store] = add_store(site=self.site, code=store)
            location = add_location(
                store=stores[store], code=code, has_balance=kind != "outside", bin_controlled=kind == "bins"
            )
            for bin in BINS if kind == "bins" else ():
                add_bin(location=location, code=bin)

    # Queries

    @staticmethod
    def path(name: str) -> str:
        """Return the path of a location: LINE is MAIN/LINE."""
        return name if "/" in name or not name else f"MAIN/{name}"

    def location(self, name: str) -> Location:
        """Return a location by its short name."""
        return location_at(self.site, self.path(name))

    def balance(self, item: str, at: str = "LINE") -> Decimal:
        """Return the total balance of an item at a location."""
        return total_at(self.site, item_coded(item), self.location(at).pk)

    def waiting(self) -> list[str]:
        """Return the unresolved movements, oldest first, as "ITEM quantity reason"."""
        return [f"{one.item.code} {written(one.due or Decimal(0))} {one.reason}" for one in self.queue()]

    def queue(self, item: str = "") -> list[Movement]:
        """Return the unresolved movements of one item, or of all, oldest first."""
        found = waiting_movements(self.site)
        return list(found.filter(item__code=item) if item else found)

    def order(self, item: str) -> WorksOrder:
        """Return the works order of an item, read again."""
        return WorksOrder.objects.select_related("cost_object").get(site=self.site, number=self.order_number(item))

    def cost_object(self, item: str) -> CostObject:
        """Return the cost object of an item's works order."""
        return self.order(item).cost_object

    @staticmethod
    def order_number(item: str) -> str:
        """Return W-ITEM, or the given name if it contains a dash, because it is then an order number."""
        return item if "-" in item else f"W-{item}"

    # Set-up

    def stocks(
        self,
        code: str,
        component_class: str = "B",
        type_code: str = "BOUGHT",
        unit: str = "EA",
        decimals: int = 0,
        *,
        tracking: str = Tracking.NONE,
        cost: Number = 1,
        obsolete_on: date | None = None,
    ) -> Item:
        """Add an item."""
        asked = ItemIn(
            code=code,
            component_class=component_class,
            type_code=TypeCode.objects.get(code=type_code),
            stock_unit=unit_coded(unit),
            quantity_decimals=decimals,
            tracking=tracking,
            obsolete_on=obsolete_on,
            costs={"standard_material": Decimal(cost)},
        )
        return add_items([asked])[0]

    def line(
        self,
        number: int,
        item: str,
        quantity: Number,
        unit: str = "",
        waste: Number = 0,
        *,
        fixed: Number = 0,
        source: str = "",
        **more: Any,
    ) -> LineIn:
        """Return the input for a structure line."""
        component = item_coded(item)
        return LineIn(
            number=number,
            component=component,
            quantity=Decimal(quantity),
            unit=unit_coded(unit) if unit else component.stock_unit,
            waste=Decimal(waste),
            fixed=Decimal(fixed),
            source=self.location(source) if source else None,
            **more,
        )

    def consists(self, item: str, *lines: LineIn) -> None:
        """Replace an item's structure."""
        set_structure(item=item_coded(item), lines=lines)

    def has(
        self,
        quantity: Number,
        item: str,
        at: str = "LINE",
        *,
        bin: str = "",
        batch: str = "",
        serials: Sequence[str] = (),
    ) -> None:
        """Post opening stock."""
        heaps = [(Decimal(1), serial) for serial in serials] or [(Decimal(quantity), "")]
        thing, location = item_coded(item), self.location(at)
        openings = [
            OpeningIn(item=thing, location=location, quantity=some, bin=bin, batch=batch, serial=serial)
            for some, serial in heaps
        ]
        open_stock(openings, site=self.site, by=self.storekeeper, at=YEARS_AGO)

    def orders(self, quantity: Number, item: str, *, number: str = "", at: date = DAY, unit: str = "") -> str:
        """Create a works order without releasing it, and return its number."""
        asked = OrderIn(
            number=number or self.order_number(item), item=item, quantity=Decimal(quantity), unit=unit, start_date=at
        )
        return create_order(asked, site=self.site, by=self.storekeeper).number

    def releases(self, quantity: Number, item: str, **more: Any) -> str:
        """Create and release a works order."""
        number = self.orders(quantity, item, **more)
        release_order(site=self.site, number=number, by=self.storekeeper)
        return number

    def buys(
        self,
        quantity: Number,
        item: str,
        *,
        number: str = "",
        at: date = DAY,
        unit: str = "",
        supplier: str = "ACME",
        receive_action: str = "",
    ) -> str:
        """Place a purchase order with one line, and return its number."""
        line = PurchaseLineIn(item=item, quantity=Decimal(quantity), unit=unit)
        order = PurchaseOrderIn(
            number=number or f"P-{item}", supplier=supplier, lines=[line], placed_on=at, receive_action=receive_action
        )
        return place_order(order, site=self.site, by=self.storekeeper).number

    # Operations

    def books(self, good: Number, item: str, scrap: Number = 0, *, at: When = DAY, **more: Any) -> Booking:
        """Book production on an item's works order; create and release the order first if there is none."""
        return book_production(self.booking(good, item, scrap, at=at, **more), site=self.site, by=self.storekeeper)

    def booking(self, good: Number, item: str, scrap: Number = 0, *, at: When = DAY, **more: Any) -> BookingIn:
        """Return the report of production on a works order."""
        number = self.order_number(item)
        if not WorksOrder.objects.filter(site=self.site, number=number).exists():
            self.releases(1000, item)
        return BookingIn(order=number, good=Decimal(good), scrap=Decimal(scrap), at=at, **more)

    def foresees(self, good: Number, item: str, scrap: Number = 0, **more: Any) -> Preview:
        """Preview a booking."""
        return preview_report(self.booking(good, item, scrap, **more), site=self.site)

    def produces(self, good: Number, item: str, scrap: Number = 0, *, at: When = DAY, **more: Any) -> Booking:
        """Book production without an order."""
        return produce(self.production(good, item, scrap, at=at, **more), site=self.site, by=self.storekeeper)

    def production(self, good: Number, item: str, scrap: Number = 0, *, at: When = DAY, **more: Any) -> ProductionIn:
        """Return the report of production without an order."""
        return ProductionIn(item=item, good=Decimal(good), scrap=Decimal(scrap), at=at, **more)

    def foresees_production(self, good: Number, item: str, scrap: Number = 0, **more: Any) -> Preview:
        """Preview a production without order."""
        return preview_report(self.production(good, item, scrap, **more), site=self.site)

    def receives(self, accepted: Number, item: str, rejected: Number = 0, *, at: When = DAY, **more: Any) -> Booking:
        """Receive goods on an item's purchase order."""
        return receive(self.receipt(accepted, item, rejected, at=at, **more), site=self.site, by=self.storekeeper)

    def receipt(self, accepted: Number, item: str, rejected: Number = 0, *, at: When = DAY, **more: Any) -> ReceiptIn:
        """Return the report of a receipt."""
        order = item if "-" in item else f"P-{item}"
        return ReceiptIn(order=order, accepted=Decimal(accepted), rejected=Decimal(rejected), at=at, **more)

    def foresees_receipt(self, accepted: Number, item: str, rejected: Number = 0, **more: Any) -> Preview:
        """Preview a receipt."""
        return preview_report(self.receipt(accepted, item, rejected, **more), site=self.site)

    def issues(self, quantity: Number, item: str, to: str, *, at: When = DAY, **more: Any) -> Posting:
        """Issue by hand to the works order of an item."""
        asked = IssueIn(order=self.order_number(to), item=item, quantity=Decimal(quantity), at=at, **more)
        return issue(asked, site=self.site, by=self.storekeeper)

    def returns(self, quantity: Number, item: str, of: str, *, at: When = DAY, **more: Any) -> Posting:
        """Return by hand from the works order of an item."""
        asked = IssueIn(order=self.order_number(of), item=item, quantity=Decimal(quantity), at=at, **more)
        return return_material(asked, site=self.site, by=self.storekeeper)

    def moves(
        self,
        quantity: Number,
        item: str,
        source: str = "RAW",
        target: str = "LINE",
        *,
        action: str = "REPLENISH",
        at: When = DAY,
        **more: Any,
    ) -> Posting:
        """Move stock by hand along a rule."""
        return move_stock(
            MoveIn(
                action=action,
                item=item,
                quantity=Decimal(quantity),
                source=self.path(source),
                target=self.path(target),
                at=at,
                **more,
            ),
            site=self.site,
            by=self.storekeeper,
        )

    def finds(self, quantity: Number, item: str) -> Posting:
        """Move stock that was found into the line by hand."""
        return self.moves(quantity, item, "ADJUST", "LINE", action="ADJUST")

    def counts(self, quantity: Number, item: str, place: str = "LINE", *, at: When = DAY, **more: Any) -> StockCount:
        """Enter a count of an item at a location."""
        counted = CountIn(item=item, location=self.path(place), quantity=Decimal(quantity), at=at, **more)
        return enter_counts([counted], site=self.site, by=self.storekeeper)[0]

    def resolves(
        self, what: str | int, quantity: Number | None = None, *, source: str = "", at: When = None, **more: Any
    ) -> Settlement:
        """Resolve a movement, or the oldest unresolved one of an item."""
        return resolve(
            ResolveIn(
                movement=self._number(what),
                quantity=None if quantity is None else Decimal(quantity),
                source=self.path(source),
                at=at,
                **more,
            ),
            site=self.site,
            by=self.storekeeper,
        )

    def cancels(self, what: str | int, remarks: str = "not used", **more: Any) -> Settlement:
        """Cancel a movement, or the oldest unresolved one of an item."""
        return cancel(site=self.site, movements=[self._number(what)], remarks=remarks, by=self.storekeeper, **more)[0]

    def _number(self, what: str | int) -> int:
        return self.queue(what)[0].pk if isinstance(what, str) else what

    def retries(self, **more: Any) -> list[Settlement]:
        """Settle every unresolved movement that fits now."""
        return retry(site=self.site, by=self.storekeeper, **more)

    def reverses(self, what: Booking | Posting | Settlement, *, at: When = None, key: str = "") -> Posting:
        """Reverse a booking, a manual move, a resolution or a cancellation."""
        return self.reverses_number(what.pk if isinstance(what, Posting) else what.posting_id, at=at, key=key)

    def reverses_number(self, posting: int, *, at: When = None, key: str = "") -> Posting:
        """Reverse the posting with this number."""
        return reverse(site=self.site, posting=posting, by=self.storekeeper, at=at, key=key)

    def action(self, name: str, type: str, source: str, target: str) -> str:
        """Add an action with its rule, and return its name."""
        action = add_action(name=name, type=type)
        add_rule(action=action, source=self.location(source), target=self.location(target))
        return name

    def type_code(self, code: str, **actions: str) -> None:
        """Add a type code, with its actions by name."""
        add_type_code(
            code=code,
            completion=self._action(actions, "completion"),
            backflush=self._action(actions, "backflush"),
            issue=self._action(actions, "issue"),
            return_action=self._action(actions, "return_action"),
        )

    @staticmethod
    def _action(actions: Mapping[str, str], end: str) -> Action | None:
        return action_named(actions[end]) if end in actions else None

    def boxes(self, item: str, *, of: int) -> None:
        """Add a conversion from boxes to pieces for an item."""
        add_conversions([ConversionIn(unit_coded("BOX"), unit_coded("EA"), Fraction(of), item_coded(item))])

    def completes_when_full(self) -> None:
        """Let full orders complete themselves."""
        set_complete_when_full(site=self.site, on=True)

    def names_stock_of(self, supplier: str, at: str) -> None:
        """Set the supplier's own stock location."""
        set_supplier_stock(supplier=supplier_named(supplier), location=self.location(at))
