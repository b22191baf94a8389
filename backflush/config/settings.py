"""The one settings module. What may differ from place to place comes from `env`."""

from backflush.config import env

SECRET_KEY = env.secret_key()
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "backflush.people",
    "backflush.stockmap",
    "backflush.items",
    "backflush.structures",
    "backflush.ledger",
    "backflush.unresolved",
    "backflush.backflushing",
    "backflush.works",
    "backflush.subcontract",
    "backflush.handling",
]

AUTH_USER_MODEL = "people.User"

# No ATOMIC_REQUESTS, ever: on SQLite every transaction takes the write lock, and
# reading must not wait for writing. Services open their own transactions.
DATABASES = {"default": env.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
