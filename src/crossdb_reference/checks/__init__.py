"""The system checks. Every ID is explained in the reference of the documentation.

``references``  ``E0xx``: the declaration of a reference
``homes``       ``E1xx``: pins, settings, the chain of routers, relations between homes
``tables``      ``W201``: the live databases (only where a command names ``--database``)
"""
