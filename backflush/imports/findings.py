"""The faults of an import: where, what, and what to do. All faults are collected instead of stopping at the first."""

from collections.abc import Iterator
from dataclasses import dataclass

from backflush.core.refusals import InvalidValue, Refusal
from backflush.imports.columns import TABLES

REMEDIES = {
    "already_there": "Delete one of them, or correct it.",
    "too_many_rules": "Delete the row, or import with --update to end the old rule.",
}
CORRECT = "Correct the row."


@dataclass(frozen=True, slots=True)
class ImportFault:
    """One fault, with the code of the refusal that it is. Row 1 is the header; row 0 stands for the whole file.

    `option` says how the command line answers the question that the fault asks; a page has the answers beside it.
    """

    table: str
    file: str
    row: int
    column: str
    fault: str
    remedy: str
    code: str = InvalidValue.code
    option: str = ""

    @property
    def remedy_in_shell(self) -> str:
        """The remedy for those who type commands."""
        return f"{self.remedy} {self.option}".strip()


class Findings:
    """The faults of one import."""

    def __init__(self) -> None:
        self._found: list[ImportFault] = []

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[ImportFault]:
        """Iterate in the order of tables and rows."""
        places = {name: place for place, name in enumerate(TABLES)}
        return iter(sorted(self._found, key=lambda one: (places.get(one.table, -1), one.file, one.row)))

    def add(self, finding: ImportFault) -> None:
        """Add a fault."""
        self._found.append(finding)


def as_fault(refusal: Refusal) -> tuple[str, str]:
    """Split a refusal into fault and remedy: the last of several sentences is the remedy."""
    fault, stop, remedy = refusal.sentence.rpartition(". ")
    if not stop or refusal.details:
        return " ".join((refusal.sentence, *refusal.details)), REMEDIES.get(refusal.code, CORRECT)
    return f"{fault}.", remedy
