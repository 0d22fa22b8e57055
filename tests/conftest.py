"""The fixtures of every test. Names of the servers' databases never meet: take what you need.

server
    Every SQL server of the run, one case each ("postgresql-15", "mariadb-10.11", "sqlite"):
    ``.family`` ("postgresql", "mysql", "sqlite"), ``.is_mariadb``, ``.version``, ``.label``,
    ``.url``.
database
    A fresh empty ``LiveDatabase`` on ``server``, dropped afterwards: ``.url``, ``.name``,
    ``.server``, ``.family``, ``.engine()``, ``.connect()`` (AUTOCOMMIT),
    ``.execute(*statements)``, ``.script(text)``, ``.rows(table)``, ``.dump()``.
two_databases, new_database
    A pair of them; a function that makes as many as are wanted, all on ``server``.
postgresql_database, mysql_database, sqlite_database
    The same on the servers of one family only (``mysql_database``: MariaDB and MySQL).
redis_server, redis_url
    Every Redis and Valkey; a URL of a database there that is empty, this test's own.
dose
    ``dose(100, 10_000)`` is 100, and 10,000 in ``make torture`` for tests marked ``torture``.

Servers are started when the first test asks for one and are gone with the run, even a
killed one. ``ODAC_TEST_POSTGRESQL_URL``, ``..._MARIADB_URL`` and ``..._REDIS_URL`` take the
place of the private ones; any other ``ODAC_TEST_..._URL`` adds a server. The tests create
and drop databases there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from sqlalchemy import make_url

from tests.fixtures import databases, programs
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.private import ServerFailed, Servers
from tests.fixtures.servers import Server, ids
from tests.fixtures.telling import Telling

LONG = os.environ.get("ODAC_TEST_DOSE") == "long"
SHARED = "odac_servers"

_HEALTH = hypothesis.HealthCheck
hypothesis.settings.register_profile(
    "odac",
    max_examples=1000 if LONG else 25,
    derandomize=not LONG,  # a short dose is the same for everybody: what is red has a reason
    print_blob=True,
    deadline=None,  # servers answer when they can
    suppress_health_check=[_HEALTH.function_scoped_fixture, _HEALTH.too_slow],
)
hypothesis.settings.load_profile("odac")

started = pytest.StashKey[Servers]()
matrix = pytest.StashKey[list[Server]]()


def _servers(config: pytest.Config) -> list[Server]:
    """The matrix of this run; the servers are started by the first call."""
    if matrix not in config.stash:
        shared = getattr(config, "workerinput", {}).get(SHARED)
        config.stash[matrix] = (
            [Server.from_json(text) for text in shared] if shared else _start(config)
        )
    return config.stash[matrix]


def _start(config: pytest.Config) -> list[Server]:
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():  # an installation is worth watching
        try:
            config.stash[started] = Servers(os.environ)
        except (programs.ServersMissing, ServerFailed) as error:
            pytest.exit(str(error), returncode=1)
    return config.stash[started].all


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Telling(config))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before the workers of pytest-xdist, which get the servers of their controller."""
    if session.config.getoption("numprocesses", None):
        _servers(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[SHARED] = [server.as_json() for server in _servers(node.config)]


def pytest_unconfigure(config: pytest.Config) -> None:
    if started in config.stash:
        config.stash[started].close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if matrix in config.stash:
        labels = ", ".join(server.label for server in config.stash[matrix])
        terminalreporter.write_line(f"servers: {labels}")
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties if report.when == "call" else ():
            if name == "told":  # what a test measured: record_property("told", ...)
                terminalreporter.write_line(text)


PARAMETERS: dict[str, tuple[str, ...]] = {
    "server": ("postgresql", "mysql", "sqlite"),
    "postgresql_server": ("postgresql",),
    "mysql_server": ("mysql",),
    "sqlite_server": ("sqlite",),
    "redis_server": ("redis",),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, families in PARAMETERS.items():
        if name in metafunc.fixturenames:
            chosen = [one for one in _servers(metafunc.config) if one.family in families]
            metafunc.parametrize(name, chosen, ids=ids(chosen), indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.param
    return chosen


postgresql_server = mysql_server = sqlite_server = redis_server = server


def _maker(server: Server, directory: Path) -> Iterator[Callable[[], LiveDatabase]]:
    made: list[LiveDatabase] = []

    def make() -> LiveDatabase:
        made.append(databases.create(server, directory))
        return made[-1]

    try:
        yield make
    finally:
        for database in made:
            databases.drop(database)


@pytest.fixture
def new_database(server: Server, tmp_path: Path) -> Iterator[Callable[[], LiveDatabase]]:
    yield from _maker(server, tmp_path)


@pytest.fixture
def database(new_database: Callable[[], LiveDatabase]) -> LiveDatabase:
    return new_database()


@pytest.fixture
def two_databases(new_database: Callable[[], LiveDatabase]) -> tuple[LiveDatabase, LiveDatabase]:
    return new_database(), new_database()


@pytest.fixture
def postgresql_database(postgresql_server: Server, tmp_path: Path) -> Iterator[LiveDatabase]:
    for make in _maker(postgresql_server, tmp_path):
        yield make()


@pytest.fixture
def mysql_database(mysql_server: Server, tmp_path: Path) -> Iterator[LiveDatabase]:
    for make in _maker(mysql_server, tmp_path):
        yield make()


@pytest.fixture
def sqlite_database(sqlite_server: Server, tmp_path: Path) -> Iterator[LiveDatabase]:
    for make in _maker(sqlite_server, tmp_path):
        yield make()


@pytest.fixture
def redis_url(redis_server: Server) -> Iterator[str]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = make_url(redis_server.url).set(database=str(int(worker) % 16))
    text = url.render_as_string(hide_password=False)
    with redis.Redis.from_url(text, protocol=3) as client:
        client.flushdb()
        yield text
        client.flushdb()


@pytest.fixture
def dose() -> Callable[[int, int], int]:
    return lambda short, long: long if LONG else short
