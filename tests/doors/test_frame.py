"""Shared code of all commands: how they read, print, refuse and count."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from errno import EACCES, EBADF, ENOSPC, EROFS
from fractions import Fraction
from io import StringIO
from typing import Annotated

import pytest
import typer
from django.db import InterfaceError, OperationalError, ProgrammingError
from rich.console import Console as Terminal
from typer.testing import CliRunner, Result

from backflush.console.main import MODULES, asked_database, commands, modules_for
from backflush.console.output import DatabaseNeed, Desk, HelpSection, Listing, command, in_json, money, of_all
from backflush.core.input_values import read_moment
from backflush.core.refusals import InsufficientStock, InvalidValue, Refusal


def run(function: object, *words: str) -> Result:
    """Run a function as a command that needs no database."""
    app = typer.Typer()
    app.callback()(lambda: None)
    command(app, "try", panel=HelpSection.STOCK, keyed=True, plant=DatabaseNeed.NONE)(function)  # type: ignore[arg-type]
    return CliRunner().invoke(app, ["try", *words])


def shown(listing: Listing, width: int) -> list[str]:
    terminal = Terminal(file=StringIO(), width=width, force_terminal=True, color_system=None)
    terminal.print(listing.as_table(width))
    assert isinstance(terminal.file, StringIO)
    return terminal.file.getvalue().splitlines()


WIDE = Listing(
    ("#Movement", "Item", "#Quantity", "From / to", "Remarks"),
    [
        ("12345678", "A-LONG-CODE-OF-AN-ITEM", "123456.789012 KG", "MAIN/LINE-A\nMAIN/WIP", "word " * 20),
        ("9", "LUG", "1 EA", "MAIN/RAW\nMAIN/WIP", ""),
    ],
)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_wide_table_wraps_text_and_never_figures(width: int) -> None:
    lines = shown(WIDE, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")
    assert "123456.789012 KG" in text
    assert "12345678" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert text.count("word") == 20
    assert re.sub(r"\s", "", text).count("A-LONG-CODE-OF-AN-ITEM") == (1 if width > 80 else 0)


def test_a_wrapped_code_loses_nothing() -> None:
    codes = Listing(("Item", "#Due"), [("A-LONG-CODE-OF-AN-ITEM", "120 EA")])
    lines = shown(codes, 20)
    assert "".join(line.split()[0] for line in lines[2:]) == "A-LONG-CODE-OF-AN-ITEM"


def test_a_table_that_is_too_wide_for_the_terminal_is_printed_as_lines() -> None:
    assert WIDE.as_table(40) is None


def test_a_listing_for_a_program_has_no_boxes_and_no_limit_of_width() -> None:
    lines = WIDE.as_lines()
    assert len(lines) == 3
    assert "MAIN/LINE-A -> MAIN/WIP" in lines[1]
    assert lines[2].split() == ["9", "LUG", "1", "EA", "MAIN/RAW", "->", "MAIN/WIP"]
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_column_that_is_empty_everywhere_is_left_out() -> None:
    listing = Listing(("Item", "Batch", "#Due"), [("LUG", "", "4")], "What is due")
    assert listing.as_lines() == ["What is due", "Item  Due", "LUG     4"]


def test_text_that_looks_like_markup_is_printed_unchanged() -> None:
    lines = shown(Listing(("Remarks",), [("[red]not[/red] :smile:",)]), 80)
    assert "[red]not[/red] :smile:" in "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-12", date(2026, 3, 12)),
        (" 2026-03-12 ", date(2026, 3, 12)),
        ("2026-03-12T14:30", datetime(2026, 3, 12, 14, 30)),  # noqa: DTZ001
        ("2026-03-12 14:30", datetime(2026, 3, 12, 14, 30)),  # noqa: DTZ001
        ("2026-03-12T14:30+00:00", datetime(2026, 3, 12, 14, 30, tzinfo=UTC)),
    ],
)
def test_dates_and_times_are_read_in_iso_format(text: str, moment: date) -> None:
    assert read_moment(text, field="at") == moment


@pytest.mark.parametrize("text", ["12.3.2026", "2026-02-30", "tomorrow", "2026-03-12T25:00"])
def test_an_invalid_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        read_moment(text, field="at")


def test_facts_keep_decimals_exact_and_dates_iso() -> None:
    facts = {"a": Decimal("6.250"), "b": Fraction(100, 97), "c": date(2026, 3, 12), "d": None, "e": Decimal("1E+3")}
    assert in_json(facts) == (
        '{\n  "a": "6.25",\n  "b": "100/97",\n  "c": "2026-03-12",\n  "d": null,\n  "e": "1000"\n}'
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.005", "1.01"), ("-1.005", "-1.01"), ("0", "0.00"), ("12345678901234.5", "12345678901234.50")],
)
def test_money_is_rounded_half_up_to_read(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def test_a_shortened_list_says_how_many_there_are_in_all() -> None:
    assert of_all(50, 1234, "unresolved") == "50 of 1,234 unresolved. --limit shows more."
    assert of_all(4, 4, "unresolved") == "4 unresolved."


def test_a_refusal_is_a_sentence_with_its_details_on_stderr() -> None:
    def refused(desk: Desk) -> None:
        raise InsufficientStock("Too little.", field="quantity", details=["Of this.", "Of that."])

    result = run(refused)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Too little.\nOf this.\nOf that.\n")
    told = run(refused, "--json")
    assert (told.exit_code, told.stdout) == (1, "")
    assert (
        told.stderr
        == in_json(
            {
                "error": {
                    "code": "insufficient_stock",
                    "field": "quantity",
                    "sentence": "Too little.",
                    "params": {},
                    "details": ["Of this.", "Of that."],
                }
            }
        )
        + "\n"
    )


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_lost_database_connection_is_reported_in_a_sentence(error: type[Exception]) -> None:
    def lost(desk: Desk) -> None:
        raise error("server closed the connection\n\tbefore or while processing the request.")

    result = run(lost)
    assert result.exit_code == 1
    assert result.stderr == (
        "The database can't be used: server closed the connection\nbefore or while processing the request.\n"
    )


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    def wrong(desk: Desk) -> None:
        raise ProgrammingError("no such column")

    assert isinstance(run(wrong).exception, ProgrammingError)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(EACCES, "Permission denied", "/copies/one"), "/copies/one can't be used: Permission denied."),
        (OSError(EROFS, "Read-only file system", "/one"), "/one can't be used: Read-only file system."),
        (OSError(ENOSPC, "No space left on device"), "The disk can't be used: No space left on device."),
    ],
)
def test_a_full_disk_is_reported_in_a_sentence(error: OSError, sentence: str) -> None:
    def keep(desk: Desk) -> None:
        raise error

    result = run(keep)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"{sentence}\n")


def test_an_unexpected_system_error_keeps_its_traceback() -> None:
    def wrong(desk: Desk) -> None:
        raise OSError(EBADF, "Bad file descriptor")

    assert isinstance(run(wrong).exception, OSError)


def test_control_c_is_one_sentence() -> None:
    def long(desk: Desk) -> None:
        raise KeyboardInterrupt

    result = run(long)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.startswith("\nStopped.")


def test_an_answer_that_reports_a_problem_has_exit_code_one() -> None:
    def bad(desk: Desk) -> None:
        desk.answer({"sound": False}, "It isn't so.")
        desk.fail()

    result = run(bad)
    assert (result.exit_code, result.stdout) == (1, "It isn't so.\n")


def test_a_negative_number_is_a_number_and_not_an_option() -> None:
    def take(desk: Desk, quantity: str, serial: Annotated[list[str] | None, typer.Option("--serial")] = None) -> None:
        desk.answer([quantity, serial, desk.key])

    result = run(take, "-5", "--serial", "-1", "--serial", "x", "--key", "-.7", "--json")
    assert result.stdout.split() == ["[", '"-5",', "[", '"-1",', '"x"', "],", '"-.7"', "]"]
    assert run(take, "-x").exit_code == 2


def test_there_is_no_progress_bar_without_a_terminal() -> None:
    def count(desk: Desk) -> None:
        with desk.progress("Counting", 3) as bar:
            bar(1)
            bar.show("Still counting", 2, 3)
        desk.answer({"done": 3}, "Done.")

    result = run(count)
    assert (result.stdout, result.stderr) == ("Done.\n", "")


def test_a_user_unknown_to_the_system_must_give_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(Refusal, match="--by NAME"):
        _ = Desk().by


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ([], None),
        (["book", "W-1", "5"], None),
        (["book", "--database", "sqlite:///a"], "sqlite:///a"),
        (["--database=sqlite:///a", "book"], "sqlite:///a"),
        (["--database", "sqlite:///a", "book", "--database", "sqlite:///b"], "sqlite:///b"),
        (["book", "--", "--database", "sqlite:///a"], None),
        (["book", "--database"], None),
    ],
)
def test_the_database_is_checked_before_anything_else(words: Sequence[str], address: str | None) -> None:
    assert asked_database(words) == address


def test_every_command_has_an_example_in_its_help() -> None:
    app = typer.main.get_command(commands())
    assert isinstance(app, typer.core.TyperGroup)
    taught = dict(app.commands)
    for name, group in app.commands.items():
        if isinstance(group, typer.core.TyperGroup):
            taught |= {f"{name} {inner}": one for inner, one in group.commands.items()}
            del taught[name]
    unhelpful = [name for name, one in taught.items() if f"Example: backflush {name}" not in (one.help or "")]
    assert unhelpful == []
    # The tour is for people only, so it has no JSON.
    talking = [name for name, one in taught.items() if "as_json" not in {option.name for option in one.params}]
    assert set(talking) <= {"tour"}


def test_each_module_has_the_commands_that_main_lists_for_it() -> None:
    for module, names in MODULES.items():
        app = typer.main.get_command(commands([module]))
        assert isinstance(app, typer.core.TyperGroup)
        assert tuple(app.commands) == tuple(names), module


@pytest.mark.parametrize(
    ("words", "modules"),
    [
        (["book", "W-1", "5"], ["bookings"]),
        (["--database", "book", "verify"], ["audit"]),
        (["--database=book", "order", "show", "verify"], ["orders"]),
        (["book", "--help"], ["bookings"]),
        (["--help", "book"], list(MODULES)),
        (["frobnicate"], list(MODULES)),
        ([], list(MODULES)),
    ],
)
def test_only_the_module_of_the_requested_command_is_imported(words: Sequence[str], modules: list[str]) -> None:
    assert modules_for(words) == modules


def test_without_a_command_the_exit_code_is_two() -> None:
    everything = commands()
    assert "backflush.console.orders" in sys.modules
    assert CliRunner().invoke(everything, []).exit_code == 2


@pytest.mark.parametrize(
    "text", ["1_0", "\u0661\u0660", "\uff11\uff10", "1e1", "0x10", "ten", "1.5", "9" * 5_000, "11"]
)
def test_an_option_with_a_whole_number_takes_only_one(text: str) -> None:
    def try_it(
        desk: Desk,
        number: Annotated[int, typer.Argument(min=1, max=10)],
        other: Annotated[int | None, typer.Option(min=0, max=10)] = None,
    ) -> None:
        """Try it.

        Example: backflush try 1
        """
        desk.answer({"number": number, "other": other})

    assert run(try_it, "--json", "7", "--other", "+3").output == '{\n  "number": 7,\n  "other": 3\n}\n'
    for words in ((text,), ("1", f"--other={text}")):
        refused = run(try_it, *words)
        assert refused.exit_code == 2
        assert "Write" in refused.output
