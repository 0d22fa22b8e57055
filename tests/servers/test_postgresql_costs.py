"""What is said of a change beforehand is what the server then does."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.postgresql import POSTGRESQL
from odac_db.dialects.postgresql.hazards import rewrites
from odac_db.schema.changes import (
    AddCheck,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    Change,
    DropColumn,
    DropTable,
)
from odac_db.schema.model import Check, Column, ForeignKey, Index, IndexPart, Schema
from tests.fixtures.databases import LiveDatabase
from tests.servers.postgresql_site import opened

# (from, to, a value of the first type): the change is harmless whatever is in the table.
HARMLESS = [
    ("character varying(3)", "character varying(5)", "abc"),
    ("character varying(3)", "text", "abc"),
    ("character(3)", "character varying(3)", "abc"),
    ("text", "character varying", "abc"),
    ("smallint", "integer", "-32768"),
    ("integer", "bigint", "-2147483648"),
    ("integer", "numeric(10,0)", "-2147483648"),
    ("integer", "character varying(11)", "-2147483648"),
    ("boolean", "character varying(5)", "false"),
    ("bigint", "numeric", "9223372036854775807"),
    ("numeric(5,2)", "numeric(7,2)", "999.99"),
    ("numeric(5,2)", "numeric(8,4)", "999.99"),
    ("numeric(5,2)", "numeric", "999.99"),
    ("real", "double precision", "1.5"),
    ("date", "timestamp without time zone", "2020-01-01"),
    ("timestamp(3) without time zone", "timestamp without time zone", "2020-01-01 00:00:00.123"),
    ("json", "text", "[1]"),
    ("integer[]", "text", "{1}"),
    ("bit varying(3)", "bit varying(5)", "101"),
]

# (from, to, a value that is lost, cut or refused).
LOSSY = [
    ("character varying(5)", "character varying(3)", "abcde"),
    ("text", "character(3)", "abcde"),
    ("text", "integer", "x"),
    ("integer", "character varying(3)", "12345"),
    ("bigint", "integer", "3000000000"),
    ("integer", "numeric(5,0)", "123456"),
    ("numeric(7,2)", "numeric(5,2)", "99999.99"),
    ("numeric(8,4)", "numeric(8,2)", "1.2345"),
    ("numeric", "integer", "1.5"),
    ("double precision", "real", "0.123456789012345"),
    ("timestamp without time zone", "date", "2020-01-01 10:00:00"),
    ("timestamp without time zone", "timestamp(0) without time zone", "2020-01-01 00:00:00.4"),
    ("text", "uuid", "x"),
    ("text", "jsonb", "{"),
    ("json", "jsonb", '{"a": 1, "a": 2}'),
    ("boolean", "integer", ""),
    ("bit varying(5)", "bit varying(3)", "10101"),
]


def column(type_: str) -> Column:
    return Column(name="c", type=type_)


@pytest.mark.parametrize(("old", "new", "value"), HARMLESS)
def test_harmless_changes_are_called_so(old: str, new: str, value: str) -> None:
    assert value
    assert POSTGRESQL.lossy(column(old), column(new), None) is None


@pytest.mark.parametrize(("old", "new", "value"), LOSSY)
def test_changes_that_may_lose_are_not(old: str, new: str, value: str) -> None:
    assert isinstance(value, str)
    assert POSTGRESQL.lossy(column(old), column(new), None)


def test_harmless_changes_keep_every_value(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        for old, new, value in HARMLESS:
            site.run(f"CREATE TABLE t (c {old})", f"INSERT INTO t VALUES ('{value}')")
            site.apply([AlterColumn(table="t", before=column(old), after=column(new))])
            assert site.value(
                f"SELECT c::{old} = '{value}'::{old} FROM t"
                if old not in ("json",)
                else "SELECT c::text = '[1]' FROM t"
            )
            site.run("DROP TABLE t")


def test_values_are_refused_but_for_strings_that_get_shorter(
    postgresql_database: LiveDatabase,
) -> None:
    refused = {("text", "integer"), ("text", "uuid"), ("text", "jsonb"), ("bigint", "integer")}
    with opened(postgresql_database) as site:
        for old, new, value in LOSSY:
            cut = new.startswith("character") and old != "integer"
            if (old, new) in refused or (
                new.startswith(("character", "numeric(5", "bit")) and not cut
            ):
                site.run(f"CREATE TABLE t (c {old})", f"INSERT INTO t VALUES ('{value}')")
                with pytest.raises(DBAPIError):
                    site.apply([AlterColumn(table="t", before=column(old), after=column(new))])
                assert site.value("SELECT c::text FROM t") == value
                site.run("DROP TABLE t")


def test_a_rewrite_is_announced_when_there_is_one(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        for old, new, _ in HARMLESS:
            site.run(f"CREATE TABLE t (c {old})")
            node = site.value("SELECT pg_relation_filenode('t')")
            site.apply([AlterColumn(table="t", before=column(old), after=column(new))])
            rewritten = site.value("SELECT pg_relation_filenode('t')") != node
            assert (old, new, rewrites(column(old), column(new))) == (old, new, rewritten)
            site.run("DROP TABLE t")


def test_costs_are_told_for_tables_that_exist(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.run("CREATE TABLE t (c integer)")
        live = site.live()
        c, key = (
            column("integer"),
            ForeignKey(name="k", columns=("c",), ref_table="o", ref_columns=("c",)),
        )
        index = Index(name="i", parts=(IndexPart(column="c"),))
        told: list[tuple[Change, list[str]]] = [
            (AddIndex(table="t", index=index), ["blocks_writes"]),
            (AddIndex(table="new", index=index), []),
            (AddForeignKey(table="t", foreign_key=key), ["blocks_writes"]),
            (AddCheck(table="t", check=Check(name="x", expression="true")), ["blocks_reads"]),
            (AlterColumn(table="t", before=c, after=column("bigint")), ["table_rewrite"]),
            (DropColumn(table="t", column=c), ["data_loss"]),
            (DropTable(table=live.tables["t"]), ["data_loss"]),
        ]
        for change, codes in told:
            found = POSTGRESQL.hazards(change, live, site.features)
            assert [hazard.code for hazard in found] == codes
        assert isinstance(live, Schema)
