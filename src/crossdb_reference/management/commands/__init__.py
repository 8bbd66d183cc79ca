"""``crossdb_migrate``: every home in one go."""
