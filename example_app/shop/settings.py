"""Settings of the example: three databases, and one declaration of what lives where."""

import sys

from .databases import ROOT, databases

BASE_DIR = ROOT
DATABASES = databases()
DATABASE_ROUTERS = ["crossdb_reference.routers.CrossDBRouter"]
CROSSDB_REFERENCE = {
    "PINS": {"auth": "people", "contenttypes": "people", "admin": "people", "geo": "geo"}
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "crossdb_reference",
    "geo",
    "orders",
    "tour",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

ROOT_URLCONF = "shop.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True
STATIC_URL = "static/"

# Only for a site on one's own machine.
SECRET_KEY = "the example has no secrets"  # noqa: S105
DEBUG = "serve" in sys.argv  # elsewhere Django's log of every statement would slow the load down
