"""Every Python example of README.md and docs/ runs, and gives what its page says.

A block of Python whose first line is a comment with the name of a file *is* that file. Other
blocks run in the order of the page, with one namespace per page; ``>>>`` gives what it shows.

Most pages work with the app ``news`` (``docs/examples``) on the session's databases. Pages that
change models have a ``Project`` on SQLite of their own: their commands run too, and print what the
page shows.
"""

from __future__ import annotations

import ast
import doctest
import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import defaultTestLoader

import pytest
from django.conf import settings
from django.db import transaction
from django.test.utils import isolate_apps
from django.utils.module_loading import import_string
from sybil import Document
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.myst import CodeBlockParser

import crossdb_reference
from crossdb_reference.conf import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.test import TestCase
    from sybil import Example, Region

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
PACKAGE = Path(crossdb_reference.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FILE = re.compile(r"# (?P<name>[\w/]+\.py)(?P<more>, added)?\n")

PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PROJECTS = [page for page in PAGES if "# shop/models.py\n" in page.read_text()]
SITES = [page for page in PAGES if page not in PROJECTS and "```python\n" in page.read_text()]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


# Pages on the app of the examples


def site_blocks(document: Document) -> Iterable[Region]:
    """Yield the blocks of Python, and of one with ``>>>`` each statement."""
    for region in CodeBlockParser("python", run_in_site)(document):
        if region.parsed.startswith(">>>"):
            for statement in DocTestStringParser(DocTestEvaluator(FLAGS))(
                region.parsed, document.path
            ):
                statement.adjust(region, region.parsed)
                yield statement
        else:
            yield region


def run_in_site(example: Example) -> None:
    """Run a block of a page, or compare it with the file that it shows."""
    source: str = example.parsed
    file = FILE.match(source)
    if file is None:
        # A model that is shown only for what is written by hand gets no table.
        with isolate_apps("news"):
            example.namespace["__name__"] = "news.by_hand"
            PythonEvaluator()(example)
    elif file["name"] == "settings.py":
        assert_settings(source)
    else:
        shown = source[file.end() :].strip()
        assert shown in (DOCS / "examples" / file["name"]).read_text(), shown


def assert_settings(source: str) -> None:
    """The names that settings give exist here, and routers can be imported."""
    values: dict[str, Any] = {}
    exec(source, values)  # noqa: S102 (a page of the documentation)
    given = values.get("CROSSDB_REFERENCE", {})
    assert set(given) <= set(KEYS)
    aliases = {*given.get("PINS", {}).values(), *given.get("ALSO_MIGRATE", {})}
    assert aliases <= set(settings.DATABASES)
    for router in values.get("DATABASE_ROUTERS", []):
        assert router.startswith("myproject.") or import_string(router)


def run_tests(case: type[TestCase]) -> None:
    """Run the tests of a page, and undo what each wrote: for its invisible blocks.

    Not by the class's own set-up and tear-down, which would close the page's connections.
    """
    names = defaultTestLoader.getTestCaseNames(case)
    assert names
    for name in names:
        with ExitStack() as stack:
            for alias in case.databases:
                stack.enter_context(transaction.atomic(using=alias))
                stack.callback(transaction.set_rollback, True, using=alias)
            getattr(case(name), name)()


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("page", SITES, ids=name_of)
def test_examples_run(page: Path) -> None:
    document = Document.parse(str(page), site_blocks)
    document.namespace["run_tests"] = run_tests
    for example in document.examples():
        example.evaluate()


# Pages with a project of their own

SHELL = """
import doctest, sys
import django
django.setup()
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "the page", None, 0)
sys.exit(doctest.DocTestRunner(optionflags=int(sys.argv[1])).run(test).failed)
"""


class Project:
    """A directory in which the blocks of a page become files, commands and a shell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.statements = ""

    def blocks(self, document: Document) -> Iterable[Region]:
        """Yield the blocks of Python and of commands."""
        yield from CodeBlockParser("python", self.run_python)(document)
        yield from CodeBlockParser("console", self.run_commands)(document)

    def run_python(self, example: Example) -> None:
        """Write the file, or keep the statements for the shell."""
        source: str = example.parsed
        file = FILE.match(source)
        if source.startswith(">>>"):
            self.statements += source
        elif file:
            self.run_statements()
            path = self.path / file["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if file["more"] else "w") as opened:
                opened.write(source[file.end() :])
        else:
            self.run_statements()
            done = self.python("-c", f"import django; django.setup()\n{source}", answers="")
            assert done.returncode == 0, done.stdout

    def run_statements(self) -> None:
        """Run what one shell was told: all since the last file or command."""
        if self.statements:
            done = self.python("-c", SHELL, str(FLAGS), answers=self.statements)
            assert done.returncode == 0, done.stdout
        self.statements = ""

    def run_commands(self, example: Example) -> None:
        """Run the lines that begin with ``$``, and compare what they print."""
        self.run_statements()
        for part in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
            line, _, expected = part.partition("\n")
            program, *arguments = shlex.split(line)
            if "pip" in (program, *arguments):
                continue
            if program == "cd":
                self.path /= arguments[0]
                continue
            module = ["-m", "django"] if program == "django-admin" else []
            done = self.python(*module, *arguments, answers="y\n" * 9)
            wanted = expected.replace("[y/N] y\n", "[y/N] ")
            matches = doctest.OutputChecker().check_output(wanted, done.stdout, FLAGS)
            assert matches or not wanted.strip(), f"$ {line}\n{done.stdout}"
            assert done.returncode == 0 or "Error" in expected, f"$ {line}\n{done.stdout}"

    def python(self, *arguments: str, answers: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the directory; warnings are errors."""
        variables = {"PYTHONPATH": str(PACKAGE.parent), "DJANGO_SETTINGS_MODULE": "mysite.settings"}
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.path,
            env=os.environ | variables,
            input=answers,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.mark.project
@pytest.mark.parametrize("page", PROJECTS, ids=name_of)
def test_projects_run(page: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    if page != TUTORIAL:  # How-to pages go on with its project, before it has models.
        tutorial = Document.parse(str(TUTORIAL), project.blocks).examples()
        for example in takewhile(lambda each: "models.py" not in each.parsed, tutorial):
            example.evaluate()
    for example in Document.parse(str(page), project.blocks).examples():
        example.evaluate()
    project.run_statements()


# Words that the package says


def wording(node: ast.expr) -> str:
    """Return a pattern for the text of a literal, whatever is filled into it."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.BinOp):
        return wording(node.left) + wording(node.right)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(wording, node.values))
    return ".*"


def calls(module: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call))


def quoted(text: str) -> list[str]:
    """Return the block quotations of a page or section, each as one line."""
    found = re.findall(r"(?:^> .*\n)+", text, flags=re.MULTILINE)
    return [" ".join(line[2:].removesuffix("\\") for line in each.splitlines()) for each in found]


def checks() -> dict[str, list[tuple[str, str]]]:
    """Return the patterns of message and hint of every check, by ID."""
    found: dict[str, list[tuple[str, str]]] = {}
    for module in (PACKAGE / "checks").glob("*.py"):
        for call in calls(module):
            parts = {keyword.arg: keyword.value for keyword in call.keywords}
            if isinstance(call.func, ast.Name) and call.func.id in ("Error", "Warning"):
                name = wording(parts["id"]).rpartition("\\.")[2]
                names = ["E008", "E009"] if name == ".*" else [name]
                for each in names:
                    words = wording(call.args[0]), wording(parts["hint"])
                    found.setdefault(each, []).append(words)
    return found


@pytest.mark.parametrize("number", sorted(checks()))
def test_every_check_is_explained_in_its_own_words(number: str) -> None:
    page = (DOCS / "reference" / "checks.md").read_text()
    assert f'<span id="crossdb_reference-{number.lower()}"></span>' in page
    (section,) = re.findall(rf"^### {number}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    for message, hint in checks()[number]:
        assert any(re.fullmatch(f"{message} HINT: {hint}", text) for text in quoted(section)), (
            section
        )


def test_no_check_is_explained_that_does_not_exist() -> None:
    page = (DOCS / "reference" / "checks.md").read_text()
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == sorted(
        checks(), key=lambda number: number[1:]
    )


def test_every_message_of_an_exception_is_quoted() -> None:
    page = (DOCS / "reference" / "exceptions.md").read_text()
    messages = [
        wording(call.args[0])
        for call in calls(PACKAGE / "exceptions.py")
        if isinstance(call.func, ast.Name) and call.func.id == "cls"
    ]
    assert len(messages) > 10
    missing = [
        message
        for message in messages
        if not any(re.fullmatch(message, text) for text in quoted(page))
    ]
    assert missing == []


def test_every_setting_is_explained() -> None:
    page = (DOCS / "reference" / "settings.md").read_text()
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == list(KEYS)


def test_the_readme_names_the_commands_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"`make ([\w-]+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
