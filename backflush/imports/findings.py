"""What was found wrong with an import: where, what, and what to do. All of it is gathered, not the first thrown."""

from collections.abc import Iterator
from dataclasses import dataclass

from backflush.core.refusals import Refusal
from backflush.imports.columns import TABLES

REMEDIES = {
    "already_there": "Take one of them out, or correct it.",
    "too_many_rules": "Take the line out, or import with --update to end the old rule.",
}
CORRECT = "Correct the line."


@dataclass(frozen=True, slots=True)
class ImportFault:
    """One fault. Row 1 is the header; row 0 means the file as a whole."""

    table: str
    file: str
    row: int
    column: str
    fault: str
    remedy: str


class Findings:
    """The faults of one import."""

    def __init__(self) -> None:
        self._found: list[ImportFault] = []

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[ImportFault]:
        """In the order of the tables and rows, as someone would go through the files."""
        places = {name: place for place, name in enumerate(TABLES)}
        return iter(sorted(self._found, key=lambda one: (places.get(one.table, -1), one.file, one.row)))

    def add(self, finding: ImportFault) -> None:
        """Keep one more."""
        self._found.append(finding)


def as_fault(refusal: Refusal) -> tuple[str, str]:
    """A room's refusal as a fault and its remedy: its last sentence is what to do, where it has more than one."""
    fault, stop, remedy = refusal.sentence.rpartition(". ")
    if not stop or refusal.details:
        return " ".join((refusal.sentence, *refusal.details)), REMEDIES.get(refusal.code, CORRECT)
    return f"{fault}.", remedy
