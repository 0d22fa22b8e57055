"""Statements that make tables, and the definition of one column."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.dialects.postgresql import render_keys as keys
from odac_db.dialects.postgresql.literals import INTEGERS
from odac_db.dialects.postgresql.naming import literal, quote
from odac_db.schema.model import Column, Identity, Table

_SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_PLAIN_SERIAL = Identity(kind="serial")


def create_table(table: Table, *, temporary: bool = False) -> Iterator[str]:
    """The table with all that can stand in its definition, its sequences and comments."""
    kind = "TEMPORARY " if temporary else ""
    if table.options.get("unlogged") == "true" and not temporary:
        kind = "UNLOGGED "
    own = [column for column in table.columns if has_own_sequence(column)]
    for column in own:
        yield create_sequence(sequence(column), column, temporary=temporary)
    inner = [definition(column) for column in table.columns]
    if table.primary_key is not None:
        inner.append(keys.primary_key(table.primary_key))
    inner += [keys.unique(index) for index in table.indexes if index.constraint]
    inner += [keys.check(check) for check in table.checks]
    inner += [keys.exclusion(exclusion) for exclusion in table.exclusions]
    body = ",\n  ".join(inner)
    yield (
        f"CREATE {kind}TABLE {quote(table.name)} (\n  {body}\n)"
        if inner
        else (f"CREATE {kind}TABLE {quote(table.name)} ()")
    )
    for column in own:
        yield own_sequence(table.name, column.name, sequence(column))
    if not temporary:
        yield from _comments(table)


def _comments(table: Table) -> Iterator[str]:
    if table.comment is not None:
        yield table_comment(table.name, table.comment)
    for column in table.columns:
        if column.comment is not None:
            yield column_comment(table.name, column.name, column.comment)
    for index in table.indexes:
        if index.constraint:
            yield from keys.commented(table.name, "unique", index)
    for check in table.checks:
        yield from keys.commented(table.name, "check", check)
    for exclusion in table.exclusions:
        yield from keys.commented(table.name, "exclusion", exclusion)


def definition(column: Column) -> str:
    """One column in CREATE TABLE or ADD COLUMN."""
    identity = column.identity
    if identity is not None and identity.kind == "serial" and not has_own_sequence(column):
        return f"{quote(column.name)} {_SERIALS[column.type]}"
    text = f"{quote(column.name)} {column.type}"
    if column.collation is not None:
        text += keys.collation(column.collation)
    if identity is not None and identity.kind == "serial":
        text += f" DEFAULT {next_value(sequence(column))}"
    elif identity is not None:
        text += f" GENERATED {generation(identity)} AS IDENTITY{options(identity)}"
    elif column.generated is not None:
        kind = "STORED" if column.generated.stored else "VIRTUAL"
        text += f" GENERATED ALWAYS AS ({column.generated.expression}) {kind}"
    elif column.default is not None:
        text += f" DEFAULT {column.default}"
    return text if column.nullable else f"{text} NOT NULL"


def generation(identity: Identity) -> str:
    return "ALWAYS" if identity.kind == "always" else "BY DEFAULT"


def options(identity: Identity) -> str:
    chosen = [*identity_options(identity)]
    if identity.sequence is not None:
        chosen.insert(0, f"SEQUENCE NAME {quote(identity.sequence)}")
    return f" ({' '.join(chosen)})" if chosen else ""


def identity_options(identity: Identity) -> Iterator[str]:
    """The sequence options that are not the server's own."""
    if identity.increment is not None:
        yield f"INCREMENT BY {identity.increment}"
    if identity.minimum is not None:
        yield f"MINVALUE {identity.minimum}"
    if identity.maximum is not None:
        yield f"MAXVALUE {identity.maximum}"
    if identity.start is not None:
        yield f"START WITH {identity.start}"
    if identity.cache is not None:
        yield f"CACHE {identity.cache}"
    if identity.cycle:
        yield "CYCLE"


def has_own_sequence(column: Column) -> bool:
    """Whether a serial column needs its sequence made apart: what ``serial`` is not."""
    identity = column.identity
    if identity is None or identity.kind != "serial":
        return False
    plain = identity == _PLAIN_SERIAL and column.type in _SERIALS
    return not plain or column.nullable


def sequence(column: Column) -> str:
    """The name of a sequence made apart."""
    assert column.identity is not None
    assert column.identity.sequence is not None, "render.with_sequences has not named it"
    return column.identity.sequence


def sequence_type(column: Column) -> str:
    """The integer type of the column's sequence; a wider one where its bounds say so."""
    identity = column.identity
    assert identity is not None
    size = INTEGERS.get(column.type, 2**63)
    low, high = identity.minimum or 0, identity.maximum or 0
    return column.type if column.type in INTEGERS and -size <= low and high < size else "bigint"


def create_sequence(name: str, column: Column, *, temporary: bool = False) -> str:
    assert column.identity is not None
    wanted = " ".join([f"AS {sequence_type(column)}", *identity_options(column.identity)])
    return f"CREATE {'TEMPORARY ' if temporary else ''}SEQUENCE {quote(name)} {wanted}"


def own_sequence(table: str, column: str, name: str) -> str:
    return f"ALTER SEQUENCE {quote(name)} OWNED BY {quote(table)}.{quote(column)}"


def next_value(name: str) -> str:
    return f"nextval({literal(quote(name))}::regclass)"


def table_comment(table: str, text: str | None) -> str:
    return f"COMMENT ON TABLE {quote(table)} IS {'NULL' if text is None else literal(text)}"


def column_comment(table: str, column: str, text: str | None) -> str:
    value = "NULL" if text is None else literal(text)
    return f"COMMENT ON COLUMN {quote(table)}.{quote(column)} IS {value}"
