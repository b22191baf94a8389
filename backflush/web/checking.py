"""The set-up check: what the doctor finds wrong, each with a link to where it is mended."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode

from backflush.doctor.findings import KINDS as HEADINGS
from backflush.doctor.findings import Finding, Severity
from backflush.doctor.selectors import examine
from backflush.web.pages import page
from backflush.web.setup import KINDS, SETTING_UP
from backflush.web.visits import PageRequest

SHOWN: Final = 8
ACTION_CHECKS: Final = ("no_rule", "bin_controlled", "no_balance", "same_location", "no_receive_action")
_LINE: Final = re.compile(r"(?P<item>.+) line [\d/]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as it is shown."""

    heading: str
    sentence: str
    remedy: str
    address: str
    refused: bool


def _item(subject: str) -> str:
    return reverse("item", args=[subject])


def _structure(subject: str) -> str:
    return reverse("item-structure", args=[subject])


def _action(subject: str) -> str:
    return reverse("action", args=[subject])


def _type_code(subject: str) -> str:
    return reverse("type-code", args=[subject])


def _site(subject: str) -> str:
    return reverse("set-up-thing", args=["sites", subject])


def _conversion(subject: str) -> str:
    item, _, unit = subject.rpartition(" ")
    return f"{reverse('set-up-new', args=['conversions'])}?{urlencode({'item': item, 'from': unit})}"


def _component(subject: str) -> str:
    return _item(subject.rpartition(" at ")[0])


MENDED_AT: Final[Mapping[str, Callable[[str], str]]] = {
    "no_rule": _action,
    "no_receive_action": _site,
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


def mended_at(finding: Finding) -> str:
    """Where a finding is mended: the line that it names, else what it is about."""
    line = _LINE.fullmatch(finding.subject)
    if line is not None:
        return _structure(line["item"])
    at = MENDED_AT.get(finding.code)
    return at(finding.subject) if at is not None else ""


def concerns(finding: Finding, kind: str, about: str) -> bool:
    """Whether a finding is about a kind of thing, and names what is asked for."""
    if kind == "actions" and finding.code not in ACTION_CHECKS:
        return False
    if kind in KINDS and finding.code not in KINDS[kind].checks:
        return False
    named = re.compile(rf"(?<![\w-]){re.escape(about)}(?![\w-])")
    return not about or bool(named.search(f"{finding.subject} {finding.sentence}"))


@page(*SETTING_UP)
def check_page(request: PageRequest) -> HttpResponse:
    """All findings of the site, or those about one kind or one thing; the heaviest first."""
    kind, about = request.GET.get("kind", ""), request.GET.get("about", "")
    found = [finding for finding in examine(request.visit.site) if concerns(finding, kind, about)]
    listed = found if request.GET.get("all") or not request.htmx else found[:SHOWN]
    facts = {
        "total": len(found),
        "refused": any(finding.severity is Severity.REFUSED for finding in found),
        "findings": [
            Shown(
                HEADINGS[finding.code].heading,
                finding.sentence,
                finding.remedy,
                mended_at(finding),
                finding.severity is Severity.REFUSED,
            )
            for finding in listed
        ],
    }
    return render(request, "web/setup/check.html", facts)


urlpatterns = [path("set-up/check/", check_page, name="set-up-check")]
