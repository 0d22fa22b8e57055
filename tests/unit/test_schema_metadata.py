"""SQLAlchemy metadata: declared as ``create_all`` would make it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from odac_db.errors import DeclarationError
from odac_db.schema.declaration import (
    CheckDeclaration,
    ColumnDeclaration,
    DefaultDeclaration,
    EnumDeclaration,
    ExclusionElement,
    ForeignKeyDeclaration,
    GeneratedDeclaration,
    IdentityDeclaration,
    IndexDeclaration,
    IndexKey,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    TableFile,
)
from odac_db.schema.files.text import table_yaml
from odac_db.schema.metadata import declarations_of


def body(*parts: sa.schema.SchemaItem, **options: Any) -> TableFile:
    """What a table ``t`` of these parts is declared as."""
    metadata = sa.MetaData()
    sa.Table("t", metadata, *parts, **options)
    return declarations_of(metadata).tables["t"].body


def column(kind: Any, *parts: Any, **options: Any) -> ColumnDeclaration:
    return body(sa.Column("c", kind, *parts, **options)).columns["c"]


TYPES: list[tuple[Any, dict[str, Any]]] = [
    (sa.Integer(), {"type": "integer"}),
    (sa.SmallInteger(), {"type": "small_integer"}),
    (sa.BigInteger(), {"type": "big_integer"}),
    (sa.String(20), {"type": "string", "length": 20}),
    (sa.CHAR(3), {"type": "char", "length": 3}),
    (sa.Text(), {"type": "text"}),
    (sa.Boolean(), {"type": "boolean"}),
    (sa.Date(), {"type": "date"}),
    (sa.Double(), {"type": "double"}),
    (sa.LargeBinary(), {"type": "binary"}),
    (sa.String(20, collation="C"), {"type": "string", "length": 20, "collation": "C"}),
    (sa.Enum("a", "b", name="ab"), {"type": "enum", "values": ("a", "b"), "enum_name": "ab"}),
    (sa.Numeric(10, 2), {"type": "NUMERIC(10, 2)"}),
    (sa.String(), {"type": {"postgresql": "VARCHAR", "sqlite": "VARCHAR"}}),
    (postgresql.INET(), {"type": {"postgresql": "INET"}}),
    (postgresql.ARRAY(sa.Text), {"type": {"postgresql": "TEXT[]"}}),
    (
        sa.DateTime(timezone=True),
        {
            "type": {
                "postgresql": "TIMESTAMP WITH TIME ZONE",
                "mysql": "DATETIME",
                "sqlite": "DATETIME",
            }
        },
    ),
    (
        sa.Uuid(),
        {
            "type": {
                "postgresql": "UUID",
                "mysql": "CHAR(32)",
                "mariadb": "UUID",
                "sqlite": "CHAR(32)",
            }
        },
    ),
    (
        sa.Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb"),
        {
            "type": {
                "postgresql": "INTEGER",
                "mysql": "INTEGER UNSIGNED",
                "sqlite": "INTEGER",
            }
        },
    ),
]


@pytest.mark.parametrize(("kind", "expected"), TYPES, ids=lambda part: repr(part)[:40])
def test_types(kind: Any, expected: dict[str, Any]) -> None:
    assert column(kind) == ColumnDeclaration(**expected)


DEFAULTS: list[tuple[Any, Any, Any]] = [
    (sa.Text(), "plain", "plain"),
    (sa.Text(), "now()", DefaultDeclaration(literal="now()")),
    (sa.Text(), sa.text("'x' || 'y'"), DefaultDeclaration(expression="'x' || 'y'")),
    (sa.Date(), sa.func.now(), "now()"),
    (sa.Date(), sa.func.current_timestamp(), "CURRENT_TIMESTAMP"),
    (sa.Integer(), "-5", -5),
    (sa.Boolean(), "true", True),
    (sa.Boolean(), sa.false(), False),
]


@pytest.mark.parametrize(("kind", "given", "expected"), DEFAULTS)
def test_server_defaults(kind: Any, given: Any, expected: Any) -> None:
    default = column(kind, server_default=given).default
    assert default == expected
    assert type(default) is type(expected)


def test_defaults_that_the_server_never_sees_are_none() -> None:
    plain = ColumnDeclaration(type="integer")
    assert column(sa.Integer, default=5) == plain
    assert column(sa.Integer, sa.FetchedValue()) == plain


def test_numbered_and_computed_columns() -> None:
    found = body(
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("n", sa.Integer, sa.Identity(always=True, start=3, cycle=True)),
        sa.Column("g", sa.Integer, sa.Computed("n * 2", persisted=True)),
    )
    assert found.primary_key == ("id",)
    assert found.columns["id"].identity == IdentityDeclaration(kind="serial")
    assert found.columns["id"].nullable is None
    identity = IdentityDeclaration(kind="always", start=3, cycle=True)
    assert found.columns["n"].identity == identity
    generated = GeneratedDeclaration(expression="n * 2", stored=True)
    assert found.columns["g"].generated == generated


def test_a_key_that_nothing_numbers() -> None:
    found = body(
        sa.Column("a", sa.Integer, primary_key=True),
        sa.Column("b", sa.Integer, primary_key=True),
        sa.PrimaryKeyConstraint("b", "a", name="mine"),
    )
    assert found.primary_key == PrimaryKeyDeclaration(columns=("b", "a"), name="mine")
    assert found.columns["a"].identity is False


def test_constraints() -> None:
    metadata = sa.MetaData()
    users = sa.Table("users", metadata, sa.Column("id", sa.Text, primary_key=True))
    table = sa.Table(
        "t",
        metadata,
        sa.Column("a", sa.Text),
        sa.Column("b", sa.Text, sa.ForeignKey(users.c.id, ondelete="SET NULL", use_alter=True)),
        sa.UniqueConstraint("a", "b", name="ab", deferrable=True, initially="DEFERRED"),
        sa.CheckConstraint("a <> 'x'", name="named"),
        sa.ForeignKeyConstraint(
            ["a"], ["users.id"], "fk", onupdate="CASCADE", deferrable=True, match="FULL"
        ),
    )
    sa.CheckConstraint(table.c.a.like("50%"))
    found = declarations_of(metadata).tables["t"].body
    unique = IndexDeclaration(
        columns=(IndexKey(column="a"), IndexKey(column="b")),
        name="ab",
        unique=True,
        constraint=True,
        deferrable="deferred",
    )
    assert found.indexes == (unique,)
    target = ReferenceDeclaration(table="users", columns=("id",))
    assert found.foreign_keys == (
        ForeignKeyDeclaration(
            columns=("a",),
            references=target,
            name="fk",
            on_update="cascade",
            deferrable="immediate",
            match="full",
        ),
        ForeignKeyDeclaration(columns=("b",), references=target, on_delete="set null"),
    )
    assert found.checks == (
        CheckDeclaration(expression="a LIKE '50%'"),
        CheckDeclaration(expression="a <> 'x'", name="named"),
    )


def test_indexes() -> None:
    metadata = sa.MetaData()
    table = sa.Table(
        "t",
        metadata,
        sa.Column("a", sa.Text, index=True),
        sa.Column("b", sa.Text),
    )
    sa.Index(
        "i1",
        table.c.a.desc().nulls_last(),
        sa.func.lower(table.c.b),
        unique=True,
        postgresql_where=table.c.a != "x",
        sqlite_where=table.c.a != "x",
    )
    i1, ix = declarations_of(metadata).tables["t"].body.indexes
    assert i1 == IndexDeclaration(
        columns=(
            IndexKey(column="a", descending=True, nulls="last"),
            IndexKey(expression="lower(b)"),
        ),
        name="i1",
        unique=True,
        where={"postgresql": "a != 'x'", "sqlite": "a != 'x'"},
    )
    assert ix == IndexDeclaration(columns=(IndexKey(column="a"),), name="ix_t_a")


def test_indexes_of_one_server() -> None:
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, sa.Column("a", sa.Text), sa.Column("b", sa.Text))
    sa.Index(
        "i2",
        "b",
        postgresql_using="gin",
        postgresql_ops={"b": "gin_trgm_ops"},
        postgresql_include=["a"],
        mysql_length={"b": 10},
        _table=table,
    )
    sa.Index("i3", sa.text("lower(a) desc"), _table=table)
    i2, i3 = declarations_of(metadata).tables["t"].body.indexes
    assert i2 == IndexDeclaration(
        columns=(IndexKey(column="b", opclass="gin_trgm_ops", length=10),),
        name="i2",
        using="gin",
        include=("a",),
    )
    assert i3.columns == (IndexKey(expression="lower(a)", descending=True),)


def test_exclusions_options_comments_and_renames() -> None:
    found = body(
        sa.Column("room", sa.Integer, comment="Where", info={"renamed_from": "place"}),
        sa.Column("during", postgresql.TSTZRANGE),
        postgresql.ExcludeConstraint(("room", "="), ("during", "&&"), name="once"),
        comment="Bookings",
        info={"renamed_from": ["stays", "visits"]},
        mysql_engine="InnoDB",
        sqlite_strict=True,
        prefixes=["UNLOGGED"],
    )
    (exclusion,) = found.exclusions
    assert exclusion.elements == (
        ExclusionElement(column="room", operator="="),
        ExclusionElement(column="during", operator="&&"),
    )
    assert found.comment == "Bookings"
    assert found.columns["room"].comment == "Where"
    assert found.columns["room"].renamed_from == "place"
    assert found.renamed_from == ("stays", "visits")
    assert found.options == {"engine": "InnoDB", "strict": True, "unlogged": True}


def test_an_enum_that_only_an_array_uses_is_declared_by_itself() -> None:
    metadata = sa.MetaData()
    kind = postgresql.ARRAY(sa.Enum("a", "b", name="ab"))
    sa.Table("t", metadata, sa.Column("c", kind))
    assert declarations_of(metadata).enums == {"ab": EnumDeclaration(values=("a", "b"))}


def test_a_naming_convention_names() -> None:
    metadata = sa.MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_name)s"})
    sa.Table("t", metadata, sa.Column("c", sa.Text, unique=True))
    assert declarations_of(metadata).tables["t"].body.indexes[0].name == "uq_t_c"


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(sa.String(30))


def test_a_declarative_base_and_a_registry_stand_for_their_metadata() -> None:
    found = declarations_of(Base)
    assert table_yaml(found.tables["users"]) == (
        "columns:\n"
        "  id:   {type: integer, identity: {kind: serial}}\n"
        "  name: {type: string, length: 30}\n"
        "primary_key: [id]\n"
    )
    assert declarations_of(Base.registry) == declarations_of(Base.metadata) == found
    assert declarations_of(registry()).tables == {}
    assert len(found.digest) == 32


def test_what_cannot_be_declared_is_a_problem_each() -> None:
    metadata = sa.MetaData()
    sa.Table("elsewhere", metadata, sa.Column("id", sa.Integer), schema="other")
    sa.Table("posts", metadata, sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")))
    with pytest.raises(DeclarationError) as caught:
        declarations_of(metadata)
    assert [str(problem) for problem in caught.value.problems] == [
        "<MetaData>: table 'other.elsewhere': tables of another schema cannot be managed",
        "<MetaData>.posts: there is no table 'users'",
    ]


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="neither MetaData nor a declarative base"):
        declarations_of("schema")
