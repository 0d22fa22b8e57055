"""Schema folders on disk, and databases brought to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml

from odac_db import Database, Plan, Report
from odac_db.dialects import dialect_of
from odac_db.schema.model import Schema
from tests.fixtures.databases import LiveDatabase
from tests.laws.repair import BASE

ALLOW = ("destructive",)


def written(folder: Mapping[str, Any], directory: Path) -> Path:
    """The folder as files, by turns YAML and JSON; whatever was there is gone."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    for number, (name, body) in enumerate(folder.items()):
        content = {"table": name} | _plain(body)
        if number % 2:
            text = json.dumps(content, ensure_ascii=False, indent=1)
            (directory / f"table{number}.json").write_text(text, encoding="utf-8")
        else:
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
            (directory / f"table{number}.yaml").write_text(text, encoding="utf-8")
    return directory


def _plain(value: Any) -> Any:
    """Without the generator's marks; a marked column check is its expression."""
    if isinstance(value, dict):
        found = {key: _plain(item) for key, item in value.items() if key != BASE}
        if isinstance(found.get("check"), dict):
            found["check"] = found["check"]["expression"]
        return found
    return [_plain(item) for item in value] if isinstance(value, list) else value


@contextmanager
def opened(database: LiveDatabase, directory: Path) -> Iterator[Database]:
    with Database.open(database.url, schema=directory) as db:
        yield db


def migrated(database: LiveDatabase, directory: Path, **options: Any) -> Report:
    """A migrate with leave for everything, from the outside."""
    with opened(database, directory) as db:
        given: dict[str, Any] = {"allow": ALLOW, "prune": True} | options
        return db.migrate(**given)


def planned(database: LiveDatabase, directory: Path, **options: Any) -> Plan:
    with opened(database, directory) as db:
        given: dict[str, Any] = {"allow": ALLOW, "prune": True} | options
        return db.plan(**given)


def told(plan: Plan | Report) -> list[str]:
    """What a plan or report still has to do, for the message of a failure."""
    operations = plan.operations if isinstance(plan, Plan) else plan.remaining
    return [
        f"{op.status} {op.kind} {op.table}.{op.name} {op.summary} {op.reason} "
        f"{[statement.sql for statement in op.statements]} {op.change}"
        for op in operations
    ]


def live(database: LiveDatabase) -> Schema:
    """The database as its dialect reads it."""
    with database.connect() as conn:
        dialect = dialect_of(conn)
        return dialect.introspect(conn, dialect.features(conn), None)


def shapes(database: LiveDatabase, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The live schema, without what two ways to the same declarations may leave different.

    That is the order of columns, names that no file gives, which kind of unique serves a
    plain ``unique``, indexes that a server keeps for a foreign key, and options that no
    file gives.
    """
    schema = live(database)
    named = {
        item["name"]
        for body in declared.values()
        for key in ("indexes", "foreign_keys", "checks")
        for item in body.get(key, [])
        if "name" in item
    }
    tables = {name: _shape(msgspec.to_builtins(t), named) for name, t in schema.tables.items()}
    for name, shape in tables.items():
        given = declared.get(name, {}).get("options", {})
        for option in {"strict", "without_rowid"} - set(given):
            shape["options"] = {k: v for k, v in shape["options"].items() if k != option}
    return {"tables": tables, "enums": msgspec.to_builtins(schema.enums)}


def _shape(table: dict[str, Any], named: set[str]) -> dict[str, Any]:
    columns = {column["name"]: column for column in table["columns"]}
    for column in columns.values():
        if column["identity"]:
            column["identity"]["sequence"] = None
    keys = [list(key["columns"]) for key in table["foreign_keys"]]
    indexes = [index for index in table["indexes"] if not _serves(index, keys, named)]
    shape = table | {"columns": columns, "indexes": indexes}
    if shape["primary_key"]:
        shape["primary_key"]["name"] = None
    for key in ("indexes", "foreign_keys", "checks", "exclusions"):
        for item in shape[key]:
            item["name"] = item["name"] if item["name"] in named else None
            for key_word in ("constraint", "implicit"):
                item.pop(key_word, None)
        shape[key] = sorted(shape[key], key=repr)
    return shape


def _serves(index: dict[str, Any], keys: list[list[str]], named: set[str]) -> bool:
    """Whether it may be there, or have been left, for a foreign key's sake alone (MySQL)."""
    columns = [part["column"] for part in index["parts"]]
    serving = any(columns[: len(key)] == key for key in keys)
    return serving and not index["unique"] and index["name"] not in named
