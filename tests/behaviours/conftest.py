"""``app``: an application with an empty database on each server, and no schema files yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.behaviours.steps import Application
from tests.fixtures.databases import LiveDatabase


@pytest.fixture
def app(database: LiveDatabase, tmp_path: Path) -> Application:
    return Application(database, tmp_path / "schema")
