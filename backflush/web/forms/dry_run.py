"""What would be refused, said while it is typed: a form is tried as it stands, and taken back.

So a rule is written once, in the service that refuses. Trying takes the database's write lock for a moment, which is no
matter where few people seldom change something, as in set-up; a booking's preview reads only.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from backflush.core.refusals import Refusal


def refused_as_it_stands(save: Callable[[], Any], typed: Mapping[str, str]) -> Refusal | None:
    """Why what stands in a form would be refused; what isn't filled in yet is no fault while somebody types."""
    try:
        with transaction.atomic():
            save()
            transaction.set_rollback(True)
    except Refusal as refusal:
        return refusal if not refusal.field or typed.get(refusal.field, "").strip() else None
    return None
