"""The same models twice: joined by foreign keys in one database, and apart in three.

``shape``     the columns and the local relations that both have
``joined``    the app whose models are all on ``default``, with foreign keys between them
``apart``     the app whose models are on ``default``, ``people`` and ``geo``, with references
``rows``      the rows that both get
``paths``     the relations that a filter can follow, and the comparisons at their end
``filters``   random filters, written as Python that runs on either
``memory``    the rows of a twin in Python
``keywords``  one keyword of a filter, and whether it is true of a row
``meaning``   what a filter says, worked out row by row
"""
