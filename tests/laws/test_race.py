"""Sixteen processes open an empty database at once, and one of them may die or hang."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from odac_db import Database, LockNotAcquired
from tests.fixtures.databases import LiveDatabase
from tests.laws.folder import planned, told, written
from tests.laws.kinds import kit_of
from tests.laws.rich import rich
from tests.laws.test_boots import boot as booted

PROCESSES = 16
ROOT = Path(__file__).parents[2]


@contextmanager
def racing(database: LiveDatabase, files: Path, **facts: Any) -> Iterator[subprocess.Popen[str]]:
    """``boot.py``, running; killed in the end if it still is."""
    settings = {"url": database.url, "schema": str(files), **facts}
    command = [sys.executable, "-m", "tests.laws.boot", json.dumps(settings)]
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def lines(child: subprocess.Popen[str], state: str, count: int) -> list[dict[str, Any]]:
    """That many lines of that state, as they come."""
    assert child.stdout is not None
    found: list[dict[str, Any]] = []
    for line in child.stdout:
        facts = json.loads(line)
        if facts["state"] == state:
            found.append(facts)
            if len(found) == count:
                return found
    raise AssertionError(f"ended after {found}")


def assert_one_led(outcomes: list[dict[str, Any]]) -> None:
    assert [facts["error"] for facts in outcomes] == [""] * len(outcomes)
    assert all(facts["in_sync"] for facts in outcomes)
    assert sum(facts["applied"] > 0 for facts in outcomes) == 1


def files_for(database: LiveDatabase, directory: Path) -> Path:
    return written(rich(kit_of(database.server)), directory / "schema")


def test_a13_d1_one_of_sixteen_applies(
    two_databases: tuple[LiveDatabase, LiveDatabase], tmp_path: Path
) -> None:
    database, undisturbed = two_databases
    files = files_for(database, tmp_path)
    with racing(database, files, processes=PROCESSES) as race:
        assert_one_led(lines(race, "done", PROCESSES))
    assert booted(undisturbed, files).in_sync
    assert database.dump() == undisturbed.dump()
    assert len(database.rows("_odac_migrations")) == 1


def test_a13_another_takes_over_from_a_killed_leader(
    two_databases: tuple[LiveDatabase, LiveDatabase], tmp_path: Path
) -> None:
    database, undisturbed = two_databases
    files = files_for(database, tmp_path)
    with racing(database, files, stop_after=5) as leader:
        lines(leader, "halfway", 1)
        with racing(database, files, processes=PROCESSES - 1) as followers:
            lines(followers, "waiting", PROCESSES - 1)
            leader.kill()
            leader.wait()
            assert_one_led(lines(followers, "done", PROCESSES - 1))
    assert not told(planned(database, files))
    assert booted(undisturbed, files).in_sync
    assert database.dump() == undisturbed.dump()


def test_who_waits_too_long_says_so_and_changes_nothing(
    database: LiveDatabase, tmp_path: Path
) -> None:
    files = files_for(database, tmp_path)
    with racing(database, files, stop_after=5) as leader:
        lines(leader, "halfway", 1)
        before = database.dump()
        with pytest.raises(LockNotAcquired, match="the migration lock was held") as caught:
            Database.open(database.url, schema=files, migrate=True, lock_timeout=0.3)
        assert "0.3 s" in str(caught.value)
        assert "lock_timeout" in str(caught.value)
        assert database.dump() == before
        leader.kill()
        leader.wait()
    assert booted(database, files).in_sync
