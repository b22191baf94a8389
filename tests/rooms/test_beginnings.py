"""The first site of an empty database, and ready-made set-ups: each is booked through as it stands."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backflush.beginnings.patterns import PATTERNS
from backflush.beginnings.services import PlantIn, begin_plant, pattern_named, take_over
from backflush.core.refusals import AlreadyThere, InvalidValue
from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.models import TypeCode, Unit
from backflush.items.services import ItemIn, add_items
from backflush.ledger.models import Movement
from backflush.ledger.selectors import balances
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.selectors import roles_of
from backflush.setup_check.selectors import examine
from backflush.stockmap.models import Location, Site, Store
from backflush.stockmap.selectors import location_at
from backflush.structures.services import LineIn, set_structure
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.orders import OrderIn, create_order
from backflush.works.services.transitions import release_order
from tests.databases import Database

PLANT = PlantIn(
    code="KELSO", name="Kelso Lamps", time_zone="Europe/London", person="nina", password="lantern-brass-94-quay"
)
MADE_BY = {"line": "MADE", "by-hand": "MADE-BY-HAND", "all": "MADE"}


@pytest.fixture
def begun(database: Database) -> Site:
    """A plant that has just begun."""
    return begin_plant(PLANT)[0]


def test_the_first_site_has_one_administrator_and_there_is_no_second_beginning(database: Database) -> None:
    site, user = begin_plant(PLANT)
    assert (site.code, site.name, site.time_zone) == ("KELSO", "Kelso Lamps", "Europe/London")
    assert roles_of(user, site) == [Role.ADMINISTRATOR]
    assert user.check_password(PLANT.password)
    with pytest.raises(AlreadyThere):
        begin_plant(PlantIn(code="OTHER", name="", time_zone="UTC", person="eve", password=PLANT.password))
    assert Site.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"password": "12345"}, "password"), ({"time_zone": "Mars/Base"}, "time_zone"), ({"person": ""}, "person")],
)
def test_a_refused_beginning_leaves_nothing(database: Database, wrong: dict[str, str], field: str) -> None:
    values = {name: getattr(PLANT, name) for name in ("code", "name", "time_zone", "person", "password")}
    with pytest.raises(InvalidValue) as refused:
        begin_plant(PlantIn(**{**values, **wrong}))
    assert refused.value.field == field
    assert not Site.objects.exists()


@pytest.mark.parametrize("name", PATTERNS)
def test_a_ready_made_set_up_is_complete_and_taken_over_once(begun: Site, name: str) -> None:
    done = take_over(begun, pattern_named(name))
    assert not done.kept
    begun.refresh_from_db()
    assert begun.adjustment is not None
    assert begun.receive_action is not None
    assert [str(finding.sentence) for finding in examine(begun)] == [
        "There are no items yet, so nothing can be booked."
    ]
    again = take_over(begun, pattern_named(name))
    assert (again.added, sorted(again.kept)) == ([], sorted(done.added))


def test_what_is_there_already_is_kept(begun: Site) -> None:
    take_over(begun, pattern_named("line"))
    Store.objects.filter(site=begun).update(description="Old mill")
    done = take_over(begun, pattern_named("all"))
    assert ("store", "MAIN") in done.kept
    assert ("store", "SUBCON") in done.added
    assert Store.objects.get(site=begun, code="MAIN").description == "Old mill"
    assert Location.objects.filter(site=begun, path="SUBCON/STOCK").exists()


@pytest.mark.parametrize("name", sorted(MADE_BY))
def test_production_can_be_booked_at_once(begun: Site, name: str) -> None:
    """The components are backflushed from the line, or wait for their issue by hand."""
    take_over(begun, pattern_named(name))
    user = User.objects.get(username="nina")
    unit, types = Unit.objects.get(code="EA"), {code.code: code for code in TypeCode.objects.all()}
    lamp, bulb = add_items(
        [
            ItemIn(code="LAMP", component_class="M", type_code=types[MADE_BY[name]], stock_unit=unit),
            ItemIn(code="BULB", component_class="B", type_code=types["BOUGHT"], stock_unit=unit),
        ]
    )
    set_structure(item=lamp, lines=[LineIn(number=10, component=bulb, quantity=Decimal(2), unit=unit)])
    source = location_at(begun, "MAIN/LINE" if name != "by-hand" else "MAIN/RAW")
    open_stock([OpeningIn(item=bulb, location=source, quantity=Decimal(50))], site=begun, by=user)
    today = datetime.now(tz=UTC).date()
    create_order(OrderIn(number="W-1", item="LAMP", quantity=Decimal(5), start_date=today), site=begun, by=user)
    release_order(site=begun, number="W-1", by=user)
    book_production(BookingIn(order="W-1", good=Decimal(5)), site=begun, by=user)
    left = {(row.item.code, row.location.path): row.quantity for row in balances(begun)}
    assert left == {("LAMP", "MAIN/FG"): 5, ("BULB", source.path): 40 if name != "by-hand" else 50}
    assert not Movement.objects.filter(status="unresolved").exists()
