"""Every form of the pages shows every refusal: at the field that it is about, otherwise at the head of the form.

Each address that takes a form is tried: one without an entry in `FORMS` fails the last test. The form is shown by the
page's own function for it, which is handed a refusal; what comes out is read as a browser would.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver, reverse
from django_htmx.middleware import HtmxDetails

from backflush.audit.models import CheckName
from backflush.core.moves import Status
from backflush.core.refusals import InvalidValue, Refusal
from backflush.ledger.models import Movement
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.sessions import SessionStore
from backflush.web.platform.visit import enter
from tests.cast import Plant
from tests.databases import Content, Databases, rolled_back
from tests.doors.web.browser.test_every_page import something_on_every_page
from tests.doors.web.visitors import person

SENTENCE = "The lorry is still at the gate."
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "path", "rect"}
NOT_ENTERED = {"hidden", "submit", "button", "image", "reset"}


@dataclass
class Element:
    """An element of a page, with the text within it."""

    tag: str
    attributes: Mapping[str, str]
    parent: "Element | None"
    children: "list[Element]" = field(default_factory=list)
    own_text: str = ""

    @property
    def text(self) -> str:
        return " ".join([self.own_text, *(child.text for child in self.children)])

    def within(self) -> "Iterator[Element]":
        for child in self.children:
            yield child
            yield from child.within()

    def around(self) -> "Iterator[Element]":
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    @property
    def is_folded_away(self) -> bool:
        return any(above.tag == "details" and "open" not in above.attributes for above in self.around())


class Reader(HTMLParser):
    """Reads a page into elements."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self._open = Element("page", {}, None)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._open.children.append(Element(tag, {name: value or "" for name, value in attrs}, self._open))

    def handle_endtag(self, tag: str) -> None:
        closed: Element | None = self._open
        while closed is not None and closed.tag != tag:
            closed = closed.parent
        assert closed is not None, f"</{tag}> closes nothing"
        assert closed.parent is not None
        self._open = closed.parent

    def handle_data(self, data: str) -> None:
        self._open.own_text += data


def main_of(response: HttpResponse) -> Element:
    reader = Reader()
    reader.feed(response.content.decode())
    return next((found for found in reader.root.within() if found.tag == "main"), reader.root)


@dataclass(frozen=True)
class FormCase:
    """A form: the arguments of its address, and what has to be sent for it to be shown with all its fields."""

    arguments: Sequence[Any] = ()
    sent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Numbers:
    """What stands in the plant that forms refer to by number."""

    waiting: int
    posting: int


Make = Callable[[Numbers], FormCase]


def plain(*arguments: Any, **sent: Any) -> Make:
    return lambda numbers: FormCase(arguments, sent)


ROW = {"item-0": "BOLT", "quantity-0": "1"}
FORMS: Mapping[str, Make] = {
    "action": plain("BACKFLUSH"),
    "begin-ready-made": plain(),
    "change-password": plain(),
    "second-factor-confirm": plain(),
    "second-factor-off": plain(),
    "session-end": plain(),
    "token-end": plain(),
    "action-deactivate": plain("ISSUE"),
    "action-delete": plain("ISSUE"),
    "action-new": plain(),
    "action-reactivate": plain("ISSUE"),
    "arrange": plain(),
    "audit-begin": plain(),
    "audit-look": plain(2, CheckName.UNRESOLVED.value),
    "audit-sign": plain(2),
    "audit-work-out": plain(2),
    "background-job-stop": plain(1),
    "background-job-take-back": plain(1),
    "transfer-receive-post": plain(),
    "transfer-send-post": plain(**ROW),
    "bin-add": plain("MAIN/RACK"),
    "bin-deactivate": plain("MAIN/RACK", bin="R1"),
    "bin-delete": plain("MAIN/RACK", bin="R1"),
    "bin-reactivate": plain("MAIN/RACK", bin="R1"),
    "book-post": plain(order="W-BRACKET", good="1"),
    "cancel": lambda numbers: FormCase(sent={"pick": str(numbers.waiting)}),
    "count-plan": plain(),
    "count-post": plain(location="MAIN/LINE", item="BOLT"),
    "count-sheet-decide": plain(1),
    "count-sheet-end": plain(1),
    "count-undo": lambda numbers: FormCase(sent={"posting": str(numbers.posting)}),
    "counts-decide": plain(),
    "import": plain(),
    "import-look": plain(),
    "item-copy": plain("PACK", source="FRAME", on="2026-03-02"),
    "item-edit": plain("PACK"),
    "item-new": plain(),
    "item-structure": plain("FRAME", **{"component-0": "LUG", "number-0": "10", "rows": "1"}),
    "location-rules-end": plain("MAIN/RACK"),
    "move-post": lambda numbers: FormCase(sent={"source": "MAIN/RAW", "item": "LUG", "quantity": "1"}),
    "move-undo": lambda numbers: FormCase(sent={"posting": str(numbers.posting)}),
    "opening-post": plain(location="MAIN/RACK", item="RESIN"),
    "opening-undo": lambda numbers: FormCase(sent={"posting": str(numbers.posting)}),
    "new-count-sheet": plain(),
    "order-refresh-structure": plain("W-FRAME"),
    "order-cancel-now": plain("W-FRAME"),
    "order-complete-now": plain("W-BRACKET"),
    "order-create": plain(),
    "order-issue-post": plain("W-BRACKET", item="BOLT", quantity="1"),
    "order-release": plain("W-FRAME"),
    "order-reopen": plain("W-BRACKET"),
    "order-reset": plain("W-BRACKET"),
    "order-return-post": plain("W-BRACKET", item="BOLT", quantity="1"),
    "order-revise-now": plain("W-BRACKET"),
    "order-structure-keep": plain("W-FRAME", **{"component-0": "LUG", "number-0": "10"}),
    "period-close": plain(through="2026-03-31"),
    "period-count": plain(),
    "period-reopen-now": plain("2026-01-31"),
    "produce-post": plain(item="PACK", good="1"),
    "purchase-order-close-now": plain("P-PLATED"),
    "purchase-order-create": plain(**ROW),
    "receive-post": plain(order="P-PLATED", line="10", accepted="1"),
    "resolve": lambda numbers: FormCase((numbers.waiting,)),
    "rule-add": plain("REPLENISH"),
    "set-up-deactivate": plain("units", "EA"),
    "set-up-delete": plain("units", "EA"),
    "set-up-new": plain("conversions"),
    "set-up-reactivate": plain("units", "EA"),
    "set-up-record": plain("people", "ama"),
    "sheet-entry-post": plain(1),
    "sheet-entry-undo": plain(1),
    "take-back": lambda numbers: FormCase((numbers.posting,)),
    "type-code": plain("MADE"),
}


def posted_addresses() -> dict[str, Any]:
    """Return the addresses that take a form and show its refusals, with the function that shows them."""
    found = {}
    for included in get_resolver().url_patterns:
        for pattern in getattr(included, "url_patterns", [included]):
            again = getattr(pattern.callback, "again", None)
            if again is not None:
                found[str(pattern.name)] = again, pattern.default_args
    return found


BUSY: Final = Content("busy", lambda: something_on_every_page(Plant.build()))


@pytest.fixture(scope="module")
def busy(databases: Databases) -> Iterator[Numbers]:
    """A plant with something on every page, made once for all forms: showing one changes nothing."""
    with databases.fresh("sqlite", BUSY) as database, database.as_default(), rolled_back():
        plant = Plant()
        person(plant, Role.ADMINISTRATOR, name="ama")
        waiting = Movement.objects.filter(status=Status.UNRESOLVED, item__code="BOLT").order_by("pk")[0]
        yield Numbers(waiting.pk, waiting.posting_id)


def shown(numbers: Numbers, name: str, refusal: Refusal) -> Element:
    """Return the form of an address as it comes back with a refusal."""
    case = FORMS[name](numbers)
    again, more = posted_addresses()[name]
    request: Any = RequestFactory().post(reverse(name, args=case.arguments), case.sent)
    request.user = User.objects.get(username="ama")
    request.session = SessionStore()
    request.htmx = HtmxDetails(request)
    with ExitStack() as clocks:
        request.clocks = clocks
        enter(request)
        return main_of(again(request, refusal, *more.values(), *case.arguments))


def sentences(main: Element) -> list[Element]:
    """Return the alerts that show the sentence, the innermost of each."""
    return [found for found in main.within() if found.attributes.get("role") == "alert" and SENTENCE in found.text]


def controls(main: Element) -> list[Element]:
    """Return what can be filled in, the first of each name; the filters of a list beside the form are no part of it."""
    found: dict[str, Element] = {}
    for element in main.within():
        is_control = element.tag in {"select", "textarea"} or (
            element.tag == "input" and element.attributes.get("type", "text") not in NOT_ENTERED
        )
        apart = any(up.tag == "template" or up.attributes.get("role") == "search" for up in element.around())
        if is_control and element.attributes.get("name") and not apart:
            found.setdefault(element.attributes["name"], element)
    beside = {"pick", "count"}  # Rows are ticked in a list: a refusal about them is at the head.
    return [element for name, element in found.items() if name not in beside]


FIELD_LESS = pytest.mark.parametrize("about", ["", "nothing-of-this-form"])


@pytest.mark.parametrize("name", sorted(FORMS))
@FIELD_LESS
def test_a_refusal_about_no_field_of_the_form_shows_at_its_head(busy: Numbers, name: str, about: str) -> None:
    found = sentences(shown(busy, name, InvalidValue(SENTENCE, field=about)))
    assert len(found) == 1
    assert not found[0].is_folded_away
    assert not any("form-row" in up.attributes.get("class", "") for up in found[0].around())


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_refusal_about_a_field_shows_there_and_the_cursor_goes_to_it(busy: Numbers, name: str) -> None:
    as_it_is = shown(busy, name, InvalidValue(SENTENCE))
    for control in controls(as_it_is):
        field_name = control.attributes["name"]
        main = shown(busy, name, InvalidValue(SENTENCE, field=field_name))
        found = sentences(main)
        assert len(found) == 1, field_name
        assert not found[0].is_folded_away, field_name
        (at,) = [one for one in controls(main) if one.attributes["name"] == field_name]
        assert at.attributes.get("aria-invalid") == "true", field_name
        assert found[0].attributes.get("id") in at.attributes.get("aria-describedby", "").split(), field_name
        assert "autofocus" in at.attributes, field_name
        assert [one for one in main.within() if "autofocus" in one.attributes] == [at], field_name


def test_every_form_of_the_pages_is_tried() -> None:
    assert sorted(FORMS) == sorted(posted_addresses())
