"""Statements C3, C4 and C10: what is declared is made, or told to be impossible beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from odac_db import ConstraintSetupError, Database, OdacDbError
from tests.behaviours.steps import Application, table

KEY = {"type": "integer", "primary": True}


def test_c3_a_constraint_that_rows_refuse_is_told_with_them(app: Application) -> None:
    app.boot_with(users=table({"id": KEY, "mail": {"type": "string", "length": 20}}))
    app.execute("INSERT INTO users (id, mail) VALUES (1, 'a'), (2, 'a'), (3, 'b')")
    before = app.database.dump()
    app.declare(users=table({"id": KEY, "mail": {"type": "string", "length": 20, "unique": True}}))
    with pytest.raises(ConstraintSetupError, match="mail=a") as raised:
        app.boot(strict=True)
    (operation,) = raised.value.operations
    assert operation.kind == "add_index"
    assert app.database.dump() == before


def test_c4_what_the_server_cannot_hold_is_told_before_anything_is_made(app: Application) -> None:
    """A key of some rows only: MySQL and MariaDB have none."""
    some = {"columns": ["mail"], "unique": True, "where": "state = 'live'"}
    mail = {"type": "string", "length": 20}
    users = table({"id": KEY, "mail": mail, "state": mail}, indexes=[some])
    app.declare(a=table({"id": KEY}), users=users)
    if app.database.family != "mysql":
        app.boot()
        app.execute("INSERT INTO users (id, mail, state) VALUES (1, 'a', 'x'), (2, 'a', 'live')")
        app.assert_settled()
        return
    before = app.database.dump()
    with pytest.raises(OdacDbError, match="has no partial indexes"):
        app.boot()
    assert app.database.dump() == before


def test_c10_numbers_that_seeds_take_move_the_next_one_on_and_never_back(app: Application) -> None:
    columns: dict[str, Any] = {"id": "increments", "name": {"type": "string", "length": 20}}

    def seeded(*rows: tuple[int, str]) -> None:
        seed = [{"id": number, "name": name} for number, name in rows]
        app.boot_with(items=table(columns, seed_key="id", seed=seed))

    def next_number() -> int:
        with Database.open(app.database.url, schema=app.folder) as db:
            number: int = db.items.insert({"name": "numbered"})
            return number

    seeded((5, "five"))
    assert next_number() == 6
    seeded((5, "five"), (100, "hundred"))
    assert next_number() == 101
    seeded((5, "five"), (100, "hundred"), (50, "fifty"))
    assert next_number() == 102
