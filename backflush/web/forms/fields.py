"""Forms: which fields they have, what stands in each, and where a refusal is shown.

    form = Form(
        [
            Field("number", _("Number"), required=True),
            Field("quantity", _("Quantity"), FieldKind.QUANTITY, unit="EA", required=True),
            Field("item", _("Item"), FieldKind.CODE, codes="items"),
        ],
        values=request.POST,
        refusal=refusal,
    )
    return render(request, "web/production/new_order.html", {"form": form})

In the template:

    {% form_refusal form %}      a refusal that belongs to none of the form's fields
    {% field form.number %}      one field: label, hint, input, and its refusal
    {% fields form %}            all fields, in order

One template draws every field (`web/forms/field.html`). A field that a form doesn't have is drawn as nothing, so a
template may name a field that only some items need. What a field may hold is decided by the services, not here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from django.http import QueryDict
from django.utils.functional import Promise

from backflush.core.refusals import Refusal
from backflush.web.display import formats

Text = str | Promise
Values = Mapping[str, str] | Mapping[str, Sequence[str]] | Mapping[str, str | Sequence[str]]
"""What stands in a form: a text by field, or several where several can be chosen."""


class FieldKind(StrEnum):
    """How a value is entered."""

    TEXT = "text"
    AMOUNT = "amount"
    """A quantity that an operator enters: large, with buttons for one less, one more, and usual amounts."""
    QUANTITY = "quantity"
    WHOLE = "whole"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    RADIO = "radio"
    CODE = "code"
    CHECKBOX = "checkbox"
    CHECKBOXES = "checkboxes"
    """Several of some choices."""
    TEXTAREA = "textarea"
    PASSWORD = "password"  # noqa: S105
    FILE = "file"


class Option(NamedTuple):
    """One of the values that a choice offers."""

    value: str
    label: Text
    hint: Text = ""
    aside: Text = ""
    """What stands at the right, such as how much is in stock."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value to enter. A value is always text, as the browser sends it.

    `required` makes the browser ask for a value; `optional` says in the label that none is needed. `locked` is the
    reason why the value can't be changed any more: the value is shown as text, with the reason. `codes` names the
    look-up that completes a code (`web/home/lookup.py`). `also` are other names by which refusals call this field.
    """

    name: str
    label: Text
    kind: FieldKind = FieldKind.TEXT
    hint: Text = ""
    choices: Sequence[Sequence[Text]] = ()
    unit: Text = ""
    required: bool = False
    optional: bool = False
    locked: Text = ""
    codes: str = ""
    suggestions: Sequence[str] = ()
    length_max: int | None = None
    focus: bool = False
    """Whether the page opens with the cursor here, unless something was refused."""
    look: str = ""
    """`large` for a quantity, `scan` for a code that is mostly scanned, `narrow` for an input as wide as its value."""
    quick: Sequence[tuple[str, Text]] = ()
    """Usual amounts, each with the words on its button."""
    accept: str = ""
    """The kinds of file that may be chosen."""
    also: Sequence[str] = ()

    @property
    def options(self) -> list[Option]:
        """The values to choose from."""
        return [Option(*choice) for choice in self.choices]  # type: ignore[arg-type]

    @property
    def names(self) -> frozenset[str]:
        """All names under which a refusal may be about this field."""
        return frozenset({self.name, *self.also})


@dataclass(frozen=True, slots=True)
class BoundField:
    """A field with its value and, where it was refused, the refusal."""

    field: Field
    values: Sequence[str] = ()
    refusal: Refusal | None = None
    focus: bool = False
    """Whether the page opens with the cursor here."""

    @property
    def value(self) -> str:
        """The value; of several checkboxes the last that is ticked."""
        return self.values[-1] if self.values else ""

    @property
    def name(self) -> str:
        """The name of the input, which is its id too."""
        return self.field.name

    @property
    def shown(self) -> Text:
        """What stands in a field that can't be changed: of a choice, its words."""
        return next((option.label for option in self.field.options if option.value == self.value), self.value)

    @property
    def is_number(self) -> bool:
        """Whether the value is written from the right."""
        return self.field.kind in {FieldKind.QUANTITY, FieldKind.WHOLE}

    @property
    def input_type(self) -> str:
        """The browser's type of input."""
        return INPUT_TYPES.get(self.field.kind, "text")

    @property
    def described_by(self) -> str:
        """The ids of the texts that explain the input to a screen reader."""
        found = [f"{self.name}-hint"] if self.field.hint and self.field.kind is not FieldKind.CHECKBOX else []
        return " ".join([*found, *([f"{self.name}-error"] if self.refusal else [])])


INPUT_TYPES: Final = {
    FieldKind.DATE: "date",
    FieldKind.MOMENT: "datetime-local",
    FieldKind.PASSWORD: "password",
    FieldKind.FILE: "file",
}


class LineTable(Protocol):
    """A table of lines within a form (`edit_table.EditTable`)."""

    def take(self, refusal: Refusal) -> bool:
        """Show a refusal at its cell, and return whether there is such a cell."""
        ...


class Form:
    """The fields of a form, what stands in them, and the refusal of what was sent.

    A refusal is shown at the field that it names. A refusal that names no field, or one that the form doesn't have,
    is shown at the head of the form (`head`), so none is ever lost. Where a page has several forms, they share one
    `Form` with the fields of all of them.
    """

    def __init__(
        self,
        fields: Iterable[Field] = (),
        values: Values | None = None,
        refusal: Refusal | None = None,
        *,
        table: LineTable | None = None,
    ) -> None:
        self.refusal = refusal
        self.table = table
        self._in_table = table is not None and refusal is not None and table.take(refusal)
        self._fields = {field.name: field for field in fields}
        values = values or {}
        refused = self.name_of(refusal) if refusal else ""
        self._bound = {
            name: BoundField(
                field,
                _values_in(values, name),
                refusal if name == refused else None,
                focus=name == refused or (refusal is None and field.focus),
            )
            for name, field in self._fields.items()
        }

    def name_of(self, refusal: Refusal) -> str:
        """Return the name of the field that a refusal is about; empty where the form has no such field."""
        about = refusal.field
        return next((name for name, field in self._fields.items() if about and about in field.names), "")

    def label_of(self, refusal: Refusal) -> Text:
        """Return the label of the field that a refusal is about; empty where the form has no such field."""
        name = self.name_of(refusal)
        return self._fields[name].label if name else ""

    @property
    def head(self) -> Refusal | None:
        """The refusal, unless one of the fields shows it."""
        if self.refusal is None or self.name_of(self.refusal):
            return None
        # A refusal of several cells is summed up at the head as well.
        return None if self._in_table and self.refusal.field else self.refusal

    def __iter__(self) -> Iterator[BoundField]:
        return iter(self._bound.values())

    def __getitem__(self, name: str) -> BoundField:
        return self._bound[name]

    def __contains__(self, name: object) -> bool:
        return name in self._bound

    def some(self, *names: str) -> list[BoundField]:
        """Those of some fields that the form has."""
        return [self._bound[name] for name in names if name in self._bound]

    def has_entry(self, *names: str) -> bool:
        """Whether any of some fields is filled in or refused, so that a folded part must be open."""
        return any(field.value or field.refusal for field in self.some(*names))


def _values_in(values: Values, name: str) -> Sequence[str]:
    if isinstance(values, QueryDict):
        return values.getlist(name)
    value = values.get(name, "")
    return [value] if isinstance(value, str) else value


def input_text(value: Any) -> str:
    """Return a stored value as a person would type it: numbers by the locale without
    separators of thousands, dates as browsers send them."""
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    if isinstance(value, Decimal):
        return formats.for_input(value)
    return value.isoformat() if isinstance(value, date) else str(value)
