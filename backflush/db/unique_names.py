"""Two people who add something under the same name at the same moment: one adds it, the other is told."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import IntegrityError

from backflush.core.refusals import AlreadyThere

Asked = ParamSpec("Asked")
Added = TypeVar("Added")


def named_once(kind: str, *, field: str = "code") -> Callable[[Callable[Asked, Added]], Callable[Asked, Added]]:
    """Refuse the second of two who add under one name at once (`already_there`).

    Each has looked and found the name free, so only the database's unique rule can tell. It goes around the
    transaction: nothing of the second one's is left then.
    """

    def wrap(add: Callable[Asked, Added]) -> Callable[Asked, Added]:
        @wraps(add)
        def added(*args: Asked.args, **kwargs: Asked.kwargs) -> Added:
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
