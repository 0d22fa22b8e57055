"""Races, lost answers, lost commits; and that mistakes put in on purpose are noticed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash.buffer import harness
from tests.crash.buffer.harness import Worker, worker
from tests.crash.buffer.site import Verdict
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase

Told = Callable[[str, object], None]
Dose = Callable[[int, int], int]
Scene = Callable[..., Verdict]

NOTICED: dict[str, Scene] = {
    "no comparison": harness.raided,
    "position in its own transaction": harness.killed_adopters,
    "acknowledged before written": harness.killed_before_a_flush,
    "unlinked before commit": harness.killed_adopters,
    "position from memory": harness.rewound,
    "torn end is taken": harness.killed_while_writing,
    "queued again after a lost commit": harness.cut_off,
}


@pytest.fixture
def working(database: LiveDatabase, tmp_path: Path) -> Any:
    with worker(database, tmp_path) as found:
        yield found


def test_a32_w2_six_flushers_without_a_lock_apply_each_operation_once(working: Worker) -> None:
    found = harness.raided(working)
    assert found.clean, str(found)
    assert found.applied > 50


def test_a_database_that_loses_commits_gets_them_again(working: Worker) -> None:
    found = harness.rewound(working)
    assert found.clean, (found.lost[:5], found.dup[:5], str(found))


def test_b13_a_commit_whose_answer_is_lost_counts_once(working: Worker) -> None:
    found = harness.cut_off(working)
    assert found.clean, (found.lost[:5], found.dup[:5], str(found))


def test_d5_a_flusher_stopped_in_its_transaction_applies_nothing_twice(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    """Another takes its journal over meanwhile; on the servers it is part of bench/torture.py."""
    with worker(sqlite_database, tmp_path) as working:
        found = harness.stopped(working, seconds=1.0)
        assert found.clean, str(found)
        assert found.applied > 50


@pytest.mark.torture
def test_a_mistake_is_noticed(
    sqlite_database: LiveDatabase, tmp_path: Path, dose: Dose, record_property: Told
) -> None:
    chosen = random.sample(list(NOTICED), dose(2, len(NOTICED)))
    unnoticed = []
    for number, fault in enumerate(chosen):
        folder = tmp_path / str(number)
        folder.mkdir()
        ground = databases.create(sqlite_database.server, folder)
        with worker(ground, folder) as working:
            if NOTICED[fault](working, fault=fault).clean:
                unnoticed.append(fault)
        databases.drop(ground)
    caught = len(chosen) - len(unnoticed)
    record_property("told", f"TORTURE mutants={caught}/{len(chosen)}")
    assert unnoticed == []
