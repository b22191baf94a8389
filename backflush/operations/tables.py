"""Which tables are stock, which are a site's set-up, and which are common to all sites.

Stock tables grow with bookings. A model that isn't listed here counts as stock, and must then follow the rules for
growth: it has a site, and every unique constraint includes the site (tests/rooms/test_house_rules_for_growth.py).
"""

from typing import Final

from django.apps import apps
from django.db.models import Field, ForeignKey, Model, UniqueConstraint

ROOMS: Final = "backflush."

COMMON: Final = frozenset(
    {
        "people.User",
        "stockmap.Action",
        "stockmap.Site",
        "stockmap.Supplier",
        "items.Unit",
        "items.ProductGroup",
        "items.TypeCode",
        "items.Item",
        "items.ItemCost",
        "items.UnitConversion",
        "items.Batch",
        "structures.StructureLine",
    }
)
"""Master data, common to all sites."""

SET_UP: Final = frozenset(
    {
        "people.Assignment",
        "people.Board",
        "people.Token",
        "people.UserSession",
        "people.SecondFactor",
        "people.RecoveryCode",
        "people.SecurityEvent",
        "stockmap.Store",
        "stockmap.Location",
        "stockmap.Bin",
        "stockmap.SupplierStock",
        "stockmap.TransferRule",
        "counts.CountPlan",
        "counts.CountTolerance",
        "structures.LineSource",
        "imports.ColumnMapping",
        "errands.BackgroundJob",
        "errands.BackgroundJobPart",
    }
)
"""Tables of one site or user that don't grow with bookings: set-up, and records that are deleted after a while."""


def models_of_rooms() -> list[type[Model]]:
    """Return all models of the package that have a table, in the order of the installed apps."""
    return [
        model
        for room in apps.get_app_configs()
        if room.name.startswith(ROOMS)
        for model in room.get_models()
        if model._meta.managed
    ]


def stock_models() -> list[type[Model]]:
    """Return the models of stock tables."""
    return [model for model in models_of_rooms() if model._meta.label not in COMMON | SET_UP]


def shared_models() -> list[type[Model]]:
    """Return the models that every site reads: master data, and each site's set-up."""
    return [model for model in models_of_rooms() if model._meta.label in COMMON | SET_UP]


def columns_of(model: type[Model]) -> list["Field[object, object]"]:
    """Return the fields of a model that are columns."""
    return [field for field in model._meta.local_fields if field.column is not None]


def references(model: type[Model]) -> list["ForeignKey[Model, Model]"]:
    """Return the foreign keys of a model."""
    return [field for field in columns_of(model) if isinstance(field, ForeignKey)]


def unique_rules(model: type[Model]) -> dict[str, frozenset[str]]:
    """Return the unique constraints of a model except its primary key, with their fields."""
    rules = {
        field.name: frozenset({field.name}) for field in columns_of(model) if field.unique and not field.primary_key
    }
    for together in model._meta.unique_together:
        rules[", ".join(together)] = frozenset(together)
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            rules[constraint.name] = frozenset(constraint.fields) | _named_in(constraint)
    return rules


def _named_in(rule: UniqueConstraint) -> frozenset[str]:
    parts = (part for expression in rule.expressions for part in expression.flatten())  # type: ignore[union-attr]
    return frozenset(name for part in parts if (name := getattr(part, "name", "")))
