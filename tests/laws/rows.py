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
Columns = Iterator[tuple[str, str, list[tuple[str, str]]]]
"""A table's names, before and after, and the same of some of its columns."""


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


def survivors(before: Folder, after: Folder) -> Columns:
    """The columns that a migrate must leave alone: tables and columns, before and after.

    Those of a foreign key that refers to something else than before are not among them:
    orphans are nullified.
    """
    former = {key for name, body in before.items() for key in _keys(name, body, before, before)}
    for name, body in after.items():
        old = _former_table(name, before, after)
        if old not in before:
            continue
        was = before[old]["columns"]
        fresh = {column for key in _keys(name, body, before, after) - former for column in key[1]}
        columns = [(_former(new, column, was), new) for new, column in body["columns"].items()]
        same = [
            (early, late)
            for early, late in columns
            if (late not in was or "renamed_from" not in body["columns"][late])
            and early not in fresh
            and _same(was.get(early), body["columns"][late])
        ]
        if same:
            yield old, name, same


def left_over(before: Folder, after: Folder) -> Columns:
    """As ``survivors``, the columns that ``after`` does not name: they wait for leave to go."""
    for old, body in before.items():
        new = next((one for one in after if _former_table(one, before, after) == old), None)
        was, named = body["columns"], {"times"}
        if new is not None:
            late = after[new]["columns"].items()
            named |= {_former(name, column, was) for name, column in late}
        names = [name for name in was if name not in named and "generated" not in was[name]]
        if names:
            yield old, new or old, [(name, name) for name in names]


_Key = tuple[str, tuple[str, ...], str, tuple[str, ...], bool]


def _keys(name: str, body: Body, before: Folder, after: Folder) -> set[_Key]:
    """The foreign keys in former names, and whether what they refer to is as it was."""
    found = set()
    for key in body.get("foreign_keys", []):
        other = key["references"]["table"]
        table, parent = (_former_table(one, before, after) for one in (name, other))
        referred = key["references"]["columns"]
        was = before[parent]["columns"] if parent in before else {}
        targets = [_former(one, after[other]["columns"][one], was) for one in referred]
        same = all(
            _same(was.get(early), after[other]["columns"][late])
            for early, late in zip(targets, referred, strict=True)
        )
        own = before[table]["columns"] if table in before else {}
        mine = tuple(_former(one, body["columns"][one], own) for one in key["columns"])
        found.add((table, mine, parent, tuple(targets), same))
    return found


def _former_table(name: str, before: Folder, after: Folder) -> str:
    old: str = name if name in before else after[name].get("renamed_from", name)
    return old


def _former(new: str, column: Body, was: Mapping[str, Any]) -> str:
    """The name a column had: the one it is renamed from, where that was there."""
    old: str = column.get("renamed_from", new)
    return old if old in was else new


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
