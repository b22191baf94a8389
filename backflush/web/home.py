"""Home: what needs me? A board of uzLETs, each loaded by itself."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path

from backflush.web.blocks import BLOCKS
from backflush.web.pages import page
from backflush.web.visits import PageRequest


@page()
def home_page(request: PageRequest) -> HttpResponse:
    """The board; its blocks come by themselves."""
    blocks = [block for block in BLOCKS.values() if block.is_for(request.visit)]
    return render(request, "web/home.html", {"blocks": blocks})


@page()
def block_part(request: PageRequest, name: str) -> HttpResponse:
    """One block."""
    block = BLOCKS.get(name)
    if block is None:
        raise Http404
    request.visit.require(*block.verbs)
    return render(request, block.template, {"block": block, **block.facts(request.visit)})


urlpatterns = [
    path("", home_page, name="home"),
    path("blocks/<slug:name>/", block_part, name="block"),
]
