"""A plant of a stated size with faults of known place and size, and what happens in it.

Times are days since its opening count, with fractions. A period has 28 days; everything is counted at its end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from backflush.assumptions.estimation.evidence import (
    BookingColumns,
    Bools,
    CountColumns,
    Evidence,
    Floats,
    Ints,
    MoveColumns,
    UseColumns,
    in_order,
)

PERIOD: Final = 28.0
COUNT_AT: Final = 27.9
"""When in a period the counts are taken."""
LAST_WEEK: Final = 21.0
PIECES: Final = (1, 1, 1, 2, 2, 4, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSettings:
    """The size of a plant, and how much is wrong in it; shares are of 1.

    `wrong` is the share of wrong lines, by 3 to 20 % either way; `inexact` the deviation of the right ones. `theft` is
    the share of components with a constant loss and of those with one loss, `late` the share of bookings of a period's
    last week that are entered after the count, `miscounts` the share of counts that are far off. `off_days` is the
    share of components counted on other days, `idle` that of periods in which a parent isn't made, `noise_spread` how
    much the noise differs between components. `changes` is the share of lines that get a new quantity half-way,
    `scrapping` that of parents whose scrap isn't booked, `short_deliveries` that of components of which less arrives
    than is booked. `missing` is the number of lines that the structures lack, `onset` the share of wrong lines that are
    right at first, `same_mix` the number of pairs of parents that are always made in the same mix.
    """

    seed: int = 1
    parents: int = 40
    components: int = 150
    lines: int = 12
    periods: int = 12
    wrong: float = 0.05
    inexact: float = 0.0
    usage_noise: float = 0.004
    count_noise: float = 0.002
    theft: float = 0.0
    late: float = 0.0
    miscounts: float = 0.0
    off_days: float = 0.0
    idle: float = 0.0
    noise_spread: float = 0.0
    changes: float = 0.0
    scrapping: float = 0.0
    missing: int = 0
    onset: float = 0.0
    short_deliveries: float = 0.0
    same_mix: int = 0


KINDS: Final[Mapping[str, Callable[[PlantSettings], PlantSettings]]] = {
    "base": lambda settings: settings,
    "nothing-wrong": lambda settings: replace(settings, wrong=0.0),
    "inexact": lambda settings: replace(settings, inexact=0.003),
    "theft-late": lambda settings: replace(settings, theft=0.05, late=0.05, miscounts=0.01),
    "theft-late-nothing-wrong": lambda settings: replace(settings, wrong=0.0, theft=0.05, late=0.05, miscounts=0.01),
    "messy": lambda settings: replace(
        settings,
        theft=0.05,
        late=0.05,
        miscounts=0.01,
        off_days=0.7,
        idle=0.1,
        noise_spread=0.5,
        changes=0.1,
        scrapping=0.05,
        short_deliveries=0.03,
        same_mix=2,
    ),
    "onset": lambda settings: replace(settings, onset=1.0),
    "missing": lambda settings: replace(settings, missing=16),
    "scrapping": lambda settings: replace(settings, scrapping=0.1),
}
"""The kinds of plants, as changes of the settings."""


@dataclass(frozen=True, slots=True, eq=False)
class PlantStructures:
    """The structure lines of a plant, and what is true of them.

    `quantity` is the book's, before `waste` (per cent); `later` is the book's from `changed` (a day) on. `deviation` is
    how much more is used than the book says, from the day `since` on. A line of `absent` is used but in no structure;
    its quantity is the true one.
    """

    parent: Ints
    component: Ints
    quantity: Floats
    waste: Floats
    later: Floats
    changed: Floats
    deviation: Floats
    since: Floats
    absent: Bools

    def per_piece(self, line: Ints, day: Floats) -> Floats:
        """Return what the book says a piece needs on a day."""
        quantity = np.where(day >= self.changed[line], self.later[line], self.quantity[line])
        return np.asarray(quantity * 100 / (100 - self.waste[line]))


@dataclass(frozen=True, slots=True, eq=False)
class PlantEvents:
    """What happened, and what was entered of it.

    Bookings: `booked_at` is the event time that was entered, `made_at` the true one, `entered_at` when it was entered.
    """

    parent: Ints
    made_at: Floats
    booked_at: Floats
    entered_at: Floats
    pieces: Floats
    received: Ints
    received_at: Floats
    received_quantity: Floats
    counted: Ints
    counted_at: Floats
    counted_quantity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PlantedCauses:
    """What else was planted: by component, or by booking.

    `loss` is a constant loss as a share of mean use, `lost` one loss in period usages and `lost_at` its day; `scrap`
    the share of a parent's pieces thrown away and not booked; `short` the share that deliveries lack; `miscounted` the
    counts that are far off; `late` the bookings with a wrong date.
    """

    loss: Floats
    lost: Floats
    lost_at: Floats
    scrap: Floats
    short: Floats
    miscounted: Bools
    late: Bools


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPlant:
    """A plant: its settings, items, structures, events, and the causes that were planted."""

    settings: PlantSettings
    decimals: Ints
    cost: Floats
    structures: PlantStructures
    events: PlantEvents
    causes: PlantedCauses
    mean_use: Floats


def make_plant(settings: PlantSettings) -> SimulatedPlant:
    """Make a plant. The same settings make the same plant."""
    draw = np.random.Generator(np.random.PCG64(settings.seed))
    decimals = np.where(draw.random(settings.components) < 0.7, 0, 3)
    structures = _structures(settings, decimals, draw)
    parent, made_at, pieces = _output(settings, draw)
    booked_at, entered_at, late = _entered(settings, made_at, draw)
    mean_use = _mean_use(settings, structures, parent, pieces)
    causes = _causes(settings, late, draw)
    bookings = (parent, made_at, booked_at, entered_at, pieces)
    stock = _Stockroom(settings, decimals, structures, causes, mean_use, draw)
    received, counted = stock.run(parent, made_at, pieces)
    miscounted = draw.random(len(counted[0])) < settings.miscounts
    off = np.where(miscounted, 1 + draw.normal(0, 0.15, len(miscounted)), 1.0)
    quantity = rounded(np.maximum(counted[2] * off, 0), decimals[counted[0]])
    return SimulatedPlant(
        settings=settings,
        decimals=decimals,
        cost=np.asarray(np.round(np.exp(draw.normal(0.5, 1.0, settings.components)), 2) + 0.01, float),
        structures=structures,
        events=PlantEvents(*bookings, *received, counted[0], counted[1], quantity),
        causes=replace(causes, miscounted=miscounted),
        mean_use=mean_use,
    )


def rounded(quantity: Floats, decimals: Ints) -> Floats:
    """Round half up to decimals, as the ledger does (Q1)."""
    step = 10.0**decimals
    return np.asarray(np.floor(quantity * step + 0.5 + 1e-7) / step)


def _structures(settings: PlantSettings, decimals: Ints, draw: np.random.Generator) -> PlantStructures:
    parents, components = settings.parents, settings.components
    own = [draw.choice(components, min(settings.lines, components), replace=False) for _ in range(parents)]
    parent = np.repeat(np.arange(parents), [len(some) for some in own])
    component = np.concatenate(own)
    absent = np.zeros(len(parent), bool)
    if settings.missing:
        extra = np.array([_absent(own, components, draw) for _ in range(settings.missing)])
        parent, component = np.append(parent, extra[:, 0]), np.append(component, extra[:, 1])
        absent = np.append(absent, np.ones(settings.missing, bool))
    many = len(parent)
    weight = np.round(np.exp(draw.normal(-1.0, 0.8, many)), 3) + 0.001
    quantity = np.where(decimals[component] == 0, draw.choice(PIECES, many), weight).astype(float)
    wrong = (draw.random(many) < settings.wrong) & ~absent
    size = draw.uniform(0.03, 0.20, many) * draw.choice([-1, 1], many)
    right = draw.normal(0, 1, many) * settings.inexact
    changes = draw.random(many) < settings.changes
    later = np.where(decimals[component] == 0, draw.choice(PIECES, many), weight * draw.uniform(0.7, 1.3, many))
    starts = draw.integers(1, max(2, settings.periods), many) * PERIOD
    delayed = wrong & (draw.random(many) < settings.onset)
    return PlantStructures(
        parent=parent,
        component=component,
        quantity=quantity,
        waste=draw.choice([0.0, 2.0, 5.0], many),
        later=np.where(changes, np.round(later, 3), quantity),
        changed=np.where(changes, np.floor(settings.periods / 2) * PERIOD, np.inf),
        deviation=np.where(wrong, size, np.where(absent, 0.0, right)),
        since=np.where(delayed, starts, 0.0),
        absent=absent,
    )


def _absent(own: list[Ints], components: int, draw: np.random.Generator) -> tuple[int, int]:
    parent = int(draw.integers(len(own)))
    used = np.unique(np.concatenate(own))
    free = np.setdiff1d(used, own[parent])
    return parent, int(draw.choice(free)) if len(free) else int(draw.integers(components))


def _output(settings: PlantSettings, draw: np.random.Generator) -> tuple[Ints, Floats, Floats]:
    """Return two bookings a period of each parent; a parent's output varies by a log-normal of 0.5."""
    parents, periods = settings.parents, settings.periods
    mean = np.exp(draw.normal(np.log(400), 0.5, parents))
    output = mean[:, None] * np.exp(draw.normal(0, 0.5, (parents, periods)))
    for first in range(0, 2 * settings.same_mix, 2):
        output[first + 1] = output[first] * mean[first + 1] / mean[first]
    output *= draw.random((parents, periods)) >= settings.idle
    share = draw.uniform(0.3, 0.7, (parents, periods))
    pieces = np.round(np.stack([output * share, output * (1 - share)], axis=2))
    made_at = draw.uniform(0.5, COUNT_AT - 0.3, pieces.shape) + PERIOD * np.arange(periods)[None, :, None]
    parent = np.broadcast_to(np.arange(parents)[:, None, None], pieces.shape)
    some = pieces.ravel() > 0
    return (
        np.asarray(parent.ravel()[some], np.int64),
        minutes(made_at.ravel()[some]),
        np.asarray(pieces.ravel()[some], float),
    )


def minutes(day: Floats) -> Floats:
    """Round days to whole minutes, which is what people enter."""
    return np.asarray(np.round(day * 1440) / 1440)


def _entered(settings: PlantSettings, made_at: Floats, draw: np.random.Generator) -> tuple[Floats, Floats, Bools]:
    """Return the event time that was entered for each booking, when it was entered, and which dates are wrong."""
    within = made_at % PERIOD
    late = (within >= LAST_WEEK) & (draw.random(len(made_at)) < settings.late)
    entered = np.where(late, made_at - within + PERIOD + draw.uniform(0.1, 2.0, len(made_at)), made_at + 0.01)
    misdated = late & (draw.random(len(made_at)) < 0.5)
    return minutes(np.where(misdated, entered - 0.01, made_at)), minutes(entered), misdated


def _mean_use(settings: PlantSettings, structures: PlantStructures, parent: Ints, pieces: Floats) -> Floats:
    made = np.bincount(parent, weights=pieces, minlength=settings.parents) / settings.periods
    use = made[structures.parent] * structures.quantity * 100 / (100 - structures.waste)
    return np.asarray(np.bincount(structures.component, weights=use, minlength=settings.components))


def _causes(settings: PlantSettings, late: Bools, draw: np.random.Generator) -> PlantedCauses:
    components, parents = settings.components, settings.parents
    days = settings.periods * PERIOD
    return PlantedCauses(
        loss=(draw.random(components) < settings.theft) * draw.uniform(0.005, 0.02, components),
        lost=(draw.random(components) < settings.theft) * draw.uniform(0.05, 0.5, components),
        lost_at=draw.uniform(0, days, components),
        scrap=(draw.random(parents) < settings.scrapping) * draw.uniform(0.01, 0.05, parents),
        short=(draw.random(components) < settings.short_deliveries) * draw.uniform(0.01, 0.03, components),
        miscounted=np.zeros(0, bool),
        late=late,
    )


Received = tuple[Ints, Floats, Floats]


class _Stockroom:
    """The true stock of each component, from which receipts and counts follow."""

    def __init__(
        self,
        settings: PlantSettings,
        decimals: Ints,
        structures: PlantStructures,
        causes: PlantedCauses,
        mean_use: Floats,
        draw: np.random.Generator,
    ) -> None:
        self._settings, self._decimals, self._structures = settings, decimals, structures
        self._causes, self._mean, self._draw = causes, mean_use, draw
        off = draw.random(settings.components) < settings.off_days
        # Counted so many days before the end of each period, on every day of the week.
        self._early = np.floor(off * draw.uniform(0, 14, settings.components))
        self._noise = settings.usage_noise * np.exp(draw.normal(0, 1, settings.components) * settings.noise_spread)

    def run(self, parent: Ints, made_at: Floats, pieces: Floats) -> tuple[Received, Received]:
        """Return the receipts and the true stock at each count: component, day and quantity of each."""
        settings, draw = self._settings, self._draw
        ends = self._ends()
        true, book = self._used(parent, made_at, pieces, ends)
        everyone = np.flatnonzero(self._mean > 0)
        stock = rounded(self._mean * draw.uniform(0.3, 1.5, settings.components), self._decimals)
        counts = [(everyone, ends[0][everyone], self._seen(stock)[everyone])]
        received: list[Received] = []
        for period in range(settings.periods):
            target = self._mean * draw.uniform(0.3, 1.5, settings.components)
            # More than either the true use or the book's needs, so that nothing runs out.
            needed = target + np.maximum(true[period], book[period]) - stock
            quantity = rounded(np.maximum(needed, 0), self._decimals)
            at = minutes(ends[period] + draw.uniform(0.05, 0.4, settings.components))
            some = everyone[quantity[everyone] > 0]
            received.append((some, at[some], quantity[some]))
            stock = np.maximum(stock + quantity * (1 - self._causes.short) - true[period], 0)
            counts.append((everyone, ends[period + 1][everyone], self._seen(stock)[everyone]))
        return _joined(received), _joined(counts)

    def _ends(self) -> Floats:
        """Return the moments of the counts of each component, a row for each count; the opening count is the first."""
        days = np.arange(self._settings.periods + 1)[:, None] * PERIOD - PERIOD + COUNT_AT
        early = np.where(np.arange(self._settings.periods + 1)[:, None] > 0, self._early, 0.0)
        return minutes(np.asarray(days - early, float))

    def _seen(self, stock: Floats) -> Floats:
        noise = self._draw.normal(0, self._settings.count_noise, len(stock))
        return np.asarray(np.maximum(stock * (1 + noise), 0))

    def _used(self, parent: Ints, made_at: Floats, pieces: Floats, ends: Floats) -> tuple[Floats, Floats]:
        """Return the true use of each component between its counts, and the use by the structures as they are."""
        settings, structures = self._settings, self._structures
        order = np.argsort(structures.parent, kind="stable")
        starts = np.searchsorted(structures.parent[order], np.arange(settings.parents + 1))
        many = (starts[1:] - starts[:-1])[parent]
        booking = np.repeat(np.arange(len(parent)), many)
        within = np.arange(len(booking)) - np.repeat(np.cumsum(many) - many, many)
        line = order[starts[parent[booking]] + within]
        day = made_at[booking]
        book = structures.per_piece(line, day) * pieces[booking]
        true = book * (1 + structures.deviation[line] * (day >= structures.since[line]))
        true *= 1 + self._causes.scrap[parent[booking]]
        component = structures.component[line]
        period = (ends[1:, component] < day).sum(axis=0)
        shape = (settings.periods, settings.components)
        inside = period < settings.periods
        cell = (period * settings.components + component)[inside]
        sums = np.bincount(cell, weights=true[inside], minlength=shape[0] * shape[1]).reshape(shape)
        plain = np.where(structures.absent[line], 0.0, book)[inside]
        planned = np.bincount(cell, weights=plain, minlength=shape[0] * shape[1]).reshape(shape)
        noise = self._draw.normal(0, 1, shape) * self._noise * np.sqrt(sums * self._mean)
        lengths = np.diff(ends, axis=0) / PERIOD
        lost_in = (ends[1:] < self._causes.lost_at).sum(axis=0)
        one_off = (np.arange(settings.periods)[:, None] == lost_in) * self._causes.lost * self._mean
        true = sums + noise + self._causes.loss * self._mean * lengths + one_off
        return np.asarray(true, float), np.asarray(planned, float)


def _joined(parts: list[Received]) -> Received:
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )


def booked_lines(plant: SimulatedPlant) -> tuple[Ints, Ints, Floats]:
    """Return what the bookings assume: booking, line and quantity, rounded as the ledger does."""
    structures, events = plant.structures, plant.events
    order = np.argsort(structures.parent, kind="stable")
    order = order[~structures.absent[order]]
    starts = np.searchsorted(structures.parent[order], np.arange(plant.settings.parents + 1))
    many = (starts[1:] - starts[:-1])[events.parent]
    booking = np.repeat(np.arange(len(events.parent)), many)
    within = np.arange(len(booking)) - np.repeat(np.cumsum(many) - many, many)
    line = order[starts[events.parent[booking]] + within]
    # The structure in force on the day that was entered.
    exact = structures.per_piece(line, np.floor(events.booked_at[booking] + 1e-9)) * events.pieces[booking]
    return booking, line, rounded(exact, plant.decimals[structures.component[line]])


def evidence_of(plant: SimulatedPlant) -> Evidence:
    """Return what a ledger would hold of a plant. A pool is a component, a column of a line is a structure line."""
    structures, events = plant.structures, plant.events
    booking, line, quantity = booked_lines(plant)
    some = quantity > 0
    booking, line, quantity = booking[some], line[some], quantity[some]
    changed = np.floor(events.booked_at[booking] + 1e-9) >= structures.changed[line]
    columns, column = np.unique(line * 2 + changed, return_inverse=True)
    times = (events.counted_at, events.booked_at[booking], events.received_at, events.booked_at)
    moments = in_order(np.concatenate(times))
    count_at, use_at, received_at, booked_at = np.split(moments, np.cumsum([len(time) for time in times])[:-1])
    return Evidence(
        grid=10.0 ** -plant.decimals.astype(float),
        line_pool=structures.component[columns // 2],
        line_parent=structures.parent[columns // 2],
        line_version=columns % 2,
        parents=plant.settings.parents,
        counts=CountColumns(events.counted, count_at, events.counted_at, events.counted_quantity),
        use=UseColumns(column, booking, use_at, quantity),
        moves=MoveColumns(events.received, received_at, events.received_quantity, np.ones(len(received_at), bool)),
        bookings=BookingColumns(events.parent, booked_at, events.booked_at, events.pieces),
    )
