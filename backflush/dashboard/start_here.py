"""The first steps of a new plant, up to its first posting."""

from dataclasses import dataclass

from backflush.items.models import Item
from backflush.ledger.models import Posting
from backflush.stockmap.models import Location, Site, TransferRule
from backflush.structures.models import StructureLine


@dataclass(frozen=True, slots=True)
class StartHere:
    """The first steps, and which of them are done."""

    places: bool
    rules: bool
    structures: bool


def start_here(site: Site) -> StartHere | None:
    """Return the steps of a plant without any posting; opening stock is the last. None for any other plant."""
    if Posting.objects.filter(site=site).exists():
        return None
    return StartHere(
        places=Location.objects.filter(site=site, has_balance=True).exists(),
        rules=TransferRule.objects.filter(site=site).exists(),
        structures=Item.objects.exists() and StructureLine.objects.exists(),
    )
