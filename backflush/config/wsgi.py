"""The WSGI application for granian or another server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")

application = get_wsgi_application()

# Import this after the application has read the settings.
from backflush.web.platform.preload import warm_up  # noqa: E402

warm_up()
