"""With SQLAlchemy metadata the tables are its own, with their types, keys and defaults."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from odac_db import Database, UnknownName
from tests.fixtures.databases import LiveDatabase

METADATA = sa.MetaData()
sa.Table(
    "items",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(40), key="called", unique=True),
    sa.Column("colour", sa.String(20), default=lambda: "red"),
    sa.Column("price", sa.Numeric(10, 2)),
)
sa.Table(
    "parts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("item_id", sa.ForeignKey("items.id")),
)


def test_columns_are_called_as_in_the_database(database: LiveDatabase) -> None:
    with Database.open(database.url, schema=METADATA, migrate=True) as db:
        key = db.items.insert({"name": "a"})
        db.items.insert([{"name": "b"}, {"name": "c"}])
        db.parts.insert({"item_id": key})
        assert db.items.order_by("name").select("name", "colour").all() == [
            ("a", "red"),
            ("b", "red"),
            ("c", "red"),
        ]
        row = db.items.get(key)
        assert row is not None
        assert list(row._asdict()) == ["id", "name", "colour", "price"]
        assert db.items.where(name="b").update(name="d") == 1
        assert db.items.returning("name").upsert({"name": "a", "colour": "x"}, key="name") == ("a",)
        assert db.parts.join("items").select("items.name").all() == [("a",)]
        assert db.items.where(METADATA.tables["items"].c.called == "c").count() == 1
        with pytest.raises(UnknownName):
            db.items.where(called="a")
