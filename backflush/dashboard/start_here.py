"""The first steps of a new plant, up to its first booking."""

from dataclasses import dataclass

from backflush.core.moves import Process
from backflush.items.models import Item
from backflush.ledger.models import Posting
from backflush.people.models import Assignment
from backflush.stockmap.models import Location, Site, TransferRule
from backflush.structures.models import StructureLine
from backflush.works.models import WorksOrder


@dataclass(frozen=True, slots=True)
class StartHere:
    """The first steps, and which of them are done."""

    places: bool
    rules: bool
    items: bool
    structures: bool
    stock: bool
    people: bool
    orders: bool


def start_here(site: Site) -> StartHere | None:
    """Return the steps of a plant that has posted nothing but opening stock. None for any other plant."""
    posted = Posting.objects.filter(site=site)
    if posted.exclude(process=Process.OPENING).exists():
        return None
    return StartHere(
        places=Location.objects.filter(site=site, has_balance=True).exists(),
        rules=TransferRule.objects.filter(site=site).exists(),
        items=Item.objects.exists(),
        structures=StructureLine.objects.exists(),
        stock=posted.exists(),
        people=Assignment.objects.filter(site=site).values("user").distinct().count() > 1,
        orders=WorksOrder.objects.filter(site=site).exists(),
    )
