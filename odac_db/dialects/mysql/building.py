"""Model objects from what the catalog or SHOW CREATE TABLE says of them. Pure.

Both readers end here, so that a table is the same whichever way it was read.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from odac_db.dialects.mysql.column_types import ColumnType
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, with_plain_signs, without_outer_parentheses
from odac_db.schema.model import Check, Column, ForeignKey, Generated, Identity, Index, Table

AUTO_INCREMENT = Identity(kind="auto_increment")
METHODS = {"FULLTEXT": "fulltext", "SPATIAL": "spatial", "HASH": "hash", "VECTOR": "vector"}

_ENGINES = {
    name.lower(): name
    for name in (
        "InnoDB MyISAM MEMORY CSV ARCHIVE BLACKHOLE FEDERATED Aria MRG_MyISAM ndbcluster ROCKSDB"
    ).split()
}


def engine_name(name: str) -> str:
    """The storage engine as the server spells it."""
    return _ENGINES.get(name.lower(), name)


class ReadColumn(msgspec.Struct, kw_only=True):
    """A column as read: ``default`` already in the model's spelling, ``check`` as printed."""

    name: str
    kind: ColumnType
    nullable: bool = True
    default: str | None = None
    auto_increment: bool = False
    generated: Generated | None = None
    collation: str | None = None
    comment: str = ""
    on_update: str | None = None
    check: str | None = None


def column(read: ReadColumn, table_collation: str | None, features: MySQLFeatures) -> Column:
    """The column, with its collation only where it is not the table's."""
    type_text, collation, check = read.kind.text, read.collation, read.check
    if check is not None and _is_json(read, features):
        type_text, collation, check = "json", None, None
    return Column(
        name=read.name,
        type=type_text,
        nullable=read.nullable,
        default=read.default,
        identity=AUTO_INCREMENT if read.auto_increment else None,
        generated=read.generated,
        collation=None if collation == table_collation else collation,
        comment=read.comment or None,
        on_update=read.on_update,
        check=check,
    )


def _is_json(read: ReadColumn, features: MySQLFeatures) -> bool:
    """MariaDB's JSON is a longtext with a check: what is stored so is read as ``json``."""
    return (
        features.mariadb
        and read.kind.text == "longtext"
        and read.collation == "utf8mb4_bin"
        and read.check == f"json_valid({quote(read.name)})"
    )


def generated(expression: str, stored: bool) -> Generated:
    return Generated(with_plain_signs(without_outer_parentheses(expression)), stored)


def check(name: str, expression: str, *, enforced: bool = True) -> Check:
    text = with_plain_signs(without_outer_parentheses(expression))
    return Check(name=name, expression=text, enforced=enforced)


def with_keys(shown: Table, keys: Sequence[ForeignKey]) -> Table:
    """A table as shown, with the foreign keys that only the catalog tells.

    MariaDB 10.11.18 prints a backtick inside a foreign key's name as it is.
    """
    if len(keys) <= len(shown.foreign_keys):
        return shown
    ordered = tuple(sorted(keys, key=lambda key: key.name or ""))
    indexes = marked_implicit(shown.indexes, ordered)
    return msgspec.structs.replace(shown, foreign_keys=ordered, indexes=indexes)


def marked_implicit(
    indexes: Sequence[Index], foreign_keys: Sequence[ForeignKey]
) -> tuple[Index, ...]:
    """The indexes, those a foreign key brought along marked: of its name, on its columns."""
    if not foreign_keys:
        return tuple(indexes)
    keys = {(key.name, key.columns) for key in foreign_keys}
    return tuple(
        msgspec.structs.replace(index, implicit=True)
        if (index.name, index.columns) in keys and not index.unique and _plain(index)
        else index
        for index in indexes
    )


def _plain(index: Index) -> bool:
    return (
        index.method is None
        and index.comment is None
        and not any(part.length or part.descending or part.expression for part in index.parts)
    )
