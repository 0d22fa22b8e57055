"""Changes in a few words, for plans, reports and errors. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddEnumValue,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Backfill,
    Change,
    CleanOrphans,
    CreateEnum,
    CreateTable,
    DropCheck,
    DropColumn,
    DropEnum,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    RenameColumn,
    RenameConstraint,
    RenameEnum,
    RenameTable,
    ReplaceEnum,
    SetEnumComment,
    SetObjectComment,
    SetTableComment,
    SetTableOptions,
)
from odac_db.schema.model import Column, EnumType, ForeignKey, Index, IndexPart, Table


def name_of(change: Change) -> str:  # noqa: C901 - one line a change
    """The name of what a change is about: a column, a constraint, a type or the table."""
    match change:
        case CreateEnum() | DropEnum():
            return change.enum.name
        case AddEnumValue() | SetEnumComment():
            return change.enum
        case ReplaceEnum():
            return change.after.name
        case CreateTable() | DropTable():
            return change.table.name
        case RenameTable() | RenameColumn() | RenameEnum() | RenameConstraint():
            return change.after
        case AddColumn() | DropColumn() | Backfill():
            return change.column.name
        case AlterColumn():
            return change.after.name
        case AddPrimaryKey() | DropPrimaryKey():
            return change.primary_key.name or ", ".join(change.primary_key.columns)
        case AddIndex() | DropIndex():
            return change.index.name or ", ".join(change.index.columns)
        case AddForeignKey() | DropForeignKey() | CleanOrphans():
            return change.foreign_key.name or ", ".join(change.foreign_key.columns)
        case AddCheck() | DropCheck():
            return change.check.name or change.check.expression
        case AddExclusion() | DropExclusion():
            return change.exclusion.name or change.exclusion.method
        case SetTableComment() | SetTableOptions():
            return change.table
        case SetObjectComment():
            return change.name


def summary_of(change: Change) -> str:  # noqa: C901 - one line a change
    """One line that says what a change does; the verb is the reader's to add."""
    name = name_of(change)
    match change:
        case CreateTable():
            return f"{name} ({_counted(change.table)})"
        case AddColumn() | DropColumn() | Backfill():
            return f"{change.table}.{name} {_of_column(change)}"
        case AlterColumn():
            return f"{change.table}.{name} {', '.join(_altered(change))}"
        case RenameTable() | RenameEnum():
            return f"{change.before} → {change.after}"
        case RenameColumn():
            return f"{change.table}.{change.before} → {change.after}"
        case RenameConstraint():
            return f"{change.table}: {change.what.replace('_', ' ')} {change.before} → {name}"
        case AddPrimaryKey() | DropPrimaryKey():
            return f"{change.table} ({', '.join(change.primary_key.columns)})"
        case AddIndex() | DropIndex():
            return f"{change.table} {name} {_index(change.index)}"
        case AddForeignKey() | DropForeignKey():
            return f"{change.table} {_foreign_key(change.foreign_key)}"
        case CleanOrphans():
            what = f"{change.table} {_foreign_key(change.foreign_key)}: {change.policy}"
            only = change.foreign_key.set_columns if change.policy == "nullify" else ()
            return f"{what} {', '.join(only)}".rstrip()
        case AddCheck() | DropCheck():
            named = f"{name}: " if change.check.name else ""
            return f"{change.table} {named}{change.check.expression}"
        case AddExclusion() | DropExclusion():
            return f"{change.table} {name}"
        case CreateEnum():
            return f"{name} ({_values(change.enum)})"
        case AddEnumValue():
            return f"{name} + {change.value}"
        case ReplaceEnum():
            return f"{name} ({_values(change.before)}) → ({_values(change.after)})"
        case SetTableOptions():
            return f"{name} {', '.join(f'{key}={value}' for key, value in change.after.items())}"
        case DropTable() | DropEnum() | SetTableComment() | SetObjectComment() | SetEnumComment():
            return name


def _of_column(change: AddColumn | DropColumn | Backfill) -> str:
    match change:
        case AddColumn():
            return _column(change.column)
        case DropColumn():
            return change.column.type
        case Backfill():
            return f"with {change.column.default}"


def _counted(table: Table) -> str:
    count = len(table.columns)
    return f"{count} column{'s' if count != 1 else ''}"


def _values(enum: EnumType) -> str:
    return ", ".join(enum.values)


def _column(column: Column) -> str:
    words = [column.type]
    if not column.nullable:
        words.append("not null")
    if column.default is not None:
        words.append(f"default {column.default}")
    if column.identity is not None:
        words.append(column.identity.kind.replace("_", " "))
    if column.generated is not None:
        words.append(f"as ({column.generated.expression})")
    return " ".join(words)


def _altered(change: AlterColumn) -> Iterator[str]:
    before, after = change.before, change.after
    if before.type != after.type:
        yield f"{before.type} → {after.type}"
    if before.nullable != after.nullable:
        yield "nullable" if after.nullable else "not null"
    if before.default != after.default:
        yield f"default {before.default or 'none'} → {after.default or 'none'}"
    for aspect in sorted(change.aspects - {"type", "nullable", "default", "enum"}):
        old, new = getattr(before, aspect), getattr(after, aspect)
        plain = all(isinstance(value, str | None) for value in (old, new))
        yield f"{aspect} {old or 'none'} → {new or 'none'}" if plain else f"{aspect} changes"


def _index(index: Index) -> str:
    words = ["unique"] if index.unique else []
    words.append(f"({', '.join(_part(part) for part in index.parts)})")
    if index.method:
        words.append(f"using {index.method}")
    if index.where:
        words.append(f"where {index.where}")
    return " ".join(words)


def _part(part: IndexPart) -> str:
    text = part.column or f"({part.expression})"
    if part.length is not None:
        text += f"({part.length})"
    return f"{text} desc" if part.descending else text


def _foreign_key(key: ForeignKey) -> str:
    return f"({', '.join(key.columns)}) → {key.ref_table} ({', '.join(key.ref_columns)})"
