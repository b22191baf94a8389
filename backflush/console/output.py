"""Shared code of all commands. How to add a command:

    from backflush.console.output import Desk, HelpSection, command

    def register(app: typer.Typer) -> None:
        command(app, "count", panel=HelpSection.STOCK)(count)

    def count(desk: Desk, item: Annotated[str, typer.Argument(help="The item code.")]) -> None:
        \"\"\"Say what the command does in two or three sentences.

        Example: backflush count LUG-6
        \"\"\"
        found = ...                                  # a selector or service, with desk.site, desk.by, desk.at, desk.key
        desk.answer({"item": item, ...}, "A sentence.", Listing([...], rows))

A module has `register(app)` and is listed in `main.MODULES` with its commands. It may import models, because Django is
set up before the module is imported. `command` adds the common options: always `--database`, `--site` and `--json`;
`--by` with `posts=True`; `--at` and `--key` with `keyed=True`. Before the function runs, it checks that the database
exists and is up to date (`DatabaseNeed.MADE` creates or upgrades it; with `DatabaseNeed.NONE` the function calls
`require_plant()` or `prepare_plant()` itself). It prints a refusal as a sentence on stderr, with exit code 1.

`desk.answer(facts, *shown)` prints the facts as JSON with `--json`, else the sentences and `Listing`s. In facts, a
`Decimal` becomes a string and a date is in ISO format. `desk.progress(title, total)` is a progress bar on stderr, if
that is a terminal. `desk.fail()` ends with exit code 1 after an answer that reports a problem.
"""

import errno
import getpass
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Final, get_args
from zoneinfo import ZoneInfo

import typer
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from backflush.console.main import STOPPED
from backflush.console.readiness import away, prepare_plant, require_plant
from backflush.core.input_values import WHOLE_MAX, null_character, read_moment, read_whole
from backflush.core.quantity import round_half_up
from backflush.core.refusals import InvalidValue, Refusal
from backflush.core.text import require_short
from backflush.delivery.payloads import as_text, refusal_payload
from backflush.items.models import Item
from backflush.ledger.idempotency import require_own_key
from backflush.people.models import User
from backflush.people.services import known_user
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import site_named

REFUSED: Final = 1
NAME_LENGTH: Final = 150
# The disk is full, read-only or not permitted.
NO_FAULTS_OF_OURS: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EISDIR, errno.ENOTDIR, errno.EIO}
)
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
GAP: Final = 2
NARROWEST: Final = 8
"""A text column narrower than this can't be read; the table is then printed as plain lines."""


class HelpSection(StrEnum):
    """The heading under which `backflush --help` lists a command."""

    BOOK = "Book"
    UNRESOLVED = "Resolve unresolved movements"
    STOCK = "Look up stock and costs"
    ORDERS = "Orders"
    SET_UP = "Set up and check"


class DatabaseNeed(Enum):
    """The state of the database that a command needs."""

    NEEDED = "needed"
    MADE = "made"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Listing:
    """A table on a terminal, aligned plain columns elsewhere. Figures are right-aligned and never truncated.

    Names of figure columns begin with `#`. A column that is empty in every row is left out. The two lines of a cell
    become one with an arrow in plain output.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def as_table(self, width: int) -> Table | None:
        """Return a table for a terminal of this width, or None if it doesn't fit. Long text wraps; figures don't."""
        widths = self._widths(width)
        if widths is None:
            return None
        table = Table(
            title=Text(self.title) if self.title else None,
            title_justify="left",
            title_style="bold",
            header_style="bold",
            box=SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            collapse_padding=True,
        )
        for place, cells in widths.items():
            table.add_column(
                Text(self._heading(place)),
                justify="right" if self._figures(place) else "left",
                overflow="fold",
                width=cells,
            )
        for row in self.rows:
            table.add_row(*(self._kept_whole(place, row[place]) for place in widths))
        return table

    def fitting(self, width: int) -> Table | str:
        """Return a table if it fits the width, else plain lines."""
        return self.as_table(width) or "\n".join(self.as_lines())

    def _widths(self, width: int) -> dict[int, int] | None:
        """Return the width of each column. If they don't fit, wrap headings first, then the widest text columns."""
        kept = self._kept()
        room = width - GAP * (len(kept) - 1)
        roomy = {place: max(self._longest(place), len(self._heading(place))) for place in kept}
        if sum(roomy.values()) <= room:
            return roomy
        close = {place: max(self._longest(place), *map(len, self._heading(place).split()), 0) for place in kept}
        while sum(close.values()) > room:
            widest = max((place for place in kept if not self._figures(place)), key=close.__getitem__, default=None)
            if widest is None or close[widest] <= NARROWEST:
                return None
            close[widest] -= 1
        return close

    def _heading(self, place: int) -> str:
        return self.columns[place].lstrip("#")

    def _longest(self, place: int) -> int:
        return max(len(line) for row in self.rows for line in (*row[place].splitlines(), ""))

    def _figures(self, place: int) -> bool:
        return self.columns[place].startswith("#")

    def as_lines(self) -> list[str]:
        """Return plain lines without colours or boxes, as wide as needed, for a file or another program."""
        kept = self._kept()
        lines = [[self._heading(place) for place in kept]]
        lines += [[" -> ".join(row[place].splitlines()) for place in kept] for row in self.rows]
        widths = [max(len(line[position]) for line in lines) for position in range(len(kept))]
        right = [self._figures(place) for place in kept]
        aligned = (
            "  ".join(
                cell.rjust(width) if figures else cell.ljust(width)
                for cell, width, figures in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in lines
        )
        return [*([self.title] if self.title else []), *aligned]

    def _kept(self) -> list[int]:
        return [place for place in range(len(self.columns)) if any(row[place] for row in self.rows)]

    def _kept_whole(self, place: int, cell: str) -> Text:
        """Keep a figure and its unit on one line, and treat nothing in a cell as markup."""
        return Text(cell.replace(" ", NO_BREAK) if self._figures(place) else cell)


@dataclass
class Desk:
    """The circumstances of a command: site, user, event time, key, and how to answer."""

    site_code: str = ""
    by_name: str = ""
    at_text: str = ""
    key: str = ""
    as_json: bool = False
    started: datetime = field(default_factory=timezone.now)

    @cached_property
    def site(self) -> Site:
        """The site given by --site, else the only one."""
        return site_named(self.site_code)

    @cached_property
    def by(self) -> User:
        """The acting user. Creates the user if needed, so only commands that post read this."""
        return known_user(name=self.name)

    @property
    def name(self) -> str:
        """The name of the acting user."""
        return require_short(self.by_name.strip() or _log_in_name(), NAME_LENGTH, field="by", what="A name")

    @property
    def at(self) -> datetime | date | None:
        """The event time, or None if none was given, which means now."""
        return read_moment(self.at_text, field="at") if self.at_text else None

    def local(self, moment: datetime) -> datetime:
        """Convert a time to the site's time zone."""
        return moment.astimezone(ZoneInfo(self.site.time_zone))

    def when(self, moment: datetime) -> str:
        """Format a time in the site's time zone."""
        return f"{self.local(moment):%d %b %Y %H:%M}"

    def age_days(self, moment: datetime) -> int:
        """Return the age in days of the site's time zone."""
        return (self.local(timezone.now()).date() - self.local(moment).date()).days

    def age(self, moment: datetime) -> str:
        """Format an age."""
        days = self.age_days(moment)
        return {0: "today", 1: "1 day"}.get(days, f"{days} days")

    def answer(self, payload: Any, *shown: str | Listing) -> None:
        """Print the answer: the facts as JSON with --json, else the sentences and listings."""
        if self.as_json:
            sys.stdout.write(in_json(payload) + "\n")
            return
        console = Console(markup=False, highlight=False, emoji=False)
        for one in shown:
            if console.is_terminal:
                console.print(one.fitting(console.width) if isinstance(one, Listing) else one)
            else:
                lines = one.as_lines() if isinstance(one, Listing) else [one]
                sys.stdout.write("".join(f"{line}\n" for line in lines))

    def fail(self) -> None:
        """End with exit code 1 after an answer that reports a problem."""
        raise typer.Exit(REFUSED)

    @contextmanager
    def progress(self, title: str, total: int | None) -> Iterator["ProgressBar"]:
        """Return a progress bar on stderr, or a silent one if stderr is no terminal."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        quiet = self.as_json or not console.is_terminal
        with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
            yield ProgressBar(progress, progress.add_task(title, total=total))


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """A progress bar. Call it with the number of items just done, or use `show` to set the position."""

    progress: Progress
    task: TaskID

    def __call__(self, more: int) -> None:
        self.progress.advance(self.task, more)

    def show(self, title: str, done: int, total: int) -> None:
        """Show what is being done, how much is done, and the total."""
        self.progress.update(self.task, description=title, completed=done, total=total)


def _log_in_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise InvalidValue("The operating system doesn't give your user name. Add --by NAME.", field="by") from None


def in_json(payload: Any) -> str:
    """Return the facts as JSON: decimals and ratios as strings, dates in ISO format."""
    return json.dumps(payload, default=as_text, ensure_ascii=False, indent=2)


def in_decimals(quantity: Decimal, item: Item) -> str:
    """Format a quantity with the item's decimals."""
    return f"{quantity:.{item.quantity_decimals}f}"


def in_unit(quantity: Decimal, item: Item) -> str:
    """Format a quantity with the item's decimals and its unit."""
    return f"{in_decimals(quantity, item)} {item.stock_unit.code}"


def money(amount: Decimal) -> str:
    """Format an amount with two decimals. JSON has the exact amount."""
    rounded = round_half_up(Fraction(abs(amount)), 2)
    return f"{-rounded if amount < 0 else rounded:.2f}"


def of_all(shown: int, total: int, what: str) -> str:
    """Return the last line of a list that was cut: how many are shown and how many there are."""
    return f"{total:,} {what}." if shown == total else f"{shown:,} of {total:,} {what}. --limit shows more."


_DATABASE = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help=(
            "The database: sqlite:///FILE or postgres://USER@HOST/NAME. Default: DATABASE_URL, else "
            "backflush.sqlite3 in this folder."
        ),
        rich_help_panel="Common options",
        show_default=False,
    ),
]
_SITE = Annotated[
    str,
    typer.Option(
        metavar="CODE",
        help="The site. Can be left out if there is only one.",
        rich_help_panel="Common options",
        show_default=False,
    ),
]
_JSON = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.", rich_help_panel="Common options")]
_BY = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="The user who did it. Default: your log-in name on this machine.",
        rich_help_panel="Common options",
        show_default=False,
    ),
]
_AT = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="When it happened, like 2026-03-12 or 2026-03-12T14:30. Default: now.",
        rich_help_panel="Common options",
        show_default=False,
    ),
]
_KEY = Annotated[
    str,
    typer.Option(
        metavar="KEY",
        help="Idempotency key: a request that is sent again under the same key is posted once.",
        rich_help_panel="Common options",
        show_default=False,
    ),
]

Command = Callable[..., None]


def command(
    app: typer.Typer,
    name: str,
    *,
    panel: HelpSection | None = None,
    posts: bool = False,
    keyed: bool = False,
    plant: DatabaseNeed = DatabaseNeed.NEEDED,
) -> Callable[[Command], Command]:
    """Register a function as a command, with the common options and handling of refusals."""
    options: dict[str, tuple[Any, object]] = {"database": (_DATABASE, ""), "site": (_SITE, "")}
    if posts:
        options["by"] = (_BY, "")
    if keyed:
        options |= {"at": (_AT, ""), "key": (_KEY, "")}
    options["as_json"] = (_JSON, False)

    def add(function: Command) -> Command:
        def run(**given: Any) -> None:
            given = {name: _restored(value) for name, value in given.items()}
            broken = next((name for name, value in given.items() if _has_null(value)), None)
            common = {name: given.pop(name) for name in options}
            desk = Desk(
                site_code=common["site"],
                by_name=common.get("by", ""),
                at_text=common.get("at", ""),
                key=common.get("key", ""),
                as_json=common["as_json"],
            )
            with answering(as_json=desk.as_json):
                if broken is not None:
                    raise null_character(broken)
                require_own_key(desk.key)
                if plant is DatabaseNeed.NEEDED:
                    require_plant()
                elif plant is DatabaseNeed.MADE:
                    prepare_plant()
                function(desk, **given)

        _sign(run, function, options)
        paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(function) or "").split("\n\n")]
        first_clause = re.split(r"[.:;](?: |$)", paragraphs[0])[0]
        app.command(name, help="\n\n".join(paragraphs), short_help=first_clause, rich_help_panel=panel, cls=_Command)(
            run
        )
        return function

    return add


def _sign(run: Command, function: Command, options: Mapping[str, tuple[Any, object]]) -> None:
    """Give the wrapper the signature from which Typer reads the options: the function's own, then the common ones."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    for parameter in own:
        _read_whole_numbers(parameter)
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [parameter.replace(kind=keyword) for parameter in own]
    parameters += [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}


def whole_number(least: int, most: int) -> Callable[[str | int], int]:
    """Return a reader of whole numbers within bounds. Python's own takes 1_0 and digits of other scripts."""

    def integer(value: str | int) -> int:
        try:
            return value if isinstance(value, int) else read_whole(value, field="", least=least, most=most)
        except InvalidValue as refusal:
            raise typer.BadParameter(refusal.sentence) from None

    return integer


def _read_whole_numbers(parameter: inspect.Parameter) -> None:
    """Have a parameter that is a whole number, or None, read as every door reads one, within its bounds."""
    kind, *declared = get_args(parameter.annotation) or (None,)
    if kind is not int and set(get_args(kind)) != {int, type(None)}:
        return
    for info in declared:
        if isinstance(info, typer.models.ParameterInfo) and info.parser is None:
            least, most = info.min, info.max
            info.parser = whole_number(0 if least is None else int(least), WHOLE_MAX if most is None else int(most))
            info.min = info.max = None


@contextmanager
def answering(*, as_json: bool) -> Iterator[None]:
    """Turn a refusal, an unusable database or file, or Ctrl-C into a sentence and an exit code."""
    try:
        yield
    except Refusal as refusal:
        _refuse(refusal, as_json=as_json)
    except (DatabaseError, InterfaceError) as error:
        trouble = away(error)
        if trouble is None:
            raise
        _refuse(trouble, as_json=as_json)
    except OSError as error:
        if error.errno not in NO_FAULTS_OF_OURS:
            raise
        file, problem = error.filename or "The disk", error.strerror
        _refuse(
            InvalidValue("{file} can't be used: {problem}.", file=file, problem=problem, field="file"), as_json=as_json
        )
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What was posted before stays; what was at work was not posted.\n")
        raise typer.Exit(STOPPED) from None


def _refuse(refusal: Refusal, *, as_json: bool) -> None:
    if as_json:
        sys.stderr.write(in_json({"error": refusal_payload(refusal)}) + "\n")
    else:
        sys.stderr.write("".join(f"{line}\n" for line in (refusal.sentence, *refusal.details)))
    raise typer.Exit(REFUSED) from None


_NEGATIVE = re.compile(r"-[\d.]")
_MARK: Final = "\0"
"""No argument can contain this character, so it marks what must not be taken for an option."""


class _Command(typer.core.TyperCommand):
    """Takes -5 for a number, so that the refusal is about the number and not about an unknown option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        marked = [f"{_MARK}{argument}" if _NEGATIVE.match(argument) else argument for argument in args]
        return super().parse_args(ctx, marked)


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return [_restored(inner) for inner in value]
    return value.removeprefix(_MARK) if isinstance(value, str) else value


def _has_null(value: Any) -> bool:
    """Return whether an argument contains a null character, which SQLite stores and PostgreSQL rejects."""
    if isinstance(value, list):
        return any(map(_has_null, value))
    return isinstance(value, str) and "\0" in value
