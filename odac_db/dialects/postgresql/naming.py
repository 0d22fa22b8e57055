"""Names and literals as PostgreSQL writes them.

``quote`` is for statements we write. ``printed`` is how the server prints a name inside a
type or an expression: quoted only where it must be.
"""

from __future__ import annotations

import re

# pg_get_keywords() of PostgreSQL 12 to 18, without the unreserved ones: the server quotes
# a name that is one of these.
_KEYWORDS = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization between bigint binary
    bit boolean both case cast char character check coalesce collate collation column
    concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user dec decimal default deferrable
    desc distinct do else end except exists extract false fetch float for foreign freeze from
    full grant greatest group grouping having ilike in initially inner inout int integer
    intersect interval into is isnull join json json_array json_arrayagg json_exists json_object
    json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading
    least left like limit localtime localtimestamp merge_action national natural nchar none
    normalize not notnull null nullif numeric offset on only or order out outer overlaps
    overlay placing position precision primary real references returning right row select
    session_user setof similar smallint some substring symmetric system_user table tablesample
    then time timestamp to trailing treat trim true union unique user using values varchar
    variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists
    xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable""".split()
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)


def quote(identifier: str) -> str:
    """The identifier, always quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def printed(identifier: str) -> str:
    """The identifier as ``quote_identifier`` of the server prints it."""
    if _PLAIN.fullmatch(identifier) and identifier not in _KEYWORDS:
        return identifier
    return quote(identifier)


def literal(text: str) -> str:
    """A string literal; standard_conforming_strings leaves backslashes alone."""
    return "'" + text.replace("'", "''") + "'"


def sequence_name(table: str, column: str, limit: int) -> str:
    """What the server calls the sequence of a serial or identity column.

    ``makeObjectName`` in the server's indexcmds.c: the longer of the two names is cut,
    byte by byte, then back to a whole character.
    """
    first, second = table.encode(), column.encode()
    available = limit - len("__seq")
    one, two = len(first), len(second)
    while one + two > available:
        if one > two:
            one -= 1
        else:
            two -= 1
    return f"{first[:one].decode(errors='ignore')}_{second[:two].decode(errors='ignore')}_seq"
