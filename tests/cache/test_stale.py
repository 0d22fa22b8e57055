"""Writers and readers as processes, killed and paused: nothing stale. ``bench/stale.py`` is it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.databases import LiveDatabase

ROOT = Path(__file__).parents[2]
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
    assert "B_stale=0 A_stale=0 dirty=0 divergent_keys=0" in done.stdout


@pytest.mark.torture
@pytest.mark.parametrize("near", [False, True], ids=["far", "near"])
def test_nothing_is_stale_in_redis(
    near: bool,
    sqlite_database: LiveDatabase,
    redis_url: str,
    dose: Dose,
    record_property: Callable[[str, object], None],
) -> None:
    seconds = str(dose(2, 120))
    more = ["--near"] if near else []
    done = played("--url", sqlite_database.url, "--store", redis_url, "--seconds", seconds, *more)
    record_property("told", done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "B_stale=0 A_stale=0 dirty=0 divergent_keys=0" in done.stdout
