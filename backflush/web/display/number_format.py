"""How pages write and read numbers: 1,234.5 or 1.234,5.

The choice belongs to the browser, in a cookie: the people of one site may come from several countries. Without a choice
the format is that of the page's language, and on English pages that of the browser's first language, so that the comma
of a German keypad works at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.formats import get_format
from django.utils.translation import check_for_language, get_language
from django.utils.translation.trans_real import parse_accept_lang_header

COOKIE: Final = "backflush_numbers"
KEPT_SECONDS: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A decimal sign and a sign between thousands, with a number as an example."""

    name: str
    decimal: str
    group: str
    example: str


POINT: Final = NumberFormat("point", ".", ",", "1,234.5")
COMMA: Final = NumberFormat("comma", ",", ".", "1.234,5")
FORMATS: Final = {one.name: one for one in (POINT, COMMA)}
_current: ContextVar[NumberFormat] = ContextVar("number_format", default=POINT)


def current() -> NumberFormat:
    """Return the number format of the page that is being made."""
    return _current.get()


@contextmanager
def override(number_format: NumberFormat) -> Iterator[None]:
    """Use a number format inside the block."""
    before = _current.set(number_format)
    try:
        yield
    finally:
        _current.reset(before)


def number_formats(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that uses the number format of each request.

    It stays in use afterwards, as the language does, because a streamed answer is made after the middleware.
    """

    def with_number_format(request: HttpRequest) -> HttpResponseBase:
        _current.set(chosen_in(request) or _of_languages(request))
        return answer(request)

    return with_number_format


def chosen_in(request: HttpRequest) -> NumberFormat | None:
    """Return the number format that was chosen in this browser, or None."""
    return FORMATS.get(request.COOKIES.get(COOKIE, ""))


def _of_languages(request: HttpRequest) -> NumberFormat:
    """Return the number format of the page's language, or on English pages of the browser's first known language."""
    language = get_language() or settings.LANGUAGE_CODE
    if language != settings.LANGUAGE_CODE:
        return _of_language(language)
    for accepted, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        for code in (accepted, accepted.partition("-")[0]):
            if check_for_language(code):
                return _of_language(code)
    return POINT


def _of_language(code: str) -> NumberFormat:
    return COMMA if get_format("DECIMAL_SEPARATOR", lang=code, use_l10n=True) == COMMA.decimal else POINT
