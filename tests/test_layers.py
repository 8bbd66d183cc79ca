"""The import graph: a module imports from lower layers, or earlier modules of its own."""

import ast
from pathlib import Path

import pytest

import crossdb_reference

ROOT = Path(crossdb_reference.__file__).parent

# From the bottom to the top; a package stands for its modules.
LAYERS = [
    ["exceptions", "conf", "_compat", "typing"],
    ["keysets.plain", "keysets.postgresql", "keysets.sqlite", "keysets.mysql", "keysets.lookup"],
    ["keysets.collected", "keysets", "pins"],
    ["routers", "instances", "iterables", "psycopg3", "requests", "fetching", "collecting"],
    ["remote.ends", "remote.conditions", "remote.trees", "remote.units", "remote.entangled"],
    ["remote.planning", "remote.lookups", "remote.detour", "remote.explaining", "remote"],
    ["target", "lookups", "steps", "forward", "reverse_manager", "reverse"],
    ["levels", "resolving", "prefetch"],
    ["columns", "fields", "saving", "remote.columns", "managers"],
    ["checks", "checks.references", "checks.homes", "checks.tables"],
    ["management", "management.commands", "management.commands.crossdb_migrate", "apps"],
]
ORDER = [name for layer in LAYERS for name in layer]


def modules():
    """Return every module's dotted name below the package, with its path."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imports(path):
    """Return the package's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            inner = name.removeprefix("crossdb_reference.")
            if inner != name:
                yield inner if inner in ORDER else inner.rpartition(".")[0]


def test_every_module_has_its_place():
    assert sorted(modules()) == sorted(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_imports_point_downwards(name):
    above = [other for other in imports(modules()[name]) if ORDER.index(other) >= ORDER.index(name)]
    assert above == []


def test_the_package_imports_no_integration():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {
        f"crossdb_reference.{name}"
        for name in (
            *("exceptions", "fields", "managers", "pins", "prefetch", "remote.columns"),
            *("remote.explaining", "routers"),
        )
    }
