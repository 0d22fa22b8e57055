"""Types: how a declared one is printed by the server, and what may stand for it in a file.

``format_type`` has one spelling for each type; every other is an alias of it here. A type
that is not known here passes as it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from odac_db.dialects.postgresql.naming import printed, quote
from odac_db.schema.column_types import reads_as_native
from odac_db.schema.declaration import ColumnDeclaration

_ALIASES = {
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "int2": "smallint",
    "bool": "boolean",
    "float4": "real",
    "float8": "double precision",
    "dec": "numeric",
    "decimal": "numeric",
    "varchar": "character varying",
    "char varying": "character varying",
    "national character varying": "character varying",
    "char": "character",
    "nchar": "character",
    "national character": "character",
    "varbit": "bit varying",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
}
_TIMES = {
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
}
_NATIVE = re.compile(
    r"""(?P<name>[^\W\d][\w$]*(?:\ +[^\W\d][\w$]*)*?)
    \s*(?:\(\s*(?P<arguments>[^()]*?)\s*\))?
    (?P<rest>(?:\s+[^\W\d][\w$]*)*)
    (?P<array>\s*(?:\[\s*\d*\s*\]\s*)+|\s+array(?:\s*\[\s*\d*\s*\])?)?""",
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED = re.compile(r'"(?P<name>(?:[^"]|"")+)"(?P<rest>(?:\([^()]*\))?(?:\[\])?)')
_LABELS = re.compile(r"\([^)]*\)")


@dataclass(frozen=True)
class _Native:
    name: str
    arguments: tuple[str, ...]
    array: bool


def native(text: str) -> str:
    """A type as the server prints it; unknown and quoted ones as they are written."""
    quoted = _QUOTED.fullmatch(text.strip())
    if quoted is not None:
        return printed(quoted["name"].replace('""', '"')) + quoted["rest"]
    match = _NATIVE.fullmatch(text.strip())
    if match is None:
        return text.strip()
    words = f"{match['name']} {match['rest']}".lower().split()
    arguments = [part.strip() for part in (match["arguments"] or "").split(",")]
    spelt = _spelt(" ".join(words), tuple(part for part in arguments if part))
    return spelt + "[]" if match["array"] else spelt


def _spelt(name: str, arguments: tuple[str, ...]) -> str:
    name = _ALIASES.get(name, name)
    if name == "float":
        return _float(arguments)
    if name in _TIMES:
        kind, zone = name.split(" ", 1)
        return f"{kind}{_parameters(arguments)} {zone}"
    if name == "numeric" and len(arguments) == 1:
        arguments = (arguments[0], "0")
    if name in ("character", "bit") and not arguments:
        arguments = ("1",)
    if name.startswith("interval "):
        return f"{name}{_parameters(arguments)}"
    return name + _parameters(arguments)


def _float(arguments: tuple[str, ...]) -> str:
    """float(1) to float(24) are real; the SQL standard counts binary digits."""
    if arguments and arguments[0].isdigit() and int(arguments[0]) <= 24:
        return "real"
    return "double precision"


def _parameters(arguments: tuple[str, ...]) -> str:
    return f"({','.join(arguments)})" if arguments else ""


def portable(name: str, column: ColumnDeclaration) -> str | None:
    """A portable type as the server prints it; None for a name that is not one (or enum)."""
    match name:
        case "nanoid":
            return f"character varying({column.length or 21})"
        case "string":
            return f"character varying({255 if column.length is None else column.length})"
        case "char":
            return f"character({1 if column.length is None else column.length})"
        case "decimal":
            return _decimal(column)
        case "datetime" | "timestamp":
            return f"timestamp{_fraction(column)} with time zone"
        case "time":
            return f"time{_fraction(column)} without time zone"
        case "interval":
            return f"interval{_fraction(column)}"
        case _:
            return _PLAIN.get(name)


_PLAIN = {
    "increments": "integer",
    "big_increments": "bigint",
    "small_integer": "smallint",
    "integer": "integer",
    "big_integer": "bigint",
    "float": "real",
    "double": "double precision",
    "text": "text",
    "boolean": "boolean",
    "date": "date",
    "binary": "bytea",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
}


def _decimal(column: ColumnDeclaration) -> str:
    if column.precision is None:
        return f"numeric(10,{2 if column.scale is None else column.scale})"
    return f"numeric({column.precision},{column.scale or 0})"


def _fraction(column: ColumnDeclaration) -> str:
    """Six digits are what the server keeps when nothing is said."""
    return "" if column.precision in (None, 6) else f"({column.precision})"


def is_array(type_: str) -> bool:
    return type_.endswith("[]")


def element(type_: str) -> str:
    """The type without array brackets."""
    return type_.removesuffix("[]")


def base(type_: str) -> str:
    """The type without its parameters: ``timestamp with time zone`` of timestamp(3)."""
    return _LABELS.sub("", type_)


def arguments(type_: str) -> tuple[int, ...]:
    """The numbers between a type's parentheses."""
    match = re.search(r"\((-?\d+(?:,-?\d+)*)\)", type_)
    return tuple(int(part) for part in match[1].split(",")) if match else ()


def label(type_: str) -> str:
    """The type as the server writes it behind a constant: ``'x'::bpchar`` for character(3)."""
    if is_array(type_):
        return label(element(type_)) + "[]"
    if type_.startswith("interval"):
        return type_  # the one type whose constants carry its parameters
    plain = base(type_)
    return {"character": "bpchar", "bit": quote("bit")}.get(plain, plain)


def spelt(type_: str) -> str:
    """A type of the server as a file names it: in quotes where bare it would mean another."""
    if reads_as_native(type_):
        return type_
    name = re.split(r"[(\[]", type_, maxsplit=1)[0]
    return quote(name) + type_[len(name) :]


def declared(type_: str) -> dict[str, object]:
    """The portable ``type`` and its parameters that resolve to this type; else it, native."""
    plain, numbers = base(type_), arguments(type_)
    found: dict[str, object] = {"type": _PORTABLE.get(type_, type_)}
    if plain == "character varying" and numbers:
        found = {"type": "string"} | ({} if numbers == (255,) else {"length": numbers[0]})
    elif plain == "character" and numbers:
        found = {"type": "char"} | ({} if numbers == (1,) else {"length": numbers[0]})
    elif plain == "numeric" and len(numbers) == 2 and numbers[1] >= 0:
        found = {"type": "decimal", "precision": numbers[0]}
        found |= {"scale": numbers[1]} if numbers[1] else {}
    elif plain in ("timestamp with time zone", "time without time zone") and numbers:
        name = "timestamp" if plain.startswith("timestamp") else "time"
        found = {"type": name, "precision": numbers[0]}
    return found


_PORTABLE = {
    "integer": "integer",
    "bigint": "big_integer",
    "smallint": "small_integer",
    "real": "float",
    "double precision": "double",
    "text": "text",
    "boolean": "boolean",
    "date": "date",
    "time without time zone": "time",
    "timestamp with time zone": "timestamp",
    "bytea": "binary",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
    "interval": "interval",
    # Names that are portable types of another meaning, spelt so that they are not.
    "character varying": "varchar",
    "timestamp without time zone": "timestamp without time zone",
}
