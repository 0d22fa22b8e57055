"""Statements for indexes and constraints."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.dialects.postgresql.naming import literal, quote
from odac_db.schema.changes import RenameConstraint, SetObjectComment
from odac_db.schema.model import Check, Exclusion, ForeignKey, Index, IndexPart, PrimaryKey


def columns(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(map(quote, names)) + ")"


def deferrable(value: str | None) -> str:
    if value is None:
        return ""
    return " DEFERRABLE INITIALLY " + ("DEFERRED" if value == "deferred" else "IMMEDIATE")


def collation(name: str) -> str:
    """COLLATE; a name off the search path comes quoted and qualified."""
    return f" COLLATE {_findable(name)}"


def _findable(name: str) -> str:
    """A collation's or operator class's name for SQL; see ``catalog_json.visible``."""
    return name if name.endswith('"') else quote(name)


def primary_key(key: PrimaryKey) -> str:
    include = f" INCLUDE {columns(key.include)}" if key.include else ""
    return (
        f"{constraint(key.name)}PRIMARY KEY {columns(key.columns)}{include}"
        f"{deferrable(key.deferrable)}"
    )


def constraint(name: str | None) -> str:
    return "" if name is None else f"CONSTRAINT {quote(name)} "


def unique(index: Index) -> str:
    """An index as a UNIQUE constraint."""
    distinct = " NULLS NOT DISTINCT" if index.nulls_not_distinct else ""
    include = f" INCLUDE {columns(index.include)}" if index.include else ""
    return (
        f"{constraint(index.name)}UNIQUE{distinct} {columns(index.columns)}{include}"
        f"{deferrable(index.deferrable)}"
    )


def check(item: Check) -> str:
    return (
        f"{constraint(item.name)}CHECK ({item.expression})"
        f"{' NO INHERIT' if item.no_inherit else ''}{'' if item.enforced else ' NOT ENFORCED'}"
        f"{'' if item.valid else ' NOT VALID'}"
    )


def exclusion(item: Exclusion) -> str:
    parts = ", ".join(f"{key(part.part)} WITH {part.operator}" for part in item.parts)
    where = f" WHERE ({item.where})" if item.where is not None else ""
    return (
        f"{constraint(item.name)}EXCLUDE USING {quote(item.method)} ({parts}){where}"
        f"{deferrable(item.deferrable)}"
    )


def key(part: IndexPart) -> str:
    text = f"({part.expression})" if part.column is None else quote(part.column)
    if part.collation is not None:
        text += collation(part.collation)
    if part.opclass is not None:
        text += f" {_findable(part.opclass)}"
    if part.descending:
        text += " DESC"
    if part.nulls is not None:
        text += f" NULLS {part.nulls.upper()}"
    return text


def create_index(table: str, index: Index, *, concurrently: bool = False) -> str:
    assert index.name is not None
    parts = ", ".join(map(key, index.parts))
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    if concurrently:
        kind += " CONCURRENTLY"
    return "".join(
        [
            f"CREATE {kind} {quote(index.name)} ON {quote(table)}",
            f" USING {quote(index.method)}" if index.method is not None else "",
            f" ({parts})",
            f" INCLUDE {columns(index.include)}" if index.include else "",
            " NULLS NOT DISTINCT" if index.nulls_not_distinct else "",
            f" WHERE ({index.where})" if index.where is not None else "",
        ]
    )


def add_index(table: str, index: Index) -> Iterator[str]:
    if index.constraint:
        yield f"ALTER TABLE {quote(table)} ADD {unique(index)}"
    else:
        yield create_index(table, index)
    yield from commented(table, "unique" if index.constraint else "index", index)


def drop_index(table: str, index: Index, name: str) -> str:
    if index.constraint:
        return f"ALTER TABLE {quote(table)} DROP CONSTRAINT {quote(name)}"
    return f"DROP INDEX {quote(name)}"


def foreign_key(item: ForeignKey) -> str:
    delete = f" ON DELETE {item.on_delete}" if item.on_delete != "NO ACTION" else ""
    if item.set_columns:
        delete += f" {columns(item.set_columns)}"
    return "".join(
        [
            f"{constraint(item.name)}FOREIGN KEY {columns(item.columns)}",
            f" REFERENCES {quote(item.ref_table)} {columns(item.ref_columns)}",
            " MATCH FULL" if item.match_full else "",
            delete,
            f" ON UPDATE {item.on_update}" if item.on_update != "NO ACTION" else "",
            deferrable(item.deferrable),
            "" if item.valid else " NOT VALID",
        ]
    )


def rename(change: RenameConstraint, table: str) -> str:
    if change.what == "index":
        return f"ALTER INDEX {quote(change.before)} RENAME TO {quote(change.after)}"
    return (
        f"ALTER TABLE {quote(table)} RENAME CONSTRAINT {quote(change.before)} "
        f"TO {quote(change.after)}"
    )


def comment(change: SetObjectComment) -> str:
    return _comment(change.table, change.what, change.name, change.after)


def commented(table: str, what: str, item: Index | ForeignKey | Check | Exclusion) -> Iterator[str]:
    """The comment of an object just made, if it has one."""
    if item.comment is not None and item.name is not None:
        yield _comment(table, what, item.name, item.comment)


def _comment(table: str, what: str, name: str, text: str | None) -> str:
    value = "NULL" if text is None else literal(text)
    if what == "index":
        return f"COMMENT ON INDEX {quote(name)} IS {value}"
    return f"COMMENT ON CONSTRAINT {quote(name)} ON {quote(table)} IS {value}"
