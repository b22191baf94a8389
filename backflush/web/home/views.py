"""Home: a board of blocks, each loaded separately, arranged by each user."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext as _

from backflush.core.input_values import whole_or_none
from backflush.core.refusals import InvalidValue, Refusal
from backflush.dashboard.start_here import start_here
from backflush.people.rights import Verb
from backflush.people.services import forget_board
from backflush.web.forms.fields import Form
from backflush.web.home import board
from backflush.web.home.blocks import BLOCKS
from backflush.web.home.blocks.block import Block
from backflush.web.home.first_page import pattern_fields
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.setup.resource import SETTING_UP

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """The result of an operation: the sentence for the live region, the element to focus, and how to undo it."""

    says: str = ""
    focus: str = ""
    undo: Mapping[str, object] | None = None


@page()
def home_page(request: PageRequest) -> HttpResponse:
    """Show the board; its blocks load separately. A plant that has booked nothing is shown the first steps."""
    begins = None if "board" in request.GET or "arrange" in request.GET else start_here(request.visit.site)
    if begins is not None:
        context: dict[str, Any] = {
            "begins": begins,
            "sets_up": any(request.visit.may(verb) for verb in SETTING_UP),
            "form": Form(pattern_fields()) if not begins.rules and request.visit.may(Verb.STOCK_MAP) else None,
        }
        return render(request, "web/home/start_here.html", context)
    return render(request, "web/home/home.html", _context(request, arranging="arrange" in request.GET))


@page()
def block_part(request: PageRequest, name: str) -> HttpResponse:
    """Return one block. A block that fails says so in its own place."""
    block = _named(name)
    request.visit.require(*block.verbs)
    status = HTTPStatus.OK
    try:
        inside = render_to_string(block.template, {"home_block": block, **block.context(request.visit)}, request)
    except Refusal:
        raise
    except Exception:
        logger.exception("the block %s failed", name)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        inside = render_to_string("web/home/blocks/failed.html", {"home_block": block}, request)
    if request.htmx:
        return HttpResponse(inside, status=status)
    return render(request, "web/home/block.html", {"home_block": block, "inside": inside}, status=status)


def _named(name: str) -> Block:
    block = BLOCKS.get(name)
    if block is None:
        raise Http404
    return block


def _context(request: PageRequest, *, arranging: bool, done: Done | None = None) -> dict[str, Any]:
    placed = board.board_for(request.visit)
    return {
        "placed": placed,
        "arranging": arranging,
        "addable": board.addable(request.visit, placed) if arranging else [],
        "done": done or Done(),
    }


def _shown(request: PageRequest, done: Done) -> HttpResponse:
    """Return the board: as a part for htmx, else redirect to the page."""
    if not request.htmx:
        return redirect(f"{reverse('home')}?arrange=1")
    return render(request, "web/home/board.html", _context(request, arranging=True, done=done))


def _refused(request: PageRequest, refusal: Refusal) -> HttpResponse:
    """Return the board with the refusal above it."""
    context = {**_context(request, arranging=True), "form": Form(refusal=refusal)}
    return render(request, "web/home/board.html" if request.htmx else "web/home/home.html", context)


@posts(again=_refused)
def arrange(request: PageRequest) -> HttpResponse:
    """Carry out one change of the board, and store it."""
    does = DOES.get(request.POST.get("do", ""))
    if does is None:
        raise InvalidValue("A block can be moved, widened, removed or added. Choose one of these.", field="do")
    return _shown(request, does(request))


def _block(request: PageRequest) -> Block:
    block = BLOCKS.get(request.POST.get("block", ""))
    if block is None or not block.is_for(request.visit):
        raise InvalidValue("Choose a block.", field="block")
    return block


def _move(by: int) -> Callable[[PageRequest], Done]:
    def move(request: PageRequest) -> Done:
        block = _block(request)
        board.arrange(request.visit, board.moved(block.name, by))
        return _where(request, block)

    return move


def _place(request: PageRequest) -> Done:
    block = _block(request)
    before, after = request.POST.get("before", ""), request.POST.get("after", "")
    board.arrange(request.visit, board.put_beside(block.name, before=before, after=after))
    return _where(request, block)


def _where(request: PageRequest, block: Block) -> Done:
    placed = board.board_for(request.visit)
    words = {"block": block.title, "place": board.place_of(placed, block.name) + 1, "all": len(placed)}
    return Done(_("%(block)s is now number %(place)d of %(all)d") % words)


def _widen(request: PageRequest) -> Done:
    block = _block(request)
    board.arrange(request.visit, board.widened(block.name))
    placed = board.board_for(request.visit)
    width = placed[board.place_of(placed, block.name)].width
    return Done(_("%(block)s is now %(width)s") % {"block": block.title, "width": board.WIDE[width]})


def _remove(request: PageRequest) -> Done:
    block = _block(request)
    placed = board.board_for(request.visit)
    place = board.place_of(placed, block.name)
    board.arrange(request.visit, board.removed(block.name))
    undo = {"block": block, "place": place, "width": placed[place].width}
    return Done(_("%(block)s is removed") % {"block": block.title}, focus="undo", undo=undo)


def _add(request: PageRequest) -> Done:
    block = _block(request)
    place, width = (whole_or_none(request.POST.get(name, "")) for name in ("place", "width"))
    board.arrange(request.visit, board.added(block, place, width))
    return Done(_("%(block)s is on your board") % {"block": block.title}, focus=block.name)


def _reset(request: PageRequest) -> Done:
    forget_board(user=request.visit.user)
    return Done(_("This is your role's board"))


DOES: Final[Mapping[str, Callable[[PageRequest], Done]]] = {
    "earlier": _move(-1),
    "later": _move(1),
    "place": _place,
    "width": _widen,
    "remove": _remove,
    "add": _add,
    "reset": _reset,
}

urlpatterns = [
    path("", home_page, name="home"),
    path("blocks/<slug:name>/", block_part, name="block"),
    path("home/arrange/", arrange, name="arrange"),
]
