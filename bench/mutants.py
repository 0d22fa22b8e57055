"""The protocol broken in one way each, for programs that are to find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from odac_db.cache import caching, commits, hooks, protocol
from odac_db.cache.memory import MemoryStore
from odac_db.cache.protocol import Answer, Commit, Confirm, Entry, Fill, Load, Look, Settle
from odac_db.cache.redis_store import RedisStore


def no_pre() -> None:
    def commit(tables: Any, token: int, **_: Any) -> Any:
        return (yield from protocol.commit(tables, token, strict=False, refuse=False))

    _replace("commit", commit)


def post_before_commit() -> None:
    def commit(tables: Any, token: int, **_: Any) -> Any:
        yield protocol.Announce(tables, token)
        yield Confirm(tables, token)
        return (yield Commit())

    _replace("commit", commit)


def stamps_at_fill() -> None:
    def read(key: Any, tables: Any) -> Any:
        seen = yield Look(key, tables)
        if seen.entry is not None and seen.entry.stamps == seen.stamps:
            return Answer(seen.entry.rows, "hit")
        loaded = yield Load(key, None)
        stamps = yield Settle(tables)
        if stamps is not None:
            yield Fill(key, tables, Entry(stamps, loaded.rows))
        return Answer(loaded.rows, "miss")

    _replace("read", read)


def no_quarantine() -> None:
    original = RedisStore.__init__

    def without(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options | {"quarantine_seconds": 0.0})

    RedisStore.__init__ = without  # type: ignore[method-assign]


def no_epoch() -> None:
    """A server that was put back is not known for another one."""
    original = RedisStore._greet

    def greet(self: Any, connection: Any) -> None:
        connection.on_connect()
        connection.odac_run = "one"
        connection.send_command("HGET", self._counter, "e")
        found = connection.read_response()
        connection.odac_epoch = found
        if found is None:
            original(self, connection)

    RedisStore._greet = greet  # type: ignore[method-assign]


def rollback_not_discarded() -> None:
    """What a transaction reads after its own writes is stored for all."""
    from odac_db import cached  # noqa: PLC0415

    changed: Any = cached
    changed.is_plain = lambda _: True


def no_cascades() -> None:
    """A write is one of the table that it names, and of no other."""
    changed: Any = commits
    original = changed.writes

    def writes(sql: str, reach: Any, triggers: Any) -> Any:
        del triggers
        bare = msgspec.structs.replace(reach, keys=())
        return original(sql, bare, {})

    changed.writes = writes


def raw_sql_unseen() -> None:
    """Only what SQLAlchemy made of expressions is known to be a write."""
    original = hooks.Hooks._before

    def before(self: Any, conn: Any, cursor: Any, sql: str, *rest: Any) -> None:
        if "SET value = " not in sql or "%" in sql or "?" in sql:
            original(self, conn, cursor, sql, *rest)

    changed: Any = hooks.Hooks
    changed._before = before


def short_tokens() -> None:
    """What a writer leaves is taken for a dead one's at once."""
    for store in (MemoryStore, RedisStore):
        _short_tokens(store)


def _short_tokens(store: Any) -> None:
    original = store.__init__

    def short(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options | {"token_seconds": 0.001})

    store.__init__ = short


MUTANTS: dict[str, Callable[[], None]] = {
    "no-pre": no_pre,
    "post-before-commit": post_before_commit,
    "stamps-at-fill": stamps_at_fill,
    "no-quarantine": no_quarantine,
    "no-epoch": no_epoch,
    "rollback-not-discarded": rollback_not_discarded,
    "no-cascades": no_cascades,
    "raw-sql-unseen": raw_sql_unseen,
    "short-tokens": short_tokens,
}
IN_REDIS = frozenset({"no-quarantine", "no-epoch"})
"""Those that only a store that can be lost has."""


def _replace(name: str, flow: Any) -> None:
    """Another flow in place of the protocol's, and no shorter way for hits."""
    setattr(commits if name == "commit" else caching, name, flow)
    shorter: Any = MemoryStore
    shorter.current = lambda *_: None
