"""What people write: remarks, batch codes, order numbers. Too long is refused, never cut off."""

from backflush.core.refusals import InvalidValue


def require_short(text: str, longest: int, *, field: str, what: str) -> str:
    """Refuse text that a database can't keep whole: too long, or with a null character in it.

    One database would stop at it and another keep it, so it is said before either is asked.
    """
    if len(text) > longest:
        raise InvalidValue(f"{what} has at most {longest} characters, not {len(text)}.", field=field)
    if "\0" in text:
        raise InvalidValue(f"{what} has a null character in it. Write it again.", field=field)
    return text
