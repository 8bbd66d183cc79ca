"""The benchmark: what references cost, beside a ``ForeignKey`` within one database.

``make bench`` runs all of it, ``python -m tests.bench`` what is named. Both sides of every ratio
are measured in turns in one run, after a check that they give the same answer.

==============  =============================================================================
module          has
==============  =============================================================================
``__main__``    the command line
``databases``   two PostgreSQL servers and two SQLite files; Django's settings on them
``sizes``       how many objects and repetitions: full, quick, tiny
``models``      the same rows twice: behind a reference, and behind a ``ForeignKey``
``data``        filling the tables
``measuring``   measuring in turns, medians, quartiles
``report``      rows with goals, as Markdown; the machine and the versions
``prefetch``    prefetching on PostgreSQL and on SQLite
``access``      one lazy access, the key, making instances
``million``     a million objects: time, memory of this process and of the server's
``filters``     filters over two databases, against a join and against ``postgres_fdw``
``latency``     eight databases behind ``proxy``, which delays
``profiles``    where the time goes, by part
==============  =============================================================================
"""
