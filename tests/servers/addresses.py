"""URLs of database servers, such as ``postgres://user:password@host:port``."""

from typing import Any
from urllib.parse import unquote, urlsplit

ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "mariadb": "django.db.backends.mysql",
}


def database_settings(url: str, name: str) -> dict[str, Any]:
    """Return the ``DATABASES`` entry for the database *name* on the server at *url*.

    Raises ``ValueError`` when *url* names a scheme that is not in ``ENGINES``, or no host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ENGINES or not parts.hostname:
        expected = "postgres://user:password@host:port or mysql://user:password@host:port"
        message = f"{url!r} is not the address of a database server; expected {expected}."
        raise ValueError(message)
    entry: dict[str, Any] = {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": str(parts.port or ""),
    }
    if entry["ENGINE"].endswith("mysql"):
        entry["OPTIONS"] = {"charset": "utf8mb4"}
        # Texts compare as on the other vendors; see tests/test_collations.py for what is usual.
        entry["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_nopad_bin"}
    return entry
