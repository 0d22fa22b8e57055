"""The ground that the other tests stand on: every server is really there and is fresh."""

from __future__ import annotations

from collections.abc import Callable

import redis

from tests.fixtures import postgresql_catalog
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server

TABLE = "CREATE TABLE things (id integer PRIMARY KEY, note varchar(40) DEFAULT '50% :x')"


def test_a_database_is_fresh_and_tells_its_structure(database: LiveDatabase) -> None:
    assert "things" not in database.dump()
    database.execute(
        TABLE, "INSERT INTO things (id) VALUES (2), (1)", "CREATE TABLE _odac_x (a int)"
    )
    assert "things" in database.dump()
    assert "_odac_" not in database.dump()
    assert database.rows("things") == [
        {"id": 1, "note": "50% :x"},
        {"id": 2, "note": "50% :x"},
    ]


def test_equal_structures_have_equal_dumps(
    two_databases: tuple[LiveDatabase, LiveDatabase],
) -> None:
    one, other = two_databases
    assert one.name != other.name
    one.script(f"{TABLE}; CREATE INDEX i ON things (note); CREATE INDEX j ON things (id)")
    other.script(f"{TABLE}; CREATE INDEX j ON things (id); CREATE INDEX i ON things (note)")
    assert one.dump() == other.dump()
    other.execute("DROP TABLE things")
    assert one.dump() != other.dump()


def test_the_catalogs_tell_a_structure_too(
    postgresql_database: LiveDatabase,
) -> None:
    """For servers newer than every ``pg_dump`` at hand."""
    postgresql_database.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE TABLE things (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood mood,"
        " note varchar(9) COLLATE \"C\" NOT NULL DEFAULT '50%', twice int GENERATED ALWAYS AS"
        " (length(note) * 2) STORED, CONSTRAINT short CHECK (length(note) < 9))",
        "CREATE INDEX by_note ON things (lower(note) DESC) WHERE mood = 'glad'",
        "COMMENT ON COLUMN things.note IS 'what to say'",
        "CREATE TABLE _odac_x (a int PRIMARY KEY)",
    )
    told = postgresql_catalog.dump(postgresql_database)
    for fact in (
        "enum public.mood 'sad', 'glad'",
        "column public.things.1 id integer NOT NULL IDENTITY a",
        "note character varying(9) NOT NULL DEFAULT '50%'::character varying COLLATE C",
        "GENERATED s",
        "constraint public.things short CHECK",
        "CREATE INDEX by_note ON public.things USING btree (lower((note)::text)",
        "what to say",
    ):
        assert fact in told
    assert "_odac_" not in told


def test_redis_speaks_the_protocol_the_cache_needs(redis_server: Server, redis_url: str) -> None:
    assert redis_server.version >= (6,)
    with redis.Redis.from_url(redis_url, protocol=3) as client:
        assert client.execute_command("HELLO", "3")[b"proto"] == 3
        client.hset("row", "name", "Ada")
        assert client.hgetall("row") == {b"name": b"Ada"}


def test_families_have_servers_of_their_own(
    new_database: Callable[[], LiveDatabase], server: Server
) -> None:
    assert server.family in {"postgresql", "mysql", "sqlite"}
    assert new_database().server == server
