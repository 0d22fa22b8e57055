"""Column types of the table API: what a column takes, and what comes back, on every server.

A value that a column cannot hold as it is is refused before it is sent: what a server makes
of it differs (MySQL finds the row with the key 0 for the text 'abc'). The dialects choose
among these, in their ``values.py``, where their servers differ.
"""

from odac_db.dialects.values.checked import Checked, Native
from odac_db.dialects.values.numbers import Exact, Real, Truth, Whole
from odac_db.dialects.values.others import Arrays, Document, Identifier, Octets
from odac_db.dialects.values.texts import Choice, Words
from odac_db.dialects.values.times import Clock, Day, Instant, Microseconds, Span

__all__ = [
    "Arrays",
    "Checked",
    "Choice",
    "Clock",
    "Day",
    "Document",
    "Exact",
    "Identifier",
    "Instant",
    "Microseconds",
    "Native",
    "Octets",
    "Real",
    "Span",
    "Truth",
    "Whole",
    "Words",
]
