"""The protocol: what a reader and a writer ask, and in which order. Pure logic, no I/O.

Each table has a *stamp*. An entry carries the stamps of the tables it was read from, as they
were **before** its query ran, and is a hit while they are the current ones. A writer takes a
new stamp and leaves a token before COMMIT (``Announce``), and another new stamp, its token
gone, after it (``Confirm``). While a token stands, readers go to the database and store
nothing. No stamp is ever used twice, so a late fill can never match.

A flow is a generator that yields requests and is sent their answers. Whoever performs them
may do so in any order relative to other flows, also the parts of one ``Look``. The promise
holds then too: a read that starts after a commit became visible returns nothing older, and
every read returns what the database would have answered at one instant between its start and
its end. ``tests/cache/test_protocol.py`` tries all interleavings of these very flows.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

Value = TypeVar("Value")
Tables: TypeAlias = tuple[str, ...]
Stamps: TypeAlias = tuple[int | bytes, ...]
EVERYTHING = "*"
"""The stamp that every entry depends on: a write of it is a write of all tables."""
Source: TypeAlias = Literal["hit", "miss", "shared", "bypass", "away"]
"""Where rows came from.

``miss``: the database, and they were stored. ``shared``: a miss of another thread or process
that was on its way. ``bypass``: the database, because a writer was at work, or for a ``dirty`` one.
``away``: the database, because the store was out of reach.
"""


class Away(Exception):
    """The store cannot be reached, or did not answer in time."""


@dataclass(frozen=True)
class Entry:
    """Rows, and the stamps of their tables before they were read."""

    stamps: Stamps
    rows: Any


@dataclass(frozen=True)
class Seen:
    """The entry, None if there is none; the stamps, None where one is missing or pending."""

    entry: Entry | None
    stamps: Stamps | None


@dataclass(frozen=True)
class Loaded:
    """What the database answered; ``led`` unless somebody else's query answered for it."""

    rows: Any
    led: bool = True


@dataclass(frozen=True)
class Outcome:
    """How COMMIT ended. Not ``decided``: it may yet take effect, or not at all."""

    decided: bool = True
    error: BaseException | None = None


@dataclass(frozen=True)
class Answer:
    """The rows of a read, and where they came from."""

    rows: Any
    source: Source


@dataclass(frozen=True)
class Look:
    """Entry and stamps as they are. Answer: ``Seen``. Raises Away."""

    key: Any
    tables: Tables


@dataclass(frozen=True)
class Settle:
    """Stamps, missing ones made, tokens that ran out replaced by a new stamp.

    A stamp that is made gets a token that stands for as long as the longest COMMIT, because
    the token of a writer may be what was lost. Answer: ``Stamps``, or None while a token
    stands. Raises Away.
    """

    tables: Tables


@dataclass(frozen=True)
class Load:
    """The query. With ``stamps`` it may join one that somebody else runs for the same stamps.

    Joining for the same *key* alone would be wrong: that query may have begun before a commit
    this reader must see. Answer: ``Loaded``.
    """

    key: Any
    stamps: Stamps | None


@dataclass(frozen=True)
class Fill:
    """Stores the rows, whatever is there. Answer: None. Raises Away."""

    key: Any
    tables: Tables
    entry: Entry


@dataclass(frozen=True)
class Announce:
    """A new stamp and this token for each table; missing ones as in ``Settle``. Raises Away."""

    tables: Tables
    token: int


@dataclass(frozen=True)
class Commit:
    """COMMIT. Answer: ``Outcome``."""


@dataclass(frozen=True)
class Confirm:
    """A new stamp for each table, the token gone; missing ones as in ``Settle``. Raises Away."""

    tables: Tables
    token: int


@dataclass(frozen=True)
class Owe:
    """No hit in this process until these tables have a new stamp. Answer: None."""

    tables: Tables


Request: TypeAlias = Look | Settle | Load | Fill | Announce | Commit | Confirm | Owe
Flow: TypeAlias = Generator[Request, Any, Value]


def read(key: Any, tables: Tables, *, dirty: bool = False) -> Flow[Answer]:
    """Rows from the store, or from the database. ``dirty``: this transaction has written.

    Safe against writers at any step, two readers that miss together, a reader that is slow
    between query and fill, and a store that is emptied or put back in between.
    """
    if dirty:
        loaded = yield Load(key, None)
        return Answer(loaded.rows, "bypass")
    try:
        seen = yield Look(key, tables)
        stamps = seen.stamps
        if stamps is None:
            stamps = yield Settle(tables)
    except Away:
        loaded = yield Load(key, None)
        return Answer(loaded.rows, "away")
    if stamps is None:
        loaded = yield Load(key, None)
        return Answer(loaded.rows, "bypass")
    if seen.entry is not None and seen.entry.stamps == stamps:
        return Answer(seen.entry.rows, "hit")
    return (yield from _missed(key, tables, stamps))


def _missed(key: Any, tables: Tables, stamps: Stamps) -> Flow[Answer]:
    loaded = yield Load(key, stamps)
    if not loaded.led:
        return Answer(loaded.rows, "shared")
    try:
        yield Fill(key, tables, Entry(stamps, loaded.rows))
    except Away:
        return Answer(loaded.rows, "away")
    return Answer(loaded.rows, "miss")


def commit(tables: Tables, token: int, *, strict: bool, refuse: bool) -> Flow[Outcome]:
    """COMMIT of a transaction that wrote ``tables``.

    The writer may die at any step: its token runs out into a new stamp. ``refuse``: Away
    leaves the flow before COMMIT. Otherwise it is committed, and this process has no hits
    until the store knows; others may be stale until their entries expire.
    """
    announced = False
    if strict:
        try:
            yield Announce(tables, token)
            announced = True
        except Away:
            if refuse:
                raise
    outcome: Outcome = yield Commit()
    if not outcome.decided and announced:
        return outcome  # it may take effect later: the token stands until it runs out
    try:
        yield Confirm(tables, token)
    except Away:
        if not announced:
            yield Owe(tables)
    return outcome
