"""The test suite: run it with ``make test``, or with ``pytest`` for one pair of databases."""
