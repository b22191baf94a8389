"""The pages of the audit: the worksheet, its checks, the sign-off, and signed audits."""

import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backflush.audit.models import Audit, AuditComputation, CheckName, CheckReview
from backflush.audit.services import begin_audit, compute_audit, work_out_later
from backflush.ledger.models import Movement
from backflush.people.rights import ROLES, Role, Verb
from tests.cast import Plant
from tests.doors.web.visitors import MODEL_BACKEND, browser, person, signed_in, statements, text_of

WORKSHEET = reverse("audit")
CHECKS = list(CheckName)
WORKSHEET_BUDGET = 26
CHECK_BUDGET = 24
SIGNED_BUDGET = 16


def check_at(check: CheckName, number: int = 1) -> str:
    return reverse("audit-check", args=[number, check.value])


def look_at(check: CheckName, number: int = 1) -> str:
    return reverse("audit-look", args=[number, check.value])


def main_of(response: Any) -> str:
    return text_of(response).split("<main", 1)[1].split("</main>")[0]


def something_to_find(plant: Plant) -> None:
    """Create a finding for each check that queries the ledger."""
    plant.has(500, "BOLT", at="RAW")
    for _ in range(3):
        plant.books(1, "BRACKET")
    plant.cancels("BOLT", "a slip")
    plant.resolves("BOLT", 3, source="MAIN/RAW")
    plant.issues(2, "BOLT", "BRACKET")
    plant.books(1, "FRAME")
    plant.consists("BRACKET", plant.line(10, "BOLT", 5))


def works_through(client: Client) -> None:
    client.post(reverse("audit-begin"))
    for check in CHECKS:
        client.post(look_at(check), {"remarks": f"seen {check}"})


def test_an_audit_is_reviewed_and_signed_off(plant: Plant) -> None:
    something_to_find(plant)
    client = signed_in(plant, Role.CONTROLLER, name="cora")
    assert "It is the first audit and will cover everything recorded so far." in text_of(client.get(WORKSHEET))
    assert client.post(reverse("audit-begin")).headers["Location"] == WORKSHEET
    text = text_of(client.get(WORKSHEET))
    assert "8 to review" in text
    assert "Review check 1" in text
    assert "Sign off audit" not in text
    for place, check in enumerate(CHECKS):
        response = client.post(look_at(check), {"remarks": f"seen {check}"})
        following = CHECKS[place + 1] if place < 7 else None
        assert response.headers["Location"] == (check_at(following) if following else WORKSHEET)
    text = text_of(client.get(WORKSHEET))
    assert "seen cancelled" in text
    assert "Sign off audit 1" in text
    response = client.post(reverse("audit-sign", args=[1]), {"remarks": "as it should be", "key": "once"})
    assert response.headers["Location"] == reverse("audit-signed", args=[1])
    text = text_of(client.get(reverse("audit-signed", args=[1])))
    assert "signed off" in text
    assert "as it should be" in text
    assert reverse("audit-signed", args=[1]) in text_of(client.get(WORKSHEET))


FOUND: dict[CheckName, str] = {
    CheckName.UNRESOLVED: "W-BRACKET",
    CheckName.CANCELLED: "a slip",
    CheckName.REVISED: "less, the rest not used",
    CheckName.NEVER_MOVED: "TUBE",
    CheckName.HAND_ISSUES: "assumed too",
    CheckName.STRUCTURES: "BRACKET",
    CheckName.NEGATIVE: "short repeatedly",
    CheckName.PROOF: "All checks passed",
}


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_shows_and_explains_its_findings(plant: Plant, check: CheckName) -> None:
    something_to_find(plant)
    client = signed_in(plant, Role.AUDITOR)
    client.post(reverse("audit-begin"))
    text = text_of(client.get(check_at(check)))
    assert FOUND[check] in text
    assert "I have reviewed this" in text
    assert f"Check {CHECKS.index(check) + 1} of 8" in text


def test_a_signed_audit_stays_as_it_was_signed(plant: Plant) -> None:
    something_to_find(plant)
    client = signed_in(plant, Role.AUDITOR)
    works_through(client)
    client.post(reverse("audit-sign", args=[1]))
    page = reverse("audit-signed", args=[1])
    before = main_of(client.get(page))
    for waiting in Movement.objects.filter(status="unresolved"):
        plant.cancels(waiting.pk, "later")
    assert main_of(client.get(page)) == before
    assert client.get(check_at(CheckName.UNRESOLVED)).headers["Location"] == page
    refused = client.post(look_at(CheckName.PROOF))
    assert refused.status_code in {HTTPStatus.CONFLICT, HTTPStatus.FOUND}
    assert CheckReview.objects.count() == 8


def test_the_second_signer_sees_who_signed_first(plant: Plant) -> None:
    first = signed_in(plant, Role.AUDITOR)
    works_through(first)
    second = signed_in(plant, Role.CONTROLLER, name="cora")
    first.post(reverse("audit-sign", args=[1]))
    text = text_of(second.post(reverse("audit-sign", args=[1])), HTTPStatus.CONFLICT)
    assert "Rosa Marsh signed off audit 1 on" in text


def test_missing_reviews_are_named_and_the_input_is_kept(plant: Plant) -> None:
    client = signed_in(plant, Role.AUDITOR)
    client.post(reverse("audit-begin"))
    text = text_of(client.post(reverse("audit-sign", args=[1])), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "These checks haven&#x27;t been reviewed yet: unresolved, cancelled" in text
    refused = client.post(look_at(CheckName.CANCELLED), {"remarks": "x" * 501})
    text = text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="remarks-error"' in text
    assert "xxxxx" in text
    assert not CheckReview.objects.exists()


def test_a_future_day_is_refused_at_its_field(plant: Plant) -> None:
    client = signed_in(plant, Role.AUDITOR)
    text = text_of(client.post(reverse("audit-begin"), {"until": "2999-01-01"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="until-error"' in text
    assert not Audit.objects.exists()


def test_a_double_press_is_carried_out_once(plant: Plant) -> None:
    client = signed_in(plant, Role.AUDITOR)
    for _press in range(2):
        assert client.post(reverse("audit-begin"), {"key": "begin"}).status_code == HTTPStatus.FOUND
    for _press in range(2):
        client.post(look_at(CheckName.CANCELLED), {"key": "look"})
    assert (Audit.objects.count(), CheckReview.objects.count(), AuditComputation.objects.count()) == (1, 1, 1)


def test_the_worker_computes_the_checks_of_a_large_ledger(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backflush.audit.selectors.SMALL", -1)
    client = signed_in(plant, Role.AUDITOR)
    client.post(reverse("audit-begin"))
    text = text_of(client.get(WORKSHEET))
    assert "The check of the ledger starts in a moment." in text
    assert 'hx-trigger="every 5s"' in text
    assert "not computed" in text
    waits = text_of(client.get(check_at(CheckName.PROOF)))
    assert "I have reviewed this" not in waits
    refused = client.post(look_at(CheckName.PROOF))
    assert "Compute it first." in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    work_out_later.call(AuditComputation.objects.get().pk)
    text = text_of(client.get(WORKSHEET))
    assert "were computed on" in text
    assert "All checks passed" in text_of(client.get(check_at(CheckName.PROOF)))


def test_the_page_says_that_no_worker_runs(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backflush.audit.selectors.SMALL", -1)
    client = signed_in(plant, Role.AUDITOR)
    client.post(reverse("audit-begin"))
    monkeypatch.setattr("backflush.audit.selectors.NOT_TAKEN_UP", timedelta(0))
    assert "backflush verify --record" in text_of(client.get(WORKSHEET))


def test_a_check_with_many_rows_has_several_pages(plant: Plant) -> None:
    for number in range(60):
        plant.consists("FRAME", plant.line(10, plant.stocks(f"PART-{number:02}").code, 2))
        plant.books(1, plant.releases(5, "FRAME", number=f"F-{number:02}"))
    client = signed_in(plant, Role.AUDITOR)
    client.post(reverse("audit-begin"))
    for check in (CheckName.UNRESOLVED, CheckName.NEVER_MOVED):
        first = text_of(client.get(check_at(check)))
        assert "50 of 60" in first
        after = re.findall(r"after=([\w-]+)", first)[0]
        second = text_of(client.get(check_at(check), {"after": after}))
        assert ">PART-59<" in second
        assert ">PART-49<" not in second


# Rights, cell by cell

SEES = {role: bool(ROLES[role] & {Verb.SEE, Verb.SIGN_OFF}) for role in Role}
SIGNS = {role: Verb.SIGN_OFF in ROLES[role] for role in Role}
PAGES: list[Callable[[], str]] = [
    lambda: WORKSHEET,
    lambda: check_at(CheckName.CANCELLED),
    lambda: check_at(CheckName.PROOF),
]
ACTS: list[Callable[[], str]] = [
    lambda: look_at(CheckName.CANCELLED),
    lambda: reverse("audit-work-out", args=[1]),
    lambda: reverse("audit-sign", args=[1]),
    lambda: reverse("audit-begin"),
]


def test_the_matrix_is_that_of_the_specification() -> None:
    assert {role for role in Role if SIGNS[role]} == {Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}
    assert {role for role in Role if SEES[role]} == {
        Role.VIEWER,
        Role.CONTROLLER,
        Role.AUDITOR,
        Role.ADMINISTRATOR,
    }


@pytest.mark.parametrize("role", Role)
def test_the_rights_to_see_and_to_sign_are_separate(plant: Plant, role: Role) -> None:
    compute_audit(audit=begin_audit(site=plant.site, by=plant.storekeeper), by=plant.storekeeper)
    client = signed_in(plant, role)
    for address in PAGES:
        assert client.get(address()).status_code == (HTTPStatus.OK if SEES[role] else HTTPStatus.FORBIDDEN)
    for address in ACTS:
        response = client.post(address())
        assert (response.status_code == HTTPStatus.FORBIDDEN) is not SIGNS[role]
    assert CheckReview.objects.count() == (1 if SIGNS[role] else 0)
    assert AuditComputation.objects.count() == (2 if SIGNS[role] else 1)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CONTROLLER])
def test_the_area_is_in_the_navigation_only_for_users_who_may_see_it(plant: Plant, role: Role) -> None:
    assert f'href="{WORKSHEET}"' in text_of(signed_in(plant, role).get(reverse("more")))


def test_users_who_may_not_sign_see_no_buttons(plant: Plant) -> None:
    client = signed_in(plant, Role.VIEWER)
    assert "Begin the audit" not in text_of(client.get(WORKSHEET))
    compute_audit(audit=begin_audit(site=plant.site, by=plant.storekeeper), by=plant.storekeeper)
    assert "Review check" not in text_of(client.get(WORKSHEET))
    assert "I have reviewed this" not in text_of(client.get(check_at(CheckName.PROOF)))


def test_audits_of_another_site_are_not_shown(plant: Plant) -> None:
    other = Plant.build_site(code="NORTH")
    begin_audit(site=other.site, by=plant.storekeeper)
    client = signed_in(plant, Role.AUDITOR)
    assert "Begin the audit" in text_of(client.get(WORKSHEET))
    for address in (check_at(CheckName.CANCELLED), reverse("audit-signed", args=[1])):
        assert client.get(address).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", ["/audit/9/", "/audit/1/weather/", "/audit/99999999999999999999/"])
def test_an_unknown_audit_is_not_found(plant: Plant, path: str) -> None:
    begin_audit(site=plant.site, by=plant.storekeeper)
    assert signed_in(plant, Role.AUDITOR).get(path).status_code == HTTPStatus.NOT_FOUND


def test_nothing_is_recorded_without_the_csrf_token(plant: Plant) -> None:
    begin_audit(site=plant.site, by=plant.storekeeper)
    client = browser(enforce_csrf_checks=True)
    client.force_login(person(plant, Role.AUDITOR), backend=MODEL_BACKEND)
    assert client.post(look_at(CheckName.CANCELLED)).status_code == HTTPStatus.FORBIDDEN
    assert not CheckReview.objects.exists()


def budgets(client: Client, signed: bool) -> list[tuple[str, int]]:
    if signed:
        return [(reverse("audit-signed", args=[1]), SIGNED_BUDGET), (WORKSHEET, WORKSHEET_BUDGET)]
    return [(WORKSHEET, WORKSHEET_BUDGET), *((check_at(check), CHECK_BUDGET) for check in CHECKS)]


@pytest.mark.parametrize("many", [1, 6])
def test_more_rows_cost_no_more_statements(plant: Plant, many: int) -> None:
    plant.has(5000, "LUG", at="RAW")
    for _ in range(many):
        something_to_find(plant)
        plant.issues(1, "LUG", "BRACKET")
    client = signed_in(plant, Role.AUDITOR)
    client.post(reverse("audit-begin"))
    for address, most in budgets(client, signed=False):
        with statements(most):
            text_of(client.get(address))
    for check in CHECKS:
        client.post(look_at(check))
    client.post(reverse("audit-sign", args=[1]))
    for address, most in budgets(client, signed=True):
        with statements(most):
            text_of(client.get(address))


def test_users_are_shown_by_name(plant: Plant) -> None:
    client: Any = signed_in(plant, Role.AUDITOR)
    works_through(client)
    assert text_of(client.get(WORKSHEET)).count("</svg>Rosa Marsh</span>") == 8
