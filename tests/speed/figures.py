"""The results of measurements, and their table."""

import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

from django.db import connection

FRAME_OF_A_TRANSACTION = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


@dataclass(frozen=True)
class Figure:
    """One line of the results. Times are in milliseconds, `rate` is `unit` per second."""

    measurement: str
    engine: str
    what: str
    unit: str
    rate: float
    floor_rate: float | None = None
    median_ms: float | None = None
    p99_ms: float | None = None
    floor_median_ms: float | None = None
    floor_p99_ms: float | None = None
    statements: int | None = None
    memory_mb: float | None = None
    more: dict[str, Any] = field(default_factory=dict)
    detail: bool = False
    """One of many: recorded, but not in the table."""

    @property
    def time_ratio(self) -> float | None:
        """The time as a multiple of the floor's."""
        if self.median_ms and self.floor_median_ms:
            return self.median_ms / self.floor_median_ms
        return self.floor_rate / self.rate if self.floor_rate else None

    def as_record(self) -> dict[str, Any]:
        """Return the figure for JSON."""
        return {**asdict(self), "time_ratio": self.time_ratio}


class Watch:
    """Collects times of one operation."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time the block."""
        begun = perf_counter()
        yield
        self.seconds.append(perf_counter() - begun)

    @property
    def median_ms(self) -> float:
        return 1000 * median(self.seconds)

    @property
    def p99_ms(self) -> float:
        return 1000 * sorted(self.seconds)[min(len(self.seconds) - 1, round(0.99 * len(self.seconds)))]

    @property
    def total(self) -> float:
        return sum(self.seconds)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Return the statements run inside the block, except those that begin and end transactions."""
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(FRAME_OF_A_TRANSACTION):
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def peak_memory_mb() -> float:
    """Return the peak memory of this process."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024)


def table(figures: Sequence[Figure]) -> str:
    """Return the results as a Markdown table."""
    heads = ["", "database", "what", "project", "floor", "times the floor", "median", "99th", "floor's median"]
    heads += ["statements", "memory"]
    rows = [f"| {' | '.join(heads)} |", "|---|---|---|" + "---:|" * (len(heads) - 3)]
    for figure in figures:
        if figure.detail:
            continue
        cells = [
            figure.measurement,
            "PostgreSQL" if figure.engine == "postgresql" else "SQLite",
            figure.what,
            f"{figure.rate:,.0f} {figure.unit}/s" if figure.rate else "",
            f"{figure.floor_rate:,.0f}/s" if figure.floor_rate else "",
            f"{figure.time_ratio:.2f}" if figure.time_ratio else "",
            _ms(figure.median_ms),
            _ms(figure.p99_ms),
            _ms(figure.floor_median_ms),
            str(figure.statements or ""),
            f"{figure.memory_mb:,.0f} MB" if figure.memory_mb else "",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _ms(value: float | None) -> str:
    return f"{value:,.1f} ms" if value is not None else ""
