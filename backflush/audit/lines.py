"""One line of a check, as it is shown now and as it is kept once somebody has looked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from backflush.core.quantity import written


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """What is known of one finding; each check fills in what it has.

    `quantity` is what was due or moved, `other` what it became (or the lowest balance), `why` a person's remark, a
    reason or a sentence, `kind` what sort of finding it is where a check has several.
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
        """What is kept of it: all that isn't empty, numbers and moments as text."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _plain(value) for name, value in known.items() if value not in ("", None)}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "FindingLine":
        """The line that was kept."""
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
