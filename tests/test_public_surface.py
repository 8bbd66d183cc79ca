"""What ``from crossdb_reference import …`` offers."""

import inspect
import subprocess
import sys

import crossdb_reference

NAMES = [
    "CrossDBOneToOneReference",
    "CrossDBReference",
    "DanglingReference",
    "PinnedManager",
    "PinnedQuerySet",
    "aiter_with_references",
    "aprefetch_references",
    "explain_references",
    "home_database",
    "iter_with_references",
    "pinned",
    "prefetch_references",
    "with_remote",
]


def test_the_public_names_are_these():
    assert crossdb_reference.__all__ == NAMES


def test_every_public_name_is_documented():
    undocumented = []
    for name in NAMES:
        thing = getattr(crossdb_reference, name)
        members = vars(thing).items() if inspect.isclass(thing) else ()
        for member, value in [(name, thing), *members]:
            public = not member.startswith("_") and callable(value)
            if public and not inspect.isclass(value) and not value.__doc__:
                undocumented.append(f"{name}.{member}")
    assert undocumented == []


def test_importing_the_package_needs_no_settings_and_no_models():
    code = (
        "import crossdb_reference, sys; from django.conf import settings;"
        "print(settings.configured, any(m.endswith('.models') and m.startswith('django.contrib')"
        " for m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False False"
