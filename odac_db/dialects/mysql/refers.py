"""Whether a foreign key may go from one column to another. Pure."""

from __future__ import annotations

from odac_db.dialects.mysql.column_types import INTEGERS, ColumnType, column_type, enum_values
from odac_db.schema.model import Column

_LENGTHS = ({"char", "varchar"}, {"varbinary"})
"""Types of which lengths may differ."""


def refers(child: Column, parent: Column) -> bool:
    """Whether both are stored alike: InnoDB compares keys by their bytes (errors 150, 3780).

    Integers must be of one size and sign, strings of one collation, whatever their length.
    InnoDB also takes keys between decimals, times and binaries of different sizes, whose
    bytes no row then matches: those count as unlike.
    """
    mine, other = column_type(child.type, mariadb=False), column_type(parent.type, mariadb=False)
    if child.collation != parent.collation:
        return False
    return mine.text == other.text or _alike(mine, other)


def _alike(mine: ColumnType, other: ColumnType) -> bool:
    if mine.name in INTEGERS:
        return (mine.name, mine.unsigned) == (other.name, other.unsigned)
    if mine.name == other.name == "enum":
        pairs = zip(enum_values(mine.text), enum_values(other.text), strict=False)
        return all(one == another for one, another in pairs)
    return any(mine.name in names and other.name in names for names in _LENGTHS)
