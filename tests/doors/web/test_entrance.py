"""Log-in, access without rights, and the headers of every response."""

import re
from http import HTTPStatus

import pytest
from django.core import signing
from django.urls import reverse

from backflush.config.env import public_address
from backflush.items.models import Unit
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import set_password
from backflush.web.platform.csp import POLICY
from tests.cast import Plant
from tests.doors.web.visitors import MODEL_BACKEND, PASSWORD, browser, person, signed_in, text_of

PAGES = ("home", "unresolved", "book", "more", "you", "find")


def with_password(plant: Plant, *roles: Role) -> User:
    user = person(plant, *roles)
    set_password(user=user, password=PASSWORD)
    return user


@pytest.mark.parametrize("name", PAGES)
def test_every_page_needs_a_log_in(plant: Plant, name: str) -> None:
    response = browser().get(reverse(name))
    assert response.status_code == HTTPStatus.FOUND
    assert response.headers["Location"].startswith(reverse("log-in"))


def test_a_log_in_opens_the_requested_page(plant: Plant) -> None:
    with_password(plant, Role.STORES)
    client = browser()
    asked = {"username": "rosa", "password": PASSWORD, "next": "/unresolved/"}
    response = client.post(reverse("log-in"), asked)
    assert response.headers["Location"] == "/unresolved/"
    assert "Unresolved" in text_of(client.get("/unresolved/"))


def test_a_log_in_never_leads_to_another_host(plant: Plant) -> None:
    with_password(plant, Role.STORES)
    asked = {"username": "rosa", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert browser().post(reverse("log-in"), asked).headers["Location"] == reverse("home")


def test_the_sixth_attempt_is_refused_without_a_check(plant: Plant) -> None:
    with_password(plant, Role.STORES)
    client = browser()
    for _ in range(5):
        client.post(reverse("log-in"), {"username": "rosa", "password": "wrong"})
    response = client.post(reverse("log-in"), {"username": "rosa", "password": PASSWORD})
    assert "Too many attempts. Wait 5 minutes, or ask an administrator." in text_of(
        response, HTTPStatus.TOO_MANY_REQUESTS
    )


def test_a_user_without_a_role_sees_whom_to_ask(plant: Plant) -> None:
    text = text_of(signed_in(plant).get(reverse("home")), HTTPStatus.FORBIDDEN)
    assert "You have no role at any site yet. Ask an administrator for one." in text
    assert reverse("log-out") in text


def test_a_deactivated_user_is_signed_out_at_once(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    User.objects.filter(username="rosa").update(is_active=False)
    assert client.get(reverse("home")).status_code == HTTPStatus.FOUND


def test_signing_out_ends_the_session(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    client.post(reverse("log-out"))
    assert client.get(reverse("home")).status_code == HTTPStatus.FOUND


@pytest.mark.parametrize("path", ["/", "/log-in/", "/no/such/page/", "/unresolved/"])
def test_every_response_has_the_content_security_policy(plant: Plant, path: str) -> None:
    headers = signed_in(plant, Role.STORES).get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"


def test_no_page_has_inline_script_or_style(plant: Plant) -> None:
    client = signed_in(plant, Role.ADMINISTRATOR)
    for name in PAGES:
        text = text_of(client.get(reverse(name)))
        assert "<script>" not in text
        assert " style=" not in text
        assert "hx-on" not in text


def test_a_form_without_its_csrf_token_posts_nothing(plant: Plant) -> None:
    client = browser(enforce_csrf_checks=True)
    client.force_login(person(plant, Role.STORES), backend=MODEL_BACKEND)
    response = client.post(reverse("choose-theme"), {"theme": "dark"})
    assert "Nothing was posted." in text_of(response, HTTPStatus.FORBIDDEN)


def test_the_server_sets_the_theme_before_the_page_is_drawn(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    client.post(reverse("choose-theme"), {"theme": "dark"})
    assert 'data-theme="dark"' in text_of(client.get(reverse("home")))


def test_the_navigation_follows_the_rights(plant: Plant) -> None:
    assert f'href="{reverse("book")}"' in text_of(signed_in(plant, Role.OPERATOR).get(reverse("more")))
    assert f'href="{reverse("book")}"' not in text_of(signed_in(plant, Role.VIEWER, name="vera").get(reverse("more")))


def test_a_page_that_needs_a_right_says_which_roles_have_it(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.VIEWER).get(reverse("book")), HTTPStatus.FORBIDDEN)
    assert "You need the right to book. At this site these roles have it: operator, stores, supervisor." in text


def test_cookies_need_https_except_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://backflush.example.org")
    address = public_address()
    assert address.secure
    assert "backflush.example.org" in address.hosts
    assert address.origins == ("https://backflush.example.org",)
    monkeypatch.setenv("PUBLIC_URL", "http://backflush.example.org")
    with pytest.raises(SystemExit, match="PUBLIC_URL"):
        public_address()


def kept_in(page: str) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("name", "subject", "amount"),
    [
        ("book-post", {"order": "W-BRACKET"}, "good"),
        ("produce-post", {"item": "PACK"}, "good"),
        ("receive-post", {"order": "P-PLATED", "line": "10"}, "accepted"),
    ],
)
def test_a_user_signed_out_while_booking_sees_that_nothing_was_posted(
    plant: Plant, name: str, subject: dict[str, str], amount: str
) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(10, "PLATED")
    with_password(plant, Role.SUPERVISOR)
    client = browser()
    asked = text_of(client.post(reverse(name), {**subject, amount: "2", "key": "k"}))
    signing_in = {"username": "rosa", "password": PASSWORD, "kept": kept_in(asked)}
    response = client.post(reverse("log-in"), signing_in)
    text = text_of(client.get(response.headers["Location"]))
    assert "Nothing was posted yet." in text
    assert f'id="{amount}"' in text
    assert 'value="2"' in text


def test_a_signed_out_user_returns_to_the_form_with_the_input(plant: Plant) -> None:
    with_password(plant, Role.ENGINEER)
    client, form = browser(), reverse("set-up-new", args=["units"])
    asked = text_of(client.post(form, {"code": "DOZ", "name": "Dozen"}))
    assert "You were signed out. After signing in you return here, with what you entered." in asked
    wrong = text_of(client.post(reverse("log-in"), {"username": "rosa", "password": "no", "kept": kept_in(asked)}))
    signing_in = {"username": "rosa", "password": PASSWORD, "kept": kept_in(wrong)}
    response = client.post(reverse("log-in"), signing_in)
    text = text_of(client.get(response.headers["Location"]))
    assert 'value="DOZ"' in text
    assert 'value="Dozen"' in text
    assert "Nothing was posted yet." in text
    assert not Unit.objects.filter(code="DOZ").exists()
    client.post(form, {"code": "DOZ", "name": "Dozen"})
    assert Unit.objects.filter(code="DOZ").exists()
    assert "Dozen" not in text_of(client.get(response.headers["Location"]))


def test_a_part_that_htmx_posts_shows_the_log_in_in_place_of_the_page(plant: Plant) -> None:
    response = browser().post(reverse("set-up-new", args=["units"]), {"code": "DOZ"}, headers={"hx-request": "true"})
    assert "You were signed out." in text_of(response)
    assert (response.headers["HX-Retarget"], response.headers["HX-Reswap"]) == ("body", "innerHTML")


def test_no_password_is_kept_and_kept_input_cannot_be_forged(plant: Plant) -> None:
    with_password(plant, Role.ADMINISTRATOR)
    client = browser()
    asked = text_of(client.post(reverse("set-up-new", args=["people"]), {"name": "jan", "password": "trailers-77x"}))
    kept = signing.loads(kept_in(asked), salt="backflush.web.platform.resubmission")
    assert kept["typed"] == [["name", ["jan"]]]
    response = client.post(reverse("log-in"), {"username": "rosa", "password": PASSWORD, "kept": "made:up"})
    assert response.headers["Location"] == reverse("home")


def test_an_error_page_has_a_reference_that_is_in_the_log(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(plant, Role.STORES)
    client.raise_request_exception = False
    monkeypatch.setattr("backflush.web.home.search.FINDERS", None)
    response = client.get(reverse("find"), {"q": "W-1"})
    text = text_of(response, HTTPStatus.INTERNAL_SERVER_ERROR)
    reference = response.headers["X-Reference"]
    assert re.search(rf"An error occurred, reference <b class=\"code\">{reference}</b>. Nothing was posted.", text)
    assert f"reference {reference}: GET /find/ failed" in caplog.text


def test_a_user_changes_the_own_password_and_is_signed_out_elsewhere(plant: Plant) -> None:
    set_password(user=person(plant, Role.OPERATOR), password=PASSWORD)
    here, elsewhere = (signed_in(plant, Role.OPERATOR) for _ in range(2))
    new = "lantern-brass-94-quay"
    for present, password, field in (("wrong", new, "present"), (PASSWORD, "12345", "password")):
        refused = here.post(reverse("change-password"), {"present": present, "password": password})
        assert f'id="{field}-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    done = here.post(reverse("change-password"), {"present": PASSWORD, "password": new})
    assert "Your password is changed." in text_of(here.get(done.headers["Location"]))
    assert elsewhere.get(reverse("you")).status_code == HTTPStatus.FOUND
