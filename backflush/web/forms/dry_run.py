"""Check a form while it is being filled in: save it, report what is refused, and roll back.

So each rule is written once, in the service that refuses. A dry run takes the database's write lock for a moment. That
does no harm in set-up, where few people seldom change something; the preview of a booking only reads.
"""

from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from backflush.core.refusals import Refusal
from backflush.web.forms.fields import Form


def live_check(
    request: HttpRequest, save: Callable[[], Any], form: Form, *, always: Collection[str] = ()
) -> HttpResponse:
    """Return the refusal that saving the current entries would get, or nothing.

    A refusal about an empty field is left out, because the user may still fill it in. Refusals about the fields named
    in `always` are always shown; they concern several inputs.
    """
    refusal = _refusal_of(save)
    if refusal is not None and refusal.field and refusal.field not in always:
        name = form.name_of(refusal) or refusal.field
        if not request.POST.get(name, "").strip():
            refusal = None
    label = form.label_of(refusal) if refusal else ""
    return render(request, "web/forms/live_check.html", {"refusal": refusal, "label": label})


def _refusal_of(save: Callable[[], Any]) -> Refusal | None:
    try:
        with transaction.atomic():
            save()
            transaction.set_rollback(True)
    except Refusal as refusal:
        return refusal
    return None
