"""A database with rows, as often as it is wanted: each server's quickest way to a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase

Statements = list[str]


class Start:
    """What ``origin`` holds, which nothing may be connected to, in databases of their own."""

    def __init__(self, origin: LiveDatabase, copy: LiveDatabase) -> None:
        self.copy = copy
        self._origin = origin
        self._script = _script(origin, copy) if origin.family == "mysql" else ""

    def restore(self) -> LiveDatabase:
        """The copy, just as the origin is, whoever was connected to it."""
        origin, copy = self._origin, self.copy
        match origin.family:
            case "postgresql":
                databases.drop(copy)
                origin.dispose()
                with databases.administrator(origin.server) as run:
                    run.exec_driver_sql(f'CREATE DATABASE "{copy.name}" TEMPLATE "{origin.name}"')
            case "mysql":
                databases.drop(copy)
                with databases.administrator(copy.server) as run:
                    run.exec_driver_sql(f"CREATE DATABASE `{copy.name}`")
                copy.script(self._script)
            case _:
                copy.dispose()
                for old in copy.path.parent.glob(f"{copy.path.name}*"):
                    old.unlink()
                shutil.copy(origin.path, copy.path)
        return copy


def _script(origin: LiveDatabase, copy: LiveDatabase) -> str:
    """Tables as the server tells them, their rows straight from the origin, then the rest."""
    made: Statements = ["SET foreign_key_checks = 0"]
    filled: Statements = []
    others: Statements = []
    kinds = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '%s'"
    for name, kind in sorted(origin.execute(kinds % origin.name)):
        if kind == "VIEW":
            others.append(_shown(origin, "VIEW", name, 1))
            continue
        made.append(_shown(origin, "TABLE", name, 1))
        listed = ", ".join(_written(origin, name))
        into, source = f"`{copy.name}`.`{name}`", f"`{origin.name}`.`{name}`"
        filled.append(f"INSERT INTO {into} ({listed}) SELECT {listed} FROM {source}")
    # Zero in a column that numbers itself is a value, and not a wish.
    mode = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')"
    return ";\n".join([*made, mode, *filled, *others])


def _shown(origin: LiveDatabase, what: str, name: str, column: int) -> str:
    text: str = origin.execute(f"SHOW CREATE {what} `{name}`")[0][column]
    return text.replace(f"`{origin.name}`.", "")


def _written(origin: LiveDatabase, table: str) -> list[str]:
    """The columns that are not computed."""
    columns = f"""SELECT column_name FROM information_schema.columns
        WHERE table_schema = '{origin.name}' AND table_name = '{table}'
        AND coalesce(generation_expression, '') = '' ORDER BY ordinal_position"""
    return [f"`{name}`" for (name,) in origin.execute(columns)]


def start(origin: LiveDatabase, directory: Path) -> Start:
    """A start at what ``origin`` holds; the copy is to be dropped by the caller."""
    directory.mkdir(parents=True, exist_ok=True)
    return Start(origin, databases.create(origin.server, directory))
