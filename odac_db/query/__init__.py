"""The table API: immutable queries, and the rows and writes they come to.

A query is its *shape* (which tables, columns, operators) and its *values*. Shapes are made
once and found again by their steps, so that a query like an earlier one costs little more
than its values; values are always bound. Building a query asks nobody: names come from the
``catalog``, SQL is made by ``statements`` when it is needed, and a ``Performer`` is the one
place where a read is executed, and where a write is. No transactions here, and no cache.
"""
