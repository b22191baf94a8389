"""Pages of background jobs: progress, result and file.

Progress is stored with the job, so the user may leave the page and come back, or see it on Home.
"""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.background.jobs import stop_background_job
from backflush.background.models import BackgroundJob, BackgroundJobKind
from backflush.background.selectors import OF_THE_QUEUE, background_job_numbered, file_of, is_waited_for_in_vain
from backflush.core.refusals import NotFound, Refusal
from backflush.people.rights import Verb
from backflush.unresolved.background_retry import begin_undo, may_be_taken_back, not_taken_back, undoing_of
from backflush.web.forms.fields import Form
from backflush.web.lists.files import CSV, XLSX
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest


def _background_job(request: PageRequest, number: int) -> BackgroundJob:
    return background_job_numbered(request.visit.site, request.user, number)


@page()
def background_job_page(request: PageRequest, number: int) -> HttpResponse:
    """Show the progress. The page refreshes it while the job runs."""
    return _show(request, None, number)


def _show(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    background_job = _background_job(request, number)
    shown = {
        "background_job": background_job,
        "form": Form(refusal=refusal),
        "in_vain": is_waited_for_in_vain(background_job),
        "may_stop": background_job.by_id == request.user.pk or request.visit.may(_needed_to_stop(background_job)),
        "is_retry": background_job.kind == BackgroundJobKind.RETRY,
        "is_undo": background_job.kind == BackgroundJobKind.UNDO,
        "is_of_the_queue": background_job.kind in OF_THE_QUEUE,
        "may_take_back": request.visit.may(Verb.UNDO) and may_be_taken_back(background_job),
        "taken_back_by": undoing_of(background_job),
        "not_back": not_taken_back(background_job),
    }
    part = request.htmx and request.htmx.target == "background-job"
    return render(
        request,
        "web/home/background_jobs/progress.html" if part else "web/home/background_jobs/background_job.html",
        shown,
    )


def _needed_to_stop(background_job: BackgroundJob) -> Verb:
    return Verb.UNDO if background_job.kind == BackgroundJobKind.UNDO else Verb.RETRY


@posts(again=_show)
def stop_page(request: PageRequest, number: int) -> HttpResponse:
    """Stop the job after its current step."""
    background_job = _background_job(request, number)
    if background_job.by_id != request.user.pk:
        request.visit.require(_needed_to_stop(background_job))
    stop_background_job(site=request.visit.site, number=number)
    return redirect("background-job", number)


@posts(Verb.UNDO, again=_show)
def take_back_page(request: PageRequest, number: int) -> HttpResponse:
    """Start to undo everything that a retry has settled."""
    title = _("Taken back: %(retry)s") % {"retry": _background_job(request, number).title}
    undoing = begin_undo(site=request.visit.site, number=number, title=title, by=request.user)
    return redirect("background-job", undoing.pk)


@page()
def file_page(request: PageRequest, number: int) -> HttpResponse:
    """Download the job's file."""
    background_job = _background_job(request, number)
    if not background_job.offers_file:
        raise NotFound("This file no longer exists. Make it again.")
    kind = XLSX if background_job.file_name.endswith(".xlsx") else CSV
    response = StreamingHttpResponse(file_of(background_job), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{background_job.file_name}"'
    return response  # type: ignore[return-value]


urlpatterns = [
    path("background-jobs/<int:number>/", background_job_page, name="background-job"),
    path("background-jobs/<int:number>/stop/", stop_page, name="background-job-stop"),
    path("background-jobs/<int:number>/take-back/", take_back_page, name="background-job-take-back"),
    path("background-jobs/<int:number>/file/", file_page, name="background-job-file"),
]
