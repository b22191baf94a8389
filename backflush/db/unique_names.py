"""A context for adding named rows: of two users who add the same name at once, the second is refused."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import IntegrityError

from backflush.core.refusals import AlreadyThere

Arguments = ParamSpec("Arguments")
Added = TypeVar("Added")


def named_once(kind: str, *, field: str = "code") -> Callable[[Callable[Arguments, Added]], Callable[Arguments, Added]]:
    """Refuse the second of two users who add the same name at once (`already_there`).

    Both have checked that the name is free, so only the unique constraint can decide. Use it around the transaction, so
    that nothing of the second one remains.
    """

    def wrap(add: Callable[Arguments, Added]) -> Callable[Arguments, Added]:
        @wraps(add)
        def added(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Added:
            try:
                return add(*args, **kwargs)
            except IntegrityError as error:
                if not _is_named_twice(error):
                    raise
                raise AlreadyThere(
                    "Another user has just added this {kind}. Reload the page, or choose another name.",
                    kind=kind,
                    field=field,
                ) from error

        return added

    return wrap


def _is_named_twice(error: IntegrityError) -> bool:
    if isinstance(error.__cause__, psycopg.Error):
        return isinstance(error.__cause__, psycopg.errors.UniqueViolation)
    return str(error).startswith("UNIQUE constraint failed")
