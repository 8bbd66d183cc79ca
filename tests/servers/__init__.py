"""Real database servers for the tests.

==============  =============================================================================
module          serves
==============  =============================================================================
``addresses``   URLs of servers, and Django's ``DATABASES`` entry for a database on one
``guard``       a temporary directory that goes away with the process, whatever ends it
``binaries``    finding PostgreSQL's programs, and a user who may run them
``postgres``    ``PostgresServer``: one PostgreSQL server to start, stop and restart
``session``     which servers a pair of vendors needs, started once for a whole test session
``aliases``     a further Django alias for the length of a test
==============  =============================================================================
"""
