"""The security log for administrators: sign-ins, and changes of rights, passwords, tokens and sessions."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from backflush.delivery.pagination import count_up_to, page_of
from backflush.people.rights import Verb
from backflush.people.security_log import SecurityMatter, events_at
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest


@page(Verb.PEOPLE)
def security_log_page(request: PageRequest) -> HttpResponse:
    """List the lines that concern people of this site, newest first."""
    found = events_at(request.visit.site)
    person, what = request.GET.get("person", "").strip(), request.GET.get("what", "")
    if person:
        found = found.filter(person=person)
    if what in set(SecurityMatter):
        found = found.filter(what=what)
    if request.GET.get("refused"):
        found = found.filter(done=False)
    context = {
        "page": page_of(found, request.GET, by=("at", "pk"), descending=True, total=count_up_to(found)),
        "person": person,
        "what": what,
        "refused": bool(request.GET.get("refused")),
        "matters": list(SecurityMatter),
    }
    return render(request, "web/setup/security_log.html", context)


urlpatterns = [path("set-up/security-log/", security_log_page, name="security-log")]
