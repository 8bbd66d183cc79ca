"""Makes sure that the databases have their tables and their rows."""

from django.core.management import call_command
from django.core.management.base import OutputWrapper

from .load import load, steps


def prepare(out: OutputWrapper) -> None:
    """Migrate each model to its home, load what is missing, and say what was done."""
    call_command("crossdb_migrate", verbosity=0)
    everything = steps()
    loaded = load(everything)
    there = ", ".join(f"{step.rows.count():,} {step.name}" for step in everything)
    if loaded:
        out.write(f"Loaded {', '.join(step.name for step in loaded)}. Now there are {there}.")
    else:
        out.write(f"The data is there already: {there}.")
