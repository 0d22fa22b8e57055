"""The changes of one table's columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.dialects.base import Features
from odac_db.schema.changes import AddColumn, AlterColumn, Change, DropColumn
from odac_db.schema.model import Column, Table


def changed_columns(live: Table, desired: Table, features: Features) -> Iterator[Change]:
    """Columns to add, drop and alter. The order of columns in a table is never compared.

    A computed column whose expression or type changes is dropped and added: its values are
    the expression's and nothing is lost. So is a plain column that becomes computed, and
    there its values are.
    """
    have = {folded(column.name, features): column for column in live.columns}
    for column in desired.columns:
        before = have.pop(folded(column.name, features), None)
        if before is None:
            yield AddColumn(table=desired.name, column=column)
            continue
        after = _inheriting(before, column, features)
        if before == after:
            continue
        if after.generated is not None and _made(before) != _made(after):
            yield DropColumn(table=desired.name, column=before)
            yield AddColumn(table=desired.name, column=after)
        else:
            yield AlterColumn(table=desired.name, before=before, after=after)
    for column in have.values():
        yield DropColumn(table=desired.name, column=column)


def _made(column: Column) -> tuple[object, ...]:
    return column.generated, column.type, column.collation


def folded(name: str, features: Features) -> str:
    """The name as this server compares column names."""
    return name.lower() if features.folds_case else name


def _inheriting(before: Column, after: Column, features: Features) -> Column:
    """The desired column with what its declaration leaves open taken from the live one.

    Open are the spelling of name and type where case means nothing, whether no default is
    said as DEFAULT NULL, and the name of the sequence behind a numbered column, which
    outlives renames of its table.
    """
    if after.name != before.name:
        after = msgspec.structs.replace(after, name=before.name)
    if features.folds_type_case and _squeezed(before.type) == _squeezed(after.type):
        after = msgspec.structs.replace(after, type=before.type)
    if {before.default, after.default} == {None, "NULL"}:
        after = msgspec.structs.replace(after, default=before.default)
    old, new = before.identity, after.identity
    if old is not None and new is not None and new.sequence is None and old.kind == new.kind:
        identity = msgspec.structs.replace(new, sequence=old.sequence)
        after = msgspec.structs.replace(after, identity=identity)
    return after


def _squeezed(type_text: str) -> str:
    return "".join(type_text.lower().split())
