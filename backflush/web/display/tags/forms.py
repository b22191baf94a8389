"""Tags that draw a form's fields and its refusal (`backflush.web.forms.fields`)."""

from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backflush.web.forms.edit_table import EditTable
from backflush.web.forms.fields import BoundField, Form
from backflush.web.lists.filters import FilterForm

register: Final = template.Library()


@register.inclusion_tag("web/forms/field.html")
def field(bound: BoundField | str) -> dict[str, Any]:
    """Draw a field with its label, hint, input and refusal; draw nothing where the form doesn't have the field."""
    return {"bound": bound or None}


@register.inclusion_tag("web/forms/fields.html")
def fields(form: Form, *names: str) -> dict[str, Any]:
    """Draw some fields of a form in the order given; without names, all of them."""
    return {"bound_fields": form.some(*names) if names else list(form)}


@register.inclusion_tag("web/lists/filter_form.html")
def filter_form(filters: FilterForm) -> dict[str, Any]:
    """Draw the filters of a list."""
    return {"filters": filters}


@register.inclusion_tag("web/forms/scan_box.html")
def scan_box(form: Form, name: str, *, to: str) -> dict[str, Any]:
    """Draw the field that a page begins with: what is scanned into it opens the address `to`."""
    return {"bound": form[name], "to": to}


@register.inclusion_tag("web/forms/form_refusal.html")
def form_refusal(form: Form | str) -> dict[str, Any]:
    """Draw the refusal that no field of the form shows, with links to the cells of a table that were refused."""
    if not isinstance(form, Form):
        return {}
    return {"refusal": form.head, "cells": form.table.refused_cells if isinstance(form.table, EditTable) else []}


@register.inclusion_tag("web/forms/edit_table.html")
def edit_table(table: EditTable) -> dict[str, Any]:
    """Draw a table of lines to edit."""
    return {"table": table}


@register.simple_tag
def field_state(bound: BoundField) -> SafeString:
    """Return the attributes of an input that say what explains it, whether it was refused, and where the cursor is."""
    state = SafeString("")
    if bound.refusal:
        state += SafeString('aria-invalid="true" ')
    if bound.described_by:
        state += format_html('aria-describedby="{}" ', bound.described_by)
    if bound.focus:
        state += SafeString("autofocus")
    return state
