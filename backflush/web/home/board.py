"""Somebody's board: which blocks stand on it, and what each press while arranging makes of it.

A board is a list of blocks with their widths. What is kept names some that the person can't see here, at a site where
they have other rights; those stay in it, behind the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backflush.core.refusals import InvalidValue, NotFound
from backflush.people.selectors import board_of
from backflush.people.services import Placed as Kept
from backflush.people.services import arrange_board
from backflush.web.home.blocks import BLOCKS
from backflush.web.home.blocks.block import HALF, QUARTER, THIRD, WHOLE, Block
from backflush.web.home.blocks.boards import board_of_roles
from backflush.web.platform.visit import Visit

WIDE: Final[Mapping[int, str | Promise]] = {
    QUARTER: gettext_lazy("a quarter of the board"),
    THIRD: gettext_lazy("a third of the board"),
    HALF: gettext_lazy("half of the board"),
    WHOLE: gettext_lazy("as wide as the board"),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A block where somebody has it, so wide; `stays` says that it can't be removed."""

    block: Block
    width: int
    stays: bool


Board = list[Placed]
Change = Callable[[Board], Board]


def board_for(visit: Visit) -> Board:
    """What the person sees: their own board, else the one of their roles."""
    kept = board_of(visit.user)
    return _seen(visit, _begun(visit) if kept is None else kept)


def addable(visit: Visit, board: Board) -> list[Block]:
    """The blocks that the person may add."""
    there = {one.block.name for one in board}
    return [block for block in BLOCKS.values() if block.is_for(visit) and block.name not in there]


def arrange(visit: Visit, change: Change) -> None:
    """Change the person's board, and keep it."""

    def changed(kept: list[Kept]) -> list[Kept]:
        seen = _seen(visit, kept)
        names = {one.block.name for one in seen}
        unseen = [(name, width) for name, width in kept if name in BLOCKS and name not in names]
        return [*((one.block.name, one.width) for one in change(seen)), *unseen]

    arrange_board(user=visit.user, first=_begun(visit), change=changed)


def _begun(visit: Visit) -> list[Kept]:
    return board_of_roles(visit.roles)


def _seen(visit: Visit, kept: Sequence[Kept]) -> Board:
    """Those that the person may see; what must not be missing comes first."""
    known = [(BLOCKS[name], width) for name, width in kept if name in BLOCKS]
    names = {block.name for block, _width in known}
    missing = [(block, block.width) for block in BLOCKS.values() if block.stays(visit) and block.name not in names]
    return [Placed(block, width, block.stays(visit)) for block, width in missing + known if block.is_for(visit)]


def place_of(board: Board, name: str) -> int:
    """Where a block stands, from 0 on."""
    for place, one in enumerate(board):
        if one.block.name == name:
            return place
    raise NotFound(_("That block isn't on your board any more."), field="block")


def moved(name: str, by: int) -> Change:
    """One place earlier or later; the first and the last stay where they are."""

    def change(board: Board) -> Board:
        place = place_of(board, name)
        return put(name, max(0, min(len(board) - 1, place + by)))(board)

    return change


def put(name: str, place: int) -> Change:
    """To a place; those that stood there and behind come after it."""

    def change(board: Board) -> Board:
        one = board[place_of(board, name)]
        others = [other for other in board if other is not one]
        return [*others[:place], one, *others[place:]]

    return change


def put_beside(name: str, *, before: str = "", after: str = "") -> Change:
    """Directly before another, or after it."""

    def change(board: Board) -> Board:
        other, own = place_of(board, before or after), place_of(board, name)
        place = other + bool(after)
        return put(name, place - (own < place))(board)

    return change


def widened(name: str) -> Change:
    """To its next width."""

    def change(board: Board) -> Board:
        place = place_of(board, name)
        one = board[place]
        wider = Placed(one.block, one.block.next_width(one.width), one.stays)
        return [*board[:place], wider, *board[place + 1 :]]

    return change


def removed(name: str) -> Change:
    """Taken off; refused for what must stay."""

    def change(board: Board) -> Board:
        place = place_of(board, name)
        if board[place].stays:
            raise InvalidValue(
                _("%(block)s stays: whoever may resolve has to see what waits.") % {"block": board[place].block.title},
                field="block",
            )
        return [*board[:place], *board[place + 1 :]]

    return change


def added(block: Block, place: int | None = None, width: int | None = None) -> Change:
    """Put on the board, at its end or where it stood; nothing happens where it is there."""

    def change(board: Board) -> Board:
        if any(one.block.name == block.name for one in board):
            return board
        one = Placed(block, width if width is not None and width in block.widths else block.width, stays=False)
        at = len(board) if place is None else place
        return [*board[:at], one, *board[at:]]

    return change
