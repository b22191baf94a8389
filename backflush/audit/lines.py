"""One finding of a check, as shown now and as stored with a review."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from backflush.core.quantity import written


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """The facts of one finding; each check fills in what applies.

    `quantity` is the quantity due or moved, `other` the revised quantity (or the lowest balance), `why` a remark, a
    reason or a sentence, `kind` the kind of finding, for checks with several.
    """

    item: str = ""
    about: str = ""
    unit: str = ""
    decimals: int = 0
    movement: int | None = None
    order: str = ""
    quantity: Decimal | None = None
    other: Decimal | None = None
    count: int | None = None
    place: str = ""
    other_place: str = ""
    kind: str = ""
    who: str = ""
    at: datetime | None = None
    why: str = ""

    def kept(self) -> dict[str, Any]:
        """Return the facts to store: those that aren't empty, numbers and moments as text."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _plain(value) for name, value in known.items() if value not in ("", None)}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "FindingLine":
        """Return the finding from stored facts."""
        values = dict(kept)
        for name in ("quantity", "other"):
            if name in values:
                values[name] = Decimal(values[name])
        if "at" in values:
            values["at"] = datetime.fromisoformat(values["at"])
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return written(value)
    return value.isoformat() if isinstance(value, datetime) else value
