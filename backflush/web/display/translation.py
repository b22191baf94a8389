"""Translate the texts of the rooms: refusals, findings of the set-up check, and the words for roles, kinds and
statuses.
The rooms write plain English and know no other language, because programs call the same services. A refusal keeps its
template and parameters (`core/sentences.py`), so a page translates the template, which is the message id, and then
fills in the values in the user's number and date format.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backflush.core.refusals import Refusal
from backflush.core.sentences import Count, Sentence, Word, fill, shown
from backflush.web.display import formats


def sentence_of(refusal: Refusal) -> str:
    """Return the sentence of a refusal in the user's language."""
    return translated(refusal.sentence)


def translated(text: str) -> str:
    """Return a sentence in the user's language; a text without a template is returned unchanged."""
    if not isinstance(text, Sentence):
        return text
    return fill(_(text.template), text.params, _value)


def word(english: str) -> str:
    """Return the translation of one of the rooms' words for roles, rights, kinds of items and the like."""
    return pgettext("word", english) if english else ""


def _value(value: object) -> str:
    """Format a parameter for the user, by its type."""
    match value:
        case Sentence():
            text = translated(value)
        case Enum() | Word():
            text = word(shown(value))
        case Count():
            text = formats.number(value)
        case Decimal() if value.is_finite():
            text = formats.number(value)
        case datetime():
            text = formats.when(value)
        case date():
            text = formats.day(value)
        case tuple() | list():
            text = ", ".join(map(_value, value))
        case _:
            text = shown(value)
    return text
