"""Translate what the rooms say: refusals, findings of the set-up check, and the words for roles, kinds and statuses.

The rooms write plain English and know of no language: programs call the same services. A refusal keeps its template
and its parameters (`core/sentences.py`), so a page translates the template, which is the message id, and then puts the
values in, written as its reader writes numbers and dates.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backflush.core.refusals import Refusal
from backflush.core.sentences import Sentence, Word, fill, shown
from backflush.web.display import formats


def said(refusal: Refusal) -> str:
    """Return the sentence of a refusal in the reader's language."""
    return translated(refusal.sentence)


def translated(text: str) -> str:
    """Return a sentence in the reader's language; a text without a template stays as it is."""
    if not isinstance(text, Sentence):
        return text
    return fill(_(text.template), text.params, _value)


def word(english: str) -> str:
    """Return the translation of one of the rooms' words for roles, rights, kinds of items and the like."""
    return pgettext("word", english) if english else ""


def _value(value: object) -> str:
    """Return a parameter as the reader writes it, by its type."""
    match value:
        case Sentence():
            text = translated(value)
        case Enum() | Word():
            text = word(shown(value))
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
