"""A hash of the catalog: every fact of information_schema that reading uses, in two statements.

The server puts the rows of each of its tables together, and their bytes are hashed here.
What information_schema shows wrongly, and ``introspect`` therefore asks SHOW CREATE TABLE
about, has no fingerprint: such a database is read and compared on every boot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import xxhash
from sqlalchemy import Connection

from odac_db.dialects.base import Fingerprint
from odac_db.dialects.mysql.catalog import execute
from odac_db.dialects.mysql.features import SQL_MODE
from odac_db.dialects.mysql.literals import string

_BETWEEN, _TEXTS, _END, _NULL = b"\x1f", b"\x1d", b"\x1e", b"\x1a"

# What is spoilt on the way is shown with question marks (characters) or cut (binary values).
_SPOILT = b"?"
_BINARY = """IF(COLUMN_DEFAULT IS NOT NULL AND DATA_TYPE IN ('binary', 'varbinary', 'tinyblob',
'blob', 'mediumblob', 'longblob', 'bit'), '?', '')"""


def fingerprint(connection: Connection) -> Fingerprint:
    """The hash; empty where the database holds what cannot be told."""
    # SQLAlchemy asked when it connected.
    mariadb: bool = getattr(connection.dialect, "is_mariadb", False)
    database, settings = _row(connection, _settings(mariadb))
    if database is None:
        return Fingerprint(ledger=False)
    ledger, *parts = _row(connection, _statement(mariadb, database))
    rows = [_rows(text) for text in parts]
    value = ""
    if all(part is not None for part in rows):
        kept = (b"".join(sorted(part or ())) for part in rows)
        value = xxhash.xxh3_128_hexdigest(b"\n".join([str(settings).encode(), *kept]))
    return Fingerprint(value=value, ledger=bool(ledger))


def _row(connection: Connection, sql: str) -> Sequence[Any]:
    return execute(connection, sql).one()


def _settings(mariadb: bool) -> str:
    """The database, and what decides how it is read and what a declaration means in it."""
    names = "@@version, @@collation_database, @@lower_case_table_names, "
    names += "@@explicit_defaults_for_timestamp, DATABASE()"
    if mariadb:  # which skips the comment where it is older
        names += " /*M!110201 , @@character_set_collations */"
    return f"SELECT DATABASE(), CONCAT_WS(' ', {names})"


def _rows(text: bytes | None) -> list[bytes] | None:
    """The rows put together by the server but for odac-db's own; None if any cannot be trusted.

    A text longer than the server's largest packet is cut, or there is none.
    """
    told = text or b"none"
    count, *parts = told.split(_END)
    if not parts or parts[-1] or int(count) != len(parts) - 1:
        return None
    kept = [row for row in parts[:-1] if not row.startswith(b"_odac_")]
    # One look at all of it spares most databases a look at every row.
    spoilt = _SPOILT in told and any(_SPOILT in row.split(_TEXTS, 1)[1] for row in kept)
    return None if spoilt else kept


def _statement(mariadb: bool, database: str) -> str:
    """One select of many: a UNION of these tables crashes MariaDB 10.11 (see ``catalog``).

    The name stands in it because MariaDB looks into every database for one that is computed.
    """
    parts = ",\n".join(
        f"(SELECT {_together(*names)} {rows.format(database=string(database))})"
        for rows, names in _parts(mariadb)
    )
    longest = "group_concat_max_len=1073741824"  # 1 GB, as max_allowed_packet
    printing = f"sql_mode='{SQL_MODE}'"
    start = f"SELECT /*+ SET_VAR({longest}) SET_VAR({printing}) */"
    if mariadb:
        start = f"SET STATEMENT {longest}, {printing} FOR SELECT"
    return f"""{start} (SELECT COUNT(*) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = {string(database)} AND TABLE_NAME = '_odac_state'),
{parts}"""


def _together(keys: str, texts: str) -> str:
    """SQL for how many rows there are, and all of them."""
    rows = f"GROUP_CONCAT({_joined(keys, texts)} SEPARATOR '')"
    return f"CAST(CONCAT(COUNT(*), x'{_END.hex()}', IFNULL({rows}, '')) AS BINARY)"


def _joined(keys: str, texts: str) -> str:
    """SQL for one row: names and numbers, then the texts that may be spoilt."""
    return f"CONCAT({_listed(keys)}, x'{_TEXTS.hex()}', {_listed(texts)}, x'{_END.hex()}')"


def _listed(names: str) -> str:
    return f", x'{_BETWEEN.hex()}', ".join(
        f"IFNULL({name.strip()}, x'{_NULL.hex()}')" for name in names.split(";")
    )


def _parts(mariadb: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    """FROM and WHERE of each part; its names and numbers; its texts. Lists with semicolons."""
    yield (
        _of("TABLES", "TABLE"),
        (
            "TABLE_NAME; TABLE_TYPE; ENGINE; TABLE_COLLATION; CREATE_OPTIONS; TABLE_COMMENT",
            "''",
        ),
    )
    columns = "TABLE_NAME; ORDINAL_POSITION; COLUMN_NAME; IS_NULLABLE; COLUMN_TYPE; "
    columns += "COLLATION_NAME; EXTRA; COLUMN_COMMENT"
    columns += "" if mariadb else "; SRS_ID"
    texts = f"COLUMN_DEFAULT; GENERATION_EXPRESSION; {_BINARY}"
    yield _of("COLUMNS", "TABLE"), (columns, texts)
    index = "TABLE_NAME; NON_UNIQUE; INDEX_NAME; SEQ_IN_INDEX; COLUMN_NAME; COLLATION; SUB_PART; "
    index += "INDEX_TYPE; INDEX_COMMENT; "
    # The parser of a full-text index is only in SHOW CREATE TABLE.
    parser = "IF(INDEX_TYPE = 'FULLTEXT', '?', '')"
    keys, texts = ("IGNORED", parser) if mariadb else ("IS_VISIBLE", f"EXPRESSION; {parser}")
    yield _of("STATISTICS", "TABLE"), (index + keys, texts)
    yield (
        _of("REFERENTIAL_CONSTRAINTS", "CONSTRAINT"),
        ("TABLE_NAME; CONSTRAINT_NAME; UPDATE_RULE; DELETE_RULE", "''"),
    )
    yield (
        f"{_of('KEY_COLUMN_USAGE', 'TABLE')} AND REFERENCED_TABLE_NAME IS NOT NULL",
        (
            "TABLE_NAME; CONSTRAINT_NAME; COLUMN_NAME; ORDINAL_POSITION; REFERENCED_TABLE_SCHEMA; "
            "REFERENCED_TABLE_NAME; REFERENCED_COLUMN_NAME",
            "''",
        ),
    )
    yield from _checks(mariadb)
    yield _of("TRIGGERS", "TRIGGER"), ("EVENT_OBJECT_TABLE; TRIGGER_NAME", "''")
    yield _of("ROUTINES", "ROUTINE"), ("ROUTINE_NAME; ROUTINE_TYPE", "''")
    yield _of("EVENTS", "EVENT"), ("EVENT_NAME", "''")


def _checks(mariadb: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    checks = _of("CHECK_CONSTRAINTS", "CONSTRAINT")
    if mariadb:
        yield checks, ("TABLE_NAME; CONSTRAINT_NAME; LEVEL", "CHECK_CLAUSE")
        return
    yield checks, ("CONSTRAINT_NAME", "CHECK_CLAUSE")
    yield (
        f"{_of('TABLE_CONSTRAINTS', 'TABLE')} AND CONSTRAINT_TYPE = 'CHECK'",
        ("TABLE_NAME; CONSTRAINT_NAME; ENFORCED", "''"),
    )


def _of(table: str, prefix: str) -> str:
    return f"FROM information_schema.{table} WHERE {prefix}_SCHEMA = {{database}}"
