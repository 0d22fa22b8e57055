"""Writes that return before the database has them, each there exactly once in the end.

``journal`` keeps them, ``ledger`` knows how far they are applied, ``flush`` brings them
there. The face is ``buffer.Buffer``.
"""
