"""Every statement and every commit of an engine takes part: Core, ORM, text, executemany.

Statements are noted as the driver gets them. COMMIT is the dialect's ``do_commit``, wrapped:
SQLAlchemy has no event after it. Where the driver commits each statement by itself, and for
statements that commit by themselves or do nobody knows what, the statement is bracketed.

Not seen: what goes past the engine, such as a raw DBAPI cursor or COPY by the driver's own
means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.interfaces import ExecuteStyle

from odac_db.cache.commits import Commits
from odac_db.cache.ongoing import Ongoing, ongoing, ongoing_if_any
from odac_db.cache.protocol import Outcome
from odac_db.cache.words import (
    changes_session,
    defines_runs,
    ends_with_transaction,
    leaves_session,
    may_call,
    names_temporary,
    sort_of,
)
from odac_db.waits import waits_of

Step = Callable[..., None]


class Hooks:
    """The hooks of one engine. ``install`` once."""

    def __init__(self, engine: Engine, commits: Commits, patience: float = 10.0) -> None:
        self._engine = engine
        self._commits = commits
        self._patience = patience  # seconds that a task which is cancelled waits for its COMMIT
        self._waits = waits_of(engine)

    def install(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._before)
        event.listen(self._engine, "after_cursor_execute", self._after)
        event.listen(self._engine, "handle_error", self._failed)
        dialect: Any = self._engine.dialect
        for ending in ("", "_twophase"):
            commit = getattr(dialect, f"do_commit{ending}")
            rollback = getattr(dialect, f"do_rollback{ending}")
            setattr(dialect, f"do_commit{ending}", self._committing(commit, rollback))
            setattr(dialect, f"do_rollback{ending}", self._rolling_back(rollback))

    def _committing(self, commit: Step, rollback: Step) -> Step:
        """COMMIT, announced before and confirmed after.

        When it may not be announced the transaction is rolled back here: for SQLAlchemy a
        COMMIT that failed has ended it, and the pool would hand it on, still open.
        """

        def committing(connection: Any, *rest: Any, **options: Any) -> None:
            done = _done(connection)
            self._over(done)
            if done is None or not (done.wrote or done.read):
                commit(connection, *rest, **options)
                return
            tried = Tried(
                lambda: commit(connection, *rest, **options),
                lambda call: self._waits.finished(call, self._patience)[1],
                self._is_answer,
            )
            try:
                outcome = self._commits.committing(done, tried)
            except BaseException:
                if not tried.over:
                    rollback(connection, *rest, **options)
                    done.ended()
                raise
            if outcome.error is not None:
                raise outcome.error
            done.ended()

        return committing

    def _rolling_back(self, rollback: Step) -> Step:
        def rolling_back(connection: Any, *rest: Any, **options: Any) -> None:
            rollback(connection, *rest, **options)
            done = _done(connection)
            self._over(done)
            if done is not None:
                done.ended()

        return rolling_back

    def _over(self, done: Ongoing | None) -> None:
        """Confirms a statement whose rows have been read by now."""
        if done is not None and done.bracket is not None:
            bracket, done.bracket = done.bracket, None
            self._commits.unbracketed(bracket, decided=True)

    def _before(
        self, conn: Connection, _cursor: Any, sql: str, _params: Any, _context: Any, _many: bool
    ) -> None:
        done = ongoing(conn)
        self._over(done)
        if done.aside:
            return
        sort = sort_of(sql)
        if may_call(sql):
            done.called()
        if changes_session(sql):
            done.odd = True
            done.changed = done.changed or not ends_with_transaction(sql)
        if sort == "other":
            done.note(sql, sort)
            done.changed = done.changed or not leaves_session(sql)
            done.temporary = done.temporary or names_temporary(sql)
            done.hidden = done.hidden or (done.temporary and defines_runs(sql))
            done.bracket = self._commits.bracketed(done)
        elif sort in {"read", "session", "write"}:
            done.note(sql, sort)
            if self._commits_itself(conn) and not done.begun:
                done.bracket = self._commits.bracketed(done.alone(sql, sort))
        elif sort in {"begin", "commit"} and (done.wrote or done.read):
            done.bracket = self._commits.bracketed(done)

    def _after(
        self, conn: Connection, cursor: Any, sql: str, _params: Any, context: Any, _many: bool
    ) -> None:
        done = ongoing(conn)
        sort = sort_of(sql)
        if sort == "begin":
            done.begun = True
        elif sort in {"commit", "rollback"}:
            done.ended()
        if done.bracket is not None and _is_over(cursor, context):
            self._over(done)

    def _failed(self, context: ExceptionContext) -> None:
        conn = context.connection
        if conn is None or conn.closed or conn.invalidated:
            return
        done = ongoing(conn)
        bracket, done.bracket = done.bracket, None
        if bracket is not None:
            self._commits.unbracketed(bracket, decided=self._is_answer(context.original_exception))

    def _commits_itself(self, conn: Connection) -> bool:
        driver: Any = conn.connection.dbapi_connection
        return bool(conn.dialect.detect_autocommit_setting(driver))

    def _is_answer(self, error: BaseException) -> bool:
        """Whether the server has answered, so that nothing is on its way any more."""
        dialect = self._engine.dialect
        known: Any = dialect.loaded_dbapi.Error
        return isinstance(error, known) and not dialect.is_disconnect(error, None, None)


class Tried:
    """COMMIT as an answer; ``over`` as soon as it has been sent.

    ``finish`` brings it to its end and returns what interrupted it meanwhile.
    """

    def __init__(
        self,
        commit: Callable[[], None],
        finish: Callable[[Callable[[], None]], BaseException | None],
        is_answer: Callable[[BaseException], bool],
    ) -> None:
        self.over = False
        self._commit, self._finish, self._is_answer = commit, finish, is_answer

    def __call__(self) -> Outcome:
        self.over = True
        try:
            interrupted = self._finish(self._commit)
        except BaseException as error:
            return Outcome(decided=self._is_answer(error), error=error)
        return Outcome(error=interrupted)


def _is_over(cursor: Any, context: Any) -> bool:
    """Whether a statement that commits by itself has: SQLite does when its rows have been read.

    So they are read here, but for those of an INSERT in batches, which SQLAlchemy reads before
    it does anything else.
    """
    if cursor.description is None or context is None or context._is_server_side:
        return True
    if context.execute_style is ExecuteStyle.INSERTMANYVALUES:
        return False
    context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor)
    return True


def _done(connection: Any) -> Ongoing | None:
    """What was done on a connection of the pool, or on a SQLAlchemy one in two phases.

    What is committed in two phases may be another connection's: it is everything.
    """
    if not isinstance(connection, Connection):
        return ongoing_if_any(connection)
    done = ongoing(connection)
    done.everything = True
    return done
