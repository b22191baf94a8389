"""Loads what every page needs at start, so that the first request isn't slower than the next.

Doesn't ask the database: a process must be able to start while the database is down.
"""

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import translation

from backflush.config import env
from backflush.db.checks import TAG
from backflush.db.gc_pause import keep_what_is_loaded

TEMPLATES = env.PACKAGE / "web" / "templates"


def warm_up() -> None:
    """Check the SQL files, and load the URL patterns with their views, templates, static file names and translations.

    Raises `SystemCheckError` where an SQL file doesn't fit the models.
    """
    faults = [str(fault) for fault in run_checks(tags=[TAG]) if fault.is_serious()]
    if faults:
        raise SystemCheckError("\n".join(faults))
    get_resolver()._populate()  # noqa: SLF001 - what looking up any address begins with
    staticfiles_storage.url("built/app.css")
    for template in sorted(TEMPLATES.rglob("*.html")):
        get_template(str(template.relative_to(TEMPLATES)))
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            translation.gettext("Home")
    keep_what_is_loaded()
