"""Model fields for exact numbers, and references within a site.

Moved quantities and amounts are whole millionths in a 64-bit column, which every database sums exactly; SQLite would
store a decimal column as binary floats. Numbers with any number of decimals, and ratios (structure quantities,
conversion factors), are stored as text, because the database never sums them.
"""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

from django.db import models
from django.db.models import Aggregate
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact
from django.db.models.sql.where import WhereNode

from backflush.core.quantity import SCALE, from_scaled, to_scaled, written

_Set = TypeVar("_Set", contravariant=True)
_Get = TypeVar("_Get", covariant=True)


class QuantityField(models.Field):  # type: ignore[type-arg]
    """A quantity or amount: a `Decimal` with at most six decimals, stored in millionths."""

    _pyi_private_set_type: Decimal | int | Combinable
    _pyi_private_get_type: Decimal
    _pyi_lookup_exact_type: Decimal | int

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: Any, *_: object) -> Decimal | None:
        return None if value is None else from_scaled(int(value))

    def to_python(self, value: Any) -> Decimal | None:
        return value if value is None else Decimal(value)

    def get_prep_value(self, value: Any) -> Any:
        return to_scaled(Decimal(value)) if isinstance(value, Decimal | int) else value


class TotalField(QuantityField):
    """The type of an `ExactSum`; never a column."""

    def get_internal_type(self) -> str:
        # Otherwise Django would convert it to a number first.
        return "TextField"

    def from_db_value(self, value: Any, *_: object) -> Decimal | None:
        if not isinstance(value, str):
            return super().from_db_value(value)
        whole, part = map(int, value.split())
        return from_scaled(whole * SCALE + part)


class ExactSum(Aggregate):
    """The exact sum of a quantity column. SQLite's own sum overflows 64 bits, which ten balances can exceed."""

    function = "SUM"
    name = "ExactSum"
    output_field = TotalField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        split = "(SUM({0} / {1}) || ' ' || SUM({0} - {0} / {1} * {1}))".format("%(expressions)s", SCALE)
        return self.as_sql(compiler, connection, template=split, **context)


def from_column(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """Return what reads a value of one of our fields from its column, where that isn't empty; None for other fields."""
    if type(field) is QuantityField:
        return from_scaled
    return _ratio if type(field) is RatioField else None


class ExactDecimalField(models.Field):  # type: ignore[type-arg]
    """A decimal with any number of decimals, stored as text."""

    _pyi_private_set_type: Decimal | Combinable
    _pyi_private_get_type: Decimal
    _pyi_lookup_exact_type: Decimal

    def get_internal_type(self) -> str:
        return "CharField"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 60)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, *_: object) -> Decimal | None:
        return None if value is None else Decimal(value)

    def to_python(self, value: Any) -> Any:
        return value if value is None else Decimal(value)

    def get_prep_value(self, value: Any) -> Any:
        return written(value) if isinstance(value, Decimal) else value


@lru_cache(maxsize=10_000)
def _ratio(text: str) -> Fraction:
    """Parse a stored ratio. Cached, because bookings read the same few again and again."""
    above, _, below = text.partition("/")
    return Fraction(int(above), int(below))


class RatioField(models.Field):  # type: ignore[type-arg]
    """An exact ratio, stored as `numerator/denominator`."""

    _pyi_private_set_type: Fraction | Combinable
    _pyi_private_get_type: Fraction
    _pyi_lookup_exact_type: Fraction

    def get_internal_type(self) -> str:
        return "CharField"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 400)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, *_: object) -> Fraction | None:
        return None if value is None else _ratio(value)

    def to_python(self, value: Any) -> Any:
        return value if value is None else Fraction(value)

    def get_prep_value(self, value: Any) -> Any:
        return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else value


def site_of(model: type[models.Model]) -> Any:
    """Return the field of a stock table that refers to the site."""
    return model._meta.get_field("site")  # noqa: SLF001 - Django documents it under this name


class WithinSite(models.ForeignKey[_Set, _Get]):
    """A foreign key between stock tables: both rows belong to one site, and every join includes the site.

    So a database that is distributed by site finds both rows on one server (docs/scaling.md). In a migration it is an
    ordinary foreign key, because the table is the same.
    """

    def get_extra_restriction(self, alias: str | None, related_alias: str | None) -> Any:
        """Add the second condition of the join: equal sites."""
        if alias is None or related_alias is None:
            return None
        there = site_of(self.remote_field.model).get_col(alias)
        here = site_of(self.model).get_col(related_alias)
        return WhereNode([Exact(there, here)])  # type: ignore[list-item]

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        """Add the site to the condition when the reference is followed."""
        return {"site_id": instance.site_id}  # type: ignore[attr-defined]

    def deconstruct(self) -> Any:
        """Return the arguments for a migration, which treats it as an ordinary foreign key."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs
