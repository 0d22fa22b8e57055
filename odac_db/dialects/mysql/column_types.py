"""Type names: any spelling MySQL understands, in the one spelling the model uses.

That is what MySQL 8.0.19+ prints: lower case, no display width save tinyint(1), zerofill
and, on MariaDB which keeps them, widths that are not the type's own. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import (
    Token,
    string,
    tokens,
    unquote_name,
    unquote_string,
)

_ALIASES = {
    "integer": "int",
    "int1": "tinyint",
    "int2": "smallint",
    "int3": "mediumint",
    "int4": "int",
    "int8": "bigint",
    "middleint": "mediumint",
    "bool": "tinyint(1)",
    "boolean": "tinyint(1)",
    "numeric": "decimal",
    "dec": "decimal",
    "fixed": "decimal",
    "double precision": "double",
    "real": "double",
    "float4": "float",
    "float8": "double",
    "character": "char",
    "character varying": "varchar",
    "char varying": "varchar",
    "varcharacter": "varchar",
    "long": "mediumtext",
    "long varchar": "mediumtext",
    "long varbinary": "mediumblob",
    "char byte": "binary",
    "geomcollection": "geometrycollection",
}
_NATIONAL = {
    "nchar": "char",
    "national char": "char",
    "national character": "char",
    "nvarchar": "varchar",
    "nchar varchar": "varchar",
    "nchar varying": "varchar",
    "national varchar": "varchar",
    "national character varying": "varchar",
    "national char varying": "varchar",
}
_SECOND_WORDS = frozenset(
    {"precision", "varying", "varchar", "varbinary", "char", "character", "byte"}
)
_WIDTHS = {
    "tinyint": ("4", "3"),
    "smallint": ("6", "5"),
    "mediumint": ("9", "8"),
    "int": ("11", "10"),
    "bigint": ("20", "20"),
}
INTEGERS = frozenset(_WIDTHS)
NUMBERS = INTEGERS | {"decimal", "float", "double", "year"}
TEXTS = frozenset({"tinytext", "text", "mediumtext", "longtext"})
BLOBS = frozenset({"tinyblob", "blob", "mediumblob", "longblob"})
BINARIES = frozenset({"binary", "varbinary"})
STRINGS = TEXTS | {"char", "varchar", "enum", "set"}
CLOCKS = frozenset({"datetime", "timestamp"})
GEOMETRIES = frozenset(
    "geometry point linestring polygon multipoint multilinestring multipolygon "
    "geometrycollection".split()
)
TEMPORALS = CLOCKS | {"date", "time"}
WITHOUT_LITERAL_DEFAULT = TEXTS | BLOBS | GEOMETRIES | {"json"}
"""Types whose default MySQL only takes as an expression."""


class ColumnType(NamedTuple):
    """``text`` is the model's spelling; ``name`` its first word; ``collation`` what it implies."""

    text: str
    name: str
    arguments: tuple[str, ...] = ()
    unsigned: bool = False
    collation: str | None = None

    @property
    def fraction(self) -> int:
        """The fractional digits of a temporal type."""
        return int(self.arguments[0]) if self.name in TEMPORALS and self.arguments else 0


@lru_cache(maxsize=4096)
def column_type(text: str, mariadb: bool) -> ColumnType:
    """The type behind any spelling of it. Character sets are in ``declared_type``."""
    return _Reader(list(tokens(text)), mariadb).column_type()


def declared_type(text: str, features: MySQLFeatures) -> ColumnType:
    """The type as declared, with the collation that its character set or COLLATE means.

    Raises ValueError for text that is no type, or a character set the server lacks.
    """
    found, character_set, collation, binary = _type_and_characters(text, features.mariadb)
    if collation is not None:
        return found._replace(collation=features.collation_name(collation))
    if character_set is None:
        return found
    default = features.default_collation(character_set)
    if default is None:
        raise ValueError(f"unknown character set {character_set!r}")
    if binary:
        default = f"{default.split('_')[0]}_bin"
    return found._replace(collation=default)


@lru_cache(maxsize=4096)
def _type_and_characters(
    text: str, mariadb: bool
) -> tuple[ColumnType, str | None, str | None, bool]:
    reader = _Reader(list(tokens(text)), mariadb)
    found = reader.column_type()
    return found, reader.character_set, reader.collation, reader.binary


class _Reader:
    """Reads one type from its tokens; what follows a type is read for charset and collation."""

    def __init__(self, pieces: list[Token], mariadb: bool) -> None:
        self.pieces = pieces
        self.at = 0
        self.mariadb = mariadb
        self.character_set: str | None = None
        self.collation: str | None = None
        self.binary = False

    def column_type(self) -> ColumnType:
        name = self._name()
        arguments = self._arguments()
        if name in _NATIONAL:
            name, self.character_set = _NATIONAL[name], "utf8mb3"
        name = _ALIASES.get(name, name)
        if name == "tinyint(1)":
            name, arguments = "tinyint", ("1",)
        words, unsigned = self._attributes()
        name, arguments = _canonical(name, arguments, words, unsigned, self.mariadb)
        text = f"{name}({','.join(arguments)})" if arguments else name
        return ColumnType(" ".join([text, *words]), name, arguments, unsigned)

    def _name(self) -> str:
        if not self.pieces:
            raise ValueError("no type given")
        words = [self._next().lower()]
        while self._peek() in _SECOND_WORDS:
            words.append(self._next().lower())
        return " ".join(words)

    def _arguments(self) -> tuple[str, ...]:
        if self._peek() != "(":
            return ()
        self._next()
        found: list[str] = []
        while self._peek() not in (")", ""):
            piece = self.pieces[self.at]
            self.at += 1
            if piece.kind == "string":
                found.append(string(unquote_string(piece.text)))
            elif piece.text != ",":
                found.append(piece.text)
        self._next()
        return tuple(found)

    def _attributes(self) -> tuple[list[str], bool]:
        """Words that stay part of the type, and whether it is unsigned."""
        words: list[str] = []
        seen: set[str] = set()
        while self._peek():
            word = self._next().lower()
            seen.add(word)
            if word in ("character", "charset"):
                if word == "character":
                    self._next()
                self.character_set = unquote_name(self._next()).strip("'\"").lower()
            elif word == "collate":
                self.collation = unquote_name(self._next()).strip("'\"")
            elif word == "srid":
                words.append(f"srid {self._next()}")
            elif word == "compressed":
                words.append(word)
            elif word == "binary":
                self.binary = True
        unsigned = bool(seen & {"unsigned", "zerofill"})
        zerofill = ["zerofill"] if "zerofill" in seen else []
        return [*(["unsigned"] if unsigned else []), *zerofill, *words], unsigned

    def _peek(self) -> str:
        return self.pieces[self.at].text.lower() if self.at < len(self.pieces) else ""

    def _next(self) -> str:
        if self.at >= len(self.pieces):
            raise ValueError("the type ends too early")
        self.at += 1
        return self.pieces[self.at - 1].text


def _canonical(
    name: str, arguments: tuple[str, ...], words: list[str], unsigned: bool, mariadb: bool
) -> tuple[str, tuple[str, ...]]:
    """Parameters the server fills in are written out, and those it drops are dropped."""
    if name in INTEGERS:
        return name, _width(name, arguments, words, unsigned, mariadb)
    if name == "decimal":
        return name, (*(arguments or ("10",)), "0")[:2]
    if name == "float" and len(arguments) == 1:
        return ("float" if int(arguments[0]) <= 24 else "double"), ()
    if name in ("char", "binary", "bit"):
        return name, arguments or ("1",)
    if name == "year":
        return name, ()
    if name in TEMPORALS and arguments == ("0",):
        return name, ()
    return name, arguments


def _width(
    name: str, arguments: tuple[str, ...], words: list[str], unsigned: bool, mariadb: bool
) -> tuple[str, ...]:
    own = _WIDTHS[name][unsigned]
    if "zerofill" in words:
        return arguments or (own,)
    if mariadb:
        return () if arguments == (own,) else arguments
    return arguments if name == "tinyint" and arguments == ("1",) and not unsigned else ()


def enum_type(values: tuple[str, ...]) -> str:
    """The type of an enum of these values; trailing blanks are cut as the server cuts them."""
    return f"enum({','.join(string(value.rstrip(' ')) for value in values)})"


def enum_values(type_text: str) -> tuple[str, ...]:
    """The values of an enum or set type."""
    return tuple(
        unquote_string(piece.text) for piece in tokens(type_text) if piece.kind == "string"
    )
