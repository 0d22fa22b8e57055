"""A cache made for an engine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import NullPool, StaticPool
from xxhash import xxh3_64_hexdigest

from odac_db.cache.caching import Caching
from odac_db.cache.catalog import Catalog
from odac_db.cache.hooks import Hooks
from odac_db.cache.memory import MemoryStore
from odac_db.cache.performing import Store
from odac_db.cache.prepared import Statements
from odac_db.cache.sessions import session_of
from odac_db.cache.settings import Cache
from odac_db.dialects import dialect_of
from odac_db.dialects.connect import file_of, given_back, url_for_threads
from odac_db.dialects.reach import Reach
from odac_db.waits import Waits, waits_of

log = logging.getLogger("odac_db.cache")
_PATIENCE = 1.0  # seconds that the catalog waits for a table that somebody changes
_LOOPBACK = frozenset({None, "", "localhost", "127.0.0.1", "::1"})


def caching_of(engine: Engine, settings: Cache) -> Caching:
    """The cache of that engine, its hooks installed. Connects to nothing.

    Raises OdacDbError where the memory store cannot have its stamps.
    """
    name = settings.namespace or _name(engine)
    waits = waits_of(engine)
    caching = Caching(
        settings,
        _store(settings, xxh3_64_hexdigest(name.encode()), waits),
        None if _is_shared(engine) else Catalog(_reader(engine), waits),
        Statements(engine),
        _identity(engine).encode(),
        waits,
    )
    Hooks(engine, caching.commits, settings.commit_within).install()
    return caching


def _store(settings: Cache, name: str, waits: Waits) -> Store:
    strict = settings.mode == "strict"
    if settings.is_redis:
        from odac_db.cache.near_store import NearStore
        from odac_db.cache.redis_store import RedisStore

        far = RedisStore(
            settings.store,
            name,
            token_seconds=settings.commit_within,
            quarantine_seconds=settings.commit_within if strict else 0.0,
            timeout=settings.timeout,
            waits=waits,
        )
        if settings.near:
            return NearStore(far, entries=settings.entries, size=settings.size)
        return far
    return MemoryStore(
        name,
        entries=settings.entries,
        size=settings.size,
        token_seconds=settings.commit_within,
        directory=Path(settings.directory) if settings.directory else None,
    )


def _is_shared(engine: Engine) -> bool:
    """One connection for all: no other can look at the catalog."""
    return isinstance(engine.pool, StaticPool)


def _reader(engine: Engine) -> Callable[[], Reach]:
    """Reads the catalog on a connection that is nobody's transaction.

    It is made as those of the pool are, by their listeners, whenever these were added: what they
    set for a session decides where names lead.
    """

    warned: set[str] = set()

    def read() -> Reach:
        pool = engine.pool
        own = NullPool(pool._creator, dialect=engine.dialect, _dispatch=pool.dispatch)
        with given_back(Engine(own, engine.dialect, engine.url).connect()) as connection:
            found = _reach(connection.execution_options(isolation_level="AUTOCOMMIT"))
        if found.warning and found.warning not in warned:
            warned.add(found.warning)
            log.warning(found.warning)
        return found

    return read


def _reach(connection: Connection) -> Reach:
    dialect = dialect_of(connection)
    session = session_of(connection)  # before anything is set
    dialect.locking.limit(connection, _PATIENCE, dialect.features(connection))
    found = dialect.reach(connection)
    structure = dialect.fingerprint(connection).value
    return msgspec.structs.replace(found, fingerprint=f"{structure} {session}", session=session)


def _path(engine: Engine) -> str | None:
    """The database's file, if it is one; one that is nowhere has a name of its own."""
    file = file_of(engine.url)
    if file is None:
        return None
    return os.path.realpath(file) if file else f":memory: {id(engine)} {os.getpid()}"


def _name(engine: Engine) -> str:
    """Whose processes share stamps. Databases of one name on two servers may: it costs hits."""
    return _path(engine) or engine.url.database or ""


def _identity(engine: Engine) -> str:
    """What no other database has. Two names of one server only keep entries twice."""
    url = url_for_threads(engine.url).set(password=None)
    url = url.difference_update_query([name for name in url.query if name.startswith("ssl")])
    own = _path(engine) is not None or url.host in _LOOPBACK
    return f"{url.render_as_string()} {_path(engine)} {socket.gethostname() if own else ''}"
