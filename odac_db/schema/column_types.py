"""The portable column types, and which keys of a column each of them takes.

What a server makes of a type is its dialect's business; what a *file* may say about it is
decided here, once for reading, validating, writing and the JSON Schema.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

PARAMETERS = ("length", "precision", "scale", "values", "enum_name", "text_type", "unsigned")
"""The keys of a column that belong to its type."""

_UNSIGNED = frozenset({"unsigned"})
_LENGTH = frozenset({"length"})
_PRECISION = frozenset({"precision"})
_NONE: frozenset[str] = frozenset()

PORTABLE: Mapping[str, frozenset[str]] = {
    "increments": _UNSIGNED,
    "big_increments": _UNSIGNED,
    "nanoid": _LENGTH,
    "small_integer": _UNSIGNED,
    "integer": _UNSIGNED,
    "big_integer": _UNSIGNED,
    "float": _UNSIGNED,
    "double": _UNSIGNED,
    "decimal": frozenset({"precision", "scale", "unsigned"}),
    "string": _LENGTH,
    "char": _LENGTH,
    "text": frozenset({"text_type"}),
    "boolean": _NONE,
    "date": _NONE,
    "time": _PRECISION,
    "datetime": _PRECISION,
    "timestamp": _PRECISION,
    "timestamps": _NONE,
    "binary": _LENGTH,
    "json": _NONE,
    "jsonb": _NONE,
    "uuid": _NONE,
    "enum": frozenset({"values", "enum_name"}),
    "interval": _NONE,
}
"""Each portable type and the parameters it takes."""

INCREMENTS = frozenset({"increments", "big_increments"})
"""Types that number their rows, and are the primary key unless another is declared."""

_NATIVE = frozenset(
    """
    array aclitem bfile bigint bigserial bit bit_varying blob bool box bpchar bytea bytes
    character cid cidr circle citext clob cube datemultirange daterange datetime2
    datetimeoffset dec double_precision earth fixed float4 float8 geography geom geometry
    geometrycollection halfvec hstore image inet inet4 inet6 int int1 int2 int3 int4 int4range
    int8 int8range integer int4multirange intarray interval isbn json5 jsonpath line
    linestring long longblob longtext lquery lseg ltree ltxtquery macaddr macaddr8 mediumblob
    mediumint mediumtext middleint money multilinestring multipoint multipolygon name national
    nchar ntext nummultirange numeric number numrange nvarchar nvarchar2 oid path pg_lsn point
    polygon raster real regclass rowid serial serial2 serial4 serial8 set signed smallint
    smallserial sparsevec sql_variant stringtype sysname tid timestamptz timetz tinyblob
    tinyint tinytext tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid
    uniqueidentifier unsigned varbinary varbit varchar varchar2 varcharacter varying vector
    xid xid8 xml xmltype year any none null
    """.split()
)


@functools.lru_cache(maxsize=4096)
def base_name(type_name: str) -> str:
    """The portable name behind ``type_name`` without array brackets, or ``""``.

    A name with parameters of its own, ``varchar(20)``, is native.
    """
    name = type_name
    while name.endswith("[]"):
        name = name[:-2].rstrip()
    return name if name in PORTABLE else ""


CAMEL_CASE = {"".join(part.title() for part in name.split("_")): name for name in PORTABLE}
"""odac's names of portable types, ``BigIncrements``; the first letter may be small."""


@functools.lru_cache(maxsize=4096)
def reads_as_native(type_name: str) -> bool:
    """Whether a file that names this type means a server's own type of that very name.

    Otherwise it has to be written in quotes, ``"string"``, to mean that.
    """
    first = type_name[:1].upper() + type_name[1:]
    respelt = first in CAMEL_CASE or type_name in ("specificType", "specific_type")
    return not (respelt or base_name(type_name) or misspelt(type_name))


@functools.lru_cache(maxsize=4096)
def misspelt(type_name: str) -> str | None:
    """The portable type that an unknown name is one letter away from, or None.

    Native types of any server are never taken for a slip; neither are names with a
    capital, a quote or a dot in them, so that a type of one's own can always be spelt.
    """
    name = type_name.partition("(")[0].partition("[")[0].strip()
    if name in PORTABLE or name in _NATIVE:
        return None
    if name != name.lower() or not name.replace("_", "").isalnum():
        return None
    return next((known for known in PORTABLE if one_slip_apart(name, known)), None)


def one_slip_apart(left: str, right: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours makes them equal."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    swapped = len(a) > 1 and a[1] + a[0] + a[2:] == b
    return swapped or a[1:] == b or a == b[1:] or a[1:] == b[1:]
