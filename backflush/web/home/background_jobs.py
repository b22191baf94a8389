"""What somebody asked for that is done in the background: how far it is, what came of it, and its file.

Progress is kept with the errand, so one may leave the page and come back, or look at it on Home.
"""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.background.jobs import stop_errand
from backflush.background.models import Errand, ErrandKind
from backflush.background.selectors import OF_THE_QUEUE, errand_numbered, file_of, is_waited_for_in_vain
from backflush.core.refusals import NotFound, Refusal
from backflush.people.rights import Verb
from backflush.unresolved.background_retry import begin_undo, may_be_taken_back, not_taken_back, undoing_of
from backflush.web.lists.files import CSV, XLSX
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest


def _errand(request: PageRequest, number: int) -> Errand:
    return errand_numbered(request.visit.site, request.user, number)


@page()
def errand_page(request: PageRequest, number: int) -> HttpResponse:
    """How far it is; its bar asks again by itself while it runs."""
    return _show(request, None, number)


def _show(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    errand = _errand(request, number)
    shown = {
        "errand": errand,
        "refusal": refusal,
        "in_vain": is_waited_for_in_vain(errand),
        "may_stop": errand.by_id == request.user.pk or request.visit.may(_needed_to_stop(errand)),
        "is_retry": errand.kind == ErrandKind.RETRY,
        "is_undo": errand.kind == ErrandKind.UNDO,
        "is_of_the_queue": errand.kind in OF_THE_QUEUE,
        "may_take_back": request.visit.may(Verb.UNDO) and may_be_taken_back(errand),
        "taken_back_by": undoing_of(errand),
        "not_back": not_taken_back(errand),
    }
    part = request.htmx and request.htmx.target == "errand"
    return render(
        request,
        "web/home/background_jobs/progress.html" if part else "web/home/background_jobs/background_job.html",
        shown,
    )


def _needed_to_stop(errand: Errand) -> Verb:
    return Verb.UNDO if errand.kind == ErrandKind.UNDO else Verb.RETRY


@posts(again=_show)
def stop_page(request: PageRequest, number: int) -> HttpResponse:
    """Leave off after the step that it is in."""
    errand = _errand(request, number)
    if errand.by_id != request.user.pk:
        request.visit.require(_needed_to_stop(errand))
    stop_errand(site=request.visit.site, number=number)
    return redirect("errand", number)


@posts(Verb.UNDO, again=_show)
def take_back_page(request: PageRequest, number: int) -> HttpResponse:
    """Begin to take back all that a retry has settled."""
    title = _("Taken back: %(retry)s") % {"retry": _errand(request, number).title}
    undoing = begin_undo(site=request.visit.site, number=number, title=title, by=request.user)
    return redirect("errand", undoing.pk)


@page()
def file_page(request: PageRequest, number: int) -> HttpResponse:
    """The file that it made."""
    errand = _errand(request, number)
    if not errand.offers_file:
        raise NotFound("This file isn't there any more. Make it again.")
    kind = XLSX if errand.file_name.endswith(".xlsx") else CSV
    response = StreamingHttpResponse(file_of(errand), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{errand.file_name}"'
    return response  # type: ignore[return-value]


urlpatterns = [
    path("errands/<int:number>/", errand_page, name="errand"),
    path("errands/<int:number>/stop/", stop_page, name="errand-stop"),
    path("errands/<int:number>/take-back/", take_back_page, name="errand-take-back"),
    path("errands/<int:number>/file/", file_page, name="errand-file"),
]
