"""A user's board: its blocks, and the operations while arranging it.

A board is a list of blocks with widths. A stored board may contain blocks that the user can't see at this site; they
are kept at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from backflush.core.refusals import InvalidValue, NotFound
from backflush.people.selectors import board_of
from backflush.people.services import Placed as Kept
from backflush.people.services import arrange_board
from backflush.web.home.blocks import BLOCKS
from backflush.web.home.blocks.block import HALF, QUARTER, THIRD, WHOLE, Block
from backflush.web.home.blocks.boards import board_of_roles
from backflush.web.platform.visit import Visit

WIDE: Final[Mapping[int, str | Promise]] = {
    QUARTER: lazy("a quarter of the board"),
    THIRD: lazy("a third of the board"),
    HALF: lazy("half of the board"),
    WHOLE: lazy("as wide as the board"),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A block on a board with its width; `stays` says that it can't be removed."""

    block: Block
    width: int
    stays: bool


Board = list[Placed]
Change = Callable[[Board], Board]


def board_for(visit: Visit) -> Board:
    """Return the user's own board, else that of the user's roles."""
    kept = board_of(visit.user)
    return _seen(visit, _begun(visit) if kept is None else kept)


def addable(visit: Visit, board: Board) -> list[Block]:
    """Return the blocks that the user may add."""
    there = {one.block.name for one in board}
    return [block for block in BLOCKS.values() if block.is_for(visit) and block.name not in there]


def arrange(visit: Visit, change: Change) -> None:
    """Change the user's board, and store it."""

    def changed(kept: list[Kept]) -> list[Kept]:
        seen = _seen(visit, kept)
        names = {one.block.name for one in seen}
        unseen = [(name, width) for name, width in kept if name in BLOCKS and name not in names]
        return [*((one.block.name, one.width) for one in change(seen)), *unseen]

    arrange_board(user=visit.user, first=_begun(visit), change=changed)


def _begun(visit: Visit) -> list[Kept]:
    return board_of_roles(visit.roles)


def _seen(visit: Visit, kept: Sequence[Kept]) -> Board:
    """Return the blocks that the user may see; required ones come first."""
    known = [(BLOCKS[name], width) for name, width in kept if name in BLOCKS]
    names = {block.name for block, _width in known}
    missing = [(block, block.width) for block in BLOCKS.values() if block.stays(visit) and block.name not in names]
    return [Placed(block, width, block.stays(visit)) for block, width in missing + known if block.is_for(visit)]


def place_of(board: Board, name: str) -> int:
    """Return the position of a block, from 0."""
    for place, one in enumerate(board):
        if one.block.name == name:
            return place
    raise NotFound("This block is no longer on your board. Reload the page.", field="block")


def moved(name: str, by: int) -> Change:
    """Move a block one position. The first and the last can't move further."""

    def change(board: Board) -> Board:
        place = place_of(board, name)
        return put(name, max(0, min(len(board) - 1, place + by)))(board)

    return change


def put(name: str, place: int) -> Change:
    """Move a block to a position; the blocks from there on move back."""

    def change(board: Board) -> Board:
        one = board[place_of(board, name)]
        others = [other for other in board if other is not one]
        return [*others[:place], one, *others[place:]]

    return change


def put_beside(name: str, *, before: str = "", after: str = "") -> Change:
    """Move a block directly before or after another."""

    def change(board: Board) -> Board:
        other, own = place_of(board, before or after), place_of(board, name)
        place = other + bool(after)
        return put(name, place - (own < place))(board)

    return change


def widened(name: str) -> Change:
    """Give a block its next width."""

    def change(board: Board) -> Board:
        place = place_of(board, name)
        one = board[place]
        wider = Placed(one.block, one.block.next_width(one.width), one.stays)
        return [*board[:place], wider, *board[place + 1 :]]

    return change


def removed(name: str) -> Change:
    """Remove a block. Refused for a required one."""

    def change(board: Board) -> Board:
        place = place_of(board, name)
        if board[place].stays:
            raise InvalidValue(
                "{block} can't be removed, because you may resolve movements.",
                block=str(board[place].block.title),
                field="block",
            )
        return [*board[:place], *board[place + 1 :]]

    return change


def added(block: Block, place: int | None = None, width: int | None = None) -> Change:
    """Add a block at the end or at its old position. Does nothing if it is on the board."""

    def change(board: Board) -> Board:
        if any(one.block.name == block.name for one in board):
            return board
        one = Placed(block, width if width is not None and width in block.widths else block.width, stays=False)
        at = len(board) if place is None else place
        return [*board[:at], one, *board[at:]]

    return change
