"""What every page needs, loaded before the first one is asked for: whoever comes first waits no longer than others.

The database isn't asked: a process that starts while that is away must start, and say so when it is asked.
"""

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import translation

from backflush.config import env
from backflush.db.gc_pause import keep_what_is_loaded

TEMPLATES = env.PACKAGE / "web" / "templates"


def warm_up() -> None:
    """Load addresses with their views, templates, names of files, and the words of each language."""
    get_resolver()._populate()  # noqa: SLF001 - what looking up any address begins with
    staticfiles_storage.url("app/app.css")
    for template in sorted(TEMPLATES.rglob("*.html")):
        get_template(str(template.relative_to(TEMPLATES)))
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            translation.gettext("Home")
    keep_what_is_loaded()
