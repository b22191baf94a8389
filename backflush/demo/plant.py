"""The set-up of Northmoor Trailers: stock map, items, structures and people.

The tables come first, then the few lines that pass them to the services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from backflush.core.refusals import AlreadyThere, DateInFuture
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.items.models import Item, TypeCode, Unit
from backflush.items.services import (
    ConversionIn,
    ItemIn,
    add_conversions,
    add_items,
    add_product_group,
    add_type_code,
    add_unit,
)
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role, known_user
from backflush.stockmap.models import Action, Location, ShortRule, Site, Store
from backflush.stockmap.selectors import day_at, event_time
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

SITE = "NORTHMOOR"
TIME_ZONE = "Europe/London"
BEGINNING = -140
"""The day of the opening stock, counted from today."""

PEOPLE = {"rosa": ("Rosa", "Marsh"), "jan": ("Jan", "Osei"), "ken": ("Ken", "Ibbotson"), "ama": ("Ama", "Dunn")}
ROLES = {
    "rosa": (Role.STORES,),
    "jan": (Role.SUPERVISOR, Role.ENGINEER),
    "ken": (Role.OPERATOR,),
    "ama": (Role.ADMINISTRATOR,),
}
"""Rosa keeps the stores, Jan and Ken run the lines, Ama plans and buys."""

STORES = {"MAIN": "Mill Road", "TYNE": "Tyne Plating", "CALDER": "Calder Sewing"}
COUNT_TOLERANCE = ToleranceIn(quantity_up=Decimal(5), quantity_down=Decimal(5), approval_value=Decimal(10))
OUTSIDE = {"MAIN/WIP", "MAIN/BOUGHT", "MAIN/CUSTOMER", "MAIN/ADJUST", "TYNE/USED"}
LOCATIONS = {
    "MAIN/RAW": "Raw material store",
    "MAIN/LINE-A": "Frame line",
    "MAIN/LINE-B": "Assembly line",
    "MAIN/RACK": "Small parts rack, in bins",
    "MAIN/FG": "Finished goods",
    "MAIN/QUAR": "Quarantine",
    "MAIN/WIP": "Work in progress",
    "MAIN/BOUGHT": "Suppliers",
    "MAIN/CUSTOMER": "Customers",
    "MAIN/ADJUST": "Adjustments",
    "TYNE/STOCK": "Free-issue stock at Tyne Plating",
    "TYNE/USED": "Used by sub-contractors",
    "CALDER/STOCK": "Free-issue stock at Calder Sewing",
}
BINS = {"MAIN/RACK": ("R-01", "R-02", "R-03", "R-04")}
SUPPLIERS = {
    "TYNE": "Tyne Plating",
    "CALDER": "Calder Sewing",
    "HALLAM": "Hallam Steel",
    "ORDELL": "Ordell Fasteners",
    "PENNINE": "Pennine Cycle Parts",
    "KESTREL": "Kestrel Coatings",
    "BRIGHT": "Bright Packaging",
}
SUPPLIER_STOCK = {"TYNE": "TYNE/STOCK", "CALDER": "CALDER/STOCK"}

ACTIONS: dict[str, tuple[str, str, Sequence[tuple[str, str]]]] = {
    "RECEIVE": ("receive", "Bought goods into the store", [("MAIN/BOUGHT", "MAIN/RAW")]),
    "RCV-SUB": ("receive", "Plated lugs straight to the frame line", [("MAIN/BOUGHT", "MAIN/LINE-A")]),
    "RCV-LINE-B": ("receive", "Tracker modules to the locked cabinet at line B", [("MAIN/BOUGHT", "MAIN/LINE-B")]),
    "REPLENISH": (
        "manual",
        "From the store to the lines",
        [("MAIN/RAW", "MAIN/LINE-A"), ("MAIN/RAW", "MAIN/LINE-B"), ("MAIN/RAW", "MAIN/RACK")],
    ),
    "QUARANTINE": ("manual", "Out of use", [("MAIN/LINE-A", "MAIN/QUAR"), ("MAIN/LINE-B", "MAIN/QUAR")]),
    "WRITE-OFF": ("manual", "Scrapped from quarantine", [("MAIN/QUAR", "MAIN/ADJUST")]),
    "SEND": (
        "manual",
        "Free-issue stock to a sub-contractor",
        [("MAIN/RAW", "TYNE/STOCK"), ("MAIN/RAW", "CALDER/STOCK")],
    ),
    "SEND-BACK": (
        "manual",
        "Free-issue stock back from a sub-contractor",
        [("TYNE/STOCK", "MAIN/RAW"), ("CALDER/STOCK", "MAIN/RAW")],
    ),
    "ISSUE": ("issue", "By hand to a works order", [("MAIN/RAW", "MAIN/WIP")]),
    "RETURN": ("return", "By hand from a works order", [("MAIN/WIP", "MAIN/RAW")]),
    "BACKFLUSH": ("backflush", "Frame line, assumed", [("MAIN/LINE-A", "MAIN/WIP")]),
    "ASSYFLUSH": ("backflush", "Assembly line, assumed", [("MAIN/LINE-B", "MAIN/WIP")]),
    "PACKFLUSH": (
        "backflush",
        "Packing, assumed; the available part moves, the rest waits",
        [("MAIN/LINE-B", "MAIN/WIP")],
    ),
    "SUBFLUSH": ("backflush", "At the sub-contractor, assumed", [("TYNE/STOCK", "TYNE/USED")]),
    "COMPLETE": ("completion", "Made for the next line", [("MAIN/WIP", "MAIN/LINE-B")]),
    "FINISH": ("completion", "Made for the customer", [("MAIN/WIP", "MAIN/FG")]),
    "DESPATCH": ("despatch", "To the customer", [("MAIN/FG", "MAIN/CUSTOMER")]),
}
IN_PARTS = {"PACKFLUSH"}
RECEIVE_ACTION = "RECEIVE"

TYPE_CODES: dict[str, tuple[str, dict[str, str]]] = {
    "MADE": (
        "Made on the frame line",
        {"completion": "COMPLETE", "backflush": "BACKFLUSH", "issue": "ISSUE", "return_action": "RETURN"},
    ),
    "WHEEL": (
        "Built beside the assembly line",
        {"completion": "COMPLETE", "backflush": "ASSYFLUSH", "issue": "ISSUE", "return_action": "RETURN"},
    ),
    "TRAILER": (
        "Assembled from what the other lines make",
        {"completion": "FINISH", "backflush": "ASSYFLUSH", "issue": "ISSUE", "return_action": "RETURN"},
    ),
    "KIT": ("Packed without an order", {"completion": "FINISH", "backflush": "PACKFLUSH"}),
    "ONEOFF": (
        "Made to drawing, nothing assumed",
        {"completion": "FINISH", "issue": "ISSUE", "return_action": "RETURN"},
    ),
    "OUTSIDE": ("Made by a sub-contractor from our material", {"backflush": "SUBFLUSH"}),
    "BOUGHT": ("Bought in", {}),
}

UNITS = {
    "EA": "each",
    "M": "metre",
    "KG": "kilogram",
    "G": "gram",
    "DOZ": "dozen",
    "LEN": "length of tube",
    "DRUM": "drum",
    "ROLL": "roll",
}
CONVERSIONS: Sequence[tuple[str | None, str, str, int]] = (
    (None, "KG", "G", 1000),
    (None, "DOZ", "EA", 12),
    ("TB-25", "LEN", "M", 6),
    ("PNT-5010", "DRUM", "KG", 25),
    ("CVR-BLU", "ROLL", "M", 50),
)


@dataclass(frozen=True, slots=True)
class Thing:
    """An item as this table writes it: `material` and `outside` are standard costs, `latest` is the latest material
    cost."""

    description: str
    cls: str
    type_code: str = "BOUGHT"
    unit: str = "EA"
    decimals: int = 0
    material: str = "0"
    latest: str = ""
    outside: str = "0"
    labour: str = "0"
    tracking: str = "none"
    abc: str = "C"
    group: str = "PARTS"


GROUPS = {
    "TRAILERS": "Trailers and kits",
    "MAKE": "Made for the trailers",
    "PARTS": "Bought parts",
    "MATERIAL": "Material",
}
ITEMS = {
    "TR-200": Thing(
        "Cargo trailer", "M", "TRAILER", material="82.9331", outside="1.98", labour="38", abc="A", group="TRAILERS"
    ),
    "TR-220": Thing(
        "Cargo trailer, covered",
        "M",
        "TRAILER",
        material="66.1131",
        outside="5.18",
        labour="44",
        abc="A",
        group="TRAILERS",
    ),
    "KIT-TIE": Thing("Tie-down kit", "K", "KIT", material="2.50", outside="0.70", abc="B", group="TRAILERS"),
    "SPC-1": Thing(
        "Show trailer, to drawing",
        "M",
        "ONEOFF",
        material="160",
        labour="220",
        group="TRAILERS",
    ),
    "FR-200": Thing(
        "Frame, painted", "M", "MADE", material="21.1131", outside="1.98", labour="9.50", abc="A", group="MAKE"
    ),
    "WHL-20": Thing("Wheel 20 inch", "M", "WHEEL", material="11.88", labour="3.20", abc="A", group="MAKE"),
    "WHL-24": Thing("Wheel 24 inch", "M", "WHEEL", material="12.68", labour="3.20", group="MAKE"),
    "BRK-SET": Thing("Bracket set", "P", material="2.40", group="MAKE"),
    "LUG-6": Thing("Lug, plated", "S", "OUTSIDE", material="0.42", outside="0.33", abc="B", group="MAKE"),
    "HK-6": Thing("Hook, plated", "S", "OUTSIDE", material="0.474", outside="0.35", group="MAKE"),
    "CVR-220": Thing("Cover, sewn", "S", "OUTSIDE", material="10.88", outside="3.20", abc="B", group="MAKE"),
    "TB-25": Thing(
        "Tube 25 \N{MULTIPLICATION SIGN} 2 mm",
        "B",
        unit="M",
        decimals=3,
        material="4.00",
        latest="4.12",
        abc="A",
        group="MATERIAL",
    ),
    "PNT-5010": Thing(
        "Powder paint", "B", unit="KG", decimals=2, material="12.50", latest="12.84", abc="A", group="MATERIAL"
    ),
    "CVR-BLU": Thing(
        "Cover fabric, blue",
        "B",
        unit="M",
        decimals=2,
        material="6.80",
        abc="A",
        group="MATERIAL",
    ),
    "ADH-330": Thing(
        "Adhesive",
        "B",
        unit="KG",
        decimals=2,
        material="18.50",
        tracking="batch",
        group="MATERIAL",
    ),
    "CHM-20": Thing("Passivation salt", "B", unit="KG", decimals=2, material="22.80", group="MATERIAL"),
    "RING-40": Thing("Ring blank", "B", material="0.42", abc="B"),
    "HK-8": Thing("Hook blank", "B", material="0.36"),
    "BLT-M8": Thing("Bolt M8 \N{MULTIPLICATION SIGN} 40", "B", material="0.09", latest="0.095"),
    "BRK-L": Thing("Bracket", "B", material="1.20", abc="B"),
    "PLT-ID": Thing("Name plate", "B", material="0.35"),
    "RIM-20": Thing("Rim", "B", material="5.40", latest="5.55", abc="A"),
    "RIM-24": Thing("Rim 24 inch", "B", material="6.20"),
    "SPK-238": Thing("Spoke 238 mm", "B", material="0.03"),
    "HUB-12": Thing("Hub", "B", material="3.10", abc="B"),
    "BRG-6001": Thing("Bearing 6001", "B", material="1.15", abc="B"),
    "AXL-12": Thing("Axle 12 mm", "B", material="4.60", abc="A"),
    "TIE-4": Thing("Lashing strap", "B", material="0.55"),
    "GPS-1": Thing("Tracker module", "B", material="21.00", latest="19.80", tracking="serial", abc="A"),
    "CTN-XL": Thing("Carton, large", "B", material="2.10"),
    "CTN-S": Thing("Carton, small", "B", material="0.452"),
    "THR-40": Thing("Sewing thread", "B", unit="M", decimals=1, material="0.01", group="MATERIAL"),
}


@dataclass(frozen=True, slots=True)
class DemoLine:
    """A structure line as this table writes it; `starts` and `ends` are days counted from today."""

    number: int
    component: str
    quantity: str
    unit: str = ""
    waste: str = "0"
    fixed: str = "0"
    by_hand: bool = False
    supplier_provides: bool = False
    source: str = ""
    starts: int | None = None
    ends: int | None = None


STRUCTURES: dict[str, Sequence[DemoLine]] = {
    "FR-200": (
        DemoLine(10, "TB-25", "3.2"),
        DemoLine(20, "LUG-6", "6"),
        DemoLine(30, "PNT-5010", "150", "G", waste="4"),
        DemoLine(40, "BLT-M8", "6", ends=-71),
        DemoLine(40, "BLT-M8", "8", starts=-70),
        DemoLine(50, "BRK-SET", "1"),
        DemoLine(60, "ADH-330", "20", "G"),
        DemoLine(70, "PLT-ID", "1", by_hand=True),
    ),
    "BRK-SET": (DemoLine(10, "BRK-L", "2"),),
    "LUG-6": (DemoLine(10, "RING-40", "1"),),
    "HK-6": (DemoLine(10, "HK-8", "1"), DemoLine(20, "CHM-20", "5", "G")),
    "CVR-220": (DemoLine(10, "CVR-BLU", "1.60", fixed="0.40"), DemoLine(20, "THR-40", "24", supplier_provides=True)),
    "WHL-20": (
        DemoLine(10, "RIM-20", "1"),
        DemoLine(20, "SPK-238", "36", source="MAIN/RACK"),
        DemoLine(30, "HUB-12", "1"),
        DemoLine(40, "BRG-6001", "2"),
    ),
    "WHL-24": (
        DemoLine(10, "RIM-24", "1"),
        DemoLine(20, "SPK-238", "36", source="MAIN/RACK"),
        DemoLine(30, "HUB-12", "1"),
        DemoLine(40, "BRG-6001", "2"),
    ),
    "TR-200": (
        DemoLine(10, "FR-200", "1"),
        DemoLine(20, "WHL-20", "2"),
        DemoLine(30, "AXL-12", "1"),
        DemoLine(40, "CVR-BLU", "1.20"),
        DemoLine(50, "TIE-4", "4"),
        DemoLine(60, "GPS-1", "1"),
        DemoLine(70, "CTN-XL", "1"),
    ),
    "TR-220": (
        DemoLine(10, "FR-200", "1"),
        DemoLine(20, "WHL-20", "2"),
        DemoLine(30, "AXL-12", "1"),
        DemoLine(40, "CVR-220", "1"),
        DemoLine(50, "TIE-4", "6"),
        DemoLine(60, "CTN-XL", "1", fixed="1"),
        DemoLine(70, "BLT-M8", "4", source="MAIN/LINE-A"),
    ),
    "KIT-TIE": (DemoLine(10, "TIE-4", "2"), DemoLine(20, "HK-6", "2"), DemoLine(30, "CTN-S", "1")),
}
"""Fixed quantities: one carton is spoilt when the strapping machine is set up, and a roll of fabric has a leader."""


@dataclass(frozen=True)
class DemoPlant:
    """The plant: its site, its people, and the day from which the story counts."""

    site: Site
    people: Mapping[str, User]
    today: date

    def day(self, offset: int) -> date:
        """Return a day of the story; -1 is yesterday."""
        return self.today + timedelta(days=offset)

    def moment(self, offset: int, clock: str) -> datetime:
        """Return a time of the story in the plant's time zone."""
        return datetime.combine(self.day(offset), time.fromisoformat(clock), ZoneInfo(TIME_ZONE))


def require_empty() -> None:
    """Refuse a database that holds a plant: the demo needs a database of its own."""
    if Site.objects.exists() or Item.objects.exists():
        raise AlreadyThere(
            (
                "This database has data already. Create the demo plant in another one: set DATABASE_URL, "
                "for example to sqlite:///demo.sqlite3."
            ),
            field="site",
        )


def set_up(*, today: date | None = None) -> DemoPlant:
    """Set up the plant without stock in an empty database. `today` is the current day unless given."""
    require_empty()
    site = add_site(code=SITE, name="Northmoor Trailers", time_zone=TIME_ZONE)
    plant = DemoPlant(site, _people(site), _story_day(site, today))
    locations = _stockmap(site)
    actions = _actions(site, locations)
    units = {code: add_unit(code=code, name=name) for code, name in UNITS.items()}
    items = _items(units, _type_codes(actions))
    add_conversions(_conversions(units, items))
    set_structures(
        {
            items[code]: [_line(plant, part, units, items, locations) for part in parts]
            for code, parts in STRUCTURES.items()
        }
    )
    return plant


def _story_day(site: Site, today: date | None) -> date:
    present = day_at(site, event_time(site, None))
    if today is not None and today > present:
        raise DateInFuture("The demo can't end after today, {today}.", today=present, field="today")
    return today or present


def _people(site: Site) -> dict[str, User]:
    """Create the users with their roles. None has a password yet."""
    people = {
        name: known_user(name=f"{first}.{last}".lower(), first_name=first, last_name=last)
        for name, (first, last) in PEOPLE.items()
    }
    for name, roles in ROLES.items():
        for role in roles:
            give_role(user=people[name], site=site, role=role)
    return people


def _stockmap(site: Site) -> dict[str, Location]:
    suppliers = {code: add_supplier(code=code, name=name) for code, name in SUPPLIERS.items()}
    stores: dict[str, Store] = {
        code: add_store(site=site, code=code, description=description) for code, description in STORES.items()
    }
    locations = {path: _location(stores, path, description) for path, description in LOCATIONS.items()}
    for path, bins in BINS.items():
        for code in bins:
            add_bin(location=locations[path], code=code)
    for supplier, path in SUPPLIER_STOCK.items():
        set_supplier_stock(supplier=suppliers[supplier], location=locations[path])
    return locations


def _location(stores: Mapping[str, Store], path: str, description: str) -> Location:
    store, code = path.split("/")
    return add_location(
        store=stores[store],
        code=code,
        description=description,
        has_balance=path not in OUTSIDE,
        bin_controlled=path in BINS,
    )


def _actions(site: Site, locations: Mapping[str, Location]) -> dict[str, Action]:
    actions = {}
    for name, (type, description, rules) in ACTIONS.items():
        short = ShortRule.PART if name in IN_PARTS else ShortRule.WHOLE
        actions[name] = add_action(name=name, type=type, description=description, short=short)
        for source, target in rules:
            add_rule(action=actions[name], source=locations[source], target=locations[target])
    set_receive_action(site=site, action=actions[RECEIVE_ACTION])
    set_adjustment(site=site, location=locations["MAIN/ADJUST"])
    set_tolerances([COUNT_TOLERANCE], site=site)
    return actions


def _type_codes(actions: Mapping[str, Action]) -> dict[str, TypeCode]:
    return {
        code: add_type_code(
            code=code, description=description, **{place: actions[name] for place, name in places.items()}
        )
        for code, (description, places) in TYPE_CODES.items()
    }


def _items(units: Mapping[str, Unit], type_codes: Mapping[str, TypeCode]) -> dict[str, Item]:
    groups = {code: add_product_group(code=code, description=description) for code, description in GROUPS.items()}
    made = add_items(
        [
            ItemIn(
                code=code,
                description=thing.description,
                component_class=thing.cls,
                type_code=type_codes[thing.type_code],
                stock_unit=units[thing.unit],
                product_group=groups[thing.group],
                quantity_decimals=thing.decimals,
                tracking=thing.tracking,
                abc_class=thing.abc,
                costs=_costs(thing),
            )
            for code, thing in ITEMS.items()
        ]
    )
    return {item.code: item for item in made}


def _costs(thing: Thing) -> dict[str, Decimal]:
    standard = {"material": thing.material, "outside": thing.outside, "labour": thing.labour}
    latest = {**standard, "material": thing.latest or thing.material}
    return {f"standard_{element}": Decimal(cost) for element, cost in standard.items()} | {
        f"latest_{element}": Decimal(cost) for element, cost in latest.items()
    }


def _conversions(units: Mapping[str, Unit], items: Mapping[str, Item]) -> Sequence[ConversionIn]:
    return [
        ConversionIn(units[source], units[target], Fraction(ratio), items[item] if item else None)
        for item, source, target, ratio in CONVERSIONS
    ]


def _line(
    plant: DemoPlant,
    part: DemoLine,
    units: Mapping[str, Unit],
    items: Mapping[str, Item],
    locations: Mapping[str, Location],
) -> LineIn:
    component = items[part.component]
    return LineIn(
        number=part.number,
        component=component,
        quantity=Decimal(part.quantity),
        unit=units[part.unit] if part.unit else component.stock_unit,
        waste=Decimal(part.waste),
        fixed=Decimal(part.fixed),
        by_hand=part.by_hand,
        supplier_provides=part.supplier_provides,
        source=locations[part.source] if part.source else None,
        starts=None if part.starts is None else plant.day(part.starts),
        ends=None if part.ends is None else plant.day(part.ends),
    )
