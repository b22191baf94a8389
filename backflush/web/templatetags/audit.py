"""Pieces of the audit's pages."""

from typing import Final

from django import template

from backflush.web.audit import KINDS

register: Final = template.Library()


@register.filter
def kind(value: str) -> str:
    """What sort of finding it is, in words; the proof's promises have names of their own."""
    return str(KINDS.get(value, value))
