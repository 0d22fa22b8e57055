"""Reading a database takes as many statements whatever the number of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from odac_db.dialects import dialect_of
from tests.conftest import LONG
from tests.fixtures.databases import LiveDatabase
from tests.laws.folder import migrated, planned, told, written
from tests.laws.kinds import Body
from tests.laws.repair import Folder

FEW, MANY = 10, 1000 if LONG else 60


def plain_tables(count: int) -> Folder:
    """Tables of many columns, two indexes and a foreign key to the one before."""
    return {f"table{number}": _table(number) for number in range(count)}


def _table(number: int) -> Body:
    columns: dict[str, Body] = {f"c{n}": {"type": "integer", "default": n} for n in range(9)}
    columns |= {"id": {"type": "increments"}, "name": {"type": "string", "length": 40}}
    columns["parent"] = {"type": "integer", "references": f"table{max(0, number - 1)}.id"}
    indexes = [{"columns": ["c1", "c2"]}, {"columns": ["name"], "unique": True}]
    return {"columns": columns, "indexes": indexes}


@contextmanager
def counted(connection: Connection | type[Engine]) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(connection, "before_cursor_execute", note)
    yield statements
    event.remove(connection, "before_cursor_execute", note)


def introspection(database: LiveDatabase) -> list[str]:
    with database.connect() as connection:
        dialect = dialect_of(connection)
        features = dialect.features(connection)
        with counted(connection) as statements:
            dialect.introspect(connection, features, None)
    return statements


@pytest.mark.torture
def test_the_number_of_tables_does_not_matter(
    new_database: Callable[[], LiveDatabase], tmp_path: Path
) -> None:
    few, many = new_database(), new_database()
    counts = {}
    for database, tables in ((few, FEW), (many, MANY)):
        files = written(plain_tables(tables), tmp_path / str(tables))
        assert migrated(database, files).in_sync
        assert not told(planned(database, files))
        counts[tables] = introspection(database)
    assert len(counts[FEW]) == len(counts[MANY])
    print(f"{few.server.label}: {len(counts[MANY])} statements")


def test_only_an_expression_costs_one_more(database: LiveDatabase, tmp_path: Path) -> None:
    folder = plain_tables(FEW)
    assert migrated(database, written(folder, tmp_path / "plain")).in_sync
    before = introspection(database)
    folder["table3"]["checks"] = [{"name": "positive", "expression": "c1 >= 0"}]
    assert migrated(database, written(folder, tmp_path / "checked")).in_sync
    after = introspection(database)
    extra = len(after) - len(before)
    if database.family == "mysql":
        assert extra <= len(["character set", "SHOW CREATE TABLE", "character set back"])
    else:
        assert extra == 0


def test_a_plan_with_nothing_to_do_takes_ten_statements_at_most(
    database: LiveDatabase, tmp_path: Path
) -> None:
    files = written(plain_tables(FEW), tmp_path / "plain")
    assert migrated(database, files).in_sync
    with counted(Engine) as statements:
        assert planned(database, files, prune=False).in_sync
    asked = [one for one in statements if one not in ("BEGIN", "ROLLBACK")]
    print(f"{database.server.label}: {len(asked)} statements")
    assert len(asked) <= 10, asked
