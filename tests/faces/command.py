"""The command line as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = [sys.executable, "-m", "odac_db.cli"]
ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    """How the command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the settings somebody may have for odac-db."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ODAC_DB_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **more}


def odac_db(*arguments: str | Path, cwd: Path, **variables: str) -> Answer:
    """Run ``odac-db`` in a folder and wait for it."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
