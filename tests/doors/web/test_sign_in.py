"""Sessions, limits of wrong passwords, the second factor, tokens, the security log, and the company's log-in server."""

import time
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pyotp
import pytest
from authlib.integrations.base_client import OAuthError
from django.conf import settings
from django.http import HttpResponseRedirect
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backflush.config.env import CompanyLogIn, company_log_in
from backflush.core.refusals import InvalidValue
from backflush.people.log_in_limits import OF_ADDRESS_MOST, OF_NAME_MOST
from backflush.people.models import SecondFactor, SecurityEvent, Token, User, UserSession
from backflush.people.rights import Role, Verb
from backflush.people.second_factor import begin_second_factor, confirm_second_factor, takes_code
from backflush.people.security_log import events_at
from backflush.people.services import change_person, give_role, set_password
from backflush.people.sessions import IDLE, LONGEST, NOTED_EVERY
from backflush.people.tokens import end_tokens, make_token, tokens_in_use
from backflush.stockmap.services import add_site
from backflush.web.home import company_log_in as company_pages
from tests.cast import Plant
from tests.doors.api.programs import Program, booking
from tests.doors.web.visitors import PASSWORD, browser, person, signed_in, text_of


def rosa(plant: Plant, *roles: Role) -> User:
    user = person(plant, *(roles or (Role.STORES,)))
    set_password(user=user, password=PASSWORD)
    return user


def signs_in(client: Client, password: str = PASSWORD, name: str = "rosa", address: str = "198.51.100.7") -> int:
    sent = {"username": name, "password": password}
    return client.post(reverse("log-in"), sent, REMOTE_ADDR=address).status_code


def is_in(client: Client) -> bool:
    return client.get(reverse("home")).status_code == HTTPStatus.OK


# ---- limits ----------------------------------------


def test_wrong_passwords_of_a_stranger_lock_nobody_out_of_their_own_browser(plant: Plant) -> None:
    rosa(plant)
    own = browser()
    assert signs_in(own) == HTTPStatus.FOUND
    own.post(reverse("log-out"))
    strangers = [f"203.0.113.{number}" for number in range(OF_NAME_MOST + 5)]
    answers = [signs_in(browser(), "wrong", address=address) for address in strangers]
    assert answers[:OF_NAME_MOST] == [HTTPStatus.OK] * OF_NAME_MOST
    assert set(answers[OF_NAME_MOST:]) == {HTTPStatus.TOO_MANY_REQUESTS}
    assert signs_in(browser(), address="203.0.113.200") == HTTPStatus.TOO_MANY_REQUESTS
    assert signs_in(own) == HTTPStatus.FOUND


def test_a_known_browser_has_a_limit_of_its_own_and_another_address_is_free(plant: Plant) -> None:
    rosa(plant)
    own = browser()
    signs_in(own)
    own.post(reverse("log-out"))
    for _ in range(5):
        assert signs_in(own, "wrong") == HTTPStatus.OK
    assert signs_in(own) == HTTPStatus.TOO_MANY_REQUESTS
    assert signs_in(browser(), address="203.0.113.9") == HTTPStatus.FOUND


def test_one_address_may_guess_only_so_often_whatever_names_it_tries(plant: Plant) -> None:
    rosa(plant)
    for number in range(OF_ADDRESS_MOST):
        assert signs_in(browser(), "wrong", name=f"name{number}") == HTTPStatus.OK
    rows = SecurityEvent.objects.count()
    assert signs_in(browser(), "wrong", name="another") == HTTPStatus.TOO_MANY_REQUESTS
    assert SecurityEvent.objects.count() == rows
    assert signs_in(browser(), address="203.0.113.9") == HTTPStatus.FOUND


@pytest.mark.parametrize("name", ["r" * 2_000_000, "r" * 256, "\u202e\x1b[31m", ""])
def test_a_wrong_name_is_kept_short_and_printable(plant: Plant, name: str) -> None:
    assert signs_in(browser(), "wrong", name=name) == HTTPStatus.OK
    event = SecurityEvent.objects.latest("pk")
    assert len(event.person) <= 150
    assert event.person.isprintable()
    assert (event.what, event.done, event.address) == ("sign in", False, "198.51.100.7")


def test_an_endless_password_is_wrong_and_costs_nothing(plant: Plant) -> None:
    rosa(plant)
    assert signs_in(browser(), "x" * 1_000_000) == HTTPStatus.OK


# ---- sessions ----------------------------------------


def aged(client: Client, **times: timedelta) -> None:
    now = timezone.now()
    UserSession.objects.filter(pk=client.session.session_key).update(**{name: now - age for name, age in times.items()})


def test_a_session_ends_when_it_is_idle_and_after_a_time_in_any_case(plant: Plant) -> None:
    for times in ({"seen_at": IDLE + timedelta(minutes=1)}, {"begun_at": LONGEST + timedelta(minutes=1)}):
        client = signed_in(plant, Role.STORES)
        assert is_in(client)
        aged(client, **times)
        assert not is_in(client)


def test_a_session_in_use_goes_on_and_rarely_writes(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    aged(client, seen_at=NOTED_EVERY + timedelta(minutes=1))
    assert is_in(client)
    session = UserSession.objects.get(pk=client.session.session_key)
    assert timezone.now() - session.seen_at < timedelta(minutes=1)
    begun = session.begun_at
    client.post(reverse("choose-site"), {"site": "MAIN"})
    assert UserSession.objects.get(pk=client.session.session_key).begun_at == begun


def test_an_owner_sees_and_ends_sessions_and_nobody_elses(plant: Plant) -> None:
    rosa(plant)
    here, there = browser(), browser()
    signs_in(here)
    there.defaults["HTTP_USER_AGENT"] = "Lynx/2.9"
    signs_in(there, address="203.0.113.9")
    text = text_of(here.get(reverse("access")))
    assert "Lynx/2.9" in text
    assert "203.0.113.9" in text
    assert (there.session.session_key or "?") not in text
    handle = UserSession.objects.get(pk=there.session.session_key).handle
    signed_in(plant, Role.STORES, name="ken").post(reverse("session-end"), {"session": handle})
    assert is_in(there)
    here.post(reverse("session-end"), {"session": handle})
    assert (is_in(here), is_in(there)) == (True, False)


def test_a_new_password_ends_sessions_and_tokens(plant: Plant) -> None:
    user = rosa(plant)
    client = browser()
    signs_in(client)
    make_token(user=user)
    set_password(user=user, password="axle-hinge-lamp-7")
    assert not is_in(client)
    assert not tokens_in_use(user).exists()
    assert signs_in(browser(), PASSWORD) == HTTPStatus.OK


def test_nothing_is_revived_when_a_person_is_reactivated(plant: Plant) -> None:
    user, ama = rosa(plant), person(plant, Role.ADMINISTRATOR, name="ama")
    client = browser()
    signs_in(client)
    token = make_token(user=user)
    for active in (False, True):
        roles = {plant.site.pk: [Role.STORES]}
        change_person(user=user, by=ama, active=active, first_name="Rosa", last_name="Marsh", roles=roles)
        user.refresh_from_db()
    assert not is_in(client)
    assert Program(token).gets("/sites/MAIN/unresolved")[0] == HTTPStatus.UNAUTHORIZED


# ---- tokens ----------------------------------------


def test_a_token_has_a_purpose_a_scope_an_end_and_a_last_use(plant: Plant) -> None:
    user = rosa(plant, Role.SUPERVISOR)
    plant.releases(10, "BRACKET")
    program = Program(make_token(user=user, purpose="press 7", scope=[Verb.SEE_WORK], days=30))
    token = Token.objects.get()
    assert token.ends_at is not None
    assert (token.purpose, token.scope, token.ends_at - token.made_at) == ("press 7", ["see the work"], timedelta(30))
    assert program.gets("/sites/MAIN/unresolved")[0] == HTTPStatus.OK
    assert program.posts("/sites/MAIN/bookings", booking())[0] == HTTPStatus.FORBIDDEN
    Token.objects.update(made_at=timezone.now() - timedelta(days=1))
    program.gets("/sites/MAIN/unresolved")
    assert Token.objects.get().used_at is not None
    Token.objects.update(ends_at=timezone.now())
    assert program.gets("/sites/MAIN/unresolved")[0] == HTTPStatus.UNAUTHORIZED


def test_an_owner_ends_a_token_and_nobody_elses(plant: Plant) -> None:
    user = rosa(plant)
    make_token(user=user, purpose="press 7")
    name = Token.objects.get().name
    client = signed_in(plant, Role.STORES)
    assert "press 7" in text_of(client.get(reverse("access")))
    other = signed_in(plant, Role.ADMINISTRATOR, name="ken").post(reverse("token-end"), {"token": name})
    assert other.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert tokens_in_use(user).exists()
    client.post(reverse("token-end"), {"token": name})
    assert not tokens_in_use(user).exists()
    assert end_tokens(user=user) == 0


def test_wrong_tokens_are_noted_up_to_a_limit_and_a_right_one_is_never_refused(plant: Plant) -> None:
    right = make_token(user=rosa(plant))
    name = right.partition(".")[0]
    answers = [Program(f"{name}.wrong").gets("/sites/MAIN/unresolved")[0] for _ in range(OF_ADDRESS_MOST + 3)]
    assert answers == [HTTPStatus.UNAUTHORIZED] * OF_ADDRESS_MOST + [HTTPStatus.TOO_MANY_REQUESTS] * 3
    assert SecurityEvent.objects.filter(what="token", done=False, person="rosa").count() == OF_ADDRESS_MOST
    assert Program(right).gets("/sites/MAIN/unresolved")[0] == HTTPStatus.OK


# ---- the second factor ----------------------------------------


def with_factor(user: User) -> tuple[pyotp.TOTP, list[str]]:
    begin_second_factor(user=user)
    totp = pyotp.TOTP(SecondFactor.objects.get(user=user).secret)
    codes = confirm_second_factor(user=user, code=totp.at(time.time() - 30))
    return totp, codes


def test_a_second_factor_is_set_up_with_a_code_and_asked_for_at_sign_in(plant: Plant) -> None:
    user = rosa(plant)
    client = browser()
    signs_in(client)
    text = text_of(client.get(reverse("second-factor")))
    secret = SecondFactor.objects.get().secret
    assert secret in text
    wrong = client.post(reverse("second-factor-confirm"), {"code": "000000"})
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    totp = pyotp.TOTP(secret)
    shown = text_of(client.post(reverse("second-factor-confirm"), {"code": totp.at(time.time() - 30)}))
    recovery = user.recovery_codes.count()
    assert shown.count('<span class="code">') == recovery == 10
    client.post(reverse("log-out"))
    answer = client.post(reverse("log-in"), {"username": "rosa", "password": PASSWORD, "next": "/unresolved/"})
    assert answer.headers["Location"] == reverse("log-in-code")
    assert not is_in(client)
    assert "wrong" in text_of(client.post(reverse("log-in-code"), {"code": "123"}))
    answer = client.post(reverse("log-in-code"), {"code": totp.now()})
    assert answer.headers["Location"] == "/unresolved/"
    assert is_in(client)


def test_a_code_is_taken_once_and_a_recovery_code_too(plant: Plant) -> None:
    user = rosa(plant)
    totp, codes = with_factor(user)
    now = totp.now()
    assert takes_code(user=user, code=f"{now[:3]} {now[3:]}")
    assert not takes_code(user=user, code=now)
    assert takes_code(user=user, code=codes[0].upper().lower())
    assert not takes_code(user=user, code=codes[0])
    for wrong in ("", "\uff11" * 6, "9" * 5_000, "12\0", "not a code"):
        assert not takes_code(user=user, code=wrong)


def test_wrong_codes_are_limited_and_the_password_alone_opens_nothing(plant: Plant) -> None:
    user = rosa(plant)
    totp, _ = with_factor(user)
    client = browser()
    for _ in range(5):
        signs_in(client)
        client.post(reverse("log-in-code"), {"code": "000000"}, REMOTE_ADDR="198.51.100.7")
    response = client.post(reverse("log-in-code"), {"code": totp.now()}, REMOTE_ADDR="198.51.100.7")
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert not is_in(client)


def test_switching_it_off_needs_a_code(plant: Plant) -> None:
    user = rosa(plant)
    totp, _ = with_factor(user)
    client = signed_in(plant)
    refused = client.post(reverse("second-factor-off"), {"code": "000000"})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    client.post(reverse("second-factor-off"), {"code": totp.now()})
    assert not SecondFactor.objects.exists()
    with pytest.raises(InvalidValue):
        confirm_second_factor(user=user, code=totp.now())


# ---- the security log ----------------------------------------


def test_the_log_says_who_changed_whose_rights_from_where_and_is_never_changed(plant: Plant) -> None:
    rosa(plant)
    client = signed_in(plant, Role.ADMINISTRATOR, name="ama")
    sent = {"active": "on", "roles-MAIN": ["buyer"], "password": "axle-hinge-lamp-7"}
    client.post(reverse("set-up-record", args=["people", "rosa"]), sent, REMOTE_ADDR="198.51.100.7")
    roles, password = (SecurityEvent.objects.filter(what=what).latest("pk") for what in ("roles", "password"))
    assert (roles.person, roles.by, roles.address, roles.site) == ("rosa", "ama", "198.51.100.7", "MAIN")
    assert roles.detail == "given: buyer; taken: stores"
    assert (password.person, password.by) == ("rosa", "ama")
    text = text_of(client.get(reverse("security-log"), {"person": "rosa"}))
    assert "given: buyer; taken: stores" in text
    for change in (
        lambda: SecurityEvent.objects.update(person="somebody"),
        lambda: SecurityEvent.objects.all().delete(),
        roles.save,
        roles.delete,
    ):
        with pytest.raises(TypeError):
            change()


def test_a_refused_right_is_noted(plant: Plant) -> None:
    signed_in(plant, Role.VIEWER).get(reverse("book"))
    event = SecurityEvent.objects.filter(what="right").latest("pk")
    assert (event.by, event.done, event.detail) == ("rosa", False, "GET /book/")


def test_an_administrator_sees_the_log_of_the_own_site(plant: Plant) -> None:
    south = add_site(code="SOUTH")
    rosa(plant)
    give_role(user=User.objects.create(username="tom"), site=south, role=Role.STORES)
    signs_in(browser(), "wrong", name="nobody")
    people = set(events_at(plant.site).values_list("person", flat=True))
    assert {"rosa", "nobody"} <= people
    assert "tom" not in people
    assert (
        signed_in(plant, Role.SUPERVISOR, name="sue").get(reverse("security-log")).status_code == HTTPStatus.FORBIDDEN
    )


def test_the_command_line_is_named_as_who_did_it(plant: Plant) -> None:
    give_role(user=person(plant), site=plant.site, role=Role.BUYER)
    assert SecurityEvent.objects.latest("pk").by.startswith("command line (")


# ---- the company's log-in server ----------------------------------------


class Pretending:
    """A log-in server that says what it is told to."""

    def __init__(self, says: Any) -> None:
        self.says = says

    def authorize_redirect(self, request: Any, back: str) -> Any:
        return HttpResponseRedirect(f"https://login.example.org/?redirect_uri={back}")

    def authorize_access_token(self, request: Any) -> Any:
        if isinstance(self.says, Exception):
            raise self.says
        return {"userinfo": self.says}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Pretending:
    pretending = Pretending({})
    there = CompanyLogIn("https://login.example.org", "backflush", "secret", "preferred_username")
    monkeypatch.setattr(settings, "OIDC", there)
    monkeypatch.setattr(company_pages, "company", lambda _: pretending)
    return pretending


def test_a_person_signs_in_with_the_companys_account(plant: Plant, server: Pretending) -> None:
    person(plant, Role.STORES)
    client = browser()
    assert reverse("company-log-in") in text_of(client.get(reverse("log-in")))
    assert "login.example.org" in client.post(reverse("company-log-in")).headers["Location"]
    server.says = {"preferred_username": "rosa"}
    assert client.get(reverse("company-log-in-back")).headers["Location"] == reverse("home")
    assert is_in(client)
    assert UserSession.objects.filter(user__username="rosa").count() == 1


@pytest.mark.parametrize(
    "says", [{"preferred_username": "eve"}, {}, {"preferred_username": "gone"}, OAuthError("state")]
)
def test_the_companys_server_lets_in_nobody_who_was_not_added(plant: Plant, server: Pretending, says: Any) -> None:
    User.objects.create(username="gone", is_active=False)
    server.says = says
    client = browser()
    assert client.get(reverse("company-log-in-back")).status_code == HTTPStatus.FORBIDDEN
    assert not is_in(client)
    assert not SecurityEvent.objects.latest("pk").done


def test_without_a_server_its_pages_do_not_exist(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser().post(reverse("company-log-in")).status_code == HTTPStatus.NOT_FOUND
    monkeypatch.setenv("OIDC_ISSUER", "http://login.example.org")
    with pytest.raises(SystemExit, match="no https address"):
        company_log_in()
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example.org")
    with pytest.raises(SystemExit, match="without OIDC_CLIENT_ID"):
        company_log_in()
