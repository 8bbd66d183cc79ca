"""Conditions on the other side of a reference, answered by the database that it lives in.

``ends``        the other side, and the local column that holds or gives its keys
``conditions``  one condition (``author__name="Ann"``) as Django builds it into a query
``trees``       what a tree of conditions means as a filter of the other side
``units``       one remote query, and the local condition that its keys make
``entangled``   rows behind a reference, mixed with local conditions in one ``filter()``
``planning``    which conditions of a query are asked together
``lookups``     the condition that compiles by the plan, and the path that leads to it
``explaining``  the plan in words
"""
