"""Sign-in by the company's own log-in server (OpenID Connect), where OIDC_ISSUER names one.

Authlib asks the server, with a state, a nonce and PKCE, and checks the signature of what it says. A person must have
been added here before: the claim OIDC_NAME_CLAIM is the log-in name. Rights are given here alone.
"""

from functools import cache
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from joserfc.errors import JoseError
from requests import RequestException

from backflush.config.env import CompanyLogIn
from backflush.people.models import User
from backflush.people.security_log import SecurityMatter, note
from backflush.web.home.account import begin_session

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
WAITS_SECONDS: Final = 10


@cache
def company(server: CompanyLogIn) -> Any:
    """Return the client of the company's log-in server."""
    clients = OAuth()
    return clients.register(
        "company",
        client_id=server.client_id,
        client_secret=server.client_secret,
        server_metadata_url=f"{server.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "default_timeout": WAITS_SECONDS,
        },
    )


@require_POST
def to_company(request: HttpRequest) -> HttpResponse:
    """Send the browser to the company's log-in server."""
    server = _server()
    back = request.build_absolute_uri(reverse("company-log-in-back"))
    try:
        answer: HttpResponse = company(server).authorize_redirect(request, back)
    except (OAuthError, RequestException, ValueError):
        return _refused(request, "", "the company's log-in server can't be reached")
    return answer


@require_GET
def from_company(request: HttpRequest) -> HttpResponse:
    """Begin the session of the person whom the company's log-in server names."""
    server = _server()
    try:
        token = company(server).authorize_access_token(request)
    except (OAuthError, JoseError, RequestException, ValueError) as error:
        return _refused(request, "", f"the company's log-in server: {error}")
    claims = token.get("userinfo") or {}
    name = str(claims.get(server.name_claim, ""))
    user = User.objects.filter(username=name, is_active=True).first() if name else None
    if user is None:
        return _refused(request, name, "nobody here has this name, or may sign in")
    login(request, user, backend=BACKEND)
    response = redirect("home")
    begin_session(request, response)
    return response


def _server() -> CompanyLogIn:
    if settings.OIDC is None:
        raise Http404
    return settings.OIDC


def _refused(request: HttpRequest, name: str, why: str) -> HttpResponse:
    note(SecurityMatter.SIGN_IN, person=name, done=False, detail=why)
    return render(request, "web/home/log_in.html", {"company_refused": True, "company": True}, status=403)


urlpatterns = [
    path("log-in/company/", to_company, name="company-log-in"),
    path("log-in/company/back/", from_company, name="company-log-in-back"),
]
