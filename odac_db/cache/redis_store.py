"""Entries and stamps in Redis or Valkey, one server at a time.

A hit is one MGET. A stamp that is missing or pending is seen to by a script. Each connection
asks at its beginning which server it reached: another one than last time, or one that was
restarted, begins a new epoch, and all stamps of before are missing.

Not promised: anything through a proxy that changes the server behind an open connection.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from functools import cache, partial
from hashlib import sha1
from importlib.resources import files
from random import uniform
from typing import Any

import msgspec
from redis.exceptions import NoScriptError, ResponseError
from xxhash import xxh3_128_hexdigest

from odac_db.cache.codec import decoded, encoded
from odac_db.cache.compression import smaller, whole
from odac_db.cache.connections import Connections, asked, names_of
from odac_db.cache.inventory import Inventory
from odac_db.cache.key import Key
from odac_db.cache.protocol import EVERYTHING, Entry, Seen, Stamps, Tables
from odac_db.cache.redis_inventory import in_redis
from odac_db.cache.redis_pools import pool_for_tasks, pool_for_threads
from odac_db.cache.remembered import MOST_NAMES
from odac_db.waits import TASKS, THREADS, Waits

log = logging.getLogger("odac_db.cache")
_JITTER = 0.1
_KNOWS_FLAGS = 7  # the version of Redis that does; Valkey tells one that it is compatible with


class _Frame(msgspec.Struct, array_like=True, frozen=True):
    """An entry as it is stored: what it is the answer to, and under which stamps."""

    material: bytes
    stamps: tuple[bytes, ...]
    rows: bytes


_encoder = msgspec.msgpack.Encoder()
_frames = msgspec.msgpack.Decoder(_Frame)


class RedisStore:
    """One database's part of a Redis. ``digest`` may be replaced by tests."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        token_seconds: float,
        quarantine_seconds: float,
        timeout: float = 1.0,
        digest: Callable[[bytes], str] = xxh3_128_hexdigest,
        waits: Waits = THREADS,
    ) -> None:
        self.prefix = f"odac:{{{name}}}:"
        self._counter = f"{self.prefix}G"
        self._token_ms = int(token_seconds * 1000)
        self._quarantine_ms = int(quarantine_seconds * 1000)
        self._digest = digest
        self._names: dict[Tables, list[str]] = {}
        self._asking_stamps: dict[Tables, Any] = {}
        self._waits, self._timeout = waits, timeout
        pool = pool_for_tasks if waits is TASKS else pool_for_threads
        self._pool = pool(url, self.prefix, timeout, self._greet)
        self.connections = Connections(self._pool)

    def look(self, key: Key, tables: Tables) -> Seen:
        """Entry and stamps in one round trip."""

        def ask(connection: Any) -> Seen:
            look, _ = self._packed(connection, key, tables)
            connection.send_packed_command(look, check_health=False)
            return _seen(connection, key)

        return self.connections.ask(ask)

    def look_and_life(self, key: Key, tables: Tables) -> tuple[Seen, float]:
        """The same, and for how many seconds the entry lives yet; less than 0 if there is none."""

        def ask(connection: Any) -> tuple[Seen, float]:
            look, life = self._packed(connection, key, tables)
            connection.send_packed_command((*look, *life), check_health=False)
            return _seen(connection, key), connection.read_response() / 1000

        return self.connections.ask(ask)

    def stamps(self, tables: Tables) -> Stamps | None:
        def ask(connection: Any) -> Stamps | None:
            packed = self._asking_stamps.get(tables)
            if packed is None:
                if len(self._asking_stamps) >= MOST_NAMES:
                    self._asking_stamps.clear()
                packed = connection.pack_command("MGET", *self._stamp_names(tables))
                self._asking_stamps[tables] = packed
            connection.send_packed_command(packed, check_health=False)
            return _clean(connection.odac_epoch, connection.read_response())

        return self.connections.ask(ask)

    def settle(self, tables: Tables) -> Stamps | None:
        def ask(connection: Any) -> Stamps | None:
            epoch, *found = self._script(connection, "settle", tables)
            connection.odac_epoch = epoch
            return _clean(epoch, found)

        stamps: Stamps | None = self.connections.ask(ask)
        return stamps

    def fill(self, key: Key, tables: Tables, entry: Entry, ttl: float) -> bool:  # noqa: ARG002
        """Stores the rows. Raises Unknown for what cannot be kept as it is."""
        stamps = tuple(one for one in entry.stamps if isinstance(one, bytes))
        frame = _encoder.encode(_Frame(key.material, stamps, smaller(encoded(entry.rows))))
        milliseconds = max(1, int(ttl * 1000 * uniform(1 - _JITTER, 1)))  # noqa: S311
        self.connections.ask(
            lambda one: asked(one, "SET", self._entry_name(key), frame, "PX", milliseconds)
        )
        return True

    def claim(self, key: Key, stamps: Stamps, token: bytes, seconds: float) -> bytes:
        """Whose these rows are to fetch: this token's for so long, unless another came first."""
        name, milliseconds = self._lease_name(key, stamps), int(seconds * 1000)

        def ask(connection: Any) -> bytes:
            if asked(connection, "SET", name, token, "NX", "PX", milliseconds):
                return token
            return asked(connection, "GET", name) or b""  # it may be this one: see Connections

        return self.connections.ask(ask)

    def holder(self, key: Key, stamps: Stamps) -> bytes:
        name = self._lease_name(key, stamps)
        return self.connections.ask(lambda one: asked(one, "GET", name) or b"")

    def release(self, key: Key, stamps: Stamps, token: bytes) -> None:
        text, _ = _text("release", flags=False, common=False)
        name = self._lease_name(key, stamps)
        self.connections.ask(lambda one: asked(one, "EVAL", text, 1, name, token))

    def announce(self, tables: Tables, token: int) -> int | bytes | None:
        """The stamp of everything, None while it is not to be relied on."""
        arguments = ("announce", (*tables, EVERYTHING), f"{token:x}", self._token_ms)
        found = self._marked(lambda one: (one.odac_epoch, self._script(one, *arguments)))
        epoch, stamp = found
        return stamp if stamp.startswith(epoch) and b";" not in stamp else None

    def confirm(self, tables: Tables, token: int) -> None:
        self._marked(lambda one: self._script(one, "confirm", tables, f"{token:x}"))

    def clear(self) -> None:
        """Deletes the entries of this database. The stamps stay: they are what is true."""

        def sweep(connection: Any) -> None:
            for names in names_of(connection, self.prefix, "q"):
                asked(connection, "UNLINK", *names)

        self.connections.ask(sweep)

    def close(self) -> None:
        self.connections.close()
        self._pool.disconnect()

    def figures(self) -> dict[str, int]:
        return {}

    def inventory(self) -> Inventory:
        return self.connections.ask(lambda one: in_redis(one, self.prefix))

    def _greet(self, connection: Any) -> None:
        """On every new connection, before anything is asked over it."""
        connection.on_connect()
        told = _told(asked(connection, "INFO", "server"))
        if "run_id" not in told:
            raise ResponseError("INFO tells no run_id, by which a restart is noticed")
        connection.odac_run = told["run_id"]
        version = int(told.get("redis_version", "0").partition(".")[0])
        connection.odac_flags = version >= _KNOWS_FLAGS
        script, _ = _text("greet", flags=connection.odac_flags, common=False)
        arguments = (secrets.token_hex(8), connection.odac_run)
        connection.odac_epoch = asked(connection, "EVAL", script, 1, self._counter, *arguments)

    def _script(self, connection: Any, name: str, tables: Tables, *arguments: Any) -> Any:
        text, digest = _text(name, flags=connection.odac_flags)
        keys = (self._counter, *self._stamp_names(tables))
        first = (secrets.token_hex(8), connection.odac_run, self._quarantine_ms)
        rest = (len(keys), *keys, *first, *arguments)
        try:
            return asked(connection, "EVALSHA", digest, *rest)
        except NoScriptError:
            return asked(connection, "EVAL", text, *rest)

    def _marked(self, ask: Callable[[Any], Any]) -> Any:
        """The same for a writer's marks: whoever is interrupted knows whether they are there."""
        patience = 3 * self._timeout  # for the connection, its greeting and the script
        told = partial(self.connections.ask, ask, marks=True)
        found, interrupted = self._waits.finished(told, patience)
        if interrupted is not None:
            raise interrupted
        return found

    def _stamp_names(self, tables: Tables) -> list[str]:
        found = self._names.get(tables)
        if found is None:
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            found = self._names[tables] = [f"{self.prefix}s:{name}" for name in tables]
        return found

    def _packed(self, connection: Any, key: Key, tables: Tables) -> tuple[Any, Any]:
        """The commands for entry and stamps, and for its life; packed once for a key."""
        known = key.asked_as
        if known is None or known[0] is not self or known[1] != tables:
            name, pack = self._entry_name(key), connection.pack_command
            packed = pack("MGET", name, *self._stamp_names(tables)), pack("PTTL", name)
            known = key.asked_as = (self, tables, packed)
        found: tuple[Any, Any] = known[2]
        return found

    def _entry_name(self, key: Key) -> str:
        return f"{self.prefix}q:{self._digest(key.material)}"

    def _lease_name(self, key: Key, stamps: Stamps) -> str:
        under = b";".join([one for one in stamps if isinstance(one, bytes)])
        return f"{self.prefix}l:{self._digest(key.material + under)}"


def _seen(connection: Any, key: Key) -> Seen:
    data, *found = connection.read_response()
    stamps = _clean(connection.odac_epoch, found)
    return Seen(_entry(data, key, stamps), stamps)


def _clean(epoch: bytes, found: Sequence[bytes | None]) -> Stamps | None:
    """The stamps, None where one is missing, of another epoch or has a token."""
    begins = epoch + b":"
    stamps = tuple(
        [one for one in found if one is not None and one.startswith(begins) and b";" not in one]
    )
    return stamps if len(stamps) == len(found) else None


def _entry(data: bytes | None, key: Key, stamps: Stamps | None) -> Entry | None:
    """The entry, its rows decoded if they are going to be used."""
    if data is None or stamps is None:
        return None
    try:
        frame = _frames.decode(data)
        if frame.material != key.material:
            return None
        return Entry(frame.stamps, decoded(whole(frame.rows)) if frame.stamps == stamps else None)
    except Exception as error:  # bytes of another version, zones that are not on this host
        log.info("an entry in Redis cannot be used here, so the database is asked: %r", error)
        return None


def _told(info: Any) -> dict[str, str]:
    """What INFO tells, by name."""
    text = info.decode() if isinstance(info, bytes) else str(info)
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in lines}


@cache
def _text(name: str, *, flags: bool, common: bool = True) -> tuple[str, str]:
    """A script and what Redis knows it by.

    ``flags``: it may write though the memory is full. A stamp takes a few bytes, and who holds
    rows that were written meanwhile would take them for current ones.
    """
    folder = files("odac_db.cache") / "lua"
    text = (folder / f"{name}.lua").read_text("utf-8")
    if common:
        text = (folder / "common.lua").read_text("utf-8") + text
    if flags:
        text = f"#!lua flags=allow-oom\n{text}"
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()
