"""Writers and readers as processes, killed and paused: nothing stale. ``bench/stale.py`` is it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.databases import LiveDatabase

ROOT = Path(__file__).parents[2]
RIGHT = "B_stale=0 A_stale=0 dirty=0 divergent_keys=0"
Dose = Callable[[int, int], int]


def played(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "bench" / "stale.py"), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.torture
def test_nothing_is_stale_in_memory(
    database: LiveDatabase, dose: Dose, record_property: Callable[[str, object], None]
) -> None:
    done = played("--url", database.url, "--seconds", str(dose(2, 120)))
    record_property("told", done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert RIGHT in done.stdout


@pytest.mark.torture
@pytest.mark.parametrize("near", [False, True], ids=["far", "near"])
def test_nothing_is_stale_in_redis(
    near: bool,
    sqlite_database: LiveDatabase,
    redis_url: str,
    dose: Dose,
    record_property: Callable[[str, object], None],
) -> None:
    """One of its own, that is killed, where the program is to be had."""
    store = shutil.which("redis-server") or redis_url
    seconds = str(dose(3, 120))
    more = ["--near"] if near else []
    done = played("--url", sqlite_database.url, "--store", store, "--seconds", seconds, *more)
    record_property("told", done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert RIGHT in done.stdout


@pytest.mark.torture
def test_a_broken_protocol_is_found(
    sqlite_database: LiveDatabase, dose: Dose, record_property: Callable[[str, object], None]
) -> None:
    """The program sees what it is to see: all mutants in the long dose, one in the short."""
    url = ("--url", sqlite_database.url)
    if dose(0, 1):
        done = played(*url, "--seconds", "10", "--mutants")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "7 of 7 caught" in done.stdout
        record_property("told", done.stdout.strip().splitlines()[-1])
        return
    tries = (played(*url, "--seconds", "2", "--mutant", "no-cascades") for _ in range(5))
    assert any(RIGHT not in done.stdout for done in tries if done.returncode == 1)
