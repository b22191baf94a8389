"""What the rooms say, in the reader's language: refusals, findings of the doctor, and the words for roles and kinds.

The rooms say no in plain English and know of no language: a service is called by programs too. So their sentences are
translated here, at the door. A sentence that was put together (`f"{item.code} needs a quantity"`) is found again by
its template ("{item} needs a quantity"), which `tools/messages.py` read from the same code that raises it; what stood
in its places is put into the translated one. Only templates of the refusal's own code are tried, so two that look
alike seldom meet. What has no translation stays English, which is complete.
"""

import json
import re
from decimal import Decimal
from functools import cache
from typing import Final

from django.conf import settings
from django.utils.translation import get_language, pgettext

from backflush.core.refusals import Refusal
from backflush.web.display import formats

TEMPLATES: Final = "sentences.json"
"""Beside the languages: the templates of every code, made with them."""
_PLACE: Final = re.compile(r"\{(\w+)\}")
_NUMBER: Final = re.compile(r"-?(\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d+)")


def said(refusal: Refusal) -> str:
    """The sentence of a refusal as the reader's language has it."""
    return say(refusal.code, refusal.sentence)


def say(code: str, sentence: str) -> str:
    """A sentence of a refusal of some code."""
    if (get_language() or settings.LANGUAGE_CODE).startswith(settings.LANGUAGE_CODE):
        return sentence
    for pattern, template in _patterns().get(code, ()):
        filled = pattern.fullmatch(sentence)
        translated = pgettext(code, template) if filled else template
        if filled and translated != template:
            return translated.format(**{name: _shown(value) for name, value in filled.groupdict().items()})
    return sentence


def word(english: str) -> str:
    """One of the words that the rooms have for roles, rights, kinds of items and the like."""
    return pgettext("word", english) if english else ""


@cache
def _patterns() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """The templates of each code as patterns, those that say most by themselves first."""
    file = settings.LOCALE_PATHS[0] / TEMPLATES
    templates: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {
        code: [(_pattern(one), one) for one in sorted(found, key=lambda one: -len(_PLACE.sub("", one)))]
        for code, found in templates.items()
    }


def _pattern(template: str) -> re.Pattern[str]:
    """What a sentence of a template looks like, whatever stands in its places."""
    pieces = _PLACE.split(template)
    plain = [re.escape(piece.replace("{{", "{").replace("}}", "}")) for piece in pieces[::2]]
    places = [f"(?P<{name}>.+?)" for name in pieces[1::2]]
    return re.compile("".join(part for pair in zip(plain, [*places, ""], strict=True) for part in pair), re.DOTALL)


def _shown(value: str) -> str:
    """What stood in a place; a number is written as the reader writes numbers."""
    if not _NUMBER.fullmatch(value):
        return value
    number = Decimal(value.replace(",", ""))
    return formats.number(number, max(0, -int(number.as_tuple().exponent)))
