"""The audit: a worksheet of eight checks to review, the sign-off, and earlier audits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.audit.checks import COUNTED_MOST, WORKED_OUT, last_computation, latest_looks, listed
from backflush.audit.lines import FindingLine
from backflush.audit.models import Audit, AuditComputation, CheckName, CheckReview
from backflush.audit.selectors import (
    audit_at_work,
    audit_numbered,
    audits,
    is_waited_for_in_vain,
    newest_computation,
    running_computation,
)
from backflush.audit.services import begin_audit, look_at, request_computation, sign_off
from backflush.core.refusals import NotFound, Refusal
from backflush.delivery.pagination import count_up_to, page_of
from backflush.people.rights import Verb
from backflush.web.display import badges
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import day_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest

SEEN_BY: Final = (Verb.SEE, Verb.SIGN_OFF)
REMARKS_MOST: Final = 500
LOOKS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class CheckColumn:
    """A column of a check's list: its header, and the kind of cell."""

    heading: str | Promise
    cell: str

    @property
    def figures(self) -> bool:
        """Whether the column has figures, which are right-aligned."""
        return self.cell in {"quantity", "other", "count"}

    @property
    def wide(self) -> bool:
        """Whether the column needs a line of its own on a phone."""
        return self.cell in {"kind", "way", "when", "why"}


@dataclass(frozen=True, slots=True)
class Question:
    """A check for display: its question, what it finds, and the columns of its list."""

    title: str | Promise
    finds: str | Promise
    nothing: str | Promise
    columns: Sequence[CheckColumn]


_ITEM: Final = CheckColumn(lazy("Item"), "item")
_DUE: Final = CheckColumn(lazy("Due"), "quantity")
_ORDER: Final = CheckColumn(lazy("For"), "order")
_PLACE: Final = CheckColumn(lazy("From"), "place")
_WHO: Final = CheckColumn(lazy("By"), "who")
_WHEN: Final = CheckColumn(lazy("When"), "when")
_WHY: Final = CheckColumn(lazy("Why"), "why")
_KIND: Final = CheckColumn(lazy("What"), "kind")

QUESTIONS: Final[Mapping[str, Question]] = {
    CheckName.UNRESOLVED: Question(
        lazy("What is still unresolved?"),
        lazy("All movements that are unresolved now, of this period or any earlier one, oldest first."),
        lazy("Nothing is unresolved"),
        (
            CheckColumn(lazy("Since"), "age"),
            _ITEM,
            _DUE,
            CheckColumn(lazy("Reason"), "kind"),
            _ORDER,
            _PLACE,
            _WHO,
        ),
    ),
    CheckName.CANCELLED: Question(
        lazy("What was cancelled, by whom and why?"),
        lazy(
            "Movements that users cancelled in this period because nothing was used. Cancellations "
            "that were undone, or that belong to a reversed booking, are left out."
        ),
        lazy("Nothing was cancelled"),
        (_ITEM, _DUE, _ORDER, _PLACE, _WHO, _WHEN, _WHY),
    ),
    CheckName.REVISED: Question(
        lazy("What was resolved differently from the assumption?"),
        lazy(
            "Movements resolved in this period with another quantity, from another place, or with a "
            "remainder that was kept or dropped."
        ),
        lazy("Nothing was resolved differently"),
        (
            _ITEM,
            _DUE,
            CheckColumn(lazy("Used"), "other"),
            _KIND,
            _ORDER,
            CheckColumn(lazy("From"), "way"),
            _WHO,
            _WHEN,
            CheckColumn(lazy("Remarks"), "why"),
        ),
    ),
    CheckName.NEVER_MOVED: Question(
        lazy("Which assumed components never moved?"),
        lazy(
            "Components whose assumed use in this period is all unresolved or cancelled, so none was "
            "taken out of stock. Reversed bookings are left out."
        ),
        lazy("Some of every assumed component has moved"),
        (
            _ITEM,
            CheckColumn(lazy("Times assumed"), "count"),
            CheckColumn(lazy("Total due"), "quantity"),
            CheckColumn(lazy("Last"), "when"),
        ),
    ),
    CheckName.HAND_ISSUES: Question(
        lazy("Which backflushed components were issued by hand?"),
        lazy(
            "Issues in this period to backflushed orders of components that their structure doesn't "
            "mark as issued by hand. If the structure assumes the component too, its use may be "
            "recorded twice. Reversed issues are left out."
        ),
        lazy("No backflushed component was issued by hand"),
        (
            _ITEM,
            CheckColumn(lazy("Issued"), "quantity"),
            _KIND,
            _ORDER,
            _PLACE,
            _WHO,
            _WHEN,
            CheckColumn(lazy("Remarks"), "why"),
        ),
    ),
    CheckName.STRUCTURES: Question(
        lazy("Which structures changed while orders were open?"),
        lazy(
            "Items with released or open orders whose copy of the structure differs from the one in "
            "force at the end of the period, in lines, quantities, units or places. These orders keep "
            "their copy."
        ),
        lazy("All open orders have the structure in force"),
        (
            _ITEM,
            CheckColumn(lazy("Orders with another structure"), "count"),
            CheckColumn(lazy("The first of them"), "why"),
        ),
    ),
    CheckName.NEGATIVE: Question(
        lazy("Where does stock go negative or run short?"),
        lazy(
            "Places where the stock of an item, by event time, was negative at some moment of the "
            "period; and items that were short at a place in three or more bookings of the period."
        ),
        lazy("No stock was negative or short repeatedly"),
        (_ITEM, _KIND, _PLACE, CheckColumn(lazy("Times"), "count"), CheckColumn(lazy("Lowest"), "other"), _DUE, _WHEN),
    ),
    CheckName.PROOF: Question(
        lazy("Is the ledger consistent?"),
        lazy(
            "The check of the ledger of all sites: balances equal movements, nothing is created, lost "
            "or negative, and every assumed quantity is accounted for."
        ),
        lazy("All checks passed"),
        (CheckColumn(lazy("Promise"), "kind"), CheckColumn(lazy("Fault"), "why")),
    ),
}


@dataclass(frozen=True, slots=True)
class WorksheetStep:
    """A check on the worksheet; `count` is None until it is computed."""

    name: CheckName
    number: int
    question: Question
    count: int | None
    look: CheckReview | None

    @property
    def many(self) -> bool:
        """Whether there are more than are counted."""
        return self.count is not None and self.count > COUNTED_MOST


@dataclass(frozen=True, slots=True)
class ComputationProgress:
    """The progress of an audit's computation: the last result, the running step, and whether it seems stuck."""

    done: AuditComputation | None
    running: AuditComputation | None
    failed: bool

    @property
    def in_vain(self) -> bool:
        """Whether probably no worker runs."""
        return self.running is not None and is_waited_for_in_vain(self.running)


def _working(audit: Audit) -> ComputationProgress:
    newest = newest_computation(audit)
    return ComputationProgress(
        last_computation(audit), running_computation(audit), newest is not None and newest.failed
    )


def _steps(audit: Audit, done: AuditComputation | None) -> list[WorksheetStep]:
    looks = latest_looks(audit)
    return [
        WorksheetStep(check, number, QUESTIONS[check], _count(audit, check, done, looks.get(check)), looks.get(check))
        for number, check in enumerate(CheckName, 1)
    ]


def _count(audit: Audit, check: CheckName, done: AuditComputation | None, look: CheckReview | None) -> int | None:
    """Return the current count; for a signed audit, the count at the review."""
    if audit.signed_at is not None:
        return look.count if look else None
    if check in WORKED_OUT:
        return done.counts.get(check.value) if done else None
    return listed(audit, check).count()


@page(*SEEN_BY)
def audit_page(request: PageRequest) -> HttpResponse:
    """Show the worksheet of the current audit, or offer to begin one; earlier audits below."""
    return _worksheet(request, None)


def _worksheet(request: PageRequest, refusal: Refusal | None, number: int = 0) -> HttpResponse:
    site, may_sign = request.visit.site, request.visit.may(Verb.SIGN_OFF)
    audit = audit_at_work(site)
    signed = audits(site)
    context: dict[str, Any] = {
        "audit": audit,
        "page": page_of(signed, request.GET, by=("number",), descending=True, total=count_up_to(signed)),
        "may_sign": may_sign,
        "key": new_key(),
        "today": request.visit.today,
    }
    fields = []
    if audit is not None:
        working = _working(audit)
        steps = _steps(audit, working.done)
        left = [step for step in steps if step.look is None]
        context |= {"working": working, "steps": steps, "left": left}
        if may_sign and not left:
            fields = [remarks_field()]
    elif may_sign:
        hint = _("Leave it empty for everything up to now.")
        fields = [Field("until", _("Until the end of"), FieldKind.DATE, hint, optional=True)]
    context["form"] = Form(fields, request.POST, refusal)
    return render(request, "web/audit/worksheet.html", context)


@posts(Verb.SIGN_OFF, again=_worksheet)
def begin(request: PageRequest) -> HttpResponse:
    """Begin an audit, and compute the slow checks in the background."""
    until = day_in(request.POST, "until")
    audit = begin_audit(site=request.visit.site, by=request.user, until=until, key=request.POST.get("key", ""))
    if audit.signed_at is None and newest_computation(audit) is None:
        request_computation(audit=audit, by=request.user)
    return redirect("audit")


@posts(Verb.SIGN_OFF, again=_worksheet)
def work_out(request: PageRequest, number: int) -> HttpResponse:
    """Compute the slow checks again."""
    request_computation(audit=audit_numbered(request.visit.site, number), by=request.user)
    return redirect("audit")


@page(*SEEN_BY)
def check_page(request: PageRequest, number: int, check: str) -> HttpResponse:
    """Show the findings of a check, and the form to record a review."""
    return _check(request, None, number, check)


def _check(request: PageRequest, refusal: Refusal | None, number: int, check: str) -> HttpResponse:
    audit = audit_numbered(request.visit.site, number)
    if check not in QUESTIONS:
        raise NotFound("There is no check {check}.", check=check)
    if audit.signed_at is not None:
        if refusal is not None:
            raise refusal
        return redirect("audit-signed", number)
    name = CheckName(check)
    working = _working(audit)
    ready = name not in WORKED_OUT or working.done is not None
    may_sign = request.visit.may(Verb.SIGN_OFF)
    context: dict[str, Any] = {
        "audit": audit,
        "check": name,
        "number": list(CheckName).index(name) + 1,
        "question": QUESTIONS[name],
        "working": working,
        "ready": ready,
        "worked_out": name in WORKED_OUT,
        "looks": audit.looks.filter(check_name=name).select_related("by").order_by("-pk")[:LOOKS_SHOWN],
        "may_sign": may_sign,
        "form": Form([remarks_field(lazy("Your comment"))] if may_sign and ready else [], request.POST, refusal),
        "key": request.POST.get("key", "") or new_key(),
    }
    if ready:
        found = listed(audit, name, working.done)
        shown = page_of(found.found, request.GET, by=found.by, total=found.count())
        context |= {"page": shown, "lines": found.lines(shown.rows)}
    return render(request, "web/audit/check.html", context)


@posts(Verb.SIGN_OFF, again=_check)
def look(request: PageRequest, number: int, check: str) -> HttpResponse:
    """Record that the user reviewed a check, and open the next unreviewed one."""
    site = request.visit.site
    remarks = text_in(request.POST, "remarks", most=REMARKS_MOST, empty=True)
    key = request.POST.get("key", "")
    look_at(site=site, number=number, check=check, by=request.user, remarks=remarks, key=key)
    looked = latest_looks(audit_numbered(site, number))
    after = [one for one in CheckName if one not in looked]
    return redirect("audit-check", number, after[0].value) if after else redirect("audit")


@posts(Verb.SIGN_OFF, again=_worksheet)
def sign(request: PageRequest, number: int) -> HttpResponse:
    """Sign the audit off."""
    remarks = text_in(request.POST, "remarks", most=REMARKS_MOST, empty=True)
    key = request.POST.get("key", "")
    audit = sign_off(site=request.visit.site, number=number, by=request.user, remarks=remarks, key=key)
    return redirect("audit-signed", audit.number)


@page(*SEEN_BY)
def signed_page(request: PageRequest, number: int) -> HttpResponse:
    """Show a signed-off audit from its stored results."""
    audit = audit_numbered(request.visit.site, number)
    if audit.signed_at is None:
        return redirect("audit")
    steps = _steps(audit, None)
    kept = [(step, [FindingLine.of(line) for line in step.look.lines]) for step in steps if step.look is not None]
    proof = next(step.look for step in steps if step.name == CheckName.PROOF)
    invariants = proof.computation.invariants if proof is not None and proof.computation is not None else []
    context = {"audit": audit, "steps": steps, "kept": kept, "invariants": invariants}
    return render(request, "web/audit/signed.html", context)


KINDS: Final[Mapping[str, str | Promise]] = {
    "dropped": lazy("less, the rest not used"),
    "kept": lazy("less, the rest is unresolved"),
    "more": lazy("more than due"),
    "elsewhere": lazy("from another place"),
    "assumed too": lazy("assumed too"),
    "beyond": lazy("not in the structure"),
    "below zero": lazy("negative in the past"),
    "recurs": lazy("short repeatedly"),
    "short": badges.SHORT.word,
    **{reason: sign.word for reason, sign in badges.CHOICE.items()},
}

urlpatterns = [
    path("audit/", audit_page, name="audit"),
    path("audit/begin/", begin, name="audit-begin"),
    path("audit/<int:number>/", signed_page, name="audit-signed"),
    path("audit/<int:number>/work-out/", work_out, name="audit-work-out"),
    path("audit/<int:number>/sign/", sign, name="audit-sign"),
    path("audit/<int:number>/<slug:check>/", check_page, name="audit-check"),
    path("audit/<int:number>/<slug:check>/look/", look, name="audit-look"),
]
