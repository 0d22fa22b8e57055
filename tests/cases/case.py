"""What a case says: two schemas, the rows in between, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from tests.fixtures.servers import Server

Product = Literal["postgresql", "mysql", "mariadb", "sqlite"]
Rows = Mapping[str, list[dict[str, Any]]]
Tables = Mapping[str, dict[str, Any]]


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From ``before`` to ``after``: a table a key; a column that is a word is a type.

    rows: inserted into ``before``. sql: run behind them, with "x" for any server's quotes.
    then: what the tables hold in the end, by the columns named; the ``rows`` where not given.
    allow: the leave given; all of it where not said.
    left: what is held back or blocked, as ``steps._said`` says it, and its status.
    refused: part of the message of the error that a migrate raises; nothing is changed then.
    only: the products it is for. fresh: whether the outcome is what an empty database gets.
    """

    name: str
    before: Tables
    after: Tables
    rows: Rows = {}
    sql: tuple[str, ...] = ()
    then: Rows | None = None
    allow: tuple[str, ...] = ("destructive",)
    prune: bool = False
    left: Mapping[str, str] = {}
    refused: str = ""
    only: tuple[Product, ...] = ("postgresql", "mysql", "mariadb", "sqlite")
    fresh: bool = True

    def __str__(self) -> str:
        return self.name

    def suits(self, server: Server) -> bool:
        return server.product.lower() in self.only


def cases(folder: Path) -> Iterator[Case]:
    """The cases of every file, in order."""
    for file in sorted(folder.glob("*.yaml")):
        for name, body in yaml.safe_load(file.read_text("utf-8")).items():
            yield msgspec.convert({"name": name, **body}, Case)


def files(tables: Tables) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema files of these tables: a stem, which says nothing, and the content."""
    for number, (name, body) in enumerate(tables.items()):
        if name == "_types":
            yield name, body
        else:
            yield f"file{number}", {"table": name, **spelt(body)}


def spelt(body: dict[str, Any]) -> dict[str, Any]:
    columns = body["columns"].items()
    return body | {"columns": {name: _column(column) for name, column in columns}}


def _column(column: Any) -> Any:
    return {"type": column} if isinstance(column, str) else column
