"""The store of the protocol as a value: what ``odac_db.cache`` stores must do, step by step.

Memory and Redis are compared with it in ``test_stores``, and ``explorer`` tries all
interleavings over it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from odac_db.cache.protocol import Entry, Stamps, Tables

Token = tuple[str, frozenset[int]]
"""A writer's token, or a quarantine: what it waits for is the set of undecided writers."""


@dataclass(frozen=True)
class Stamp:
    number: int
    tokens: frozenset[Token] = frozenset()


@dataclass(frozen=True)
class Store:
    """``stamps`` by table and ``entries`` by key, both sorted tuples; absent is missing."""

    counter: int = 1
    stamps: tuple[tuple[str, Stamp], ...] = ()
    entries: tuple[tuple[str, Entry], ...] = ()
    quarantines: bool = True

    def entry(self, key: str) -> Entry | None:
        return dict(self.entries).get(key)

    def stamp(self, table: str) -> Stamp | None:
        return dict(self.stamps).get(table)

    def current(self, tables: Tables) -> Stamps | None:
        found = [self.stamp(table) for table in tables]
        clean = [one.number for one in found if one is not None and not one.tokens]
        return tuple(clean) if len(clean) == len(tables) else None

    def filled(self, key: str, entry: Entry) -> Store:
        return replace(self, entries=_with(self.entries, key, entry))

    def settled(self, tables: Tables, undecided: frozenset[int], ran_out: bool) -> Store:
        """``ran_out``: tokens of decided writers are over; else they stand."""
        store = self
        for table in tables:
            stamp = store.stamp(table)
            if stamp is None:
                store = store._put(table, self._quarantine(undecided))
            elif ran_out:
                live = frozenset(one for one in stamp.tokens if one[1] & undecided)
                if live != stamp.tokens:
                    store = store._put(table, live)
        return store

    def announced(self, tables: Tables, writer: int, undecided: frozenset[int]) -> Store:
        store = self
        for table in tables:
            stamp = store.stamp(table)
            kept = self._quarantine(undecided) if stamp is None else stamp.tokens
            store = store._put(table, kept | {("writer", frozenset({writer}))})
        return store

    def confirmed(self, tables: Tables, writer: int, undecided: frozenset[int]) -> Store:
        store = self
        for table in tables:
            stamp = store.stamp(table)
            kept = self._quarantine(undecided) if stamp is None else stamp.tokens
            store = store._put(table, kept - {("writer", frozenset({writer}))})
        return store

    def emptied(self) -> Store:
        """Lost, all of it. No number comes twice: the base of the numbers is a new one."""
        return Store(counter=self.counter + 100, quarantines=self.quarantines)

    def _quarantine(self, undecided: frozenset[int]) -> frozenset[Token]:
        waits = self.quarantines and undecided
        return frozenset({("lost", undecided)}) if waits else frozenset()

    def _put(self, table: str, tokens: frozenset[Token]) -> Store:
        number = self.counter + 1
        stamps = _with(self.stamps, table, Stamp(number, tokens))
        return replace(self, counter=number, stamps=stamps)


def _with(pairs: tuple[tuple[str, object], ...], name: str, value: object) -> tuple:  # type: ignore[type-arg]
    return tuple(sorted({**dict(pairs), name: value}.items(), key=lambda pair: pair[0]))
