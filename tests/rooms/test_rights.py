"""SPEC.md's matrix of rights, cell by cell, as a person reads it there."""

import pytest

from backflush.core.refusals import AlreadyThere, InvalidValue, NotAllowed
from backflush.people.rights import ROLES, Role, Verb
from backflush.people.selectors import may, require, roles_of
from backflush.people.services import add_person, give_role, take_role
from backflush.stockmap.models import Site
from tests.cast import Plant

V = Verb
OPERATOR = [V.BOOK, V.PRODUCE, V.ISSUE, V.RETURN, V.REVERSE_OWN]
STORES = [*OPERATOR, V.RECEIVE, V.MOVE, V.RESOLVE, V.CANCEL, V.RETRY, V.COUNT]
SUPERVISOR = [*STORES, V.RELEASE, V.COMPLETE, V.REOPEN, V.CANCEL_ORDERS, V.REVERSE, V.UNDO, V.APPROVE_COUNTS]
TABLE = {
    Role.VIEWER: [V.SEE],
    Role.OPERATOR: OPERATOR,
    Role.STORES: STORES,
    Role.SUPERVISOR: SUPERVISOR,
    Role.BUYER: [V.PURCHASE, V.RECEIVE, V.SEND, V.TAKE_BACK, V.STATEMENTS],
    Role.ENGINEER: [V.ITEMS, V.UNITS, V.STRUCTURES, V.TYPE_CODES, V.ACTIONS, V.RULES, V.STOCK_MAP],
    Role.CONTROLLER: [V.COSTS, V.PERIODS, V.APPROVE_COUNTS, V.SIGN_OFF],
    Role.AUDITOR: [V.SEE, V.SIGN_OFF],
    Role.ADMINISTRATOR: list(Verb),
}
CELLS = [(role, verb) for role in Role for verb in Verb]


@pytest.mark.parametrize(("role", "verb"), CELLS, ids=[f"{role}-{verb}" for role, verb in CELLS])
def test_each_cell_of_the_matrix(role: Role, verb: Verb) -> None:
    expected = verb is Verb.SEE_WORK or verb in TABLE[role]
    assert (verb in ROLES[role]) == expected


def test_a_right_is_asked_for_at_one_site(plant: Plant) -> None:
    elsewhere = Site.objects.create(code="ELSEWHERE")
    user = add_person(name="jan", password="northmoor-12", roles=[Role.STORES], site=plant.site)
    assert may(user, plant.site, Verb.RESOLVE)
    assert not may(user, plant.site, Verb.UNDO)
    assert not may(user, elsewhere, Verb.RESOLVE)
    with pytest.raises(NotAllowed, match=r"with: stores and supervisor\.") as refused:
        require(user, elsewhere, Verb.RESOLVE)
    assert refused.value.code == "not_allowed"


def test_roles_are_given_once_and_taken_again(plant: Plant) -> None:
    user = add_person(name="jan", password="northmoor-12", roles=[Role.STORES], site=plant.site)
    give_role(user=user, site=plant.site, role=Role.STORES)
    give_role(user=user, site=plant.site, role=Role.AUDITOR)
    assert roles_of(user, plant.site) == [Role.AUDITOR, Role.STORES]
    take_role(user=user, site=plant.site, role=Role.STORES)
    assert not may(user, plant.site, Verb.RESOLVE)


def test_nobody_inactive_may_anything(plant: Plant) -> None:
    user = add_person(name="jan", password="northmoor-12", roles=[Role.ADMINISTRATOR], site=plant.site)
    user.is_active = False
    assert not any(may(user, plant.site, verb) for verb in Verb)


def test_a_name_is_taken_once_and_a_weak_password_refused(plant: Plant) -> None:
    add_person(name="jan", password="northmoor-12", site=plant.site)
    with pytest.raises(AlreadyThere):
        add_person(name="jan", password="northmoor-12", site=plant.site)
    with pytest.raises(InvalidValue, match="too short"):
        add_person(name="ken", password="short", site=plant.site)
