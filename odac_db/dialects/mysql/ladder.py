"""ALTERs of big tables, which ask for what holds up nobody. Pure.

Unasked, the server takes the cheapest way that it has, and copies the table in silence where
it has no other. Asked for an ALGORITHM, it refuses what it cannot do so:
https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html
https://mariadb.com/kb/en/innodb-online-ddl-overview/
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from odac_db.dialects.base import Rendered
from odac_db.schema.changes import table_of
from odac_db.schema.plan import Statement

_RUNGS = ("ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE")


def online(rendered: Rendered, big: Collection[str]) -> Rendered:
    """The change, its ALTERs asking for one way after the other if its table is big."""
    if table_of(rendered.change) not in big:
        return rendered
    statements = tuple(map(_asking, rendered.statements))
    return msgspec.structs.replace(rendered, statements=statements)


def _asking(statement: Statement) -> Statement:
    if not statement.sql.startswith("ALTER TABLE "):
        return statement
    first, *others = (f"{statement.sql}, {rung}" for rung in _RUNGS)
    return msgspec.structs.replace(statement, sql=first, otherwise=tuple(others))
