"""Check the matrix of rights in docs/rules.md cell by cell, and how roles are given and taken."""

from pathlib import Path

import pytest

import backflush
from backflush.core.refusals import AlreadyThere, InvalidValue, NotAllowed
from backflush.people.models import User
from backflush.people.rights import ROLES, Role, Verb
from backflush.people.selectors import may, require, roles_of
from backflush.people.services import add_person, change_person, give_role, require_administers, take_role
from backflush.stockmap.models import Site
from tests.cast import Plant

V = Verb
OPERATOR = [V.BOOK, V.PRODUCE, V.ISSUE, V.RETURN, V.REVERSE_OWN]
STORES = [*OPERATOR, V.RECEIVE, V.MOVE, V.RESOLVE, V.CANCEL, V.RETRY, V.OPEN_STOCK, V.COUNT]
SUPERVISOR = [*STORES, V.RELEASE, V.COMPLETE, V.REOPEN, V.CANCEL_ORDERS, V.REVERSE, V.UNDO, V.APPROVE_COUNTS]
TABLE = {
    Role.VIEWER: [V.SEE],
    Role.OPERATOR: OPERATOR,
    Role.STORES: STORES,
    Role.SUPERVISOR: SUPERVISOR,
    Role.BUYER: [V.PURCHASE, V.RECEIVE, V.SEND, V.TAKE_BACK, V.SUBCONTRACTORS],
    Role.ENGINEER: [V.ITEMS, V.UNITS, V.STRUCTURES, V.TYPE_CODES, V.ACTIONS, V.RULES, V.STOCK_MAP],
    Role.CONTROLLER: [V.COSTS, V.PERIODS, V.SIGN_OFF, V.APPROVE_COUNTS],
    Role.AUDITOR: [V.SEE, V.SIGN_OFF],
    Role.ADMINISTRATOR: list(Verb),
}
CELLS = [(role, verb) for role in Role for verb in Verb]


@pytest.mark.parametrize(("role", "verb"), CELLS, ids=[f"{role}-{verb}" for role, verb in CELLS])
def test_each_cell_of_the_matrix(role: Role, verb: Verb) -> None:
    expected = verb is Verb.SEE_WORK or verb in TABLE[role]
    assert (verb in ROLES[role]) == expected


def test_every_right_is_required_somewhere() -> None:
    package = Path(backflush.__file__).parent
    files = [file for file in package.rglob("*.py") if file != package / "people" / "rights.py"]
    sources = [file.read_text(encoding="utf-8") for file in files]
    assert [verb for verb in Verb if not any(f"Verb.{verb.name}" in source for source in sources)] == []


def test_a_right_is_checked_at_one_site(plant: Plant) -> None:
    elsewhere = Site.objects.create(code="ELSEWHERE")
    user = add_person(name="jan", password="northmoor-12", roles=[Role.STORES], site=plant.site)
    assert may(user, plant.site, Verb.RESOLVE)
    assert not may(user, plant.site, Verb.UNDO)
    assert not may(user, elsewhere, Verb.RESOLVE)
    with pytest.raises(NotAllowed, match=r"have it: stores, supervisor\.") as refused:
        require(user, elsewhere, Verb.RESOLVE)
    assert refused.value.code == "not_allowed"


def test_roles_are_given_once_and_removed(plant: Plant) -> None:
    user = add_person(name="jan", password="northmoor-12", roles=[Role.STORES], site=plant.site)
    give_role(user=user, site=plant.site, role=Role.STORES)
    give_role(user=user, site=plant.site, role=Role.AUDITOR)
    assert roles_of(user, plant.site) == [Role.AUDITOR, Role.STORES]
    take_role(user=user, site=plant.site, role=Role.STORES)
    assert not may(user, plant.site, Verb.RESOLVE)


def test_a_deactivated_user_has_no_rights(plant: Plant) -> None:
    user = add_person(name="jan", password="northmoor-12", roles=[Role.ADMINISTRATOR], site=plant.site)
    user.is_active = False
    assert not any(may(user, plant.site, verb) for verb in Verb)


def test_a_log_in_name_is_unique_and_a_weak_password_is_refused(plant: Plant) -> None:
    add_person(name="jan", password="northmoor-12", site=plant.site)
    with pytest.raises(AlreadyThere):
        add_person(name="jan", password="northmoor-12", site=plant.site)
    with pytest.raises(InvalidValue, match="too short"):
        add_person(name="ken", password="short", site=plant.site)


def named(plant: Plant, name: str, *roles: Role) -> User:
    return add_person(name=name, password="northmoor-12", roles=roles, site=plant.site)


def change(plant: Plant, user: User, by: User, *roles: Role, active: bool = True) -> None:
    names = {"first_name": user.first_name, "last_name": user.last_name}
    change_person(user=user, by=by, active=active, roles={plant.site.pk: roles}, **names)


def test_one_of_two_administrators_can_be_removed_and_the_last_cannot(plant: Plant) -> None:
    jan, ken = named(plant, "jan", Role.ADMINISTRATOR), named(plant, "ken", Role.ADMINISTRATOR)
    change(plant, ken, jan, Role.VIEWER)
    assert roles_of(ken, plant.site) == [Role.VIEWER]
    with pytest.raises(InvalidValue, match="only administrator") as refused:
        change(plant, jan, jan, Role.ADMINISTRATOR, active=False)
    assert refused.value.field == "roles"
    assert roles_of(jan, plant.site) == [Role.ADMINISTRATOR]


def test_a_deactivated_administrator_does_not_count(plant: Plant) -> None:
    jan, ken = named(plant, "jan", Role.ADMINISTRATOR), named(plant, "ken", Role.ADMINISTRATOR)
    change(plant, ken, jan, Role.ADMINISTRATOR, active=False)
    with pytest.raises(InvalidValue, match="only administrator"):
        change(plant, jan, jan, Role.VIEWER)


def test_a_deactivated_user_keeps_the_roles_for_reactivation(plant: Plant) -> None:
    jan, ken = named(plant, "jan", Role.ADMINISTRATOR), named(plant, "ken", Role.STORES)
    change(plant, ken, jan, Role.STORES, active=False)
    ken.refresh_from_db()
    assert roles_of(ken, plant.site) == []
    change(plant, ken, jan, Role.STORES)
    ken.refresh_from_db()
    assert roles_of(ken, plant.site) == [Role.STORES]


def test_a_user_of_two_sites_is_changed_only_by_an_administrator_of_both(plant: Plant) -> None:
    elsewhere = Site.objects.create(code="ELSEWHERE")
    jan, ken = named(plant, "jan", Role.ADMINISTRATOR), named(plant, "ken", Role.STORES)
    give_role(user=ken, site=elsewhere, role=Role.VIEWER)
    with pytest.raises(NotAllowed, match="where you aren't an administrator"):
        require_administers(jan, ken)
    change(plant, ken, jan, Role.BUYER)
    assert roles_of(ken, plant.site) == [Role.BUYER]
    give_role(user=jan, site=elsewhere, role=Role.ADMINISTRATOR)
    require_administers(jan, ken)
