"""The benchmark runs, and both sides of each ratio answer the same; no time is asserted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import crossdb_reference
from tests.bench.measuring import Way, WrongAnswer, measure
from tests.servers import session

pytestmark = [
    pytest.mark.project,
    pytest.mark.skipif(
        session.pair() != "postgres-postgres",
        reason="the benchmark has databases of its own, so it runs with one pair only",
    ),
]


def bench(*arguments):
    """Run the benchmark's command, on a few rows, and return what it prints."""
    package = Path(crossdb_reference.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--tiny", *arguments],
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"PYTHONPATH": str(package)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_group_has_a_table():
    """Each row has a ratio, or says why it has none."""
    printed = bench()
    rows = [line for line in printed.splitlines() if re.match(r"\| [\d\w]", line)]
    results = [line.split("|")[6].strip() for line in rows if not line.startswith("| work")]
    assert printed.count("\n### ") == 6
    assert len(results) >= 37
    assert all(results), printed


def test_a_profile_adds_up():
    """The parts are shares of the whole, on both sides."""
    printed = bench("--profile", "distinct")
    shares = [re.findall(r"(\d+)%", line) for line in printed.splitlines() if "%" in line]
    *parts, whole = [list(map(int, line)) for line in shares]
    assert whole == [100, 100]
    assert [sum(column) for column in zip(*parts, strict=True)] == pytest.approx(whole, abs=5)


def test_two_answers_are_not_compared():
    """What is wrong is not measured."""
    ways = [Way("right", lambda _: 1, int), Way("wrong", lambda _: 2, int)]
    with pytest.raises(WrongAnswer, match="'wrong' and 'right' give different answers"):
        measure(ways, 7)
