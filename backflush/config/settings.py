"""Django's settings. Values that differ between installations come from `env`."""

from backflush.config import env, logs

SECRET_KEY = env.secret_key()
# Debug pages would show memory contents to any visitor, so there is no debug mode.
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "backflush.db",
    "backflush.people",
    "backflush.stockmap",
    "backflush.background",
    "backflush.items",
    "backflush.structures",
    "backflush.ledger",
    "backflush.counts",
    "backflush.unresolved",
    "backflush.backflushing",
    "backflush.works",
    "backflush.subcontract",
    "backflush.handling",
    "backflush.audit",
    "backflush.imports",
    "backflush.web.platform.apps.WebConfig",
]

# Outermost first. Static files come before sessions, because they are the same for everyone.
MIDDLEWARE = [
    "backflush.delivery.client_address.addressed",
    "backflush.config.logs.numbered",
    "backflush.delivery.metrics.measured",
    "django.middleware.security.SecurityMiddleware",
    "backflush.web.platform.csp.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "backflush.web.display.number_format.number_formats",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "backflush.web.platform.null_bytes.whole_text",
    "backflush.api.errors.whole_requests",
    "backflush.web.platform.visit.VisitMiddleware",
]

ROOT_URLCONF = "backflush.config.urls"
WSGI_APPLICATION = "backflush.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "backflush.web.display.tags.pieces",
                "backflush.web.display.tags.forms",
                "django.templatetags.i18n",
            ],
            "libraries": {name: f"backflush.web.display.tags.{name}" for name in ("audit", "orders", "stock")},
            "context_processors": [
                "django.template.context_processors.request",
                "backflush.web.platform.navigation.frame",
            ],
        },
    }
]

# Authentication

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "backflush.people.password_words.CommonWordValidator"},
]
LOGIN_URL = "log-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "log-in"

# Sessions end after two hours without use, and after twelve in any case.
SESSION_ENGINE = "backflush.people.sessions"
SESSION_COOKIE_AGE = 12 * 3600

# The company's own log-in server, if there is one.
OIDC = env.company_log_in()

# Public address and protocol

PUBLIC = env.public_address()
ALLOWED_HOSTS = [*PUBLIC.hosts]
CSRF_TRUSTED_ORIGINS = [*PUBLIC.origins]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC.secure
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# With this prefix browsers refuse a cookie from a neighbouring host, or one over plain http.
COOKIE_PREFIX = "__Host-" if PUBLIC.secure else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}backflush_session", f"{COOKIE_PREFIX}backflush_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "backflush.web.platform.errors.forged"
# Trust the proxy's header only if there is an https proxy.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC.secure else None
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC.secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PUBLIC.secure
# The proxies whose `X-Forwarded-For` is believed.
PROXY_ADDRESSES = env.proxy_addresses()
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# A purchase order of a few hundred lines has some ten fields per line. Django's limit of bytes still applies.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 30_000

# Static files

STATIC_URL = "/static/"
STATIC_ROOT = env.PACKAGE / "web" / "served"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "backflush.web.platform.static_storage.StaticStorage"},
}

# Never ATOMIC_REQUESTS: on SQLite every transaction takes the write lock, and reads must not wait for writes. Services
# open their own transactions.
DATABASES = {"default": env.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Whether bookings read past Django's query compiler (`db/queries.py`).
FAST_READS = env.fast_reads()

# Long-running work is queued in the database for the worker, so no message broker is needed.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

USE_TZ = True
TIME_ZONE = "UTC"

LANGUAGE_CODE = "en"
# Only languages whose catalogue is complete are offered (docs/languages.md); a test checks it.
LANGUAGES = [("en", "English")]
LANGUAGE_COOKIE_NAME = "backflush_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = PUBLIC.secure
LOCALE_PATHS = [env.PACKAGE / "locale"]

# The currency sign before amounts. It doesn't follow from the user's language, so there is none unless it is set.
CURRENCY = env.currency()

# Errors go to stderr with a traceback. Django's default is to mail them to administrators, of which none are set.
LOGGING = logs.logging_settings(as_json=env.logs_in_json())

# The token for /metrics/; without one, only this machine may read them.
METRICS_TOKEN = env.metrics_token()
