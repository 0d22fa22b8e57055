"""C1, C2, C5: one error for what a constraint refuses, whatever driver and wrapping."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from odac_db import ConstraintViolation, Database
from odac_db.violations import chain
from tests.behaviours.steps import Application, table
from tests.fixtures.databases import LiveDatabase

DECLARED = {
    "users": table({"id": {"type": "integer", "primary": True}}),
    "posts": table(
        {
            "id": {"type": "integer", "primary": True},
            "author_id": "integer",
            "tenant": "integer",
            "slug": {"type": "string", "length": 40},
            "email": {"type": "string", "length": 40, "unique": True},
            "title": {"type": "string", "length": 40, "nullable": False},
            "price": {"type": "integer", "default": 1},
        },
        indexes=[{"columns": ["tenant", "slug"], "unique": True, "code": "SLUG_TAKEN"}],
        foreign_keys=[{"columns": ["author_id"], "references": "users.id", "code": "NO_AUTHOR"}],
        checks=[{"name": "price_sound", "expression": "price >= 0", "code": "PRICE_NEGATIVE"}],
    ),
}
posts = Table(
    "posts",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("author_id", Integer),
    Column("tenant", Integer),
    Column("slug", String),
    Column("email", String),
    Column("title", String),
    Column("price", Integer),
)
GOOD = {"id": 2, "author_id": 1, "tenant": 1, "slug": "b", "email": "b@x", "title": "B", "price": 1}


@pytest.fixture
def db(app: Application) -> Iterator[Database]:
    app.boot_with(**DECLARED)
    with Database.open(app.database.url, schema=app.folder) as opened:
        opened.execute(text("INSERT INTO users (id) VALUES (1)"))
        opened.execute(insert(posts), GOOD | {"id": 1, "slug": "a", "email": "a@x"})
        yield opened


def refused(db: Database, **changes: Any) -> ConstraintViolation:
    """The error of a row like ``GOOD`` but for ``changes``; nothing is written."""
    before = db.execute(text("SELECT count(*) FROM posts")).scalar_one()
    with pytest.raises(ConstraintViolation) as raised:
        db.execute(insert(posts), GOOD | changes)
    assert isinstance(raised.value.__cause__, IntegrityError | Exception)
    assert db.execute(text("SELECT count(*) FROM posts")).scalar_one() == before
    return raised.value


def facts(error: ConstraintViolation) -> tuple[Any, ...]:
    return error.kind, error.table, error.columns, error.code


def test_c1_a_unique_key_with_its_code(db: Database) -> None:
    error = refused(db, slug="a")
    assert facts(error) == ("unique", "posts", ("tenant", "slug"), "SLUG_TAKEN")
    assert "SLUG_TAKEN" in str(error)


def test_c1_a_unique_column(db: Database) -> None:
    assert facts(refused(db, email="a@x")) == ("unique", "posts", ("email",), None)


def test_c1_the_primary_key(db: Database) -> None:
    assert facts(refused(db, id=1)) == ("primary_key", "posts", ("id",), None)


def test_c1_not_null(db: Database) -> None:
    assert facts(refused(db, title=None)) == ("not_null", "posts", ("title",), None)


def test_c1_a_column_left_out_that_has_no_default(db: Database) -> None:
    with pytest.raises(ConstraintViolation) as raised:
        db.execute(text("INSERT INTO posts (id, price) VALUES (9, 1)"))
    assert facts(raised.value) == ("not_null", "posts", ("title",), None)


def test_c1_a_check(db: Database) -> None:
    error = refused(db, price=-1)
    assert (error.kind, error.constraint, error.table) == ("check", "price_sound", "posts")
    assert error.code == "PRICE_NEGATIVE"


def test_c1_c5_a_foreign_key(db: Database, database: LiveDatabase) -> None:
    """SQLite tells that it was a foreign key, and no more."""
    expected = ("foreign_key", "posts", ("author_id",), "NO_AUTHOR")
    nameless = ("foreign_key", None, (), None)
    wanted = nameless if database.family == "sqlite" else expected
    assert facts(refused(db, author_id=99)) == wanted
    with pytest.raises(ConstraintViolation) as raised:
        db.execute(text("DELETE FROM users"))
    assert facts(raised.value) == wanted


def test_c1_updates_are_told_like_inserts(db: Database) -> None:
    db.execute(insert(posts), GOOD)
    with pytest.raises(ConstraintViolation) as raised:
        db.execute(update(posts).where(posts.c.id == 2).values(slug="a"))
    assert raised.value.code == "SLUG_TAKEN"
    assert db.execute(delete(posts).where(posts.c.id == 2)).rowcount == 1  # type: ignore[attr-defined]


def test_c1_without_schema_files_what_the_server_says(db: Database) -> None:
    """Kind for certain, names as far as they go."""
    with Database.open(db.engine.url.render_as_string(hide_password=False)) as bare:
        changes: dict[str, dict[str, Any]] = {
            "unique": {"slug": "a"},
            "primary_key": {"id": 1},
            "not_null": {"title": None},
            "check": {"price": -1},
            "foreign_key": {"author_id": 99},
        }
        kinds = {name: refused(bare, **change).kind for name, change in changes.items()}
        assert {name: name for name in kinds} == kinds
        assert refused(bare, slug="a").code is None


def test_c1_an_exclusion(postgresql_database: LiveDatabase, tmp_path: Any) -> None:
    app = Application(postgresql_database, tmp_path / "schema")
    app.boot_with(
        stays=table(
            {"room": "int4range", "guest": "integer"},
            exclusions=[{"elements": [{"column": "room", "with": "&&"}], "code": "ROOM_TAKEN"}],
        )
    )
    with Database.open(postgresql_database.url, schema=app.folder) as db:
        stay = text("INSERT INTO stays (room) VALUES ('[1,5)')")
        db.execute(stay)
        with pytest.raises(ConstraintViolation) as raised:
            db.execute(stay)
        assert facts(raised.value) == ("exclusion", "stays", ("room",), "ROOM_TAKEN")


def test_c1_what_a_deferred_key_refuses_at_commit(
    postgresql_database: LiveDatabase, tmp_path: Any
) -> None:
    app = Application(postgresql_database, tmp_path / "schema")
    key = {"columns": ["parent"], "references": "nodes.id", "deferrable": "deferred"}
    columns: dict[str, Any] = {"id": {"type": "integer", "primary": True}, "parent": "integer"}
    app.boot_with(nodes=table(columns, foreign_keys=[key | {"code": "NO_PARENT"}]))
    with (
        Database.open(postgresql_database.url, schema=app.folder) as db,
        pytest.raises(ConstraintViolation) as raised,
        db.transaction() as tx,
    ):
        tx.execute(text("INSERT INTO nodes VALUES (1, 2)"))
    assert raised.value.code == "NO_PARENT"


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    slug: Mapped[str]
    title: Mapped[str]


def test_c2_it_is_found_through_the_orm_and_other_errors(db: Database) -> None:
    class Refused(Exception):
        pass

    def saved() -> None:
        with Session(db.engine) as session:
            session.add(Post(id=5, tenant=1, slug="a", title="x"))
            try:
                session.commit()
            except IntegrityError as error:
                raise Refused("no") from error

    with pytest.raises(Refused) as raised:
        saved()
    found = db.find_constraint_violation(raised.value)
    assert found is not None
    assert facts(found) == ("unique", "posts", ("tenant", "slug"), "SLUG_TAKEN")
    assert found.__cause__ is raised.value
    assert db.find_constraint_violation(ValueError("other")) is None


def test_c2_orm_errors_inside_a_transaction_leave_it_as_violations(db: Database) -> None:
    def save() -> None:
        with db.transaction() as tx, Session(bind=tx.connection) as session:
            session.add(Post(id=5, tenant=1, slug="a", title="x"))
            session.flush()

    with pytest.raises(ConstraintViolation) as raised:
        save()
    assert raised.value.code == "SLUG_TAKEN"


def test_c2_loops_are_walked_once_and_what_is_hidden_stays_hidden() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__context__ = two, one
    assert list(chain(one)) == [one, two]
    hidden = ValueError("three")
    hidden.__context__, hidden.__suppress_context__ = one, True
    assert list(chain(hidden)) == [hidden]
    group = ExceptionGroup("all", [two])
    assert set(chain(group)) == {group, one, two}


def test_c1_names_with_points_quotes_and_blanks(app: Application) -> None:
    columns = {
        "id": {"type": "integer", "primary": True},
        "a b": {"type": "integer", "unique": True},
        "c.d": {"type": "integer", "nullable": False},
    }
    app.boot_with(odd=table(columns, table="x.y z"))
    quote = (lambda name: f"`{name}`") if app.database.family == "mysql" else '"{}"'.format
    row = f"INSERT INTO {quote('x.y z')} VALUES"
    with Database.open(app.database.url, schema=app.folder) as db:
        db.execute(text(f"{row} (1, 1, 1)"))
        for values, expected in {
            "(1, 2, 2)": ("primary_key", ("id",)),
            "(2, 1, 2)": ("unique", ("a b",)),
            "(2, 2, NULL)": ("not_null", ("c.d",)),
        }.items():
            with pytest.raises(ConstraintViolation) as raised:
                db.execute(text(f"{row} {values}"))
            assert facts(raised.value) == (expected[0], "x.y z", expected[1], None)


def test_errors_travel_between_processes() -> None:
    error = ConstraintViolation("unique", "posts_key", "posts", ["a", "b"], code="TAKEN")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (facts(copy), str(copy)) == (facts(error), str(error))
