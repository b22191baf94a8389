"""How long each part of the test suite took, printed at the end of a run."""

from collections import Counter
from pathlib import PurePosixPath
from typing import Final

import pytest

BROWSER: Final = "tests/doors/web/browser"
OTHERS: Final = "others"


def part_of(node_id: str) -> str:
    """Return the part that a test belongs to: its folder below `tests`, or `browser`, or `others`."""
    file = PurePosixPath(node_id.partition("::")[0])
    if file.is_relative_to(BROWSER):
        return "browser"
    return file.parts[1] if len(file.parts) > 2 else OTHERS


class PartTimes:
    """A plugin of the reporting process: it sums the seconds of set-up, call and teardown by part."""

    def __init__(self, workers: int) -> None:
        """Take the number of worker processes, which run in parallel."""
        self._workers = workers
        self._seconds: dict[str, float] = {}
        self._tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase of a test."""
        part = part_of(report.nodeid)
        self._seconds[part] = self._seconds.get(part, 0) + report.duration
        self._tests[part] += report.when == "setup"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each part, the longest first; nothing for a run with a single part."""
        if len(self._tests) < 2:
            return
        beside = f", spread over {self._workers} workers" if self._workers > 1 else ""
        terminalreporter.section(f"seconds of testing by part{beside}")
        for part, seconds in sorted(self._seconds.items(), key=lambda one: -one[1]):
            terminalreporter.line(f"{part:<12} {self._tests[part]:>6} tests {seconds:>8.1f} s")
