"""What the write buffer asks of a server: which values its columns take, how rows get in.

Each dialect answers in its ``buffering`` module, which nothing else needs and which is
imported when a buffer begins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Engine

from odac_db.dialects import dialect_of
from odac_db.schema.model import Column, Schema

ValueKind = Literal[
    "any",
    "array",
    "boolean",
    "bytes",
    "date",
    "datetime",
    "decimal",
    "enum",
    "float",
    "integer",
    "interval",
    "json",
    "text",
    "time",
    "uuid",
]
Fault = Literal["transient", "data", "structural"]
"""What an error asks for: another try, another row, or somebody who changes the structure."""

Values = tuple[Any, ...]


class Accepts(msgspec.Struct, frozen=True, kw_only=True):
    """The values a column takes; what the server would refuse or change is not among them.

    ``length`` counts characters of text and bytes of bytes, ``digits`` those before the
    point, ``significant`` all of a decimal's. ``zone``: a time keeps its zone; ``naive``: it may
    come without one. ``booleans``: an integer may be given as one. ``infinite``: a float may
    be. ``zeros``: a text may hold NUL; ``padded``: blanks at its end are no part of it.
    """

    kind: ValueKind
    type: str
    minimum: int | None = None
    maximum: int | None = None
    length: int | None = None
    digits: int | None = None
    significant: int | None = None
    zone: bool = False
    naive: bool = False
    booleans: bool = False
    infinite: bool = False
    zeros: bool = True
    padded: bool = False
    choices: tuple[str, ...] = ()
    any_case: bool = False
    element: Accepts | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table to be changed alike: found by ``keys``, some columns set, others added to.

    Each row holds the values of ``keys``, ``sets`` and ``adds``. ``types`` are the columns'.
    """

    table: str
    keys: tuple[str, ...]
    sets: tuple[str, ...]
    adds: tuple[str, ...]
    rows: Sequence[Values]
    types: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Buffering:
    """One server family's answers.

    accepts(column, schema): the values the column takes, as ``resolve`` or ``introspect``
        spell it.
    moment(value, accepts): a date, time or datetime as the server's own text.
    prepare(conn): what a connection of the buffer's own needs, once.
    begin(conn): the transaction of a flush, that a dead or stopped process does not keep open
        for long. It is SQLAlchemy's own, to be ended by ``conn.commit()``.
    checked_now(conn): constraints that wait for COMMIT are checked by each statement.
    insert(conn, table, columns, rows): the rows, in order; no row is skipped or changed.
    update(conn, change): how many rows were found.
    fault(error): what a driver's exception asks for.
    untransacted(conn): the tables a rollback does not undo, with the reason.
    longest(conn): how many bytes of SQL the server reads at once, where that is little.
    """

    accepts: Callable[[Column, Schema], Accepts]
    moment: Callable[[Any, Accepts], str]
    prepare: Callable[[Connection], None]
    begin: Callable[[Connection], None]
    checked_now: Callable[[Connection], None]
    insert: Callable[[Connection, str, Sequence[str], Sequence[Values]], None]
    update: Callable[[Connection, Change], int]
    fault: Callable[[BaseException], Fault]
    untransacted: Callable[[Connection], Mapping[str, str]]
    longest: Callable[[Connection], int] | None


def buffering_of(engine: Engine | Connection) -> Buffering:
    """The answers of the server behind an engine; only its own module is imported."""
    module = import_module(f"odac_db.dialects.{dialect_of(engine).name}.buffering")
    found: Buffering = module.BUFFERING
    return found


def none_untransacted(_: Connection) -> Mapping[str, str]:
    return {}


def in_lots(rows: Sequence[Values], size: int) -> Collection[Sequence[Values]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
