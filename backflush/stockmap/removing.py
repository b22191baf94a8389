"""Taking away what was set up and never used. What anything names stays: history is read by it."""

from collections.abc import Iterator
from typing import Any

from django.db import models, transaction

from backflush.core.refusals import InUse

COUNTED_MOST = 1000
Thing = models.Model


def users_of(thing: Thing) -> list[str]:
    """What names a thing, kind by kind: "3 transfer rules". Counted up to a limit, so that a ledger isn't read."""
    return [_counted(relation, count) for relation, count in _relations(thing) if count]


def use_count(thing: Thing) -> int:
    """How many name it, up to a limit for each kind."""
    return sum(count for _, count in _relations(thing))


def _relations(thing: Thing) -> Iterator[tuple[Any, int]]:
    for relation in thing._meta.get_fields(include_hidden=True):  # noqa: SLF001
        if not (relation.auto_created and (relation.one_to_many or relation.one_to_one)):
            continue
        if getattr(relation, "on_delete", None) is models.CASCADE:
            continue
        backwards: Any = relation
        named = backwards.related_model.objects.filter(**{backwards.field.name: thing}).values("pk")
        yield relation, named[: COUNTED_MOST + 1].count()


def _counted(relation: Any, count: int) -> str:
    name = relation.related_model._meta  # noqa: SLF001
    if count > COUNTED_MOST:
        return f"more than {COUNTED_MOST:,} {name.verbose_name_plural}"
    return f"{count:,} {name.verbose_name if count == 1 else name.verbose_name_plural}"


@transaction.atomic
def remove(thing: Thing) -> None:
    """Take a thing away for good; refused where anything names it (`in_use`)."""
    users = users_of(thing)
    if users:
        raise InUse(f"{thing} can't be deleted: it is named by {', '.join(users)}.")
    thing.delete()
