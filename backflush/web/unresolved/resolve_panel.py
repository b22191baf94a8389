"""The panel that resolves one unresolved movement: its fields, and the choices made.

The system has assumed once and doesn't assume twice. The planned location is preselected only if it has enough stock.
Otherwise a user chooses the source, and the batch, serial numbers or bin that were used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

from django.http import QueryDict
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from backflush.backflushing.models import Booking
from backflush.core.moves import Status, Tracking
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.core.sentences import Sentence
from backflush.ledger.models import Movement
from backflush.people.rights import Verb
from backflush.unresolved.models import Settlement
from backflush.unresolved.resolution import ResolveIn, Resolving, preview_resolve
from backflush.unresolved.selectors import Candidate, candidates, settlement_of, there_now
from backflush.web.display import formats
from backflush.web.display.tags.pieces import q
from backflush.web.forms.fields import Field, FieldKind, Option
from backflush.web.forms.standard_fields import REMARKS_LENGTH, event_time_field
from backflush.web.forms.values import pks_in, stock_quantity_in, text_in
from backflush.web.platform.visit import Visit
from backflush.web.unresolved.row import Reading, reading_of

PLANNED: Final = "planned"
"""The value of the planned place as a choice. It is offered even without stock."""
OFFERED_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """One choice of a source: its name, the stock, and whether that is enough."""

    value: str
    place: str
    there: Decimal | None
    planned: bool
    short_by: Decimal
    batch: str = ""
    serial: str = ""
    bin: str = ""
    candidate: Candidate | None = None

    @property
    def name(self) -> str:
        """The name that users know."""
        return self.serial or self.batch or self.bin or self.place


@dataclass(frozen=True)
class Panel:
    """One movement, with everything that the panel shows."""

    reading: Reading
    booking: Booking | None
    settlement: Settlement | None

    @property
    def movement(self) -> Movement:
        """The movement."""
        return self.reading.movement

    @cached_property
    def settled_by(self) -> list[Movement]:
        """The movements of its settlement."""
        return list(self.movement.resolved_by.select_related("source").order_by("pk")[:OFFERED_MOST])

    @property
    def waits(self) -> bool:
        """Whether it is still unresolved."""
        return bool(self.movement.status == Status.UNRESOLVED)

    @property
    def asks(self) -> str:
        """What must be chosen: a place, a batch, serial numbers or a bin."""
        match self.movement.item.tracking:
            case Tracking.BATCH:
                return "batch"
            case Tracking.SERIAL:
                return "serial"
        return "bin" if self.movement.source.bin_controlled else "place"

    @cached_property
    def _candidates(self) -> list[Candidate]:
        return [one for one in candidates(self.movement) if one.balance.location_id != self.movement.target_id]

    @property
    def has_expired(self) -> bool:
        """Whether an expired batch is among the choices, which needs a reason."""
        return any(one.expired for one in self._candidates[:OFFERED_MOST])

    @property
    def left_out(self) -> int:
        """The number of candidates beyond the limit."""
        return max(len(self._candidates) - OFFERED_MOST, 0)

    @cached_property
    def choices(self) -> Sequence[SourceChoice]:
        """The choices, best first, including the planned place even without stock."""
        offered = [self._choice(one) for one in self._candidates[:OFFERED_MOST]]
        if self.asks == "place" and not any(one.planned for one in offered):
            there = self.reading.there
            short = ZERO if there is None else self.reading.due
            offered.insert(0, SourceChoice(PLANNED, self.movement.source.path, there, planned=True, short_by=short))
        return offered

    def _choice(self, one: Candidate) -> SourceChoice:
        balance = one.balance
        return SourceChoice(
            value=str(balance.pk),
            place=balance.location.path,
            there=balance.quantity,
            planned=one.planned,
            short_by=max(self.reading.due - balance.quantity, ZERO),
            batch=balance.batch,
            serial=balance.serial,
            bin=balance.bin,
            candidate=one,
        )

    @property
    def beforehand(self) -> list[str]:
        """The preselected choice: the planned place if it has enough, else none."""
        if self.asks != "place" or not self.reading.fits:
            return []
        return [one.value for one in self.choices if one.planned][:1]


def panel_of(visit: Visit, movement: Movement) -> Panel:
    """Return the panel of a movement; refused (`NotFound`) where it was never unresolved."""
    if movement.due is None:
        raise NotFound("Movement {movement} was never unresolved.", movement=movement.pk)
    there = there_now(visit.site, [movement])[movement.pk]
    booking = Booking.objects.filter(posting=movement.origin.posting_id if movement.origin else movement.posting_id)
    settlement = settlement_of(movement) if movement.status != Status.UNRESOLVED else None
    return Panel(reading_of(movement, there), booking.select_related("item", "posting__by").first(), settlement)


QUESTIONS: Final = {
    "place": lazy("Where did it come from?"),
    "batch": lazy("Which batch was used?"),
    "serial": lazy("Which serial numbers were used?"),
    "bin": lazy("Which bin did it come from?"),
}


def panel_fields(visit: Visit, panel: Panel, *, not_used: bool) -> list[Field]:
    """Return the form fields of the panel: to resolve the movement, or to cancel it."""
    if not panel.waits:
        return []
    movement = panel.movement
    if not_used and visit.may(Verb.CANCEL):
        return cancel_fields(movement.at)
    if not visit.may(Verb.RESOLVE):
        return []
    unit = movement.item.stock_unit.code
    fields = [
        _source_field(panel),
        Field("quantity", _("How much was used?"), FieldKind.QUANTITY, unit=unit),
    ]
    if movement.target.bin_controlled:
        fields.append(Field("to_bin", _("Into which bin at %(place)s") % {"place": movement.target.path}))
    if panel.has_expired:
        fields.append(
            Field(
                "why",
                _("Why is an expired batch used?"),
                hint=_("Needed for an expired batch only."),
                length_max=REMARKS_LENGTH,
                also=("remarks",),
            )
        )
    return [*fields, event_time_field(movement.at)]


def cancel_fields(since: datetime | None) -> list[Field]:
    """Return the form fields to cancel: the reason and the event time."""
    reason = Field("remarks", _("Why was it not used?"), FieldKind.TEXTAREA, required=True, length_max=REMARKS_LENGTH)
    return [reason, event_time_field(since)]


def _source_field(panel: Panel) -> Field:
    hint = ""
    if not panel.choices:
        hint = _("There is no %(code)s in stock anywhere.") % {"code": panel.movement.item.code}
    elif panel.left_out:
        more = ngettext("%(number)s more is not shown.", "%(number)s more are not shown.", panel.left_out)
        hint = more % {"number": formats.number(panel.left_out)}
    return Field(
        "from",
        QUESTIONS[panel.asks],
        FieldKind.CHECKBOXES if panel.asks == "serial" else FieldKind.RADIO,
        hint,
        choices=[
            Option(
                choice.value,
                format_html('<b class="code">{}</b>', choice.name),
                _choice_about(panel, choice, first=not number),
                _choice_stock(panel, choice),
            )
            for number, choice in enumerate(panel.choices)
        ],
        also=("source", "location", "batch", "serials", "bin"),
    )


def _choice_about(panel: Panel, choice: SourceChoice, *, first: bool) -> str:
    """Return the location of a choice, and why it is offered."""
    candidate = choice.candidate
    if candidate is not None and candidate.expires_on:
        day = {"day": formats.day(candidate.expires_on)}
        if candidate.expired:
            return format_html('<span class="text-bad">{}</span>', _("expired %(day)s") % day)
        expires = _("expires %(day)s") % day
        return ", ".join([expires, *([_("first to expire")] if first else [])])
    if panel.asks == "place":
        if choice.planned:
            return _("the rule's from-location")
        return candidate.balance.location.description if candidate is not None else ""
    if choice.planned:
        return ", ".join([choice.place, *([_("first in")] if first else [])])
    return ", ".join([choice.place, *([choice.bin] if choice.bin and choice.name != choice.bin else [])])


def _choice_stock(panel: Panel, choice: SourceChoice) -> str:
    """Return the stock of a choice, and whether it is enough."""
    item = panel.movement.item
    if panel.asks == "serial":
        return ""
    if choice.there is None:
        return format_html('<span class="text-muted">{}</span>', _("no balance"))
    if choice.short_by:
        return format_html("{}<small>{} {}</small>", q(choice.there, item), q(choice.short_by, item), _("short"))
    return format_html('{}<small class="text-good">{}</small>', q(choice.there, item), _("enough"))


_ASK: Final = {
    "place": Sentence("Choose where the stock came from."),
    "batch": Sentence("Choose the batch that was used."),
    "serial": Sentence("Choose the serial numbers that were used."),
    "bin": Sentence("Choose the bin that the stock came from."),
}


def chosen_in(panel: Panel, form_data: QueryDict) -> ResolveIn:
    """Parse the choice. The service checks whether it is valid."""
    picked = form_data.getlist("from")
    choices = {one.value: one for one in panel.choices}
    unknown = [value for value in picked if value not in choices]
    if unknown:
        raise InvalidValue("The stock that you chose is no longer there. Choose again.", field="from")
    if not picked:
        raise InvalidValue.of(_ASK[panel.asks], field="from")
    first = choices[picked[0]]
    if any((choices[value].place, choices[value].bin) != (first.place, first.bin) for value in picked):
        raise InvalidValue("Choose serial numbers of one location. Resolve the others separately.", field="from")
    return ResolveIn(
        movement=panel.movement.pk,
        quantity=stock_quantity_in(form_data, "quantity", panel.movement.item),
        source=first.place,
        bin=first.bin,
        to_bin=form_data.get("to_bin", "").strip(),
        batch=first.batch,
        serials=tuple(choices[value].serial for value in picked if choices[value].serial),
        remarks=text_in(form_data, "why", most=REMARKS_LENGTH, empty=True),
    )


@dataclass(frozen=True, slots=True)
class ResolveOutcome:
    """The result that the present choice would have, or the reason why it is refused."""

    resolving: Resolving | None = None
    refusal: Refusal | None = None


def outcome_of(visit: Visit, panel: Panel, form_data: QueryDict) -> ResolveOutcome:
    """Return the sentence below the choices."""
    try:
        return ResolveOutcome(preview_resolve(chosen_in(panel, form_data), site=visit.site))
    except Refusal as refusal:
        return ResolveOutcome(refusal=refusal)


def picks_in(form_data: QueryDict) -> list[int]:
    """Return the movements whose boxes are ticked."""
    return pks_in(form_data.getlist("pick"), field="pick")
