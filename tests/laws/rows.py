"""Rows that honour what a folder declares, put in and looked for again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from tests.fixtures.databases import LiveDatabase
from tests.laws.kinds import Body, Kit, key_of, kind_of
from tests.laws.repair import Folder

ROWS = 2

Rows = dict[str, list[tuple[Any, ...]]]


def insert(database: LiveDatabase, folder: Folder, kit: Kit) -> None:
    """Two rows in every table, whose values follow from the columns' kinds."""
    statements = [
        _statement(name, body, row, kit) for name, body in folder.items() for row in range(ROWS)
    ]
    run(database, [*_unchecked(kit), *statements])


def _unchecked(kit: Kit) -> list[str]:
    """Tables may refer to each other in a circle; the rows are right once all are there."""
    if kit.postgresql:
        return ["SET session_replication_role = replica"]
    return ["SET foreign_key_checks = 0"] if kit.mysql_family else ["PRAGMA foreign_keys = OFF"]


def _statement(name: str, body: Body, row: int, kit: Kit) -> str:
    given = {
        column: _value(one, row, kit)
        for column, one in body["columns"].items()
        if "generated" not in one and one["type"] != "timestamps"
    }
    names = ", ".join(map(kit.quote, given))
    return f"INSERT INTO {kit.quote(name)} ({names}) VALUES ({', '.join(given.values())})"


def _value(column: Body, row: int, kit: Kit) -> str:
    if column["type"] == "enum":
        value: str = column["values"][row % len(column["values"])]
        return "'" + value.replace("'", "''") + "'"
    return kind_of(column, kit).value(row)


def delete(database: LiveDatabase, tables: list[str], kit: Kit) -> None:
    run(database, [*_unchecked(kit), *(f"DELETE FROM {kit.quote(name)}" for name in tables)])


def run(database: LiveDatabase, statements: list[str]) -> None:
    """All in one session, committed one by one; the text reaches the server as it is."""
    with (
        database.connect() as connection,
        closing(connection.connection.cursor()) as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)


def survivors(before: Folder, after: Folder) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """The columns that a migrate must leave alone: tables and columns, before and after."""
    for name, body in after.items():
        old = name if name in before else body.get("renamed_from", name)
        if old not in before:
            continue
        was = before[old]["columns"]
        columns = [
            (column["renamed_from"] if column.get("renamed_from") in was else new, new)
            for new, column in body["columns"].items()
            if new not in was or "renamed_from" not in column
        ]
        same = [pair for pair in columns if _same(was.get(pair[0]), body["columns"][pair[1]])]
        if same:
            yield old, name, same


def _same(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    if old is None or "generated" in {*old, *new} or new["type"] in {"timestamps", "enum"}:
        return False
    return key_of(old) == key_of(new)


def read(database: LiveDatabase, table: str, columns: list[str], kit: Kit) -> list[tuple[Any, ...]]:
    listed = ", ".join(map(kit.quote, columns))
    with (
        database.connect() as connection,
        closing(connection.connection.cursor()) as cursor,
    ):
        cursor.execute(f"SELECT {listed} FROM {kit.quote(table)}")
        return sorted((tuple(row) for row in cursor.fetchall()), key=repr)


def everything(database: LiveDatabase, folder: Folder, kit: Kit) -> Rows:
    """All rows of all tables of the folder."""
    return {
        name: read(database, name, [c for c in body["columns"] if c != "times"], kit)
        for name, body in folder.items()
    }
