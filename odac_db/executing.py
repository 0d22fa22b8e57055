"""Statements and transactions: the part of ``Database`` that an application works with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from odac_db.buffered import Buffered
from odac_db.dialects import dialect_of
from odac_db.seconds import lifetime

if TYPE_CHECKING:
    from sqlalchemy import Engine, Executable, Result

    from odac_db.attempts import Transactions
    from odac_db.cache.caching import Caching
    from odac_db.cache.settings import Cache
    from odac_db.cached import CacheControl
    from odac_db.dialects.base import Isolation
    from odac_db.errors import ConstraintViolation
    from odac_db.migrate.leave import Source
    from odac_db.query.tables import Table
    from odac_db.transactions import Params, Transaction

Value = TypeVar("Value")


_making = Lock()


class Executing(Buffered):
    """What can be done on ``engine``, with errors told by what ``_source`` declares."""

    engine: Engine
    _source: Source | None
    _caching: Caching | None = None

    def _open_cache(self, cache: str | Cache | None) -> None:
        if cache is None:
            return
        from odac_db.cache.opening import caching_of
        from odac_db.cache.settings import settings_of

        self._caching = caching_of(self.engine, settings_of(cache))

    def _close_cache(self) -> None:
        if self._caching is not None:
            self._caching.close()

    def table(self, name: str) -> Table:
        """The table of that name; ``db.posts`` is ``db.table("posts")``.

        For names that mean something else on a Database, too. Nothing is asked of the
        database where a schema is given. Raises UnknownName for a table that is not declared
        (without a schema: that there is not), and DeclarationError.
        """
        return self._transactions.tables.table(name, self._transactions)

    def __getattr__(self, name: str) -> Table:
        """``db.posts`` is ``db.table("posts")``."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        found = self.__dict__[name] = self.table(name)
        return found

    def execute(
        self,
        statement: Executable,
        params: Params | None = None,
        *,
        cache: float | bool | None = None,
        depends_on: Collection[str] | None = None,
    ) -> Result[Any]:
        """Executes one SQLAlchemy statement, ``text("...")`` included, and commits it.

        Inside a transaction of this database (of this thread) it is part of that. The rows
        are read when this returns. Not promised: that a statement is run again after a lost
        connection. Raises ConstraintViolation, ConnectionFailed or SQLAlchemy's own error.

        ``cache`` keeps the rows for so many seconds (True: as many as ``Cache.ttl`` says), if
        the database was opened with a cache; they are given again only while no table that
        they depend on has changed. ``depends_on`` names these tables where the statement does
        not tell: it calls functions of your own, say. What cannot be cached is executed. Raises
        QueryRefused for seconds that are not more than 0, or more than ten years.
        """
        ttl = None if cache is False else lifetime(cache)
        caching = self._caching
        if not cache or caching is None:
            return self._transactions.execute(statement, params)
        from odac_db.cached import executed

        return executed(caching, self._transactions, statement, params, ttl, depends_on)

    @property
    def cache(self) -> CacheControl:
        """To clear the cache, to say what changed outside, and to see how it does."""
        from odac_db.cached import CacheControl

        return CacheControl(self._caching)

    def transaction(
        self, *, isolation: Isolation | None = None
    ) -> AbstractContextManager[Transaction]:
        """A transaction: committed at the end of the ``with`` block, rolled back by an error.

        Inside another one of this database (of this thread) it is a savepoint of that.
        ``isolation`` None leaves the level to the server. On SQLite it has the right to
        write from its beginning, and waits for other writers. Nothing is run again: see
        ``run_in_transaction``.

        Raises ConstraintViolation, OutcomeUnknown, OnCommitFailed, ConnectionFailed, and
        OdacDbError when a failed statement, whose error was caught, has ended it.
        """
        return self._transactions.begin(isolation)

    def run_in_transaction(
        self,
        work: Callable[[Transaction], Value],
        *,
        isolation: Isolation | None = None,
        retries: int = 5,
    ) -> Value:
        """What ``work(tx)`` returns, once its transaction is committed.

        When another transaction got in the way (serialization failure, deadlock, a lock not
        had in time, a busy SQLite file) or the connection was lost before COMMIT, ``work`` is
        called again in a fresh transaction, up to ``retries`` times, after a short random
        wait. So do nothing in it that a rollback does not undo: that is for ``tx.on_commit``.
        Inside another transaction it is a savepoint, and the outermost one is run again; it
        begins anew at ``isolation`` if its own is lower.

        Raises RetryExhausted after the last attempt, any other error at once, and what
        ``transaction`` raises.
        """
        return self._transactions.run(work, isolation, retries)

    def find_constraint_violation(self, error: BaseException) -> ConstraintViolation | None:
        """The constraint violation behind an exception, however wrapped; None if there is none.

        For errors of the ``engine``, of an ORM and of your own: looks through ``orig``,
        ``__cause__`` and ``__context__``.
        """
        return self._transactions.violations.find(dialect_of(self.engine), error)

    @cached_property
    def _transactions(self) -> Transactions:
        """The same for all threads, also those that come first: by it they know what is open."""
        with _making:
            made: Transactions = self.__dict__.get("_transactions") or self._made()
            self.__dict__["_transactions"] = made
        return made

    def _made(self) -> Transactions:
        from odac_db.attempts import Transactions
        from odac_db.schema.declaration import Declarations
        from odac_db.violations import Violations

        source = self._source
        read = source.read if source is not None else Declarations
        made = Transactions(self.engine, Violations(read), source)
        if self._caching is not None:
            from odac_db.cached import CachedReads

            made.cached = CachedReads(self._caching, made)
        made.behind = self._behind
        return made
