"""Killed anywhere, everything that was acknowledged is in the database exactly once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.buffer.harness import killing_cycles, worker
from tests.fixtures.databases import LiveDatabase

Dose = Callable[[int, int], int]
Told = Callable[[str, object], None]


@pytest.mark.torture
def test_a33_killed_anywhere_each_operation_is_there_once(
    database: LiveDatabase, tmp_path: Path, dose: Dose, record_property: Told
) -> None:
    with worker(database, tmp_path) as working:
        working.cycle(point="after rows", hits=1)
        killing_cycles(working, dose(6, 400))
        found = working.verdict()
        told = f"TORTURE db={database.server.label} cycles={working.cycles}"
        record_property("told", f"{told} kills={working.killed.total()} {found}")
        assert found.clean, (found.lost[:5], found.dup[:5], found.ghost[:5], str(found))
        assert working.killed.total() >= dose(1, 200)
