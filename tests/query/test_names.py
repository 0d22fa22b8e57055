"""Names: unknown ones fail without the database, odd ones work, and none is SQL."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from sqlalchemy import func

from odac_db import Database, OdacDbError, Table, UnknownName
from tests.behaviours.steps import table
from tests.fixtures.servers import Server
from tests.query.conftest import SiteOf
from tests.query.site import TABLES, write

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def test_names_are_checked_without_a_database(tmp_path: Path) -> None:
    with Database.open(NOWHERE, schema=write(tmp_path / "schema", TABLES)) as db:
        query = db.posts.where(title="x").join("users").order_by("-views").select("users.name")
        assert repr(query.limit(5)) == "<Query of posts>"
        assert repr(db.posts) == "<Table of posts>"
        with pytest.raises(UnknownName, match="there is no table 'post'; did you mean 'posts'"):
            _ = db.post
        with pytest.raises(UnknownName, match="did you mean 'users'"):
            db.table("usres")
        with pytest.raises(UnknownName, match="did you mean 'title'"):
            db.posts.where(titel="x")


def test_a_table_may_be_called_like_anything(tmp_path: Path) -> None:
    with Database.open(
        NOWHERE, schema=write(tmp_path / "schema", {"history": TABLES["notes"]})
    ) as db:
        assert callable(db.history)
        assert isinstance(db.table("history"), Table)
        assert db.table("history").name == "history"
        assert "history" in str(db.table("history"))


def test_what_is_no_table_is_no_attribute(tmp_path: Path) -> None:
    with Database.open(NOWHERE, schema=write(tmp_path / "schema", TABLES)) as db:
        assert hasattr(db, "posts")
        assert not hasattr(db, "postz")
        assert not hasattr(db, "__wrapped__")
        assert getattr(db, "postz", None) is None
        assert isinstance(db.posts, Table)


def test_the_error_is_pickled_and_copied() -> None:
    error = UnknownName("posts has no column", "titel", "title")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301
        assert str(again) == str(error) == "posts has no column 'titel'; did you mean 'title'?"
        assert (again.name, again.meant) == ("titel", "title")
    assert str(UnknownName("no", "x")) == "no 'x'"


ODD = [
    "select",
    "a b",
    'quo"te',
    "back`tick",
    "it's",
    "per%cent %s %(x)s",
    "col:on :x",
    "dot.ted",
    "semi;colon",
    "Größe",
    "views__gt",
    "odac_0",
    "_asdict",
    "count",
    "-minus",
    "(paren)",
    "?",
    "\\slash",
]


COLUMNS = {name: {"type": "integer"} for name in ODD}
ODD_TABLES = dict.fromkeys(
    ['ta"b`le %s', "items"], table({"id": "increments", "views": "integer", **COLUMNS})
)


@pytest.fixture
def odd(server: Server, site_of: SiteOf) -> Database:
    return site_of(server, "odd", ODD_TABLES).db


@pytest.mark.parametrize("name", ["items", 'ta"b`le %s'])
def test_odd_names_are_names(odd: Database, name: str) -> None:
    items = odd.table(name)
    row = {column: number for number, column in enumerate(ODD)}
    key = items.insert(row)
    assert items.insert([row, row | {"views": 1}]) == 2
    found = items.get(key)
    assert found is not None
    assert {column: found[column] for column in ODD} == row
    assert getattr(found, "a b") == ODD.index("a b")
    assert found.count == ODD.index("count")
    for column, number in row.items():
        assert items.where({column: number, "id": key}).count() == 1
        assert items.where({f"{column}__gt": number}).count() == 0
        assert items.select(column).order_by(column).pluck(column) == [number] * 3
        assert items.where({"id": key}).update({column: number + 1}) == 1
        assert items.where({column: number + 1}).increment(column, -1) == 1
        assert items.order_by(f"-{column}").max(column) == number
        groups = items.group_by(column).select(column, n_rows=func.count())
        assert groups.all() == [(number, 3)]
        assert items.c[column].name == column
    items.upsert({"id": key, **row})
    assert items.where(id=key).returning(*ODD).delete()[0] == tuple(row.values())


ATTACKS = [
    "x'; DROP TABLE items; --",
    '"; DELETE FROM items; --',
    "1 OR 1=1",
    "') OR ('1'='1",
    "\\'; DROP TABLE items; --",
    "%' OR '1'='1",
    "id; --",
    "id) FROM items; DELETE FROM items; --",
    "\x1a'; --",
]


def test_no_text_is_ever_sql(db: Database) -> None:
    for attack in ATTACKS:
        db.notes.insert({"b": attack})
    for attack in ATTACKS:
        assert db.notes.where(b=attack).pluck("b") == [attack]
        assert db.notes.where(b__in=[attack]).pluck("b") == [attack]
        assert db.notes.where(b__contains=attack).pluck("b") == [attack]
        assert db.notes.where(b__like=attack.replace("\\", "\\\\")).exists()
        assert db.notes.where(b=attack).update(b=attack) == 1
        for call in (
            lambda name=attack: db.notes.where({name: 1}),
            lambda name=attack: db.notes.order_by(name),
            lambda name=attack: db.notes.select(name),
            lambda name=attack: db.notes.select(db.notes.c[name]),
            lambda name=attack: db.notes.group_by(name),
            lambda name=attack: db.notes.sum(name),
            lambda name=attack: db.notes.join(name),
            lambda name=attack: db.notes.where(a=1).update({name: 1}),
            lambda name=attack: db.notes.where(a=1).increment(name),
            lambda name=attack: db.notes.insert({name: 1}),
            lambda name=attack: db.table(name),
        ):
            with pytest.raises(UnknownName):
                call()
        label = {attack: "b"}
        assert db.notes.select(**label).where(b=attack).all()[0][attack] == attack
        with pytest.raises(OdacDbError):
            db.notes.limit(attack)  # type: ignore[arg-type]
    assert db.notes.count() == len(ATTACKS)
