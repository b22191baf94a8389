"""Commands that book production and receipts, one for each kind of booking, and `preview`.

Arguments and options are generated from the declaration of each kind's inputs (`backflushing.report_inputs`).
"""

import inspect
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_inputs import QuantityInput, ReportInput, SerialsInput, SubjectInput, WholeInput
from backflush.backflushing.report_kinds import Report, ReportKind
from backflush.backflushing.selectors import Preview
from backflush.booking_kinds import KINDS, kind_named, preview_report
from backflush.console.output import Command, Desk, HelpSection, Listing, command
from backflush.console.postings import WHY, answer_posting, good_and_scrap
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.delivery.payloads import preview_line_payload

COMMON: Final = frozenset({"at", "key"})
"""Inputs that are common options of every command that posts."""


def register(app: typer.Typer) -> None:
    """Add a command for each kind of booking, and `preview`."""
    for kind in KINDS:
        command(app, kind.command, panel=HelpSection.BOOK, posts=True, keyed=True)(booking_command(kind))
    command(app, "preview", panel=HelpSection.BOOK)(_preview_command())


# ---- arguments and options from the declaration ----------------------------------------------------------------------


def _option_name(one: ReportInput) -> str:
    """Return the option name of an input. It is singular for serial numbers, because the option is repeated."""
    return one.name.removesuffix("s") if isinstance(one, SerialsInput) else one.name


def _parameter(one: ReportInput, declared: typer.models.ParameterInfo, *, many: bool = False) -> inspect.Parameter:
    default: Any = inspect.Parameter.empty if one.required else None if many else ""
    annotation: Any = Annotated[list[str] | None, declared] if many else Annotated[str, declared]
    return inspect.Parameter(_option_name(one), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _argument(one: ReportInput) -> inspect.Parameter:
    return _parameter(one, typer.Argument(metavar=one.name.upper(), help=one.help, show_default=False))


def _option(one: ReportInput) -> inspect.Parameter:
    option = f"--{_option_name(one).replace('_', '-')}"
    match one:
        case SerialsInput():
            many = f"{one.help} Repeat the option for each."
            return _parameter(one, typer.Option(option, metavar="SERIAL", help=many, show_default=False), many=True)
        case QuantityInput():
            metavar = "QUANTITY"
        case WholeInput():
            metavar = "NUMBER"
        case _:
            metavar = one.name.upper()
    return _parameter(one, typer.Option(option, metavar=metavar, help=one.help, show_default=False))


def _positional(kind: ReportKind[Any]) -> tuple[ReportInput, ReportInput]:
    """Return the inputs that are arguments: the order or item, and the first quantity."""
    return kind.inputs.subject, kind.inputs.quantities[0]


def _parameters(kind: ReportKind[Any]) -> Iterator[inspect.Parameter]:
    arguments = _positional(kind)
    yield from map(_argument, arguments)
    yield from (_option(one) for one in kind.inputs.all if one not in arguments and one.name not in COMMON)


def _signed(function: Command, parameters: Sequence[inspect.Parameter], text: str) -> Command:
    """Set a function's signature and help text, from which Typer makes a command."""
    desk = inspect.Parameter("desk", inspect.Parameter.POSITIONAL_ONLY, annotation=Desk)
    function.__signature__ = inspect.Signature([desk, *parameters])  # type: ignore[attr-defined]
    function.__doc__ = text
    return function


def _raw(kind: ReportKind[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values by input name."""
    return {one.name: given[_option_name(one)] for one in kind.inputs.all if _option_name(one) in given}


# ---- booking ---------------------------------------------------------------------------------------------------------


def booking_command(kind: ReportKind[Any]) -> Command:
    """Return the function that books reports of a kind."""

    def book(desk: Desk, /, **given: Any) -> None:
        report = kind.read({**_raw(kind, given), "at": desk.at_text, "key": desk.key})
        [result] = take_reports([report], [kind], site=desk.site, by=desk.by)
        assert result.booking is not None, "a refused report raises its refusal"
        _answer(desk, kind, report, result.booking)

    words = _example(kind)
    about = f"{kind.about}\n\nExample: backflush {kind.command} {words}"
    preview = f"To preview it: backflush preview{_which(kind)} {words}"
    return _signed(book, list(_parameters(kind)), f"{about}\n\n{preview}")


def _example(kind: ReportKind[Any]) -> str:
    """Return the example of a kind as command-line arguments."""
    arguments = [one.name for one in _positional(kind)]
    options = {_option_name(one): one.name for one in kind.inputs.all if one.name not in {*arguments, *COMMON}}
    words = [kind.example[name] for name in arguments if name in kind.example]
    for option, name in options.items():
        if name in kind.example:
            words += [f"--{option.replace('_', '-')}", kind.example[name]]
    return shlex.join(words)


def _which(kind: ReportKind[Any]) -> str:
    return "" if kind is KINDS[0] else f" --kind {kind.word}"


def _answer(desk: Desk, kind: ReportKind[Any], report: Report, booking: Booking) -> None:
    """Print a posted booking."""
    subject, (first, second) = kind.inputs.subject, kind.inputs.quantities
    amounts = {first.name: booking.good, second.name: booking.scrap}
    made = good_and_scrap(booking.good, booking.scrap, words=(first.name, second.name))
    where = f"on {report.of}" if booking.cost_object_id is not None else "without order"
    answer_posting(
        desk,
        booking.posting,
        f"{kind.done} {made} of {booking.item.code} {where}: posting {booking.posting_id}.",
        f"To reverse it: backflush reverse {booking.posting_id}",
        **{"item": booking.item.code, **amounts, subject.name: report.of},
    )


# ---- preview ---------------------------------------------------------------------------------------------------------


def _preview_command() -> Command:
    """Return the function that previews a booking of any kind."""
    first = KINDS[0]
    of = _parameter(
        SubjectInput("", "", name="of", required=True),
        typer.Argument(metavar="ORDER", help="The order number, or the item code with --item.", show_default=False),
    )
    amount = _parameter(
        first.inputs.quantities[0],
        typer.Argument(metavar="GOOD", help="The good or accepted quantity.", show_default=False),
    )
    options: dict[str, inspect.Parameter] = {}
    for kind in KINDS:
        for one in kind.inputs.all:
            if one not in _positional(kind) and one.name != "key":
                options.setdefault(one.name, _option(one))
    word = f"The kind of booking: {', '.join(kind.word for kind in KINDS)}."
    chosen = {
        "kind": (str, typer.Option("--kind", metavar="KIND", help=word, show_default=False), ""),
        "item": (bool, typer.Option("--item", help="The same as --kind production."), False),
        "purchase_order": (bool, typer.Option("--purchase-order", help="The same as --kind receipt."), False),
    }
    choices = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option]
        )
        for name, (annotation, option, default) in chosen.items()
    ]
    text = (
        "Say what a booking would take out of stock, what is there, and what would be unresolved; and how many good "
        "pieces can be booked with nothing short. Nothing is posted.\n\n"
        + "\n\n".join(f"Example: backflush preview{_which(kind)} {_example(kind)}" for kind in KINDS)
    )
    return _signed(show_preview, [of, amount, *choices, *options.values()], text)


def show_preview(desk: Desk, /, **given: Any) -> None:
    kind = _kind_chosen(
        given.pop("kind", ""), item=given.pop("item", False), purchase_order=given.pop("purchase_order", False)
    )
    subject, first = _positional(kind)
    second = kind.inputs.quantities[1]
    given = {name: value for name, value in given.items() if value}
    raw = {subject.name: given.pop("of"), first.name: given.pop("good", "")}
    # The second quantity can be called scrap for every kind.
    if "scrap" in given and second.name not in given:
        given[second.name] = given.pop("scrap")
    known = _raw(kind, given)
    for name in given:
        if name not in {_option_name(one) for one in kind.inputs.all}:
            option = f"--{name.replace('_', '-')}"
            raise InvalidValue("A {kind} has no {option}. Leave it out.", kind=kind.word, option=option, field=name)
    report = kind.read({**raw, **known})
    preview = preview_report(report, site=desk.site)
    amounts = {"good": getattr(report, first.name), "scrap": getattr(report, second.name)}
    desk.answer({"of": report.of, **amounts, **_preview_payload(preview)}, *_preview_shown(preview))


def _kind_chosen(word: str, item: bool, purchase_order: bool) -> ReportKind[Any]:
    """Return the kind that the options name. Refused (`InvalidValue`) if they name two."""
    named = [word] * bool(word) + ["production"] * item + ["receipt"] * purchase_order
    if len(set(named)) > 1:
        raise InvalidValue("Give one of --kind, --item and --purchase-order.", field="kind")
    return kind_named(named[0] if named else None)


def _preview_payload(seen: Preview) -> dict[str, Any]:
    return {
        "largest_good": seen.largest,
        "short": len(seen.short),
        "needing_choice": len(seen.needing_choice),
        "lines": [
            # The API has other names for three of the fields; here both are given.
            {**preview_line_payload(line), "line": line.path, "item": line.component, "from": line.source}
            for line in seen.lines
        ],
    }


def _preview_shown(seen: Preview) -> list[str | Listing]:
    if not seen.lines:
        return ["Nothing would be taken from stock. Nothing was posted."]
    rows = [
        (
            line.path,
            line.component,
            line.source,
            written(line.assumed),
            "no balance" if line.there is None else written(line.there),
            written(line.moves),
            written(line.waits) if line.waits else "",
            line.unit,
            WHY[line.reason] if line.reason else "",
        )
        for line in seen.lines
    ]
    columns = ("Line", "Item", "From", "#Assumed", "#There", "#Moves", "#Waits", "Unit", "Why")
    shown: list[str | Listing] = [Listing(columns, rows)]
    if seen.short:
        enough = (
            "" if seen.largest is None else f" The largest good quantity without a shortage is {written(seen.largest)}."
        )
        shown.append(f"{_count(len(seen.short))} short and would be unresolved.{enough}")
    elif seen.largest is not None:
        shown.append(f"Nothing is short. The largest good quantity without a shortage is {written(seen.largest)}.")
    if seen.needing_choice:
        shown.append(
            f"{_count(len(seen.needing_choice))} unresolved until a person chooses the batch, serial numbers or bin."
        )
    shown.append("Nothing was posted.")
    return shown


def _count(lines: int) -> str:
    return "1 line is" if lines == 1 else f"{lines:,} lines are"
