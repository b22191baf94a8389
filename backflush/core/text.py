"""Text that users enter: remarks, batch codes, order numbers. Text that is too long is refused, never truncated."""

from backflush.core.input_values import require_text
from backflush.core.refusals import InvalidValue


def require_short(text: str, longest: int, *, field: str, what: str) -> str:
    """Refuse text that is too long or contains a null character.

    PostgreSQL rejects null characters and SQLite stores them, so both are refused before the database is asked.
    """
    if len(text) > longest:
        raise InvalidValue(
            "{what} has at most {most} characters, not {length}.",
            what=what,
            most=longest,
            length=len(text),
            field=field,
        )
    return require_text(text, field=field)
