"""The set-up check: its findings, each with a link to the page on which to correct it."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode

from backflush.setup_check.findings import KINDS as HEADINGS
from backflush.setup_check.findings import SetupFinding, Severity
from backflush.setup_check.selectors import examine
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest
from backflush.web.setup.actions import ACTION_CHECKS
from backflush.web.setup.resource import SETTING_UP
from backflush.web.setup.views import KINDS

SHOWN: Final = 8
_LINE: Final = re.compile(r"(?P<item>.+) line [\d/]+")


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding for display."""

    code: str
    sentence: str
    remedy: str
    address: str


def _home(_site: str) -> str:
    return reverse("home")


def _item(subject: str) -> str:
    return reverse("item", args=[subject])


def _structure(subject: str) -> str:
    return reverse("item-structure", args=[subject])


def _action(subject: str) -> str:
    return reverse("action", args=[subject])


def _type_code(subject: str) -> str:
    return reverse("type-code", args=[subject])


def _site(subject: str) -> str:
    return reverse("set-up-record", args=["sites", subject])


def _conversion(subject: str) -> str:
    item, _, unit = subject.rpartition(" ")
    return f"{reverse('set-up-new', args=['conversions'])}?{urlencode({'item': item, 'from': unit})}"


def _component(subject: str) -> str:
    return _item(subject.rpartition(" at ")[0])


MENDED_AT: Final[Mapping[str, Callable[[str], str]]] = {
    "not_set_up": _home,
    "no_rule": _action,
    "no_receive_action": _site,
    "no_adjustment_place": _site,
    "no_completion_action": _type_code,
    "no_backflush_action": _type_code,
    "no_conversion": _conversion,
    "structure_loop": _structure,
    "structure_too_large": _structure,
    "no_structure": _structure,
    "empty_phantom": _structure,
    "obsolete_component": _item,
    "no_stock_record": _component,
    "bin_controlled": _action,
    "no_balance": _action,
}


def mended_at(finding: SetupFinding) -> str:
    """Return the address at which to correct a finding: its structure line, else the thing that it concerns."""
    line = _LINE.fullmatch(finding.subject)
    if line is not None:
        return _structure(line["item"])
    at = MENDED_AT.get(finding.code)
    return at(finding.subject) if at is not None else ""


def codes_of(kind: str) -> Collection[str]:
    """Return the finding codes for a kind of thing; all codes if none is given."""
    if kind == "actions":
        return (*ACTION_CHECKS, "batch_tracked", "serial_tracked")
    return KINDS[kind].checks if kind in KINDS else HEADINGS


def concerns(finding: SetupFinding, about: str) -> bool:
    """Return whether a finding concerns a thing with this name, or any thing if no name is given."""
    return not about or about in {name for _, name in finding.about}


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one kind: the first ones, and how many there are."""

    heading: str
    refused: bool
    total: int
    shown: Sequence[ShownFinding]


@page(*SETTING_UP)
def check_page(request: PageRequest) -> HttpResponse:
    """Show the findings of the site, or those about one kind or one thing, most severe group first."""
    kind, about = request.GET.get("kind", ""), request.GET.get("about", "")
    found = [one for one in examine(request.visit.site, codes=codes_of(kind)) if concerns(one, about)]
    narrow = bool(request.htmx) and not request.GET.get("all")
    context = {
        "total": len(found),
        "refused": any(finding.severity is Severity.REFUSED for finding in found),
        "groups": _groups(found[:SHOWN] if narrow else found, found, most=None if request.GET.get("all") else SHOWN),
        "shortened": narrow and len(found) > SHOWN,
    }
    return render(request, "web/setup/check.html", context)


def _groups(listed: Sequence[SetupFinding], found: Sequence[SetupFinding], *, most: int | None) -> list[FindingGroup]:
    totals = Counter(finding.code for finding in found)
    return [
        FindingGroup(
            HEADINGS[code].heading,
            HEADINGS[code].severity is Severity.REFUSED,
            totals[code],
            [ShownFinding(code, one.sentence, one.remedy, mended_at(one)) for one in list(of_code)[:most]],
        )
        for code, of_code in groupby(listed, key=attrgetter("code"))
    ]


urlpatterns = [path("set-up/check/", check_page, name="set-up-check")]
