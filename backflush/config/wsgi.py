"""The application, as granian or any other WSGI server wants it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")

application = get_wsgi_application()
