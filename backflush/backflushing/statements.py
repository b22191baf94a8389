"""The statements on bookings and frozen structures by name; `backflushing/sql/` has their text and reasons."""

from collections.abc import Callable
from typing import Final

from backflush.db.queries import FastRead, Instances, Part, rows_of
from backflush.db.statements import Statements
from backflush.items.models import Item
from backflush.stockmap.models import Location
from backflush.structures.models import FrozenLine

SQL: Final = Statements("backflush.backflushing")

ADD_BOOKINGS: Final = SQL["add_bookings"]

NOT_FOR_USE: Final = frozenset(
    {"cost_decimals", "abc_class", "stock_min", "stock_max", "batch_size", "lead_time_days", "obsolete_on"}
)
"""Planning data of a component, which its use doesn't need."""


def _parts(without: frozenset[str]) -> tuple[Part, ...]:
    return (
        Part("line", FrozenLine, without=without),
        Part("component", Item, of="line.component", without=NOT_FOR_USE),
        Part("source", Location, of="line.source"),
    )


def _lines(without: frozenset[str]) -> Callable[..., list[Instances]]:
    deferred = [*without, *(f"component__{name}" for name in NOT_FOR_USE)]

    def read(*, site_id: int, structures: list[int]) -> list[Instances]:
        found = FrozenLine.objects.filter(site=site_id, structure__in=structures)
        found = found.select_related("component", "source").defer(*deferred)
        return rows_of(found.order_by("structure_id", "position"), "component", "source")

    return read


_FIXED: Final = frozenset({"fixed"})
_FIXED_AND_STEPS: Final = frozenset({"fixed", "steps"})
FROZEN_LINES: Final = FastRead(SQL["frozen_lines"], _parts(_FIXED_AND_STEPS), instead=_lines(_FIXED_AND_STEPS))
FROZEN_LINES_WITH_STEPS: Final = FastRead(SQL["frozen_lines_with_steps"], _parts(_FIXED), instead=_lines(_FIXED))
