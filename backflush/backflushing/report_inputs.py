"""What may be entered in a report, declared once for every door.

    good: Annotated[Decimal, QuantityInput(_("Good"), _("Good pieces, in the order's unit."))] = ZERO

From such a declaration come the parser of the API, of streams and of pages, the API's description, the import's column,
the command's option and the field of the form. Titles and helps are translated by the pages that show them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated, Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, ValidationInfo, WithJsonSchema
from pydantic import create_model as pydantic_model

from backflush.core.input_values import (
    LINE_MAX,
    PLAIN,
    Amount,
    Dialect,
    read_amount,
    read_moment,
    read_whole,
    require_plausible,
    require_text,
    shortened,
)
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue, Refusal
from backflush.ledger.idempotency import require_own_key

UNKNOWN: Final = "extra_forbidden"
"""How pydantic calls a name that isn't declared."""

QUANTITY_PATTERN: Final = r"^[+-]?\d{1,12}(\.\d{1,6})?( ?[^\d\s_].*)?$"


class JsonNumber(str):
    """A number as it was written in JSON, to be read by the same grammar as a number in a text."""

    __slots__ = ()


class InUnit(Enum):
    """The unit that a quantity is entered in, where none is written behind it."""

    OF_ORDER = "the order's unit"
    OF_STOCK = "the item's stock unit"


@dataclass(frozen=True, slots=True)
class ReportInput(ABC):
    """One thing that may be entered: how it is called, what it means, and how a raw value of any door is read.

    `column` is its name in an import. `name`, `default` and `required` are those of the report's attribute. An input
    that `identifies` says what the report is about; pages ask for it first. The value of one that is `kept` is stored
    with the booking (`Booking.details`) and shown with it.
    """

    title: str
    help: str
    column: str = ""
    name: str = ""
    default: Any = None
    required: bool = False
    identifies: bool = False
    kept: bool = False

    @abstractmethod
    def read(self, raw: object, dialect: Dialect) -> Any:
        """Return the value of what a door was given: text, or what JSON or a workbook has. Refusals: `InvalidValue`."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its values."""

    def as_kept(self, value: Any) -> str:
        """Return a value as the text that is stored with a booking."""
        return str(value)


@dataclass(frozen=True, slots=True)
class TextInput(ReportInput):
    """A text with a limited number of characters (0: no limit)."""

    length: int = 0

    def read(self, raw: object, dialect: Dialect) -> str:
        """Return a text that every database can store."""
        if not isinstance(raw, str) or isinstance(raw, JsonNumber):
            raise InvalidValue("{name} must be text in quotes.", name=self.name, field=self.name)
        if self.length and len(raw) > self.length:
            raise InvalidValue(
                "{what} has at most {most} characters, not {length}.",
                what=self.title,
                most=self.length,
                length=len(raw),
                field=self.name,
            )
        return require_text(raw, field=self.name)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a text."""
        return {"type": "string", "maxLength": self.length} if self.length else {"type": "string"}


@dataclass(frozen=True, slots=True)
class SubjectInput(TextInput):
    """The order number or item code of a report. `refers` is the import table that it refers to."""

    refers: str = ""
    identifies: bool = True

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a text that isn't empty."""
        return {**TextInput.schema(self), "minLength": 1}


@dataclass(frozen=True, slots=True)
class KeyInput(TextInput):
    """The caller's key."""

    def read(self, raw: object, dialect: Dialect) -> str:
        """Return a key that isn't one of a stream's lines."""
        return require_own_key(TextInput.read(self, raw, dialect))


@dataclass(frozen=True, slots=True)
class QuantityInput(ReportInput):
    """A quantity of goods: an exact number, optionally followed by a unit."""

    unit: InUnit = InUnit.OF_ORDER

    def read(self, raw: object, dialect: Dialect) -> Amount:
        """Return the number and its unit, if it has one."""
        if not isinstance(raw, str):
            raise InvalidValue('{name} must be a number, like "12.5".', name=self.name, field=self.name)
        return read_amount(raw, field=self.name, dialect=dialect)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a quantity."""
        return {"type": "string", "pattern": QUANTITY_PATTERN, "examples": ["38"]}

    def as_kept(self, value: Decimal) -> str:
        """Return a quantity without trailing zeros."""
        return written(value)


@dataclass(frozen=True, slots=True)
class WholeInput(ReportInput):
    """A whole number, such as the number of a line."""

    def read(self, raw: object, dialect: Dialect) -> int:
        """Return a whole number that fits a line's number."""
        if not isinstance(raw, str):
            raise InvalidValue("{name} must be a whole number, like 10.", name=self.name, field=self.name)
        return read_whole(raw, field=self.name, most=LINE_MAX)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a whole number."""
        return {"type": "integer"}


@dataclass(frozen=True, slots=True)
class MomentInput(ReportInput):
    """When something happened: a date, or a date and time."""

    def read(self, raw: object, dialect: Dialect) -> datetime | date:
        """Return a date or time; without an offset it is the site's."""
        if isinstance(raw, date):
            return require_plausible(raw, field=self.name)
        if not isinstance(raw, str) or isinstance(raw, JsonNumber):
            raise InvalidValue("{name} must be text in quotes.", name=self.name, field=self.name)
        return read_moment(raw, field=self.name)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a date or time."""
        return {"type": "string", "examples": ["2026-03-12T14:30"]}


@dataclass(frozen=True, slots=True)
class SerialsInput(ReportInput):
    """Serial numbers, one by one."""

    def read(self, raw: object, dialect: Dialect) -> tuple[str, ...]:
        """Return the serial numbers of a list."""
        if not isinstance(raw, list | tuple):
            raise InvalidValue('{name} must be a list, like ["S-1", "S-2"].', name=self.name, field=self.name)
        text = TextInput(self.title, self.help, name=self.name)
        return tuple(text.read(one, dialect) for one in raw)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a list of texts."""
        return {"type": "array", "items": {"type": "string"}}

    def as_kept(self, value: Sequence[str]) -> str:
        """Return serial numbers in one line."""
        return ", ".join(value)


class InputRefused(ValueError):
    """Passes a refusal through pydantic, which then continues with the next input."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class Inputs:
    """The inputs of one kind of report, and how they are read."""

    def __init__(self, report: type) -> None:
        self.all: tuple[ReportInput, ...] = tuple(_inputs_of(report))
        self.by_name: Mapping[str, ReportInput] = {one.name: one for one in self.all}
        self.subject = next(one for one in self.all if isinstance(one, SubjectInput))
        self.quantities = tuple(one for one in self.all if isinstance(one, QuantityInput))
        self._model = _model_of(report.__name__, self.all)

    def read(self, raw: Mapping[str, Any], dialect: Dialect = PLAIN) -> dict[str, Any]:
        """Return the values that were given, by name; the numbers of quantities, and their units under `units`.

        An input that is left empty is not given. Refused is the first input that can't be read, with the others in the
        details.
        """
        given = {name: value for name, value in raw.items() if not _is_empty(value)}
        try:
            parsed = self._model.model_validate(given, context=dialect)
        except ValidationError as error:
            raise self._refusal(error) from None
        return self.with_units({name: getattr(parsed, name) for name in given})

    def with_units(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with the numbers of quantities, whose units are under `units`."""
        amounts = {name: value for name, value in values.items() if isinstance(value, Amount)}
        units = tuple((name, amount.unit) for name, amount in amounts.items() if amount.unit)
        return {**values, **{name: amount.number for name, amount in amounts.items()}, "units": units}

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the whole."""
        schema = self._model.model_json_schema()
        for one in schema["properties"].values():
            one.pop("default", None)
            one.pop("title", None)
        return {"type": "object", **{name: schema[name] for name in ("properties", "required", "additionalProperties")}}

    def _refusal(self, error: ValidationError) -> Refusal:
        # An unknown name comes first, because it is usually the reason why another one is missing.
        errors = sorted(error.errors(), key=lambda one: one["type"] != UNKNOWN)
        first, *others = [self._refusal_of(one) for one in errors]
        first.details = (*first.details, *(one.sentence for one in others))
        return first

    def _refusal_of(self, error: Mapping[str, Any]) -> Refusal:
        name = str(error["loc"][0])
        if error["type"] == UNKNOWN:
            return InvalidValue(
                "There is no field '{name}'. The fields are: {names}.",
                name=shortened(name),
                names=list(self.by_name),
                field="",
            )
        if error["type"] == "missing":
            missing = self.by_name[name]
            return InvalidValue(
                "{what} is missing. Enter {meaning}",
                what=missing.title,
                meaning=f"{missing.help[0].lower()}{missing.help[1:]}",
                field=name,
            )
        refused = error["ctx"]["error"]
        assert isinstance(refused, InputRefused), "inputs raise nothing else"
        return refused.refusal


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _inputs_of(report: type) -> Sequence[ReportInput]:
    """Return the inputs of a report: those of its own class first, then those that it shares with others."""
    hints = get_type_hints(report, include_extras=True)
    defaults = {one.name: one for one in fields(report)}
    names = dict.fromkeys(name for one in report.__mro__ for name in getattr(one, "__annotations__", ()))
    inputs = []
    for name in names:
        declared = [one for one in getattr(hints[name], "__metadata__", ()) if isinstance(one, ReportInput)]
        if declared:
            default = defaults[name].default
            required = default is MISSING
            inputs.append(
                replace(
                    declared[0],
                    name=name,
                    column=declared[0].column or name,
                    default=None if required else default,
                    required=required,
                )
            )
    return inputs


def _model_of(name: str, inputs: Sequence[ReportInput]) -> type[BaseModel]:
    declared: dict[str, Any] = {
        one.name: (
            Annotated[Any, PlainValidator(partial(_read, one)), WithJsonSchema(one.schema())],
            Field(default=... if one.required else one.default, title=one.title, description=one.help),
        )
        for one in inputs
    }
    return pydantic_model(name, __config__=ConfigDict(extra="forbid"), **declared)


def _read(one: ReportInput, raw: object, info: ValidationInfo) -> Any:
    try:
        return one.read(raw, info.context or PLAIN)
    except Refusal as refusal:
        raise InputRefused(refusal) from None
