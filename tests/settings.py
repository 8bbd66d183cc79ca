"""Django's settings for the tests; ``CROSSDB_PAIR`` says on which databases.

Importing them starts the servers that the pair needs: see ``tests.servers.session``.
"""

from tests.servers import session

DATABASES = session.databases()
DATABASE_ROUTERS = ["crossdb_reference.routers.CrossDBRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CROSSDB_REFERENCE = {
    "PINS": {
        **dict.fromkeys(["auth", "contenttypes", "admin", "people"], "people"),
        # Others of this app are pinned by their managers, or not at all.
        **dict.fromkeys(["apart.Customer", "apart.Group", "apart.Phone", "apart.Team"], "people"),
    },
}

TEST_APPS = [
    "tests.people",
    "tests.library",
    "tests.twins.joined",
    "tests.twins.apart",
    "news",  # of the documentation's examples
]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.admin",
    "django.contrib.sessions",
    "django.contrib.messages",
    "crossdb_reference",
    *TEST_APPS,
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
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
            ],
        },
    },
]
ROOT_URLCONF = "tests.urls"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "only for the tests"
STATIC_URL = "static/"
USE_TZ = True
