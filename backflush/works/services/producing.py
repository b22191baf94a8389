"""Production without an order: kits and manufactured items (B5)."""

from dataclasses import dataclass
from fractions import Fraction

from django.db import transaction

from backflush.backflushing.models import Booking
from backflush.backflushing.services import Made, post_bookings
from backflush.core.moves import Process
from backflush.core.refusals import WrongClass
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import item_coded
from backflush.ledger.keys import Request, claim_keys
from backflush.people.models import User
from backflush.stockmap.models import Action, Site, TransferRule
from backflush.stockmap.selectors import day_at, event_time, single_rules
from backflush.structures.services import structure_of_day
from backflush.works.services.making import Reported, made_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionIn(Reported):
    """Production without an order as it is reported, in the stock unit: kits and manufactured items (B5)."""

    item: str


@transaction.atomic
def produce(production: ProductionIn, *, site: Site, by: User) -> Booking:
    """Take in what was made without an order, and assume what went into it from the structure of its day (S1)."""
    content = {
        "item": production.item,
        "good": production.good,
        "scrap": production.scrap,
        "at": production.at,
        "batch": production.batch,
        "serials": sorted(production.serials),
        "bin": production.bin,
        "scrap_reason": production.scrap_reason,
    }
    claims = claim_keys(site=site, requests=[Request(production.key, "produce", content)])
    if production.key in claims.posted:
        return Booking.objects.get(posting=claims.posted[production.key])
    made = production_made(production, site=site, key=claims.new.get(production.key), write=True)
    return post_bookings([made], site=site, by=by)[0]


def production_made(production: ProductionIn, *, site: Site, key: int | None, write: bool) -> Made:
    """What a production without order comes to; a preview writes nothing, so its structure stays a draft."""
    item = producible(production.item)
    day = day_at(site, event_time(site, production.at))
    structure, draft = structure_of_day(site=site, item=item, day=day, write=write)
    return made_of(
        item,
        production,
        _action_rules(site, item.type_code.completion, item.type_code.backflush),
        site=site,
        key=key,
        process=Process.PRODUCTION,
        factor=Fraction(1),
        structure=structure.pk,
        draft=draft,
    )


def producible(code: str) -> Item:
    """An item that can be made without an order: a kit or a manufactured one (W)."""
    item = item_coded(code)
    if item.component_class not in {ComponentClass.KIT, ComponentClass.MADE}:
        raise WrongClass(
            f"{item.code} is {item.get_component_class_display()}. Only kits and manufactured items can be produced.",
            field="item",
        )
    return item


def _action_rules(site: Site, *actions: Action | None) -> dict[int, TransferRule]:
    return single_rules(site, {action.pk for action in actions if action is not None})
