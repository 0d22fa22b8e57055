"""The counters of ``bench/stale.py``: their tables, how odac-db reads and writes them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import URL, Engine, ForeignKey, MetaData, Select, String, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.mutants import MUTANTS
from odac_db import Cache, Database, OdacDbError

KEYS = 4
NONSENSE = 1_000_000_000


class Base(DeclarativeBase):
    metadata = MetaData()


class Counter(Base):
    """``value`` is counted up. Everything else is derived from it by nobody."""

    __tablename__ = "stale_counters"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]


class Parent(Base):
    """``code`` is counted up; the children follow by ON UPDATE CASCADE."""

    __tablename__ = "stale_parents"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[int] = mapped_column(unique=True)


class Child(Base):
    __tablename__ = "stale_children"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[int] = mapped_column(ForeignKey(Parent.code, onupdate="CASCADE"))
    name: Mapped[str] = mapped_column(String(20))


def prepared(url: URL) -> None:
    """The tables, new, every counter at nought."""
    with Database.open(url) as db:
        if db.engine.url.get_backend_name() == "sqlite":
            db.execute(text("PRAGMA journal_mode = WAL"))
        Base.metadata.drop_all(db.engine)
        Base.metadata.create_all(db.engine)
        with Session(db.engine) as session:
            for each in range(KEYS):
                session.add(Counter(id=each, value=0))
                session.add(Parent(id=each, code=each))
            session.flush()
            for each in range(KEYS):
                session.add(Child(id=each, code=each, name="child"))
            session.commit()


@dataclass(frozen=True)
class Plan:
    """What every process is told.

    ``system``: who reads and writes. ``plain``: only what all systems offer: transactions,
    savepoints and rollbacks by their own words; no text, no cascades, no reads of one's own.
    ``mortality``: how probably a writer dies at one of its pauses. ``within``: the
    ``commit_within`` of the cache, in seconds.
    """

    url: URL
    store: str
    directory: str
    until: float
    within: float
    system: str = "odac-db"
    mutant: str | None = None
    mortality: float = 0.0
    plain: bool = False
    near: bool = False

    @property
    def counters(self) -> int:
        """Counters 0..KEYS-1 are rows of Counter; the others of Child, moved by Parent."""
        return KEYS if self.plain else 2 * KEYS


class Undone(Exception):
    """Rolls back."""


class Overlooked(Exception):
    """A transaction did not see what it had written itself."""


class System(Protocol):
    """Somebody who reads and writes the counters. ``errors``: what may go wrong."""

    errors: tuple[type[Exception], ...]
    longest: float

    def read(self, counter: int, way: int, *, direct: bool) -> int: ...

    def write(self, counter: int) -> int: ...

    def figures(self) -> tuple[int, int]:
        """Hits and other cached reads."""
        ...


def paused(step: Callable[..., Any], chance: float, mortality: float) -> Callable[..., Any]:
    """The step with a pause before and after it now and then; some die there."""

    def with_pause(*arguments: Any, **options: Any) -> Any:
        _happen(chance, mortality)
        answer = step(*arguments, **options)
        _happen(chance, mortality)
        return answer

    return with_pause


def _happen(chance: float, mortality: float) -> None:
    if random.random() < chance:
        time.sleep(random.random() * 0.03)
        if random.random() < mortality:
            os.kill(os.getpid(), signal.SIGKILL)


def opened(plan: Plan) -> Database:
    """With the cache of the plan, broken if it says so."""
    cache = Cache(
        store=plan.store,
        commit_within=plan.within,
        when_away="refuse",
        namespace=f"stale {plan.directory}",
        near=plan.near,
    )
    if plan.mutant is not None:
        MUTANTS[plan.mutant]()
    return Database.open(plan.url, cache=None if plan.system == "uncached" else cache)


class Odac:
    """odac-db, or with the plan's system "uncached" it without a cache."""

    errors: tuple[type[Exception], ...] = (SQLAlchemyError, OdacDbError)

    def __init__(self, plan: Plan, *, mortality: float) -> None:
        self.plan, self.db = plan, opened(plan)
        self.longest = 0.0
        self._announced = 0.0
        if self.db._caching is not None:
            store: Any = self.db._caching.store
            store.announce = self._begun(store.announce)
            store.confirm = self._ended(store.confirm)
            steps = (("announce", 0.3), ("confirm", 0.3), ("fill", 0.05), ("settle", 0.02))
            for name, chance in steps:
                dying = 0.0 if name == "fill" else mortality
                setattr(store, name, paused(getattr(store, name), chance, dying))

    def _begun(self, announce: Callable[..., Any]) -> Callable[..., Any]:
        def announcing(*arguments: Any) -> Any:
            self._announced = time.monotonic()
            return announce(*arguments)

        return announcing

    def _ended(self, confirm: Callable[..., Any]) -> Callable[..., Any]:
        """``longest`` is what ``commit_within`` has to cover: from the token to its end."""

        def confirming(*arguments: Any) -> Any:
            try:
                return confirm(*arguments)
            finally:
                if self._announced:  # else it pays what was owed
                    self.longest = max(self.longest, time.monotonic() - self._announced)
                self._announced = 0.0

        return confirming

    def read(self, counter: int, way: int, *, direct: bool) -> int:
        asked = question(counter, 0 if self.plan.plain else way)
        return number(counter, self.db.execute(asked, cache=None if direct else 60).scalar_one())

    def write(self, counter: int) -> int:
        return counted(self.db, counter, plain=self.plan.plain)

    def figures(self) -> tuple[int, int]:
        stats = self.db.cache.stats()
        return stats.hits, stats.misses + stats.bypasses + stats.away + stats.shared


def question(counter: int, way: int) -> Select[Any]:
    """One of several ways to ask for the same number."""
    if counter >= KEYS:
        base = counter - KEYS
        joined = select(Child.code).join(Parent, Parent.code == Child.code)
        return (select(Child.code) if way % 2 else joined).where(Child.id == base)
    plain = select(Counter.value).where(Counter.id == counter)
    inner = select(Counter.id).where(Counter.id == counter)
    among = select(func.max(Counter.value)).where(Counter.id.in_(inner))
    fragment = select(text("value")).select_from(Counter).where(text(f"id = {counter}"))
    return (plain, among, fragment, plain)[way % 4]


def number(counter: int, found: int) -> int:
    """Codes of different parents must differ, so they carry the parent."""
    return found if counter < KEYS else found // 100


def counted(db: Database, counter: int, *, plain: bool) -> int:
    """The counter after one more; raises Undone and Overlooked."""
    if counter >= KEYS:
        return _moved(db, counter - KEYS)
    way = random.randrange(7)
    if way == 0:
        return _flushed(db.engine, counter)
    with db.transaction() as tx:
        row = select(Counter.value).where(Counter.id == counter).with_for_update()
        value: int = tx.execute(row).scalar_one() + 1
        if way == 1:
            with suppress(Undone), tx.transaction() as inner:
                inner.execute(update_text(counter, NONSENSE))
                raise Undone
        if way == 2:
            tx.execute(update_text(counter, NONSENSE))
            if not plain:
                db.execute(question(counter, 0), cache=60)  # nobody else may see this
            raise Undone
        tx.execute(update_text(counter, value))
        if way == 3 and not plain:
            _looked(db, counter, value)
    return value


def _looked(db: Database, counter: int, value: int) -> None:
    if db.execute(question(counter, 0), cache=60).scalar_one() != value:
        raise Overlooked


def update_text(counter: int, value: int) -> Any:
    return text(f"UPDATE stale_counters SET value = {value} WHERE id = {counter}")


def _flushed(engine: Engine, counter: int) -> int:
    """By the unit of work of an ORM session, which knows nothing of a cache."""
    with Session(engine) as session:
        found = session.get_one(Counter, counter, with_for_update=True)
        found.value += 1
        value = found.value
        session.commit()
    return value


def _moved(db: Database, parent: int) -> int:
    with db.transaction() as tx:
        code: int = tx.execute(
            select(Parent.code).where(Parent.id == parent).with_for_update()
        ).scalar_one()
        tx.execute(text(f"UPDATE stale_parents SET code = {code + 100} WHERE id = {parent}"))
        if random.random() < 0.15:
            raise Undone
    return code // 100 + 1
