"""The rights of each role, as data (docs/rules.md, Rights).

Every role at a site may see the work there (`SEE_WORK`), because nobody can book or resolve what they can't see. Costs
and audits are only shown to roles that name them. Rights exist only for what is built.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A role at a site. A user may have several."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    STORES = "stores"
    SUPERVISOR = "supervisor"
    BUYER = "buyer"
    ENGINEER = "engineer"
    CONTROLLER = "controller"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Verb(StrEnum):
    """An operation that needs a right."""

    SEE_WORK = "see the work"
    SEE = "see everything"
    BOOK = "book"
    PRODUCE = "produce"
    ISSUE = "issue"
    RETURN = "return"
    REVERSE_OWN = "reverse own bookings of the same day"
    RECEIVE = "receive"
    MOVE = "move"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    RETRY = "retry"
    OPEN_STOCK = "enter opening stock"
    COUNT = "count stock"
    APPROVE_COUNTS = "approve counts"
    RELEASE = "create, change and release orders"
    COMPLETE = "complete orders"
    REOPEN = "reopen orders"
    CANCEL_ORDERS = "cancel orders"
    REVERSE = "reverse anything"
    UNDO = "undo settlements"
    PURCHASE = "purchase orders"
    SEND = "send to sub-contractors"
    TAKE_BACK = "return from sub-contractors"
    SUBCONTRACTORS = "see sub-contractors"
    ITEMS = "items"
    UNITS = "units"
    STRUCTURES = "structures"
    TYPE_CODES = "type codes"
    ACTIONS = "actions"
    RULES = "rules"
    STOCK_MAP = "stock map"
    COSTS = "costs"
    PERIODS = "periods"
    SIGN_OFF = "sign off audits"
    PEOPLE = "people"


_VIEWER: Final = {Verb.SEE}
_OPERATOR: Final = {Verb.BOOK, Verb.PRODUCE, Verb.ISSUE, Verb.RETURN, Verb.REVERSE_OWN}
_STORES: Final = _OPERATOR | {
    Verb.RECEIVE,
    Verb.MOVE,
    Verb.RESOLVE,
    Verb.CANCEL,
    Verb.RETRY,
    Verb.OPEN_STOCK,
    Verb.COUNT,
}
_SUPERVISOR: Final = _STORES | {
    Verb.RELEASE,
    Verb.COMPLETE,
    Verb.REOPEN,
    Verb.CANCEL_ORDERS,
    Verb.REVERSE,
    Verb.UNDO,
    Verb.APPROVE_COUNTS,
}
_OWN_WORDS: Final[Mapping[Role, Iterable[Verb]]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.STORES: _STORES,
    Role.SUPERVISOR: _SUPERVISOR,
    Role.BUYER: {Verb.PURCHASE, Verb.RECEIVE, Verb.SEND, Verb.TAKE_BACK, Verb.SUBCONTRACTORS},
    Role.ENGINEER: {
        Verb.ITEMS,
        Verb.UNITS,
        Verb.STRUCTURES,
        Verb.TYPE_CODES,
        Verb.ACTIONS,
        Verb.RULES,
        Verb.STOCK_MAP,
    },
    Role.CONTROLLER: {Verb.COSTS, Verb.PERIODS, Verb.SIGN_OFF, Verb.APPROVE_COUNTS},
    Role.AUDITOR: _VIEWER | {Verb.SIGN_OFF},
    Role.ADMINISTRATOR: set(Verb),
}

ROLES: Final[Mapping[Role, frozenset[Verb]]] = {
    role: frozenset({Verb.SEE_WORK, *verbs}) for role, verbs in _OWN_WORDS.items()
}


def verbs_of(roles: Iterable[Role]) -> frozenset[Verb]:
    """Return everything that some roles together allow."""
    return frozenset().union(*(ROLES[role] for role in roles))


def roles_that_may(verb: Verb) -> list[Role]:
    """Return the roles that allow an operation. The administrator is named only where no other role allows it."""
    others: list[Role] = [role for role, verbs in ROLES.items() if verb in verbs and role is not Role.ADMINISTRATOR]
    return others or [Role.ADMINISTRATOR]
