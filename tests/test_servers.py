"""The ground that the other tests stand on: every server is really there and is fresh."""

from __future__ import annotations

from collections.abc import Callable

import redis

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
