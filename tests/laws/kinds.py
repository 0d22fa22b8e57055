"""The kinds of columns the generator knows: what each may say, and a value for every row.

Values follow from the kind and the row's number alone. So a column that refers to another
of the same kind holds the same value in the same row, and no foreign key is ever broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.fixtures.servers import Server

Body = dict[str, Any]

TYPE_KEYS = ("type", "length", "precision", "scale", "text_type", "unsigned")


@dataclass(frozen=True)
class Kit:
    """What one server can do, as far as the generator must know."""

    name: str
    version: tuple[int, ...]

    @property
    def mysql_family(self) -> bool:
        return self.name in {"mysql", "mariadb"}

    @property
    def postgresql(self) -> bool:
        return self.name == "postgresql"

    @property
    def sqlite(self) -> bool:
        return self.name == "sqlite"

    @property
    def partial_indexes(self) -> bool:
        return not self.mysql_family

    @property
    def expression_indexes(self) -> bool:
        return self.name != "mariadb"

    @property
    def virtual_columns(self) -> bool:
        return not self.postgresql or self.version >= (18,)

    def quote(self, name: str) -> str:
        mark = "`" if self.mysql_family else '"'
        return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def kit_of(server: Server) -> Kit:
    return Kit("mariadb" if server.is_mariadb else server.family, server.version)


@dataclass(frozen=True)
class Kind:
    """``sort`` is "number" or "text" where expressions may be built on the column.

    ``keyable`` says that it can be part of a key or an index as it is. ``value`` is the SQL
    literal of a row.
    """

    spec: Mapping[str, Any]
    value: Callable[[int], str]
    defaults: tuple[Any, ...] = ()
    keyable: bool = True
    sort: str = ""
    values: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def key(self) -> tuple[Any, ...]:
        return key_of(self.spec)


def key_of(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two columns must have in common to be of one kind."""
    return tuple(str(body.get(name, "")) for name in TYPE_KEYS)


def _number(row: int) -> str:
    return str(row + 1)


def _letter(row: int) -> str:
    return f"'{chr(97 + row)}'"


def _word(row: int) -> str:
    return f"'v{row} it''s 50% é'"


def _moment(row: int) -> str:
    return f"'2024-02-0{row + 1} 03:04:05'"


def _expression(text: str) -> dict[str, str]:
    return {"expression": text}


WHOLE = (0, 42, -1, _expression("1 + 2"))
WORDS = ("", "it's", "50% \\ off :x", {"literal": "now()"}, _expression("upper('x')"))
SHORT = ("", "x", _expression("lower('X')"))
MOMENTS = ("now()", "2024-01-02 03:04:05", "CURRENT_TIMESTAMP")
MOODS = (("sad", "ok", "glad"), ("ok", "sad"), ("sad", "it's", "glad", "größer"))


def _numbers() -> list[Kind]:
    whole = ("small_integer", "integer", "big_integer")
    plain = [Kind({"type": name}, _number, WHOLE, sort="number") for name in whole]
    decimals: tuple[Body, ...] = (
        {"type": "decimal"},
        {"type": "decimal", "precision": 8, "scale": 3},
        {"type": "decimal", "precision": 6},
    )
    return [
        *plain,
        *(Kind({"type": name}, lambda row: f"{row + 1}.5", (1.5, 0)) for name in _FLOATS),
        *(Kind(spec, _number, (0, 7, "2")) for spec in decimals),
        Kind({"type": "increments"}, _number),
        Kind({"type": "big_increments"}, _number),
        Kind({"type": "timestamps"}, _moment, keyable=False),
    ]


_FLOATS = ("float", "double")


def _texts(kit: Kit) -> list[Kind]:
    short = not kit.mysql_family
    return [
        Kind({"type": "string"}, _word, WORDS, sort="text"),
        Kind({"type": "string", "length": 40}, _word, WORDS, sort="text"),
        Kind({"type": "string", "length": 3}, _letter, SHORT, sort="text"),
        Kind({"type": "char", "length": 4}, _letter, ("x",)),
        Kind({"type": "text"}, _word, WORDS, keyable=short, sort="text"),
        Kind({"type": "nanoid"}, lambda row: f"'nano{row}'"),
    ]


def _others(kit: Kit) -> list[Kind]:
    clock = ({"type": "datetime"}, {"type": "timestamp"}, {"type": "timestamp", "precision": 0})
    today = () if kit.mysql_family and kit.name == "mysql" else (_expression("CURRENT_DATE"),)
    plain = not kit.mysql_family
    json_key = kit.sqlite
    objects: tuple[Body, ...] = ({"literal": {"a": [1, "it's"]}}, {"literal": []})
    return [
        Kind({"type": "boolean"}, _truth(kit), (True, False)),
        Kind({"type": "date"}, lambda row: f"'2024-02-1{row}'", ("2024-02-29", *today)),
        Kind({"type": "time"}, lambda row: f"'01:02:0{row}'", ("12:30:00",)),
        Kind({"type": "time", "precision": 0}, lambda row: f"'01:02:0{row}'"),
        *(Kind(spec, _moment, MOMENTS) for spec in clock),
        Kind({"type": "binary"}, _bytes(kit), keyable=plain),
        Kind({"type": "binary", "length": 16}, _bytes(kit)),
        Kind({"type": "json"}, lambda row: f"'{{\"a\": {row}}}'", objects, keyable=json_key),
        Kind({"type": "jsonb"}, lambda row: f"'{{\"b\": {row}}}'", objects, keyable=plain),
        Kind({"type": "uuid"}, lambda row: f"'{_UUID}{row}'", (f"{_UUID}7", *_uuids(kit))),
        Kind({"type": "interval"}, _span(kit), ("1 day",) if kit.postgresql else (5,)),
        Kind({"type": "enum"}, _letter, values=MOODS),
    ]


_UUID = "00000000-0000-4000-8000-00000000000"


def _truth(kit: Kit) -> Callable[[int], str]:
    words = ("true", "false") if kit.postgresql else ("1", "0")
    return lambda row: words[row % 2]


def _bytes(kit: Kit) -> Callable[[int], str]:
    return lambda row: f"'\\x0{row}ff'" if kit.postgresql else f"X'0{row}FF'"


def _span(kit: Kit) -> Callable[[int], str]:
    return lambda row: f"'{row + 1} days'" if kit.postgresql else str(row + 1)


def _uuids(kit: Kit) -> tuple[Any, ...]:
    text = {"postgresql": "gen_random_uuid()", "mysql": "uuid()", "mariadb": "uuid()"}
    return (_expression(text[kit.name]),) if kit.name in text else ()


def _natives(kit: Kit) -> list[Kind]:
    if kit.postgresql:
        return _postgresql()
    return _mysql() if kit.mysql_family else _sqlite()


def _postgresql() -> list[Kind]:
    moment = "timestamp without time zone"
    return [
        Kind({"type": "inet"}, lambda row: f"'10.0.0.{row}'", ("127.0.0.1",)),
        Kind({"type": "int4range"}, lambda row: f"'[1,{row + 5})'"),
        Kind({"type": "bit(8)"}, lambda row: f"B'0000000{row}'"),
        Kind({"type": "integer[]"}, lambda row: f"'{{1,{row}}}'", ([], [1, 2])),
        Kind({"type": "text[]"}, lambda row: f"'{{a,{row}}}'", (["it's", 'a"b'],)),
        Kind({"type": moment}, _moment, (_expression("localtimestamp"),)),
        Kind({"type": "numeric(12,4)"}, _number, (1,)),
        Kind({"type": "varchar(30)"}, _word, ("x",), sort="text"),
        Kind({"type": "tsvector"}, _word, keyable=False),
    ]


def _mysql() -> list[Kind]:
    return [
        *(Kind({"type": name, "unsigned": True}, _number, (0, 9), sort="number") for name in _INTS),
        Kind({"type": "mediumint"}, _number, (3,), sort="number"),
        Kind({"type": "tinyint"}, _number, (3,), sort="number"),
        Kind({"type": "year"}, lambda row: str(2020 + row), (2024,)),
        Kind({"type": "set('x','y')"}, lambda row: f"'{'xy'[row % 2]}'", ("x",)),
        Kind({"type": "bit(8)"}, lambda row: f"b'{row:b}'"),
        Kind({"type": "longblob"}, lambda row: f"X'0{row}FF'", keyable=False),
        Kind({"type": "text", "text_type": "mediumtext"}, _word, keyable=False, sort="text"),
    ]


_INTS = ("integer", "big_integer")


def _sqlite() -> list[Kind]:
    return [
        Kind({"type": "NUMERIC"}, _number, (1,), sort="number"),
        Kind({"type": "VARCHAR(20)"}, _word, ("x",), sort="text"),
        Kind({"type": "ODD TYPE"}, _number),
    ]


@cache
def kinds(kit: Kit) -> Mapping[tuple[Any, ...], Kind]:
    """Every kind of column on this server."""
    return {kind.key: kind for kind in [*_numbers(), *_texts(kit), *_others(kit), *_natives(kit)]}


def drawable(kit: Kit) -> list[Kind]:
    """Those that any column may be; the others have a place of their own."""
    apart = {"increments", "big_increments", "timestamps"}
    return [kind for kind in kinds(kit).values() if kind.spec["type"] not in apart]


def kind_of(column: Mapping[str, Any], kit: Kit) -> Kind:
    return kinds(kit)[key_of(column)]
