"""The numbers of lines in structures and orders."""

from collections.abc import Collection, Sequence

LINE_STEP = 10


def fill_line_numbers(numbers: Sequence[int | None], *, taken: Collection[int] = ()) -> list[int]:
    """Return line numbers with the missing ones filled in, so that lines keep the order in which they were entered.

    A missing number is the next ten after the line before. Where that would pass the next line, it is a number between
    the two; where there is none, the next ten after all others. `taken` are numbers of other lines of the same order or
    structure, which are never given twice.
    """
    used = {number for number in numbers if number is not None} | set(taken)
    filled: list[int] = []
    for position, entered in enumerate(numbers):
        if entered is not None:
            filled.append(entered)
            continue
        before = filled[-1] if filled else 0
        behind = next((later for later in numbers[position + 1 :] if later is not None and later > before), None)
        filled.append(_between(before, behind, used))
        used.add(filled[-1])
    return filled


def _between(before: int, behind: int | None, used: Collection[int]) -> int:
    ten = _next_ten(before)
    if ten not in used and (behind is None or ten < behind):
        return ten
    if behind is not None:
        middle = before + (behind - before) // 2
        if before < middle < behind and middle not in used:
            return middle
    return _next_ten(max(used, default=0))


def _next_ten(number: int) -> int:
    return (number // LINE_STEP + 1) * LINE_STEP
