"""The protocol tried exhaustively: every interleaving of its own flows, with every fault."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from odac_db.cache.protocol import (
    Answer,
    Away,
    Commit,
    Confirm,
    Entry,
    Fill,
    Load,
    Settle,
    commit,
    read,
)
from tests.cache.explorer import Exploration, Program, Rollback, Write, entry_of
from tests.cache.reference import Store

T = ("t",)
FAULTS = ("crash", "lost", "flush", "restore")
Flow = Generator[Any, Any, Any]
Told = Callable[[str, object], None]
Dose = Callable[[int, int], int]


def reader() -> Flow:
    return (yield from read("q", T))


def strict(token: int) -> Flow:
    return (yield from commit(T, token, strict=True, refuse=True))


@dataclass(frozen=True)
class Writer:
    """Writes, reads inside its transaction if ``looks``, and commits or rolls back."""

    token: int
    ends: Callable[[int], Flow] = strict
    looks: bool = False
    dirty: bool = True
    undone: bool = False

    def __call__(self) -> Flow:
        yield Write()
        if self.looks:
            yield from read("q", T, dirty=self.dirty)
        if self.undone:
            yield Rollback()
            return
        yield from self.ends(self.token)


def warm(quarantines: bool = True) -> Store:
    """A store with an entry that is right."""
    store = Store(quarantines=quarantines).settled(T, frozenset(), ran_out=False)
    return store.filled("q", entry_of(0, store, T))


def found(*programs: Program, faults: tuple[str, ...] = FAULTS, **options: Any) -> list[str]:
    store = options.pop("store", warm())
    return Exploration(programs, store, faults=faults, **options).violations()


READERS = (reader, partial(reader))
ONE_WRITER = (*READERS, Writer(0))
TWO_WRITERS = (*ONE_WRITER, Writer(1))


@pytest.mark.parametrize("fault", FAULTS)
def test_two_readers_and_two_writers(fault: str, record_property: Told) -> None:
    exploration = Exploration(TWO_WRITERS, warm(), faults=(fault,))
    assert exploration.violations() == []
    record_property("told", f"model check, {fault}: {len(exploration.visited):,} states")


@pytest.mark.torture
@pytest.mark.parametrize("fault", FAULTS)
def test_from_an_empty_store_and_put_back_at_any_time(fault: str, dose: Dose) -> None:
    writers = dose(1, 2)
    programs = (*READERS, Writer(0), Writer(1))[: 2 + writers]
    assert found(*programs, faults=(fault,), store=Store(), saves=True) == []
    assert found(*programs, faults=(fault,), saves=True) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_copies_in_processes_outlive_everything(fault: str) -> None:
    """A near cache: a look finds any entry that there ever was, whatever Redis has by then."""
    assert found(*ONE_WRITER, faults=(fault,), near=True) == []
    assert found(reader, Writer(0), Writer(1), faults=(fault,), near=True) == []


def test_a_writer_that_rolls_back_and_one_that_looks() -> None:
    assert found(*READERS, Writer(0, undone=True, looks=True), Writer(1, looks=True)) == []


def test_entry_and_stamps_read_at_once() -> None:
    assert found(*ONE_WRITER, split=False) == []


def test_several_tables_one_after_the_other() -> None:
    """A reader of two tables; each of the writers writes one of them, or both."""
    for first, second in [(("t",), ("u",)), (("t", "u"), ("u",))]:
        writers = (Writer(0, partial(of_tables, first)), Writer(1, partial(of_tables, second)))
        assert found(both, *writers) == []


def test_relaxed_knows_what_was_committed_by_writers_that_returned() -> None:
    programs = (*READERS, Writer(0, unannounced), Writer(1, unannounced))
    assert found(*programs, faults=(), relaxed=True, store=warm(quarantines=False)) == []


def both() -> Flow:
    return (yield from read("q", ("t", "u")))


def of_tables(tables: tuple[str, ...], token: int) -> Flow:
    return (yield from commit(tables, token, strict=True, refuse=True))


def unannounced(token: int) -> Flow:
    return (yield from commit(T, token, strict=False, refuse=True))


def confirmed_first(token: int) -> Flow:
    flow = commit(T, token, strict=True, refuse=True)
    yield next(flow)
    yield Confirm(T, token)
    yield Commit()


def confirmed_whatever_became_of_it(token: int) -> Flow:
    flow = commit(T, token, strict=True, refuse=True)
    yield flow.send(None)
    yield flow.send(None)
    yield Confirm(T, token)


def stamped_late() -> Flow:
    """The stamps are read when the rows are stored, not before the query."""
    loaded = yield Load("q", None)
    stamps = yield Settle(T)
    if stamps is not None:
        yield Fill("q", T, Entry(stamps, loaded.rows))
    return Answer(loaded.rows, "miss")


def sharing_by_key() -> Flow:
    """A query on its way is joined, whatever was committed since it began."""
    flow = read("q", T)
    request = next(flow)
    while True:
        asked = Load("q", (0,)) if isinstance(request, Load) else request
        try:
            answer = yield asked
        except Away as away:
            request = flow.throw(away)
            continue
        try:
            request = flow.send(answer)
        except StopIteration as end:
            return end.value


def mutant(*programs: Program, **options: Any) -> Any:
    return pytest.param(programs, options)


MUTANTS = {
    "no PRE": mutant(*READERS, Writer(0, unannounced), faults=()),
    "no PRE, and dead before POST": mutant(*READERS, Writer(0, unannounced), faults=("crash",)),
    "POST before COMMIT": mutant(*READERS, Writer(0, confirmed_first), faults=()),
    "unknown outcome taken for certain": mutant(
        *READERS, Writer(0, confirmed_whatever_became_of_it), faults=("lost",)
    ),
    "stamps taken at fill": mutant(stamped_late, reader, Writer(0), faults=()),
    "no quarantine": mutant(*ONE_WRITER, faults=("flush",), store=warm(quarantines=False)),
    "no epoch": mutant(*ONE_WRITER, faults=("restore",), epoch=False),
    "rollback not discarded": mutant(
        *READERS, Writer(0, looks=True, dirty=False, undone=True), faults=(), store=Store()
    ),
    "no epoch, near": mutant(*ONE_WRITER, faults=("restore",), epoch=False, near=True),
    "no PRE, near": mutant(*READERS, Writer(0, unannounced), faults=(), near=True),
    "flights shared by key": mutant(
        sharing_by_key, partial(sharing_by_key), Writer(0), faults=(), store=Store()
    ),
}


@pytest.mark.parametrize(("programs", "options"), MUTANTS.values(), ids=MUTANTS.keys())
def test_every_mutant_is_found(programs: tuple[Program, ...], options: dict[str, Any]) -> None:
    assert found(*programs, **options) != []
