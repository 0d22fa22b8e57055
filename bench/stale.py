"""Are cached reads ever stale? Writers and readers as processes, and somebody who breaks things.

    python bench/stale.py --url sqlite:////tmp/stale.db --store memory --seconds 20

Writers increment counters in five ways (Core, ORM, text, a cascade, a savepoint that undoes
half), roll back every seventh time after having written nonsense, pause at random between the
steps of the protocol, and are killed with ``kill -9``. Redis is flushed, and put back as it
was at the beginning. Readers read the same counters cached and directly. Every commit and
every read is logged with the machine's monotonic clock, and judged afterwards:

B_stale: a cached read returned less than what a read that had ended before it began had seen.
A_stale: it returned less than what a writer had been told to be committed before it began.
dirty: it returned what was never committed, or a transaction did not see its own writes.
divergent_keys: counters for which the cache has
another value than the database at the end.

``--mutant NAME`` breaks the protocol in one way, to show that this program finds it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import (
    URL,
    Engine,
    ForeignKey,
    MetaData,
    Select,
    String,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.mutants import MUTANTS
from odac_db import Cache, Database, OdacDbError

KEYS = 4
NONSENSE = 1_000_000_000
COMMIT_WITHIN = 0.6
USER = f"odac-stale-{os.getpid()}"
RECORD = struct.Struct("<cqqqq")  # kind, counter, value, begun, ended
DIRECT, CACHED, COMMITTED, OVERLOOKED = b"d", b"c", b"w", b"o"


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


@dataclass(frozen=True)
class Plan:
    """What every process is told."""

    url: URL
    store: str
    directory: str
    until: float
    mutant: str | None
    dies: bool  # writers kill themselves at failpoints
    near: bool = False


class Log:
    """Records of one process, written as they come: a killed one has said what it did."""

    def __init__(self, directory: str, name: str) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
        self._file = os.open(f"{directory}/{name}-{os.getpid()}.log", flags)

    def write(self, kind: bytes, counter: int, value: int, begun: int) -> None:
        os.write(self._file, RECORD.pack(kind, counter, value, begun, time.monotonic_ns()))


def opened(plan: Plan) -> Database:
    cache = Cache(
        store=plan.store,
        near=plan.near,
        commit_within=COMMIT_WITHIN,
        when_away="refuse",
        namespace=f"stale {plan.directory}",
    )
    if plan.mutant is not None:
        MUTANTS[plan.mutant]()
    return Database.open(plan.url, cache=cache)


def pausing(db: Database, *, dies: bool) -> None:
    """Now and then a pause before or after a step of the store; writers die there, too."""
    store: Any = db._caching.store if db._caching is not None else None
    for name, chance in (("announce", 0.05), ("confirm", 0.3), ("fill", 0.05), ("settle", 0.02)):
        step = paused(getattr(store, name), chance, dies and name != "fill")
        setattr(store, name, step)


def paused(step: Callable[..., Any], chance: float, dies: bool) -> Callable[..., Any]:
    def with_pause(*arguments: Any) -> Any:
        _happen(chance, dies)
        answer = step(*arguments)
        _happen(chance, dies)
        return answer

    return with_pause


def _happen(chance: float, dies: bool) -> None:
    if random.random() < chance:
        time.sleep(random.random() * 0.03)
        if dies and random.random() < 0.05:
            os.kill(os.getpid(), signal.SIGKILL)


# Counters 0..KEYS-1 are rows of Counter; KEYS..2*KEYS-1 are rows of Child, moved by Parent.


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


def reads(plan: Plan) -> None:
    db, log = opened(plan), Log(plan.directory, "reads")
    pausing(db, dies=False)
    while time.monotonic() < plan.until:
        counter, way = random.randrange(2 * KEYS), random.randrange(4)
        asked = question(counter, way)
        for _ in range(random.randrange(100)):
            direct = random.random() < 0.05
            begun = time.monotonic_ns()
            try:
                found = db.execute(asked, cache=None if direct else 60).scalar_one()
            except (SQLAlchemyError, OdacDbError):
                continue
            log.write(DIRECT if direct else CACHED, counter, number(counter, found), begun)
    stats = db.cache.stats()
    told = f"{stats.hits} {stats.misses} {stats.bypasses + stats.away + stats.shared}"
    Path(plan.directory, f"stats-{os.getpid()}").write_text(told)


def writes(plan: Plan) -> None:
    db, log = opened(plan), Log(plan.directory, "writes")
    pausing(db, dies=plan.dies)
    while time.monotonic() < plan.until:
        time.sleep(random.random() * 0.06)
        counter = random.randrange(2 * KEYS)
        begun = time.monotonic_ns()
        try:
            value = written(db, counter)
        except (SQLAlchemyError, OdacDbError, Undone):
            continue
        except Overlooked:
            log.write(OVERLOOKED, counter, 0, begun)
            continue
        log.write(COMMITTED, counter, value, begun)


class Undone(Exception):
    """Rolls back."""


class Overlooked(Exception):
    """A transaction did not see what it had written itself."""


def written(db: Database, counter: int) -> int:
    if counter >= KEYS:
        return moved(db, counter - KEYS)
    way = random.randrange(7)
    if way == 0:
        return flushed(db.engine, counter)
    with db.transaction() as tx:
        row = select(Counter.value).where(Counter.id == counter).with_for_update()
        value: int = tx.execute(row).scalar_one() + 1
        if way == 1:
            with suppress(Undone), tx.transaction() as inner:
                inner.execute(update_text(counter, NONSENSE))
                raise Undone
        if way == 2:
            tx.execute(update_text(counter, NONSENSE))
            db.execute(question(counter, 0), cache=60)  # nobody else may see this
            raise Undone
        tx.execute(update_text(counter, value))
        if way == 3:
            found = db.execute(question(counter, 0), cache=60).scalar_one()
            if found != value:
                raise Overlooked
    return value


def update_text(counter: int, value: int) -> Any:
    return text(f"UPDATE stale_counters SET value = {value} WHERE id = {counter}")


def flushed(engine: Engine, counter: int) -> int:
    """By the unit of work of an ORM session, which knows nothing of a cache."""
    with Session(engine) as session:
        found = session.get_one(Counter, counter, with_for_update=True)
        found.value += 1
        value = found.value
        session.commit()
    return value


def moved(db: Database, parent: int) -> int:
    with db.transaction() as tx:
        code: int = tx.execute(
            select(Parent.code).where(Parent.id == parent).with_for_update()
        ).scalar_one()
        tx.execute(text(f"UPDATE stale_parents SET code = {code + 100} WHERE id = {parent}"))
        if random.random() < 0.15:
            raise Undone
    return code // 100 + 1


@dataclass
class Nemesis:
    """Kills writers, and does to Redis what happens to a Redis."""

    plan: Plan
    writers: list[Any]
    start: Callable[[], Any]
    every: float
    kills: int = 0
    flushes: int = 0
    restores: int = 0

    def run(self) -> None:
        old = self._dumped()
        while time.monotonic() < self.plan.until:
            time.sleep(self.every * (0.5 + random.random()))
            for place, process in enumerate(self.writers):
                if not process.is_alive():
                    self.writers[place] = self.start()
                    self.kills += 1
            if random.random() < 0.7:
                self._kill()
            elif self.plan.store != "memory" and self.flushes <= self.restores:
                self.flushes += 1
                self._redis().flushdb()
            elif self.plan.store != "memory":
                self.restores += 1
                self._restored(old)

    def _kill(self) -> None:
        place = random.randrange(len(self.writers))
        os.kill(self.writers[place].pid, signal.SIGKILL)
        self.writers[place].join()
        self.writers[place] = self.start()
        self.kills += 1

    def _redis(self) -> Any:
        return redis.Redis.from_url(self.plan.store.replace(f"{USER}:x@", ""))

    def _dumped(self) -> dict[bytes, bytes]:
        if self.plan.store == "memory":
            return {}
        time.sleep(2 * COMMIT_WITHIN)  # there shall be something to put back
        server = self._redis()
        return {key: server.dump(key) for key in server.scan_iter()}

    def _restored(self, old: dict[bytes, bytes]) -> None:
        """As a restart with an old file: other run id, no connection left."""
        with self._redis().pipeline() as pipe:
            pipe.flushdb()
            for key, dumped in old.items():
                pipe.restore(key, 0, dumped)
                if key.endswith(b":G"):
                    pipe.hset(key, "r", "another")
            pipe.execute_command("CLIENT", "KILL", "USER", USER)
            pipe.execute()


def with_user(store: str) -> str:
    """The store's URL as a user of its own, whose connections can be told and killed."""
    with redis.Redis.from_url(store) as server:
        server.flushdb()
        server.execute_command("ACL", "SETUSER", USER, "on", "nopass", "~*", "&*", "+@all")
    scheme, _, rest = store.partition("://")
    return f"{scheme}://{USER}:x@{rest}"


def prepared(url: URL) -> None:
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


def divergent(plan: Plan) -> int:
    """Counters that the cache has another number of, when all is quiet."""
    time.sleep(2 * COMMIT_WITHIN)
    with opened(plan) as db:
        wrong = 0
        for counter in range(2 * KEYS):
            for way in range(4):
                asked = question(counter, way)
                kept = db.execute(asked, cache=60).scalar_one()
                wrong += kept != db.execute(asked).scalar_one()
        return wrong


@dataclass
class Verdict:
    reads: int = 0
    commits: int = 0
    b_stale: int = 0
    a_stale: int = 0
    dirty: int = 0
    worst: int = 0


def judged(directory: str) -> Verdict:
    """All logs in the order of time: what was known when each read began."""
    verdict = Verdict()
    records = sorted(records_of(directory), key=lambda one: one[4])
    begins = sorted(records, key=lambda one: one[3])
    seen = dict.fromkeys(range(2 * KEYS), 0)
    told = dict(seen)
    ended = iter(records)
    latest = next(ended, None)
    for kind, counter, value, begun, _ in begins:
        while latest is not None and latest[4] < begun:
            known = told if latest[0] == COMMITTED else seen
            known[latest[1]] = max(known[latest[1]], latest[2] % NONSENSE)
            latest = next(ended, None)
        if kind != CACHED:
            verdict.commits += kind == COMMITTED
            verdict.dirty += kind == OVERLOOKED
            continue
        verdict.reads += 1
        verdict.dirty += value >= NONSENSE
        verdict.b_stale += value < max(seen[counter], told[counter])
        verdict.a_stale += value < told[counter]
    return verdict


def records_of(directory: str) -> Iterator[tuple[bytes, int, int, int, int]]:
    for file in Path(directory).glob("*.log"):
        data = file.read_bytes()
        yield from RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size])


def played(plan: Plan, readers: int, writers: int, every: float) -> Nemesis:
    fork = multiprocessing.get_context("fork")

    def start(work: Callable[[Plan], None]) -> Any:
        process = fork.Process(target=work, args=(plan,))
        process.start()
        return process

    nemesis = Nemesis(plan, [start(writes) for _ in range(writers)], lambda: start(writes), every)
    reading = [start(reads) for _ in range(readers)]
    if every:
        nemesis.run()
    for process in [*reading, *nemesis.writers]:
        process.join()
    return nemesis


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--url", default=f"sqlite:///{tempfile.gettempdir()}/stale.db")
    options.add_argument("--store", default="memory")
    options.add_argument("--near", action="store_true", help="with copies in the processes")
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--readers", type=int, default=3)
    options.add_argument("--writers", type=int, default=2)
    options.add_argument("--mutant", choices=sorted(MUTANTS))
    options.add_argument("--every", type=float, default=1.0, help="seconds between kills, 0: none")
    given = options.parse_args()
    url = make_url(given.url)
    prepared(url)
    store = given.store if given.store == "memory" else with_user(given.store)
    with tempfile.TemporaryDirectory() as directory:
        until = time.monotonic() + given.seconds
        plan = Plan(url, store, directory, until, given.mutant, bool(given.every), given.near)
        nemesis = played(plan, given.readers, given.writers, given.every)
        verdict = judged(directory)
        wrong = divergent(plan)
        if store != given.store:
            server: Any = redis.Redis.from_url(given.store)
            server.acl_deluser(USER)
        hits, misses, others = (
            sum(map(int, column))
            for column in zip(
                *(path.read_text().split() for path in Path(directory).glob("stats-*")), strict=True
            )
        )
    print(
        f"{url.get_backend_name()} {given.store.partition(':')[0]}"
        f"{' near' if given.near else ''} {given.mutant or 'strict'}: "
        f"reads={verdict.reads} commits={verdict.commits} "
        f"B_stale={verdict.b_stale} A_stale={verdict.a_stale} "
        f"dirty={verdict.dirty} divergent_keys={wrong} "
        f"hit_rate={hits / max(1, hits + misses + others):.1%} "
        f"reads_per_second={verdict.reads / given.seconds:.0f} "
        f"kills={nemesis.kills} flushes={nemesis.flushes} restores={nemesis.restores}"
    )
    sys.exit(1 if verdict.b_stale or verdict.a_stale or verdict.dirty or wrong else 0)


if __name__ == "__main__":
    main()
