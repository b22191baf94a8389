"""The addresses of the API. Unknown addresses under the same prefix are refused in JSON."""

from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from backflush.api.endpoints import api
from backflush.api.errors import missing, refusals_as_json

_patterns = api.urls[0]
for _pattern in _patterns:
    assert isinstance(_pattern, URLPattern), "each is an address of its own"
    assert _pattern.callback is not None, "and does something"
    # The view at the root exists only so that addresses can be derived from its name.
    _pattern.callback = missing if _pattern.name == "api-root" else refusals_as_json(_pattern.callback)

urlpatterns = [
    path("api/v1/", (_patterns, "api", "api")),
    # The view changes nothing, so a forged request does no harm.
    re_path(r"^api/(?P<rest>[\s\S]*)$", csrf_exempt(missing)),
]
