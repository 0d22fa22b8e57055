"""What a connection has done since its last commit, as far as invalidation must know it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import PoolProxiedConnection

from odac_db.cache.words import Sort

_KEY = "odac_db.cache"
_TEXTS = 1000  # statements that are told apart; with more of them everything is taken as written


class Ongoing:
    """Kept beside the driver's connection, so that it outlives a checkout like a session does.

    written: statements that may have written. read: others, for functions that write; also those
        that change the session.
    begun: a BEGIN was a statement of its own, so the driver's autocommit means nothing.
    changed: a statement has changed what later ones mean, for as long as the session lives.
    odd: one has done so for this transaction.
    temporary: it has made something of its own, for as long as it lives.
    hidden: a trigger or view was among it, or is on top of it, so writes may write more.
    session, level: what its server said of it; None if it is to be asked.
    aside: what is executed is a question of the cache's own.
    bracket: the token and tables of the statement that is running, if it commits by itself.
    """

    def __init__(self) -> None:
        self.written: set[str] = set()
        self.read: set[str] = set()
        self.everything = False
        self.begun = False
        self.changed = False
        self.odd = False
        self.temporary = self.hidden = False
        self.session: str | None = None
        self.level: str | None = None
        self.aside = False
        self.bracket: Any = None

    def note(self, sql: str, sort: Sort) -> None:
        if sort in {"read", "session"}:
            if len(self.read) < _TEXTS:
                self.read.add(sql)
            else:
                self.everything = True
            return
        if sort == "other":
            self.everything = True
        self.written.add(sql)
        if len(self.written) > _TEXTS:
            self.everything = True
            self.written = {sql}

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """What is executed inside is known to change and to call nothing."""
        self.aside = True
        try:
            yield
        finally:
            self.aside = False

    def called(self) -> None:
        """A function may have been, that changes the session."""
        self.session = self.level = None

    @property
    def wrote(self) -> bool:
        return self.everything or bool(self.written)

    @property
    def strange(self) -> bool:
        """Whether a statement may mean something else here than on other connections."""
        return self.changed or self.odd

    def alone(self, sql: str, sort: Sort) -> Ongoing:
        """As if that statement were all that was done."""
        done = Ongoing()
        done.hidden = self.hidden
        done.note(sql, sort)
        return done

    def ended(self) -> None:
        self.written.clear()
        self.read.clear()
        self.everything = self.begun = self.odd = False


def ongoing(connection: Any) -> Ongoing:
    """Of a checked-out connection, or of a SQLAlchemy ``Connection``."""
    notes: Any = connection.info
    found: Ongoing | None = notes.get(_KEY)
    if found is None:
        found = notes[_KEY] = Ongoing()
    return found


def ongoing_if_any(connection: Any) -> Ongoing | None:
    """The same, for what the pool gives to a dialect; None where nothing was noted."""
    if not isinstance(connection, PoolProxiedConnection):
        return None
    try:
        found: Ongoing | None = connection.info.get(_KEY)
    except NotImplementedError:  # the connection with which the dialect looks at the server
        return None
    return found
