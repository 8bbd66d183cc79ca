"""The command line: ``python -m tests.bench [--quick] [--profile NAME] [groups]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib import import_module

from django.utils.module_loading import import_string

from tests.bench.databases import configure, running_databases
from tests.bench.sizes import FULL, QUICK, TINY

# Imported when Django is set up, for they import models.
GROUPS = {
    "prefetch": "tests.bench.prefetch.postgres",
    "access": "tests.bench.access.rows",
    "million": "tests.bench.million.rows",
    "filters": "tests.bench.filters.rows",
    "latency": "tests.bench.latency.rows",
    "sqlite": "tests.bench.prefetch.sqlite",
}
PROFILES = ("repeated", "distinct", "page")


def main() -> None:
    """Run the groups that are named, or all; or print profiles."""
    options = arguments()
    started = time.perf_counter()
    with running_databases() as databases:
        configure(databases)
        say(import_module("tests.bench.report").environment())
        if options.profile:
            profile = import_string("tests.bench.profiles.profile")
            for name in PROFILES if options.profile == "all" else [options.profile]:
                say(profile(name, options.sizes))
        else:
            run(options)
    seconds = time.perf_counter() - started
    say(f"\n{seconds:.0f} s in all, load {os.getloadavg()[0]:.1f} at the end.")


def run(options: argparse.Namespace) -> None:
    """Print a table per group, each line as soon as it is known."""
    report = import_module("tests.bench.report")
    say(report.method(options.sizes))
    missed = []
    for name in options.groups or GROUPS:
        rows = import_string(GROUPS[name])
        say(f"\n### {rows.__doc__.rstrip('.')}\n\n{report.heading()}")
        for row in rows(options.sizes):
            say(str(row))
            if row.met is False:
                missed.append(f"- {row.work}: {row.way}: {row.result} of {row.against}, {row.goal}")
    say("\n" + "\n".join(["Goals that were missed:", *missed] if missed else ["All goals met."]))
    if options.sizes != FULL:
        say("\nThe goals are meant for the full number of rows.")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"what to measure: {', '.join(GROUPS)}")
    parser.add_argument("--profile", choices=[*PROFILES, "all"], help="where the time goes")
    sizes = parser.add_mutually_exclusive_group()
    for flag, value, text in (
        ("--quick", QUICK, "a twentieth of the rows, under a minute"),
        ("--tiny", TINY, "only to see that everything runs"),
    ):
        sizes.add_argument(
            flag, dest="sizes", action="store_const", const=value, default=FULL, help=text
        )
    options = parser.parse_args()
    if unknown := set(options.groups) - GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    return options


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
