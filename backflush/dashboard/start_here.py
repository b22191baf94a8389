"""Start here: what a plant still needs before anything can be booked."""

from dataclasses import dataclass

from backflush.items.models import Item
from backflush.ledger.models import Posting
from backflush.stockmap.models import Location, Site, TransferRule
from backflush.structures.models import StructureLine


@dataclass(frozen=True, slots=True)
class StartHere:
    """Which of the first steps are done."""

    places: bool
    rules: bool
    structures: bool


def start_here(site: Site) -> StartHere | None:
    """The steps of a plant in which nothing was ever posted, opening stock being the last; None of any other."""
    if Posting.objects.filter(site=site).exists():
        return None
    return StartHere(
        places=Location.objects.filter(site=site, has_balance=True).exists(),
        rules=TransferRule.objects.filter(site=site).exists(),
        structures=Item.objects.exists() and StructureLine.objects.exists(),
    )
