"""Changes of a column that the servers only make in two steps. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.column_types import BINARIES, STRINGS, column_type
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote
from odac_db.schema.changes import AlterColumn
from odac_db.schema.model import Column, Generated, Index

_ADDRESSES = frozenset({"uuid", "inet4", "inet6"})


def passes_through_text(change: AlterColumn, features: MySQLFeatures) -> bool:
    """Whether MariaDB only converts the one type to the other by way of text (error 4078)."""
    if not features.mariadb or "type" not in change.aspects:
        return False
    pair = [column_type(each.type, True).name for each in (change.before, change.after)]
    others = [name for name in pair if name not in _ADDRESSES]
    return len(others) < 2 and not any(name in STRINGS | BINARIES for name in others)


def by_way_of_text(change: AlterColumn, features: MySQLFeatures) -> tuple[list[str], list[str]]:
    """The clauses of the two ALTER TABLEs it takes."""
    text = Column(name=change.after.name, type="varchar(45)", comment=change.after.comment)
    return (
        [f"MODIFY COLUMN {clauses.column(text, features)}"],
        [f"MODIFY COLUMN {clauses.column(change.after, features)}"],
    )


def was_virtual(change: AlterColumn) -> bool:
    """Whether the change makes a virtual column a plain one."""
    made = change.before.generated
    return made is not None and not made.stored and change.after.generated is None


def materialized(
    change: AlterColumn, indexes: Sequence[Index], place: str, features: MySQLFeatures
) -> tuple[list[str], list[str]]:
    """The clauses of the two ALTER TABLEs it takes.

    The servers refuse it in one (errors 3106, 1907): the column is first made a stored one,
    by dropping and adding it with the indexes on it, which computes the same values. Each
    of the two leaves a valid table.
    """
    made = change.before.generated
    assert made is not None
    name = change.before.name
    stored = msgspec.structs.replace(change.before, generated=Generated(made.expression, True))
    around = [item for item in indexes if name in item.columns]
    recreated = [
        *(f"DROP INDEX {quote(item.name or '')}" for item in around),
        f"DROP COLUMN {quote(name)}",
        f"ADD COLUMN {clauses.column(stored, features)}{place}",
        *(f"ADD {clauses.index(item)}" for item in around),
    ]
    return recreated, [f"MODIFY COLUMN {clauses.column(change.after, features)}"]
