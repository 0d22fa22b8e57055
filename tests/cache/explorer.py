"""All interleavings of some flows over one table set, with one fault at any point.

The database is a number: how many commits it has seen. A read is right if the number it
returns was current at one instant between its first step and its end. Programs are the very
generators of ``odac_db.cache.protocol``; a program's state is the answers it was given.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
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
    """Where a program stands. ``began``: the database at its first step; -1 before it.

    ``form`` and ``stamps`` are its answers once more, as ``_form`` tells them.
    """

    answers: tuple[Any, ...] = ()
    form: tuple[int, ...] = ()
    stamps: tuple[int, ...] = ()
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
    copies: tuple[Entry, ...] = ()  # every entry that there ever was


@dataclass
class Exploration:
    """What is explored. ``faults``: crash, lost, flush, restore, at most one in a run.

    ``restore`` puts back what the store held at the beginning, or, if it ``saves``, at any
    instant. ``relaxed``: a read has to know what was committed by writers that returned.
    ``near``: a look may find any entry that there ever was, because processes have copies.
    """

    programs: tuple[Program, ...]
    store: Store
    faults: tuple[str, ...] = ()
    split: bool = True  # entry and stamps are read one after the other
    epoch: bool = True  # a store put back is known for one
    saves: bool = False
    relaxed: bool = False
    near: bool = False
    visited: set[Any] = field(default_factory=set)

    def violations(self) -> list[str]:
        """The first wrong answer, or nothing."""
        gc.disable()  # no state refers to itself, and the collector would walk them all again
        try:
            return self._violations()
        finally:
            gc.enable()

    def _violations(self) -> list[str]:
        saved = self.store if "restore" in self.faults and not self.saves else None
        processes = tuple(Process() for _ in self.programs)
        copies = tuple(entry for _, entry in self.store.entries) if self.near else ()
        stack = [State(0, self.store, processes, saved=saved, copies=copies)]
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
        kept = [*state.store.entries, *(("a copy", one) for one in state.copies)]
        for key, entry in kept:
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
            dead = process._replace(over=True, answers=(), form=(), stamps=(), part=None)
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
            yield _go(state, place, process, Away())
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
                after = state
                if self.near and what.entry not in state.copies:
                    after = state._replace(copies=(*state.copies, what.entry))
                yield _go(after, place, process, None, state.store.filled(what.key, what.entry))
            case Announce():
                store = state.store.announced(what.tables, place, _undecided(state))
                yield _go(state, place, process._replace(announced=True), None, store)
            case Confirm():
                store = state.store.confirmed(what.tables, place, _undecided(state))
                yield _go(state, place, process, None, store)
            case _:
                yield from self._in_database(state, place, process, what)

    def _looked(self, state: State, place: int, process: Process, look: Look) -> Iterator[State]:
        if self.split and process.part is not None:
            yield self._seen(state, place, process, process.part[0], look)
            return
        for entry in dict.fromkeys((state.store.entry(look.key), *state.copies)):
            if self.split:
                yield _put(state, place, process._replace(part=(entry,)))
            else:
                yield self._seen(state, place, process, entry, look)

    def _seen(
        self, state: State, place: int, process: Process, entry: Entry | None, look: Look
    ) -> State:
        return _go(state, place, process, Seen(entry, state.store.current(look.tables)))

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
    form, stamps = _form(answer)
    moved = process._replace(
        answers=(*process.answers, answer),
        form=process.form + form,
        stamps=process.stamps + stamps,
        part=None,
    )
    after = _put(state, place, moved)
    return after if store is None else after._replace(store=store)


def _put(state: State, place: int, process: Process) -> State:
    processes = (*state.processes[:place], process, *state.processes[place + 1 :])
    return state._replace(processes=processes)


def alike(state: State) -> Any:
    """Equal for states that differ in the names of stamps, or in which of two is which."""
    locals_ = [
        (*one.form, *_standing(one), *_tokens(state.store, place))
        for place, one in enumerate(state.processes)
    ]
    order = sorted(range(len(locals_)), key=locals_.__getitem__)
    stamps: list[int] = []
    forms: list[Any] = []
    for store in (state.store, state.saved):
        if store is not None:
            stamps += [stamp.number for _, stamp in store.stamps]
            forms += (len(store.stamps), _flat((entry for _, entry in store.entries), stamps))
    for place in order:
        one = state.processes[place]
        stamps += one.stamps
        forms += (locals_[place], None if one.part is None else _flat((one.part,), stamps))
    if state.copies:
        forms.append(_flat(state.copies, stamps))
    names: dict[int, int] = {}
    named = tuple([names.setdefault(stamp, len(names)) for stamp in stamps])
    return state.number, state.told, state.fault, named, tuple(forms)


def _standing(one: Process) -> tuple[int, ...]:
    return (one.began, one.announced, one.wrote, one.over, one.in_flight, one.shaken, one.made)


def _tokens(store: Store, place: int) -> tuple[int, ...]:
    """Which tokens of the store are this process's, or wait for it."""
    return tuple(
        sum(1 << (kind == "lost") for kind, waits in stamp.tokens if place in waits)
        for _, stamp in store.stamps
    )


def _form(answer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What an answer is but for its stamps, and these."""
    stamps: list[int] = []
    form = _flat((answer,), stamps)
    return form, tuple(stamps)


def _flat(values: Iterable[Any], stamps: list[int]) -> tuple[int, ...]:
    """Values as numbers, each stamp a 0; the stamps are added to the list."""
    flat: list[int] = []
    for value in values:
        match value:
            case None:
                flat.append(-1)
            case Away():
                flat.append(-2)
            case Seen():
                flat += (-3, *_flat((value.entry, value.stamps), stamps))
            case Entry():
                rows = value.rows if isinstance(value.rows, int) else -99
                flat += (-4, rows, *_flat((value.stamps,), stamps))
            case Loaded() | Outcome():
                rows = getattr(value, "rows", 0)
                flat.append(-5 if getattr(value, "led", True) else -6)
                flat.append(rows if isinstance(rows, int) else -99)
                flat.append(getattr(value, "decided", True))
            case tuple():
                flat += (-7, len(value), *_flat(value, stamps))
            case int():
                stamps.append(value)
                flat.append(0)
            case _:
                flat.append(-8)
    return tuple(flat)


def entry_of(rows: int, store: Store, tables: tuple[str, ...]) -> Entry:
    stamps = store.current(tables)
    assert stamps is not None
    return Entry(stamps, rows)
