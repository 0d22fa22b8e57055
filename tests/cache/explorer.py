"""All interleavings of some flows over one table set, with one fault at any point.

The database is a number: how many commits it has seen. A read is right if the number it
returns was current at one instant between its first step and its end. Programs are the very
generators of ``odac_db.cache.protocol``; a program's state is the answers it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

from odac_db.cache.protocol import (
    Announce,
    Answer,
    Away,
    Commit,
    Confirm,
    Entry,
    Fill,
    Load,
    Loaded,
    Look,
    Outcome,
    Seen,
    Settle,
)
from tests.cache.reference import Store

Program = Callable[[], Generator[Any, Any, Any]]


@dataclass(frozen=True)
class Write:
    """The statement of a writer: what it has written is seen by itself alone."""


@dataclass(frozen=True)
class Rollback:
    """The end of a writer that changes its mind."""


class Process(NamedTuple):
    """Where a program stands. ``began``: the database at its first step; -1 before it."""

    answers: tuple[Any, ...] = ()
    began: int = -1
    part: Any = None
    announced: bool = False
    wrote: bool = False
    over: bool = False
    in_flight: bool = False  # COMMIT is on its way, and nobody waits for it
    shaken: bool = False  # the connection to the store is broken
    made: int = 0  # the database as its COMMIT left it


class State(NamedTuple):
    number: int
    store: Store
    processes: tuple[Process, ...]
    fault: bool = False
    saved: Store | None = None
    told: int = 0  # the newest commit whose writer has returned


@dataclass
class Exploration:
    """What is explored. ``faults``: crash, lost, flush, restore, at most one in a run.

    ``restore`` puts back what the store held at the beginning, or, if it ``saves``, at any
    instant. ``relaxed``: a read has to know what was committed by writers that returned.
    """

    programs: tuple[Program, ...]
    store: Store
    faults: tuple[str, ...] = ()
    split: bool = True  # entry and stamps are read one after the other
    epoch: bool = True  # a store put back is known for one
    saves: bool = False
    relaxed: bool = False
    visited: set[Any] = field(default_factory=set)

    def violations(self) -> list[str]:
        """The first wrong answer, or nothing."""
        saved = self.store if "restore" in self.faults and not self.saves else None
        processes = tuple(Process() for _ in self.programs)
        stack = [State(0, self.store, processes, saved=saved)]
        while stack:
            state = stack.pop()
            following = list(self._following(state))
            if not following:
                wrong = self._stale_at_rest(state)
                if wrong:
                    return [wrong]
            for after in following:
                if isinstance(after, str):
                    return [after]
                key = alike(after)
                if key not in self.visited:
                    self.visited.add(key)
                    stack.append(after)
        return []

    def _following(self, state: State) -> Iterator[State | str]:
        """Every next state; a step that nobody else can tell is taken at once, alone."""
        for place, process in enumerate(state.processes):
            if not process.over:
                kind, what = self._next(place, process)
                if kind == "end" or isinstance(what, Write | Rollback):
                    yield from self._steps(state, place, process)
                    return
        for place, process in enumerate(state.processes):
            if process.in_flight:
                landed = process._replace(in_flight=False)
                yield _put(state, place, landed)._replace(number=state.number + 1)
                yield _put(state, place, landed)  # the server undid it
            if not process.over:
                yield from self._steps(state, place, process)
        if not state.fault:
            yield from self._faults(state)

    def _stale_at_rest(self, state: State) -> str | None:
        """A reader who comes when all is over, and all tokens have run out."""
        for key, entry in state.store.entries:
            tables = tuple(name for name, _ in state.store.stamps)
            settled = state.store.settled(tables, frozenset(), ran_out=True)
            if settled.current(tables) == entry.stamps and entry.rows != state.number:
                return f"stale for good: {key} is {entry.rows}, the database {state.number}"
        return None

    def _faults(self, state: State) -> Iterator[State]:
        after = state._replace(fault=True)
        if "flush" in self.faults:
            yield after._replace(store=state.store.emptied())
        if "restore" in self.faults:
            if state.saved is None:
                yield state._replace(saved=state.store)
            else:
                yield self._restored(after)
        for place, process in enumerate(state.processes):
            if process.over or process.in_flight or not process.wrote:
                continue
            dead = process._replace(over=True, answers=(), part=None)
            if "crash" in self.faults:
                yield _put(after, place, dead)
            if "crash" in self.faults and isinstance(self._next(place, process)[1], Commit):
                yield _put(after, place, dead._replace(in_flight=True))

    def _restored(self, state: State) -> State:
        assert state.saved is not None
        old = state.saved
        if self.epoch:  # whoever connects first makes all its stamps strange
            old = replace(state.saved, counter=state.store.counter + 100, stamps=())
        shaken = tuple(one._replace(shaken=not one.over) for one in state.processes)
        return state._replace(store=old, processes=shaken)

    def _next(self, place: int, process: Process) -> tuple[str, Any]:
        return _reached(self.programs[place], process.answers)

    def _steps(self, state: State, place: int, process: Process) -> Iterator[State | str]:
        kind, what = self._next(place, process)
        if process.began < 0:
            process = process._replace(began=state.told if self.relaxed else state.number)
        if kind != "ask":
            yield self._ended(state, place, process, what)
            return
        if process.shaken and isinstance(what, Look | Settle | Fill | Announce | Confirm):
            process = process._replace(shaken=False)
            broken = process._replace(answers=(*process.answers, Away()), part=None)
            yield _put(state, place, broken)
        yield from self._performed(state, place, process, what)

    def _ended(self, state: State, place: int, process: Process, value: Any) -> State | str:
        answer = value if isinstance(value, Answer) else None
        if answer is not None and not (
            isinstance(answer.rows, int) and process.began <= answer.rows <= state.number
        ):
            return (
                f"{answer.source} of {answer.rows} by a read that began at {process.began} "
                f"and ended at {state.number}"
            )
        done = Process(over=True, began=0, in_flight=process.in_flight)
        return _put(state, place, done)._replace(told=max(state.told, process.made))

    def _performed(self, state: State, place: int, process: Process, what: Any) -> Iterator[State]:
        match what:
            case Look():
                yield from self._looked(state, place, process, what)
            case Load():
                yield from _loaded(state, place, process, what)
            case Settle():
                for ran_out in (True, False):
                    store = state.store.settled(what.tables, _undecided(state), ran_out)
                    yield _go(state, place, process, store.current(what.tables), store)
            case Fill():
                yield _go(state, place, process, None, state.store.filled(what.key, what.entry))
            case Announce():
                store = state.store.announced(what.tables, place, _undecided(state))
                yield _go(state, place, process._replace(announced=True), None, store)
            case Confirm():
                store = state.store.confirmed(what.tables, place, _undecided(state))
                yield _go(state, place, process, None, store)
            case _:
                yield from self._in_database(state, place, process, what)

    def _looked(self, state: State, place: int, process: Process, look: Look) -> Iterator[State]:
        entry = state.store.entry(look.key)
        if self.split and process.part is None:
            yield _put(state, place, process._replace(part=(entry,)))
            return
        seen = Seen(process.part[0] if self.split else entry, state.store.current(look.tables))
        yield _go(state, place, process, seen)

    def _in_database(
        self, state: State, place: int, process: Process, what: Any
    ) -> Iterator[State]:
        match what:
            case Write():
                yield _go(state, place, process._replace(wrote=True), None)
            case Rollback():
                yield _go(state, place, process._replace(wrote=False), None)
            case Commit():
                number = state.number + 1
                made = number if self.relaxed else 0
                decided = process._replace(wrote=False, announced=False, made=made)
                yield _go(state._replace(number=number), place, decided, Outcome())
                if "lost" in self.faults and not state.fault:
                    unknown = Outcome(decided=False, error=ConnectionError())
                    going = process._replace(wrote=False, in_flight=True)
                    yield _go(state._replace(fault=True), place, going, unknown)


def _undecided(state: State) -> frozenset[int]:
    """Writers that announced themselves and whose COMMIT may still take effect."""
    return frozenset(
        place
        for place, one in enumerate(state.processes)
        if one.in_flight or (one.announced and one.wrote and not one.over)
    )


def _loaded(state: State, place: int, process: Process, load: Load) -> Iterator[State]:
    """The query; whoever asks with the same stamps while it runs is given its answer."""
    if process.part == "waiting":
        return
    if process.wrote:
        yield _go(state, place, process, Loaded(("uncommitted", place)))
        return
    if load.stamps is None:
        yield _go(state, place, process, Loaded(state.number))
        return
    flight = (load.key, load.stamps)
    if process.part is None:
        led = any(one.part is not None and one.part[0] == flight for one in state.processes)
        yield _put(state, place, process._replace(part="waiting" if led else (flight, None)))
    elif process.part[1] is None:  # the server takes its snapshot
        yield _put(state, place, process._replace(part=(flight, state.number)))
    else:
        rows = process.part[1]
        for other, one in enumerate(state.processes):
            if one.part == "waiting":
                state = _go(state, other, one, Loaded(rows, led=False))
        yield _go(state, place, process, Loaded(rows))


@cache
def _reached(program: Program, answers: tuple[Any, ...]) -> tuple[str, Any]:
    """What the program asks next, after these answers; or what it returned or raised."""
    flow = program()
    try:
        request = next(flow)
        for answer in answers:
            away = isinstance(answer, Away)
            request = flow.throw(answer) if away else flow.send(answer)
    except StopIteration as end:
        return "end", end.value
    except Away:
        return "end", None
    return "ask", request


def _go(
    state: State, place: int, process: Process, answer: Any, store: Store | None = None
) -> State:
    moved = process._replace(answers=(*process.answers, answer), part=None)
    after = _put(state, place, moved)
    return after if store is None else after._replace(store=store)


def _put(state: State, place: int, process: Process) -> State:
    processes = (*state.processes[:place], process, *state.processes[place + 1 :])
    return state._replace(processes=processes)


def alike(state: State) -> Any:
    """Equal for states that differ in the names of stamps, or in which of two is which."""
    store = state.store
    locals_ = [
        (*_flat(one.answers, None), *_standing(one), *_tokens(store, place))
        for place, one in enumerate(state.processes)
    ]
    order = sorted(range(len(locals_)), key=locals_.__getitem__)
    names: dict[Any, int] = {}
    stores = [store] if state.saved is None else [store, state.saved]
    told = [
        (tuple(_flat((stamp.number for _, stamp in one.stamps), names)), _entries(one, names))
        for one in stores
    ]
    processes = tuple(
        (locals_[place], tuple(_flat(state.processes[place].answers, names))) for place in order
    )
    parts = tuple(tuple(_flat((state.processes[place].part,), names)) for place in order)
    return state.number, state.told, state.fault, tuple(told), processes, parts


def _standing(one: Process) -> tuple[int, ...]:
    return (one.began, one.announced, one.wrote, one.over, one.in_flight, one.shaken, one.made)


def _tokens(store: Store, place: int) -> tuple[int, ...]:
    """Which tokens of the store are this process's, or wait for it."""
    return tuple(
        sum(1 << (kind == "lost") for kind, waits in stamp.tokens if place in waits)
        for _, stamp in store.stamps
    )


def _entries(store: Store, names: dict[Any, int]) -> tuple[int, ...]:
    return tuple(_flat((entry for _, entry in store.entries), names))


def _flat(values: Any, names: dict[Any, int] | None) -> Iterator[int]:
    """Values as numbers: stamps by the order in which they appear (0: names are not asked)."""
    for value in values:
        match value:
            case None:
                yield -1
            case Away():
                yield -2
            case Seen():
                yield -3
                yield from _flat((value.entry, value.stamps), names)
            case Entry():
                yield -4
                yield value.rows if isinstance(value.rows, int) else -99
                yield from _flat((value.stamps,), names)
            case Loaded() | Outcome():
                rows = getattr(value, "rows", 0)
                yield -5 if getattr(value, "led", True) else -6
                yield rows if isinstance(rows, int) else -99
                yield getattr(value, "decided", True)
            case tuple():
                yield -7
                yield from _flat(value, names)
            case int():
                yield 0 if names is None else names.setdefault(value, len(names) + 1)
            case _:
                yield -8


def entry_of(rows: int, store: Store, tables: tuple[str, ...]) -> Entry:
    stamps = store.current(tables)
    assert stamps is not None
    return Entry(stamps, rows)
