"""Indexes, constraints, enum types, options, renames, the lock: each changed on a live table."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.postgresql import POSTGRESQL
from odac_db.errors import UnsupportedServer
from odac_db.schema.changes import (
    AddIndex,
    DropIndex,
    RenameConstraint,
    RenameEnum,
    SetObjectComment,
)
from odac_db.schema.model import Index, IndexPart
from tests.fixtures.databases import LiveDatabase
from tests.servers.postgresql_site import Site, opened

ID = {"type": "increments"}
ENUM = {"type": "enum", "values": ["a", "b", "c"], "default": "b"}


def table(columns: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
    return {"t": {"columns": {"id": ID, **(columns or {})}, **body}}


NUMBERS = {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "text"}}

INDEXES: list[list[dict[str, Any]]] = [
    [{"columns": ["a"]}],
    [{"columns": ["a desc"]}],
    [{"columns": ["a"], "unique": True}],
    [{"columns": ["a"], "constraint": True, "name": "own"}],
    [{"columns": ["a"], "constraint": True, "name": "own", "deferrable": "deferred"}],
    [{"columns": ["a"], "unique": True, "name": "own", "where": "b > 0 and c in ('x', 'y')"}],
    [{"columns": ["a"], "name": "own", "include": ["b"], "comment": "50% of it"}],
    [{"columns": [{"expression": "lower(c)"}, {"expression": "a+b"}], "name": "own"}],
    [{"columns": ["c"], "using": "hash"}, {"columns": ["b"], "using": "brin"}],
    [{"columns": [{"column": "c", "opclass": "text_pattern_ops", "collation": "C"}]}],
    [{"columns": [{"column": "c", "nulls": "first"}, {"column": "a", "descending": True}]}],
    [],
]


def test_indexes_become_one_another(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        for indexes in INDEXES:
            site.bring(table(NUMBERS, indexes=indexes))
            site.run("INSERT INTO t (a, b, c) SELECT coalesce(max(id), 0) + 1, 1, 'x' FROM t")
        assert site.live().tables["t"].indexes == ()


def test_a_successor_of_the_same_name_is_built_before_the_old_index_goes(
    postgresql_database: LiveDatabase,
) -> None:
    with opened(postgresql_database) as site:
        for constraint in (False, True):
            old = [{"columns": ["a"], "unique": True, "constraint": constraint, "name": "own"}]
            site.bring(table(NUMBERS, indexes=old))
            (before,) = site.live().tables["t"].indexes
            after = Index(name="own", parts=(IndexPart(column="a"), IndexPart(column="b")))
            statements = site.apply(
                [
                    AddIndex(table="t", index=after, replaces=before),
                    DropIndex(table="t", index=before, replaced=True),
                ]
            )
            assert [sql.split()[0] for sql in statements] in (
                ["ALTER", "CREATE", "DROP"],
                ["ALTER", "CREATE", "ALTER"],
            )
            assert site.live().tables["t"].indexes == (after,)


def test_an_invalid_index_is_seen(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.bring(table(NUMBERS))
        site.run("INSERT INTO t (a) VALUES (1), (1)")
        with pytest.raises(DBAPIError):
            site.run("CREATE UNIQUE INDEX CONCURRENTLY t_a_key ON t (a)")
        (index,) = site.live().tables["t"].indexes
        assert not index.valid
        site.run("DELETE FROM t")
        site.bring(table(NUMBERS, indexes=[{"columns": ["a"], "unique": True}]))


CONSTRAINTS: list[dict[str, Any]] = [
    {"checks": [{"expression": "a>0 AND c != 'x'"}], "primary_key": ["id", "a"]},
    {"checks": [{"expression": "a>1", "name": "own", "comment": "it's"}]},
    {"checks": [{"expression": "a>2", "name": "own", "no_inherit": True}], "comment": "a % table"},
    {"primary_key": {"columns": ["a"], "name": "key", "include": ["b"], "deferrable": "deferred"}},
    {"foreign_keys": [{"columns": ["a"], "references": "o.id", "on_delete": "cascade"}]},
    {
        "foreign_keys": [
            {
                "columns": ["a", "b"],
                "references": {"table": "o", "columns": ["x", "y"]},
                "name": "own",
                "match": "full",
                "on_update": "set null",
                "deferrable": "immediate",
                "comment": "both",
            }
        ]
    },
    {"foreign_keys": [{"columns": ["b"], "references": "o"}], "options": {"unlogged": False}},
    {
        "exclusions": [
            {"elements": [{"expression": "int4range(a, b)", "with": "&&"}], "comment": "none meet"}
        ]
    },
    {"exclusions": [{"elements": [{"column": "a", "with": "="}], "using": "hash"}]},
    {},
]


def test_constraints_become_one_another(postgresql_database: LiveDatabase) -> None:
    numbers = {"id": {"type": "integer"}, "x": {"type": "integer"}, "y": {"type": "integer"}}
    other: dict[str, Any] = {"columns": numbers, "primary_key": ["id"]}
    other["indexes"] = [{"columns": ["x", "y"], "constraint": True}]
    with opened(postgresql_database) as site:
        for body in CONSTRAINTS:
            whole = {"columns": {"id": {"type": "integer"}, **NUMBERS}, **body}
            site.bring({"t": whole, "o": other})
        site.bring({"o": other})


def test_logging_of_tables(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        for unlogged in (True, False, True):
            site.bring(table(options={"unlogged": unlogged, "engine": "InnoDB"}))
        site.bring(table(comment="changed and still unlogged"))
        assert site.live().tables["t"].options == {"unlogged": "true"}


@pytest.mark.parametrize(
    "values",
    [["a", "b", "c", "d"], ["z", "a", "b", "bb", "c"], ["c", "b", "a"], ["b", "a"], ["b", "it's"]],
    ids=" ".join,
)
def test_enums_change_with_their_rows_and_what_mentions_them(
    postgresql_database: LiveDatabase, values: list[str]
) -> None:
    def declared(values: list[str]) -> dict[str, Any]:
        columns = {
            "e": {**ENUM, "values": values, "enum_name": "kind"},
            "many": {"type": "kind[]", "default": ["b"]},
            "made": {"type": "boolean", "generated": "e = 'b'"},
        }
        return table(
            columns,
            indexes=[{"columns": ["id"], "where": "e = 'b'"}, {"columns": ["e"]}],
            checks=[{"expression": "e = 'b' OR many = '{b}'"}],
        )

    kind = {"kind": ["a", "b", "c"]}
    with opened(postgresql_database) as site:
        site.bring(declared(kind["kind"]), kind)
        site.run("INSERT INTO t DEFAULT VALUES")
        site.bring(declared(values), {"kind": values})
        assert site.run("SELECT e::text, many::text, made FROM t") == [("b", "{b}", True)]
        assert site.live().enums["kind"].values == tuple(values)


def test_a_value_in_use_cannot_go(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.bring(table({"e": ENUM}))
        site.run("INSERT INTO t (e) VALUES ('c')")
        live = site.live()
        with pytest.raises(DBAPIError, match="invalid input value for enum"):
            site.bring(table({"e": {**ENUM, "values": ["a", "b"]}}))
        assert site.live() == live


def test_a_default_may_use_a_value_that_is_just_added(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.bring(table({"e": ENUM}))
        grown = {**ENUM, "values": ["a", "b", "c", "d"], "default": "d", "check": "e <> 'd'"}
        site.bring(table({"e": grown}))


def test_names_change_in_place(postgresql_database: LiveDatabase) -> None:
    body: dict[str, Any] = {
        "primary_key": {"columns": ["id"], "name": "p"},
        "indexes": [
            {"columns": ["a"], "name": "i"},
            {"columns": ["b"], "constraint": True, "name": "u"},
        ],
        "checks": [{"expression": "(a > 0)", "name": "c"}],
    }
    with opened(postgresql_database) as site:
        site.bring(table({**NUMBERS, "e": ENUM}, **body))
        renames = [("primary_key", "p"), ("index", "i"), ("unique", "u"), ("check", "c")]
        site.apply(
            [
                RenameConstraint(table="t", what=what, before=name, after=f"{name} %")
                for what, name in renames
            ]
        )
        site.apply([RenameEnum(before="t_e", after="E")])
        site.apply(
            [
                SetObjectComment(table="t", what=what, name=f"{name} %", after="it's")
                for what, name in renames[1:]
            ]
        )
        found = site.live().tables["t"]
        assert found.primary_key is not None
        assert found.primary_key.name == "p %"
        assert [(one.name, one.comment) for one in found.indexes] == [
            ("i %", "it's"),
            ("u %", "it's"),
        ]
        assert [(one.name, one.comment) for one in found.checks] == [("c %", "it's")]
        assert found.columns[-1].type == '"E"'


def test_long_names_are_shortened_and_found_again(postgresql_database: LiveDatabase) -> None:
    name, column = "ü" * 30, "a_column_whose_name_is_not_short_either"
    columns = {
        column: {"type": "enum", "values": ["a"], "unique": True},
        f"{column}_too": {"type": "integer", "check": "true", "identity": {"kind": "serial"}},
    }
    with opened(postgresql_database) as site:
        site.bring({name: {"columns": {"id": ID, **columns}}})


def test_tables_and_sequences_that_would_share_a_name(postgresql_database: LiveDatabase) -> None:
    def numbered(column: str) -> dict[str, Any]:
        return {"columns": {column: {"type": "integer", "identity": True, "unique": True}}}

    with opened(postgresql_database) as site:
        site.bring({"a": numbered("b_c"), "a_b": numbered("c")})


def test_the_lock_is_of_one_session_and_namespace(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as one, opened(postgresql_database) as two:
        assert POSTGRESQL.try_lock(one.connection, one.features)
        assert not POSTGRESQL.try_lock(two.connection, two.features)
        POSTGRESQL.begin(one.connection, one.features)
        with pytest.raises(DBAPIError):
            one.run("SELECT 1 / 0")
        POSTGRESQL.unlock(one.connection, one.features)
        assert POSTGRESQL.try_lock(two.connection, two.features)
        pid = two.value("SELECT pg_backend_pid()")
        one.run(f"SELECT pg_terminate_backend({pid}, 5000)")
        POSTGRESQL.unlock(two.connection, two.features)
        assert POSTGRESQL.try_lock(one.connection, one.features)


def test_a_plan_that_fails_changes_nothing(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.bring(table({"c": {"type": "text"}}))
        site.run("INSERT INTO t (c) VALUES ('x')")
        live = site.live()
        wanted = {"b": {"type": "integer"}, "c": {"type": "integer"}}
        with pytest.raises(DBAPIError):
            site.bring(table(wanted))
        assert site.live() == live


def test_a_refused_table_is_absent_from_the_scratch_place(
    postgresql_database: LiveDatabase,
) -> None:
    with opened(postgresql_database) as site:
        desired = site.desired(
            {
                "good": {"columns": {"a": {"type": "int4", "check": "a>0"}}},
                "bad": {"columns": {"a": {"type": "no_such_type"}}},
            }
        )
        for nested in (False, True):
            if nested:
                POSTGRESQL.begin(site.connection, site.features)
            stored = POSTGRESQL.canonicalize(
                site.connection, [*desired.tables.values()], desired, site.features
            ).tables
            assert [*stored] == ["good"]
            assert stored["good"].checks[0].expression == "a > 0"
        POSTGRESQL.rollback(site.connection, site.features)
        assert site.live().tables == {}


def test_more_tables_than_the_server_can_lock_at_once(postgresql_database: LiveDatabase) -> None:
    body = {"columns": {"id": ID, "c": {"type": "text"}}, "indexes": [{"columns": ["c"]}]}
    with opened(postgresql_database) as site:
        desired = site.desired({f"t{number}": body for number in range(250)})
        stored = POSTGRESQL.canonicalize(
            site.connection, [*desired.tables.values()], desired, site.features
        ).tables
        assert len(stored) == 250


def test_faults_have_their_place(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        found = site.problems(
            t={
                "columns": {
                    "a": {"type": {"mysql": "int"}},
                    "b": {"type": "integer", "default": "x"},
                    "c": {"type": "enum"},
                    "d": {"type": "enum", "values": ["a"], "default": "b"},
                    "e": {"type": "datetime", "on_update_current_timestamp": True},
                    "f": {"type": "text", "identity": True},
                    "g": {"type": "small_integer", "default": 70000},
                    "h": {"type": "integer", "check": {"mysql": "h > 0"}},
                    "i": {"type": "integer", "references": "nowhere"},
                },
                "indexes": [
                    {"columns": ["a"], "using": "fulltext", "name": "same"},
                    {"columns": [{"column": "b", "length": 5}], "unique": True, "name": "same"},
                ],
            },
            t_d={"columns": {"id": ID}},
        )
        text = "\n".join(found)
        for words in (
            "type has no entry for postgresql",
            "'x' is not a number",
            "an enum needs values",
            "'b' is not one of a",
            "no ON UPDATE CURRENT_TIMESTAMP",
            "cannot number its rows",
            "70000 is out of range of smallint",
            "table nowhere declares no primary key",
            "no fulltext indexes",
            "no index prefixes",
            "2 indexes of t are called same",
            "cannot both be called t_d",
        ):
            assert words in text


def test_a_search_path_to_nowhere(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.run("SET search_path = nowhere")
        with pytest.raises(UnsupportedServer, match="search_path names no existing schema"):
            POSTGRESQL.features(site.connection)


def test_another_schema_than_public(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.run('CREATE SCHEMA "App\'s"', "CREATE TABLE elsewhere (id integer)")
    with opened(postgresql_database) as plain:
        plain.run('SET search_path = "App\'s", public')
        site = Site(plain.connection)
        assert site.features.namespace == "App's"
        assert site.live().tables == {}
        site.bring(table({"e": ENUM, "n": {"type": "integer", "identity": {"kind": "serial"}}}))
        assert [*site.live().tables] == ["t"]
