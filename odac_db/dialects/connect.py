"""Engines and connections: URLs as people write them, errors without passwords."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool
from sqlalchemy.util.concurrency import in_greenlet

from odac_db.errors import ConnectionFailed, ServerRefused, UnsupportedServer
from odac_db.waits import TASKS, waits_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_FOR_TASKS = {
    "postgresql+psycopg": "postgresql+psycopg_async",
    "mysql+pymysql": "mysql+aiomysql",
    "mariadb+pymysql": "mariadb+aiomysql",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+pysqlite": "sqlite+aiosqlite",
}
"""The asynchronous driver that speaks as this one does: the same values, the same errors."""
_FOR_THREADS = {
    "postgresql+psycopg_async": "postgresql+psycopg",
    "mysql+aiomysql": "mysql+pymysql",
    "mariadb+aiomysql": "mariadb+pymysql",
    "sqlite+aiosqlite": "sqlite",
}
_EXTRAS = {
    "psycopg": "odac-db[postgresql]",
    "pymysql": "odac-db[mysql]",
    "MySQLdb": "mysqlclient",
    "aiomysql": "odac-db[async]",
    "aiosqlite": "odac-db[async]",
    "greenlet": "odac-db[async]",
}
_SQLITE_BUSY_SECONDS = 15.0
_GIVING_BACK_SECONDS = 5.0
_engines: WeakSet[Engine] = WeakSet()


def engine_of(url: str | URL) -> Engine:
    """An engine for the URL; plain ``postgresql://`` and ``mysql://`` get psycopg and PyMySQL.

    Nothing is connected yet. Raises UnsupportedServer for a URL no server answers to and
    ConnectionFailed for a driver that is not installed.
    """
    parsed = _parsed(url)
    with _installed(parsed):
        if parsed.get_dialect().is_async:
            raise _asynchronous(parsed)
        return _completed(create_engine(parsed, **_options(parsed)))


def engine_for_tasks(url: str | URL) -> AsyncEngine:
    """An engine for the tasks of one event loop, by the driver that goes with ``engine_of``'s.

    Raises as that, UnsupportedServer for a driver that has no such other one, and
    ConnectionFailed for files of TLS that cannot be used.
    """
    threads = url_for_threads(_parsed(url))
    with _installed(threads):
        name = _FOR_TASKS.get(threads.drivername)
        if name is None:
            raise _without_tasks(threads)
        import_module("greenlet")
        from sqlalchemy.ext.asyncio import create_async_engine  # brings the ORM: not before

        from odac_db.dialects import tls

        parsed, context = threads.set(drivername=name), None
        if parsed.get_driver_name() == "aiomysql":
            parsed, context = tls.taken_out(parsed)
        options = _options(parsed)
        if context is not None:
            options["connect_args"] = {**options["connect_args"], "ssl": context}
        engine = create_async_engine(parsed, **options)
        if context is not None:
            event.listen(engine.sync_engine, "connect", tls.require)
        _completed(engine.sync_engine)
        return engine


def url_for_threads(url: URL) -> URL:
    """The same database by a driver for threads."""
    return url.set(drivername=_FOR_THREADS.get(url.drivername, url.drivername))


@contextmanager
def _installed(url: URL) -> Iterator[None]:
    """What is missing is told by the name of what to install."""
    if url.get_backend_name() not in (*_DRIVERS, "sqlite"):
        raise _unknown(url)
    try:
        yield
    except NoSuchModuleError:
        raise _unknown(url) from None
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "", error.name or "its driver")
        message = f"{error.name} is not installed: pip install '{extra}'"
        raise ConnectionFailed(message) from error


def _completed(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _enforce_foreign_keys)
        if engine.dialect.is_async:
            event.listen(engine, "invalidate", _undo)
    _engines.add(engine)
    return engine


def _undo(connection: Any, *_: object) -> None:
    """Of a SQLite connection that is going to be closed because its task was cancelled.

    A SELECT that has not come to its end would keep the transaction, and so everybody else from
    writing, until the last reference to it is gone.
    """
    if in_greenlet():
        with suppress(sqlite3.Error):
            TASKS.finished(connection.rollback, _GIVING_BACK_SECONDS)


def _after_fork() -> None:
    """The connections of the pool are the parent's: what both say on one would be mixed."""
    for engine in list(_engines):
        if not _is_shared(engine):
            engine.dispose(close=False)


os.register_at_fork(after_in_child=_after_fork)


def _enforce_foreign_keys(connection: Any, _: object) -> None:
    """SQLite leaves them unenforced unless each connection asks; migrations see to themselves."""
    connection.execute("PRAGMA foreign_keys = ON").close()


def _options(url: URL) -> dict[str, Any]:
    """What SQLAlchemy does not do by itself for this driver."""
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": _SQLITE_BUSY_SECONDS}
        if _is_memory(url):
            # A second connection to :memory: would be a second database, so threads share one.
            options["poolclass"] = StaticPool
            options["connect_args"] = {"timeout": _SQLITE_BUSY_SECONDS, "check_same_thread": False}
    elif url.get_driver_name() in ("pymysql", "aiomysql"):
        options["connect_args"] = _pymysql(url)
    return options


def _pymysql(url: URL) -> dict[str, object]:
    """What MySQL keeps without a zone is UTC, and so must be what it reads off its clock."""
    arguments: dict[str, object] = {}
    if "init_command" not in url.query:
        arguments["init_command"] = "SET time_zone = '+00:00'"
    if url.password:
        # A text it would encode as Latin-1; the server's own clients send UTF-8.
        password = url.password.encode()
        is_pymysql = url.get_driver_name() == "pymysql"  # the other one takes no bytes
        arguments["password"] = password if is_pymysql else password.decode("latin-1")
    return arguments


def _asynchronous(url: URL) -> UnsupportedServer:
    own = _DRIVERS.get(url.get_backend_name(), "sqlite")
    message = f"{url.get_driver_name()} is an asynchronous driver: write {own}://"
    return UnsupportedServer(f"{message} (with AsyncDatabase in an asynchronous program)")


def _without_tasks(url: URL) -> UnsupportedServer:
    own = _DRIVERS.get(url.get_backend_name(), "sqlite").partition("+")[0]
    message = f"AsyncDatabase has no use for the driver {url.get_driver_name()}: write {own}://"
    return UnsupportedServer(f"{message}, for psycopg, aiomysql or aiosqlite")


def _unknown(url: URL) -> UnsupportedServer:
    message = f"no server is known as {url.drivername!r}: use {', '.join(_DRIVERS)}, sqlite"
    return UnsupportedServer(message)


def _parsed(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text is not repeated: it may hold a password in the wrong place.
        message = "the database URL cannot be read: write DIALECT://USER:PASSWORD@HOST/DATABASE"
        raise UnsupportedServer(message) from None
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def _is_memory(url: URL) -> bool:
    return url.database in (None, "", ":memory:")


def file_of(url: URL) -> str | None:
    """The file that the database is, "" for one in memory; None for a server's."""
    if url.get_backend_name() != "sqlite":
        return None
    return "" if _is_memory(url) else url.database


def masked_url(engine: Engine) -> str:
    """The engine's URL for people: without its password, and without options, which may be one."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def connected(engine: Engine) -> Connection:
    """A connection of the pool, as it comes. Raises ConnectionFailed."""
    try:
        return engine.connect()
    except DBAPIError as error:
        message = f"cannot connect to {masked_url(engine)}: {error.orig}"
        raise ConnectionFailed(message) from error


@contextmanager
def given_back(conn: Connection) -> Iterator[Connection]:
    """Closes it in the end. A task that is cancelled meanwhile still gives it back first.

    SQLAlchemy's pool would count it as in use for ever.
    """
    try:
        yield conn
    finally:
        _, interrupted = waits_of(conn).finished(conn.close, _GIVING_BACK_SECONDS)
        if interrupted is not None:
            raise interrupted


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection of its own in autocommit, closed for good afterwards.

    It leaves the pool, so that what a migration sets for its session never reaches the
    application. Raises ConnectionFailed, also when the connection is lost on the way, and
    ServerRefused for an error of the server that nothing within has made its own.
    """
    with connected(engine) as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        if not _is_shared(engine):
            conn.detach()
        try:
            yield conn
        except DBAPIError as error:
            raise _refused(engine, error) from error


def _refused(engine: Engine, error: DBAPIError) -> ConnectionFailed | ServerRefused:
    if error.connection_invalidated:
        return ConnectionFailed(f"lost the connection to {masked_url(engine)}: {error.orig}")
    return ServerRefused(masked_url(engine), str(error.orig).strip(), error.statement or "")


def _is_shared(engine: Engine) -> bool:
    return isinstance(engine.pool, StaticPool)


@contextmanager
def standing(engine: Engine) -> Iterator[Connection]:
    """A connection to what there is: an empty database for a SQLite file that is not there.

    That file is not made by it.
    """
    if is_missing(engine):
        empty = engine_of("sqlite://")
        with migrating(empty) as conn:
            yield conn
        empty.dispose()
    else:
        with migrating(engine) as conn:
            yield conn


def is_missing(engine: Engine) -> bool:
    """Whether it is a SQLite file that the first connection to it would make."""
    url = engine.url
    if url.get_backend_name() != "sqlite" or _is_memory(url) or "uri" in url.query:
        return False
    return not Path(url.database or "").exists()
