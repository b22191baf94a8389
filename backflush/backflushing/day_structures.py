"""The structure of the day: what a receipt or a production without order is assumed from (S1).

A works order has a frozen structure of its own; other reports take the item's structure in force on the day of the
event, frozen when they are posted.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from backflush.backflushing.report_kinds import PlannedBooking
from backflush.core.refusals import Refusal
from backflush.items.models import Item
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.structures.selectors import StructureBook
from backflush.structures.services import draft_of_day, freeze, sound_content

Name = TypeVar("Name", bound=Hashable)


def with_structures_of_day(batch: Sequence[PlannedBooking], *, site: Site) -> Sequence[PlannedBooking]:
    """Return plans with the structure of their day frozen, where they have none of an order's (S1).

    Raises `NoConversion` where a line of the structure can't be converted (Q4).
    """
    wanted = [(one.subject.item, day_at(site, one.at)) for one in batch if one.structure_id is None]
    if not wanted:
        return batch
    book = StructureBook(site, {item.pk for item, _ in wanted})
    contents = {(item.pk, day): sound_content(book, item, day) for item, day in dict.fromkeys(wanted)}
    frozen = iter(freeze(site=site, contents=[(item, contents[item.pk, day]) for item, day in wanted]))
    return [replace(one, structure_id=next(frozen).pk) if one.structure_id is None else one for one in batch]


def with_draft_of_day(planned: PlannedBooking, *, site: Site) -> PlannedBooking:
    """Return a plan with the structure of its day, which isn't written, where it has none of an order's: to preview."""
    if planned.structure_id is not None:
        return planned
    structure, lines = draft_of_day(site=site, item=planned.subject.item, day=day_at(site, planned.at))
    return replace(planned, structure_id=structure.pk, draft_lines=lines)


def structure_refusals(batch: Mapping[Name, PlannedBooking], *, site: Site) -> dict[Name, Refusal]:
    """Return why the structure of its day can't be used, for the plans where it can't; nothing is written (Q4)."""
    days = {name: (one.subject.item, day_at(site, one.at)) for name, one in batch.items() if one.structure_id is None}
    if not days:
        return {}
    book = StructureBook(site, {item.pk for item, _ in days.values()})
    refused: dict[tuple[Item, date], Refusal] = {}
    for item, day in dict.fromkeys(days.values()):
        try:
            sound_content(book, item, day)
        except Refusal as refusal:
            refused[item, day] = refusal
    return {name: refused[item_day] for name, item_day in days.items() if item_day in refused}
